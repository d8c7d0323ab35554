import errno
import io
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.errors import OutputError
from hmrm.spotting.disk_rows import DiskRows

STEPS = st.lists(st.one_of(st.just("add"), st.integers(0, 5)), max_size=60)


@given(steps=STEPS, start=st.integers(-9, 9), stop=st.integers(-9, 9), step=st.integers(1, 4))
def test_rows_are_those_of_a_list(steps, start, stop, step):
    rows, expected = DiskRows((2, 3), np.int16), []
    for i, what in enumerate(steps):
        if what == "add":
            row = np.arange(6, dtype=np.int16).reshape(2, 3) + 10 * i
            rows.append(row)
            expected.append(row)
        else:
            rows.forget(what)
            del expected[:what]
        assert len(rows) == len(expected)
    whole = np.array(expected, dtype=np.int16).reshape(-1, 2, 3)
    assert rows.shape == whole.shape
    assert np.array_equal(np.asarray(rows), whole)
    assert np.array_equal(rows[start:stop:step], whole[start:stop:step])
    some = np.arange(len(whole))[::-2]
    assert np.array_equal(rows[some], whole[some])
    assert np.array_equal(list(rows), list(whole)), "row by row"
    sent = deepcopy(rows)  # by the same way as pickling
    assert np.array_equal(np.asarray(sent), whole)
    sent.append(np.zeros((2, 3), dtype=np.int16))
    assert len(rows) == len(whole) == len(sent) - 1
    for beyond in (len(whole), -len(whole) - 1):
        with pytest.raises(IndexError, match="row"):
            rows[beyond]


def test_many_rows_lie_on_disk_and_what_is_forgotten_is_given_back():
    rows = DiskRows((1024,), np.float32)
    for i in range(1500):  # 6 MB
        rows.append(np.full(1024, i, np.float32))
    file = rows._file
    assert not isinstance(file._file, io.BytesIO), "in a file by now"
    assert rows[1400:1402][:, 0].tolist() == [1400.0, 1401.0]
    rows.forget(1490)
    assert rows._file is not file
    assert np.asarray(rows)[:, 7].tolist() == list(range(1490, 1500))


def test_another_shape_and_a_full_disk_are_told(monkeypatch):
    rows = DiskRows((2,), np.float32)
    with pytest.raises(ValueError, match="expected shape"):
        rows.append(np.zeros(3))

    class Full:
        def seek(self, place):
            pass

        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(rows, "_file", Full())
    with pytest.raises(OutputError, match=r"No space left on device.*TMPDIR"):
        rows.append(np.zeros(2))
