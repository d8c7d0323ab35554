"""Limits, and what the one reader of each kind refuses."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hmrm import image_size, limits, reading
from hmrm.arrays import read_arrays
from hmrm.errors import ConfigError, shortened
from hmrm.evaluation.settings import load_plan
from hmrm.reading import DamagedError

KINDS = {"ids": "U", "maps": "f"}


def archive(path: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(path, allow_pickle=False, **arrays)
    return path


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    ids, maps = np.array(["a", "é€"]), np.asfortranarray(np.arange(6.0).reshape(2, 3))
    found = read_arrays(archive(tmp_path / "a.npz", ids=ids, maps=maps, other=ids), KINDS)
    assert sorted(found) == ["ids", "maps"]
    np.testing.assert_array_equal(found["ids"], ids)
    np.testing.assert_array_equal(found["maps"], maps)
    found["maps"][0] = 1


@pytest.mark.parametrize("values", [np.float32(3), np.empty((0, 2)), np.zeros((2, 0, 4), ">f4")])
def test_arrays_without_axes_or_elements(values: np.ndarray, tmp_path: Path) -> None:
    found = read_arrays(archive(tmp_path / "a.npz", maps=values), {"maps": "f"})["maps"]
    assert found.shape == values.shape


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ids": np.array(["a"])}, "'maps' is missing"),
        ({"ids": np.array([1]), "maps": np.zeros(1)}, "values of type i8"),
        ({"ids": np.array([0x110000], "u4").view("U1"), "maps": np.zeros(1)}, "characters"),
        ({"ids": np.array([0xD800], "u4").view("U1"), "maps": np.zeros(1)}, "characters"),
    ],
)
def test_arrays_of_another_form(
    arrays: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DamagedError, match=message):
        read_arrays(archive(tmp_path / "a.npz", **arrays), KINDS)


def test_a_header_that_claims_much(tmp_path: Path) -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("maps.npy", content)
    with pytest.raises(DamagedError, match=r"claims 1000000000000 elements.*HMRM_LIMITS=elements"):
        read_arrays(tmp_path / "a.npz", {"maps": "f"})


def test_an_array_that_is_cut_off(tmp_path: Path) -> None:
    with_header = io.BytesIO()
    np.save(with_header, np.zeros(100))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("maps.npy", with_header.getvalue()[:-8])
    with pytest.raises(DamagedError, match="another number of elements"):
        read_arrays(tmp_path / "a.npz", {"maps": "f"})


def test_limits_are_raised_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.VARIABLE, "pixels=7, cells=9")
    assert (limits.current().pixels, limits.current().cells) == (7, 9)
    assert limits.current().depth == limits.Limits().depth
    for wrong in ("pixel=7", "pixels", "pixels=-1", "pixels=x"):
        monkeypatch.setenv(limits.VARIABLE, wrong)
        with pytest.raises(ConfigError, match="is no limit"):
            limits.current()


def test_security_page_states_the_limits() -> None:
    page = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")
    for name, value in vars(limits.Limits()).items():
        assert f"`{name}`" in page
        known = {f"{value:,}", f"{value >> 20} MiB"}
        assert any(form in page for form in known), f"{name} = {value}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 51 + "]" * 51, "nested"),
        ("[" * 5000, "nested"),
        ("[" + "[]," * 1_000_000 + "1]", "holds 2000001 values"),
        ('{"a": ' + "9" * 19 + "}", "digits"),
        ('["\\ud800"]', "surrogate"),
        ('{"a": 1', "not JSON"),
    ],
)
def test_json_beyond_the_limits(text: str, message: str) -> None:
    with pytest.raises(DamagedError, match=message):
        reading.parse_json(text)


def test_json_within_the_limits() -> None:
    text = (
        '{"a": [0.12345678901234567891, 1e400, "'
        + "[" * 99
        + "9" * 30
        + '\\" {", -3, "\\ud83d\\ude00"]}'
    )
    assert reading.parse_json(text)["a"][3] == -3
    assert reading.parse_json("[" * 50 + "]" * 50)


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = " + "9" * 25, "a = 0x" + "f" * 5000]
)
def test_toml_beyond_the_limits(text: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"c\.toml: cannot be read"):
        load_plan(tmp_path / "c.toml")


@pytest.mark.parametrize(
    "key", ["a." * 50 + "a", "a . " * 50 + "a", '"a.b".' * 49 + "'c'.d", "a." * 20_000 + "a"]
)
@pytest.mark.parametrize("form", ["{} = 1", "[{}]", "[[ {} ]]", "x = {{a = 1, {} = 1}}"])
def test_toml_keys_of_too_many_parts(key: str, form: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(f"# {key}\n\nt = '''\n{key}'''\n{form.format(key)}\n")
    with pytest.raises(DamagedError, match=r"line 5: a key of \d+ parts; .*HMRM_LIMITS=depth="):
        reading.read_toml(tmp_path / "c.toml")


@pytest.mark.parametrize(
    "text",
    [
        "a." * 49 + "a = 1",
        "# " + "a." * 60 + "a",
        't = "' + "a." * 60 + 'a\\" \\\\" # ' + "a." * 60,
        "t = '" + "a." * 60 + "\\' # '" + "a." * 60,
        't = """\n""a\\"""' + "a." * 60 + '"""""',
        "t = '''\n''a\\" + "a." * 60 + "'''''",
        "t = [" + "1.5, " * 60 + "1.5]",
        "t = 1e9\n" + "\n".join(f"k{n}.b = 1.5" for n in range(60)),
    ],
)
def test_toml_dots_that_are_no_keys(text: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(text)
    assert isinstance(reading.read_toml(tmp_path / "c.toml"), dict)


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    for name in ("zero", "pipe"):
        with pytest.raises(DamagedError, match="no regular file"):
            reading.read_bytes(tmp_path / name)
    (tmp_path / "long").write_bytes(bytes(11))
    with pytest.raises(DamagedError, match="has 11 bytes"):
        reading.read_bytes(tmp_path / "long", most=10)
    assert len(reading.read_bytes(tmp_path / "long", most=11)) == 11


def test_rows_of_a_table() -> None:
    header, rows = reading.table("a,b\n1\n\n1,2,3\n")
    assert header == ("a", "b")
    assert rows == [(2, {"a": "1", "b": None}), (4, {"a": "1", "b": "2"})]
    with pytest.raises(DamagedError, match="line 2"):
        reading.table("a,b\n1," + "x" * 131_073)


def test_tables_whose_rows_lack_many_cells_or_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = ",".join(f"c{n}" for n in range(100_000))
    with pytest.raises(DamagedError, match=r"line 4: rows lack 299997 cells; .*HMRM_LIMITS=cells="):
        reading.table(f"{wide}\n" + "1\n" * 1000)
    monkeypatch.setenv(limits.VARIABLE, "rows=2")
    assert len(reading.table("a\n1\n2\n")[1]) == 2
    with pytest.raises(DamagedError, match="line 4: more than 2 rows"):
        reading.table("a\n1\n2\n3\n")


def test_long_tables_are_read_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.VARIABLE, "rows=1,frame_rows=2")
    header, rows = reading.row_by_row("a\n1\n2\n3\n", limit="frame_rows")
    assert header == ("a",)
    assert [next(rows), next(rows)] == [(2, {"a": "1"}), (3, {"a": "2"})]
    with pytest.raises(DamagedError, match=r"line 4: more than 2 rows; .*frame_rows=3"):
        next(rows)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tiff", ".pgm", ".webp"])
def test_the_header_tells_the_size(suffix: str) -> None:
    import cv2

    _, content = cv2.imencode(suffix, np.zeros((30, 47), np.uint8))
    assert list(image_size.claimed_sizes(content.tobytes())) == [(47, 30)]


def test_a_file_names_code_only_with_the_option(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("[model]\nname = 'os:system'\ncommand = 'true'\n")
    for allowed in ((), ("os.path",), ("o",)):
        with pytest.raises(ConfigError, match="--allow-code"):
            load_plan(path, allow_code=allowed)
    assert load_plan(path, allow_code=("os",)).model == "os:system"
    assert load_plan(path, model="os:system").options == {"command": "true"}


def test_values_are_shortened_in_messages() -> None:
    assert shortened("abc") == "'abc'"
    assert len(shortened("x" * 100_000)) == 80
    assert shortened(9**99999) == "a number of more than 80 digits"
