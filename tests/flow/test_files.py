import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hmrm.errors import DataError, InputError, OutputError
from hmrm.flow.files.formats import FORMATS, LARGEST_SIDE_PX, read_flow, write_flow

shared_folder = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)

flows = arrays.arrays(
    np.float32,
    st.tuples(st.just(2), st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(-500, 500, width=32),
)


def example(height: int = 5, width: int = 7) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 3, (2, height, width)).astype(np.float32)


@pytest.mark.parametrize("suffix", [".flo", ".pfm", ".npy"])
@given(flow=flows)
@shared_folder
def test_float_formats_round_trip_exactly(tmp_path: Path, suffix: str, flow: np.ndarray):
    path = tmp_path / f"f{suffix}"
    write_flow(path, flow)
    np.testing.assert_array_equal(read_flow(path), flow)


@given(flow=flows)
@shared_folder
def test_kitti_rounds_to_a_64th(tmp_path: Path, flow: np.ndarray):
    path = tmp_path / "f.png"
    write_flow(path, flow)
    np.testing.assert_allclose(read_flow(path), flow, atol=1 / 128)
    once = read_flow(path)
    write_flow(path, once)
    np.testing.assert_array_equal(read_flow(path), once)


@pytest.mark.parametrize("suffix", FORMATS)
def test_unknown_pixels_survive(tmp_path: Path, suffix: str):
    flow = example()
    flow[0, 1, 2] = np.nan
    flow[1, 3, 3] = np.inf
    write_flow(tmp_path / f"f{suffix}", flow)
    back = read_flow(tmp_path / f"f{suffix}")
    unknown = np.isnan(back)
    assert unknown[:, 1, 2].all()
    assert unknown[:, 3, 3].all()
    assert unknown.sum() == 4


@pytest.mark.parametrize("suffix", FORMATS)
def test_upper_case_suffix_and_same_bytes(tmp_path: Path, suffix: str):
    write_flow(tmp_path / f"a{suffix.upper()}", example())
    write_flow(tmp_path / f"b{suffix}", example())
    one, two = (tmp_path / n for n in (f"a{suffix.upper()}", f"b{suffix}"))
    assert one.read_bytes() == two.read_bytes()
    np.testing.assert_array_equal(read_flow(one), read_flow(two))


class TestLayouts:
    """Bytes made by hand or by other programs, so that both halves cannot be wrong together."""

    def test_flo(self, tmp_path: Path):
        body = np.arange(12, dtype="<f4")  # u v u v ... row by row
        (tmp_path / "f.flo").write_bytes(b"PIEH" + struct.pack("<ii", 3, 2) + body.tobytes())
        flow = read_flow(tmp_path / "f.flo")
        np.testing.assert_array_equal(flow[0], [[0, 2, 4], [6, 8, 10]])
        np.testing.assert_array_equal(flow[1], [[1, 3, 5], [7, 9, 11]])

    def test_flo_of_opencv(self, tmp_path: Path):
        flow = example()
        cv2.writeOpticalFlow(str(tmp_path / "f.flo"), np.ascontiguousarray(flow.transpose(1, 2, 0)))
        np.testing.assert_array_equal(read_flow(tmp_path / "f.flo"), flow)
        write_flow(tmp_path / "g.flo", flow)
        back = cv2.readOpticalFlow(str(tmp_path / "g.flo"))
        np.testing.assert_array_equal(back.transpose(2, 0, 1), flow)

    @pytest.mark.parametrize(("order", "scale"), [("<f4", "-1.0"), (">f4", "1")])
    def test_pfm_runs_upwards(self, tmp_path: Path, order: str, scale: str):
        rows = np.zeros((2, 3, 3), order)
        rows[0, 0] = [1, 2, 0]  # first in the file is the lowest row
        (tmp_path / "f.pfm").write_bytes(f"PF\n3 2\n{scale}\n".encode() + rows.tobytes())
        flow = read_flow(tmp_path / "f.pfm")
        np.testing.assert_array_equal(flow[:, 1, 0], [1, 2])
        assert np.count_nonzero(flow) == 2

    def test_kitti_channels(self, tmp_path: Path):
        image = np.zeros((2, 3, 3), np.uint16)  # blue known, green v, red u
        image[0, 1] = [1, 32768 - 64, 32768 + 96]
        cv2.imwrite(str(tmp_path / "f.png"), image)
        flow = read_flow(tmp_path / "f.png")
        np.testing.assert_array_equal(flow[:, 0, 1], [1.5, -1.0])
        assert np.isnan(flow).sum() == 10

    @pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8", ">f4", ">f8"])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_npy_of_numpy(self, tmp_path: Path, kind: str, order: str):
        flow = example().astype(kind, order=order)
        np.save(tmp_path / "f.npy", flow)
        np.testing.assert_array_equal(read_flow(tmp_path / "f.npy"), flow.astype(np.float32))

    def test_numpy_reads_ours(self, tmp_path: Path):
        for width in range(1, 40):  # header lengths around the padding's step
            write_flow(tmp_path / "f.npy", example(width=width))
            np.testing.assert_array_equal(np.load(tmp_path / "f.npy"), example(width=width))


