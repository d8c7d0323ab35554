"""Images of events in a temporary file."""

import io
from copy import deepcopy

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hmrm.analysis.kept_images import KeptImages
from hmrm.clip import EventImages, FlowMap, Pair, StripImage


def images(seed: int, *, colour: bool, flow: bool, strip: int) -> EventImages:
    rng = np.random.default_rng(seed)
    shape = (9, 7, 3) if colour else (9, 7)

    def image() -> np.ndarray:
        return rng.integers(0, 256, shape, dtype=np.uint8)

    return EventImages(
        pair=Pair(onset=image(), apex=image(), onset_index=seed, apex_index=seed + 5),
        flow=rng.normal(size=(2, 9, 7)).astype(np.float32) if flow else None,
        flow_map=FlowMap(values=rng.normal(size=(3, 4, 4)), crop="canonical", scale_px=2.0)
        if flow
        else None,
        strip=tuple(StripImage(index=i, time_s=i / 25, image=image()) for i in range(strip)),
    )


def same(one: EventImages, other: EventImages) -> None:
    assert (one.pair.onset_index, one.pair.apex_index) == (
        other.pair.onset_index,
        other.pair.apex_index,
    )
    pairs = [(one.pair.onset, other.pair.onset), (one.pair.apex, other.pair.apex)]
    assert (one.flow is None) == (other.flow is None)
    assert (one.flow_map is None) == (other.flow_map is None)
    if one.flow is not None and one.flow_map is not None:
        assert other.flow is not None
        assert other.flow_map is not None
        assert (one.flow_map.crop, one.flow_map.scale_px) == (
            other.flow_map.crop,
            other.flow_map.scale_px,
        )
        pairs += [(one.flow, other.flow), (one.flow_map.values, other.flow_map.values)]
    assert [(s.index, s.time_s) for s in one.strip] == [(s.index, s.time_s) for s in other.strip]
    pairs += [(a.image, b.image) for a, b in zip(one.strip, other.strip, strict=True)]
    for first, second in pairs:
        assert first.dtype == second.dtype
        assert np.array_equal(first, second)


@given(
    count=st.integers(1, 6),
    order=st.permutations(range(6)),
    colour=st.booleans(),
    flow=st.booleans(),
    strip=st.integers(0, 3),
)
def test_images_come_back_as_they_were_kept_in_any_order(count, order, colour, flow, strip):
    kept, expected = KeptImages(6), [None] * 6
    for place in order[:count]:
        expected[place] = images(place, colour=colour, flow=flow, strip=strip)
        kept.keep(place, expected[place])
    assert len(kept) == 6
    sent = deepcopy(kept)  # by the same way as pickling
    for read in (list(kept), kept[:], [kept[i] for i in range(6)], list(sent)):
        assert [one is None for one in read] == [one is None for one in expected]
        for one, other in zip(read, expected, strict=True):
            if other is not None:
                same(one, other)


def test_many_lie_on_disk_and_leave_no_arrays_in_memory():
    kept = KeptImages(3)
    for place in range(3):
        large = np.full((600, 800, 3), place, dtype=np.uint8)
        pair = Pair(onset=large, apex=large + 1)
        kept.keep(place, EventImages(pair=pair, flow=None, flow_map=None))
    assert not isinstance(kept._file._file, io.BytesIO), "in a file by now"
    owned = sum(
        array.base.nbytes if array.base is not None else array.nbytes
        for _, one in kept._kept
        for array in (one.pair.onset, one.pair.apex)
    )
    assert owned < 100
    assert [one.pair.apex.max() for one in kept] == [1, 2, 3]
