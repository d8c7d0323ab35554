import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hmrm.faces.align import apply
from hmrm.faces.follow import robust_similarity


@given(st.integers(0, 2**32 - 1), st.floats(0.9, 1.1), st.floats(-0.2, 0.2))
def test_robust_similarity_ignores_a_minority(seed, scale, turn):
    rng = np.random.default_rng(seed)
    source = rng.uniform(0, 100, (60, 2))
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    true = np.array([[c, -s, 3.0], [s, c, -2.0]])
    target = apply(true, source)
    target[:15] += rng.uniform(3, 6, (15, 2))
    found = robust_similarity(source, target)
    # Weights of Geman and McClure never reach zero: a quarter moving 4 to 8 px leaves a trace.
    assert np.abs(apply(found, source[15:]) - target[15:]).max() < 0.05
