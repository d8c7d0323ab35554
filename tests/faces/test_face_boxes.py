import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hmrm.faces.boxes import overlaps, suppress


def boxes(seed, count):
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 20, (count, 2)).astype(float)
    return np.concatenate([corner, corner + rng.integers(0, 15, (count, 2))], axis=1)


def slow_overlap(a, b):
    """Count the unit squares of whole-numbered boxes."""

    def squares(box):
        x1, y1, x2, y2 = map(int, box)
        return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}

    both, either = squares(a) & squares(b), squares(a) | squares(b)
    return len(both) / len(either) if either else 0.0


seeds = st.integers(0, 2**32 - 1)


@given(seeds)
def test_overlap_agrees_with_counted_squares(seed):
    a, b = boxes(seed, 4), boxes(seed + 1, 5)
    expected = [[slow_overlap(p, q) for q in b] for p in a]
    np.testing.assert_allclose(overlaps(a, b), expected, atol=1e-12)


def slow_suppress(found, scores, limit):
    left = sorted(range(len(found)), key=lambda i: -scores[i])
    kept = []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if slow_overlap(found[best], found[i]) <= limit]
    return kept


@given(seeds, st.integers(0, 12), st.sampled_from([0.0, 0.3, 0.5, 0.7]))
def test_suppression_agrees_with_its_twin(seed, count, limit):
    found = boxes(seed, count)
    # Few different scores, so that ties occur.
    scores = np.random.default_rng(seed).integers(0, 3, count).astype(float)
    assert suppress(found, scores, limit=limit).tolist() == slow_suppress(found, scores, limit)


def test_nested_boxes_go_only_when_asked():
    found = np.array([[0, 0, 100, 100], [10, 10, 40, 40.0]])
    scores = np.array([0.9, 0.8])
    assert suppress(found, scores, limit=0.7).tolist() == [0, 1]
    assert suppress(found, scores, limit=0.7, nested=True).tolist() == [0]