def npy_bytes(array: np.ndarray, **options: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def png_bytes(image: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", image)[1])


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png_with(width: int, height: int, raw: bytes, *, depth: int = 16, interlace: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, interlace)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


FLO = b"PIEH" + struct.pack("<ii", 3, 2)
BAD = {
    "empty.flo": (b"", "magic"),
    "magic.flo": (b"XIEH" + struct.pack("<ii", 3, 2) + bytes(48), "magic"),
    "big-endian.flo": (struct.pack(">fii", 202021.25, 3, 2) + bytes(48), "magic"),
    "huge.flo": (b"PIEH" + struct.pack("<ii", 2**31 - 1, 2**31 - 1), "2147483647"),
    "large.flo": (b"PIEH" + struct.pack("<ii", 16384, 16384) + bytes(48), "2147483648 bytes"),
    "negative.flo": (b"PIEH" + struct.pack("<ii", -3, 2) + bytes(48), "-3 x 2"),
    "zero.flo": (b"PIEH" + struct.pack("<ii", 0, 2), "0 x 2"),
    "short.flo": (FLO + bytes(47), "the file has 47"),
    "long.flo": (FLO + bytes(49), "the file has 49"),
    "header.flo": (b"PIEH\x03", "magic"),
    "text.pfm": (b"P6\n3 2\n255\n" + bytes(18), "header"),
    "grey.pfm": (b"Pf\n3 2\n-1\n" + bytes(24), "one channel"),
    "huge.pfm": (b"PF\n999999999 999999999\n-1\n", "999999999"),
    "short.pfm": (b"PF\n3 2\n-1\n" + bytes(71), "72 bytes"),
    "scale.pfm": (b"PF\n3 2\n0\n" + bytes(72), "scale"),
    "infinite.pfm": (b"PF\n3 2\n1e999\n" + bytes(72), "scale"),
    "word.pfm": (b"PF\n3 2\n-e-\n" + bytes(72), "float"),
    "magic.npy": (b"\x93NUMPX" + bytes(100), "magic"),
    "version.npy": (b"\x93NUMPY\x09\0" + bytes(100), "version"),
    "header.npy": (b"\x93NUMPY\x02\0" + struct.pack("<I", 2**32 - 1), "4294967295"),
    "shape.npy": (npy_bytes(np.zeros((5, 7, 2), np.float32)), "(2, height, width)"),
    "flat.npy": (npy_bytes(np.zeros((2, 7), np.float32)), "(2, height, width)"),
    "whole.npy": (npy_bytes(np.zeros((2, 5, 7), np.int32)), "float"),
    "pickle.npy": (npy_bytes(np.array([{}], object), allow_pickle=True), "float"),
    "short.npy": (npy_bytes(np.zeros((2, 5, 7), np.float32))[:-1], "279"),
    "signature.png": (b"GIF89a" + bytes(40), "signature"),
    "eight-bit.png": (png_bytes(np.zeros((4, 4, 3), np.uint8)), "16-bit"),
    "grey.png": (png_bytes(np.zeros((4, 4), np.uint16)), "16-bit"),
    "interlaced.png": (png_with(4, 4, bytes(100), interlace=1), "interlacing"),
    "huge.png": (png_with(2**31 - 1, 2**31 - 1, b""), "2147483647"),
    "bomb.png": (png_with(16384, 16384, b""), "cannot hold"),
    "few-rows.png": (png_with(4, 4, bytes(25 * 3)), "length"),
    "many-rows.png": (png_with(4, 4, bytes(25 * 5)), "length"),
    "filter.png": (png_with(4, 4, bytes([9]) + bytes(99)), "filter"),
    "half.png": (png_bytes(np.zeros((4, 4, 3), np.uint16))[:-20], "truncated"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_content_is_refused_without_allocating(tmp_path: Path, name: str):
    content, words = BAD[name]
    path = tmp_path / name
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read_flow(path)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", FORMATS)
@given(data=st.data())
@shared_folder
def test_damaged_files_give_flow_or_a_named_error(tmp_path: Path, suffix: str, data: st.DataObject):
    path = tmp_path / f"f{suffix}"
    write_flow(path, example())
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        flow = read_flow(path)
    except DataError:
        return
    assert flow.dtype == np.float32
    assert flow.shape[0] == 2


@pytest.mark.parametrize("suffix", FORMATS)
@given(content=st.binary(max_size=200))
@shared_folder
def test_any_bytes_are_refused(tmp_path: Path, suffix: str, content: bytes):
    path = tmp_path / f"f{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError):
        read_flow(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_truncation_is_refused(tmp_path: Path, suffix: str):
    path = tmp_path / f"f{suffix}"
    write_flow(path, example(3, 4))
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DataError):
            read_flow(path)


def test_names_and_places(tmp_path: Path):
    with pytest.raises(DataError, match=r"\.flo, \.png, \.pfm, \.npy"):
        read_flow(tmp_path / "f.exr")
    with pytest.raises(DataError, match="existing"):
        read_flow(tmp_path / "absent.flo")
    with pytest.raises(DataError):
        (tmp_path / "folder.flo").mkdir()
        read_flow(tmp_path / "folder.flo")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_flow(tmp_path / "file" / "f.flo", example())


def test_flows_a_format_cannot_hold(tmp_path: Path):
    with pytest.raises(InputError, match="512"):
        write_flow(tmp_path / "f.png", np.full((2, 3, 3), 512.0))
    with pytest.raises(InputError, match="1e9"):
        write_flow(tmp_path / "f.flo", np.full((2, 3, 3), 2e9))
    with pytest.raises(InputError, match="sides"):
        write_flow(tmp_path / "f.flo", np.zeros((2, 0, 3)))
    with pytest.raises(InputError, match="sides"):
        write_flow(tmp_path / "f.flo", np.zeros((2, 1, LARGEST_SIDE_PX + 1), np.float32))
    assert not list(tmp_path.iterdir())


def test_beyond_float32_is_unknown(tmp_path: Path):
    flow = example().astype(np.float64)
    flow[0, 2, 2] = 1e300
    write_flow(tmp_path / "f.npy", flow)
    assert np.isnan(read_flow(tmp_path / "f.npy")).sum() == 2
    np.save(tmp_path / "g.npy", flow)
    assert np.isnan(read_flow(tmp_path / "g.npy")).sum() == 2


def test_nothing_half_written_is_left(tmp_path: Path):
    write_flow(tmp_path / "f.flo", example())
    assert [p.name for p in tmp_path.iterdir()] == ["f.flo"]
