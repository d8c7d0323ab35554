"""The importer reads every layout to the same maps, and names the file that is wrong."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmrm.clip import CLASSES
from hmrm.datasets.maps.importers import load_maps, read_map
from hmrm.errors import DataError
from hmrm.synthetic.datasets.flow_maps import LAYOUTS, synthesize_maps, write_layout

SHARED = Path(__file__).parents[2].parent / "shared/data/megc2019_flow"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the 442 public maps are not here")


@pytest.fixture(scope="module")
def synthetic():
    return synthesize_maps(subjects=2, clips=3, generator=np.random.default_rng(0))


@pytest.fixture
def flat(tmp_path, synthetic):
    write_layout(tmp_path / "flat", synthetic, layout="flat")
    return tmp_path / "flat"


@pytest.fixture
def folds(tmp_path, synthetic):
    write_layout(tmp_path / "folds", synthetic, layout="folds")
    return tmp_path / "folds"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_back_what_was_written(tmp_path, synthetic, layout):
    write_layout(tmp_path, synthetic, layout=layout)
    found = load_maps(tmp_path)
    assert found.ids == synthetic.ids
    assert found.source == layout
    np.testing.assert_array_equal(found.labels, synthetic.labels)
    np.testing.assert_array_equal(found.maps, synthetic.maps)


def test_prepared_file_itself_can_be_named_and_keeps_the_digest(tmp_path, synthetic):
    write_layout(tmp_path, synthetic, layout="prepared")
    assert load_maps(tmp_path / "maps.npz").sha256 == load_maps(tmp_path).sha256 == synthetic.sha256


def test_the_same_maps_give_the_same_file(tmp_path, synthetic):
    for name in ("a", "b"):
        write_layout(tmp_path / name, synthetic, layout="prepared")
    assert (tmp_path / "a/maps.npz").read_bytes() == (tmp_path / "b/maps.npz").read_bytes()


def test_offset_maps_belong_to_their_clips(flat, synthetic):
    found = load_maps(flat, offset=True)
    np.testing.assert_allclose(found.offset_maps[:, :2], 1 - synthetic.maps[:, :2], atol=1 / 510)


def test_folder_of_subjects_itself_can_be_named(folds, synthetic):
    assert load_maps(folds / "norm_u_v_os").ids == synthetic.ids


def test_folder_of_folds_may_have_any_name(folds, synthetic):
    (folds / "norm_u_v_os").rename(folds / "three_norm_u_v_os")
    assert load_maps(folds).ids == synthetic.ids


def test_two_sets_of_folds_are_ambiguous(folds):
    shutil.copytree(folds / "norm_u_v_os", folds / "three_norm_u_v_os")
    with pytest.raises(DataError, match="three_norm_u_v_os"):
        load_maps(folds)


def test_names_that_carry_the_subject_only_once_give_the_same_ids(tmp_path, synthetic):
    write_layout(tmp_path, synthetic, layout="folds")
    for file in sorted(tmp_path.rglob("0*_0*_*.png")):
        file.rename(file.with_name(file.name[4:]))
    assert load_maps(tmp_path).ids == synthetic.ids


def test_a_copy_that_differs_is_named(folds):
    victim = next((folds / "norm_u_v_os/sub01/u_train").rglob("*.png"))
    image = cv2.imread(str(victim))
    image[0, 0] ^= 1
    cv2.imwrite(str(victim), image)
    with pytest.raises(DataError, match=f"{victim.name}: differs"):
        load_maps(folds)


def test_a_copy_stored_otherwise_but_equal_in_pixels_agrees(folds, synthetic):
    victim = next((folds / "norm_u_v_os/sub01/u_train").rglob("*.png"))
    before = victim.read_bytes()
    cv2.imwrite(str(victim), cv2.imread(str(victim)), [cv2.IMWRITE_PNG_COMPRESSION, 0])
    assert victim.read_bytes() != before
    assert load_maps(folds).ids == synthetic.ids


def test_a_copy_in_another_class_is_named(folds):
    victim = next((folds / "norm_u_v_os/sub01/u_train/0").glob("*.png"))
    victim.rename(folds / "norm_u_v_os/sub01/u_train/1" / victim.name)
    with pytest.raises(DataError, match="class 1, but"):
        load_maps(folds)


def test_a_copy_that_is_missing_is_an_issue(folds):
    next((folds / "norm_u_v_os/sub01/u_train/0").glob("*.png")).unlink()
    (issue,) = load_maps(folds).issues
    assert (issue.code, "sub01" in issue.where) == ("fold_incomplete", True)


def test_a_training_copy_without_original_is_named(folds):
    shutil.rmtree(folds / "norm_u_v_os/sub01")
    with pytest.raises(DataError, match="no u_test folder"):
        load_maps(folds)


def test_the_test_subjects_own_clip_in_training_is_refused(folds):
    victim = next((folds / "norm_u_v_os/sub01/u_test").rglob("*.png"))
    target = folds / "norm_u_v_os/sub01/u_train" / victim.parent.name
    target.mkdir(exist_ok=True)
    shutil.copy(victim, target / victim.name)
    with pytest.raises(DataError, match="own clip"):
        load_maps(folds)


def test_a_clip_in_two_classes_is_named(folds):
    victim = next((folds / "norm_u_v_os/sub01/u_test/0").glob("*.png"))
    shutil.copy(victim, folds / "norm_u_v_os/sub01/u_test/1" / victim.name)
    with pytest.raises(DataError, match="keep one"):
        load_maps(folds)


@pytest.mark.parametrize("foreign", ["sub02_EP01_1 .png", "nobody .png", "sub01_EP01_1.jpg"])
def test_a_foreign_file_in_a_test_folder_is_named(folds, foreign):
    (folds / "norm_u_v_os/sub01/u_test/0" / foreign).write_bytes(b"x")
    with pytest.raises(DataError, match=foreign.split()[0]):
        load_maps(folds)


def test_a_class_folder_outside_the_classes_is_named(folds):
    (folds / "norm_u_v_os/sub01/u_test/7").mkdir()
    with pytest.raises(DataError, match=r"u_test/7"):
        load_maps(folds)


def test_names_without_the_blank_are_read_too(flat, synthetic):
    for file in sorted((flat / "maps").iterdir()):
        file.rename(file.with_name(file.name.replace(" .png", ".png")))
    assert load_maps(flat).ids == synthetic.ids


def test_a_missing_picture_is_named(flat):
    victim = flat / "maps" / "sub01_EP01_1 .png"
    victim.unlink()
    with pytest.raises(DataError, match=r"sub01_EP01_1 \.png"):
        load_maps(flat)


def test_an_extra_picture_is_named(flat):
    (flat / "maps" / "sub99_EP01_1 .png").write_bytes(b"")
    with pytest.raises(DataError, match=r"sub99_EP01_1 \.png.*no row"):
        load_maps(flat)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a readable image"),
        (b"GIF89a", "not a readable image"),
        (cv2.imencode(".png", np.zeros((28, 27, 3), np.uint8))[1].tobytes(), r"28 x 28"),
        (cv2.imencode(".png", np.zeros((28, 28), np.uint8))[1].tobytes(), r"RGB"),
        (cv2.imencode(".png", np.zeros((28, 28, 3), np.uint16))[1].tobytes(), r"8 bits"),
    ],
)
def test_a_bad_picture_is_named(flat, content, message):
    (flat / "maps" / "sub01_EP01_1 .png").write_bytes(content)
    with pytest.raises(DataError, match=f"sub01_EP01_1 .png: .*{message}"):
        load_maps(flat)


@pytest.mark.parametrize("label", ["3", "-1", "positive", ""])
def test_a_bad_label_names_its_line(flat, label):
    table = flat / "labels.csv"
    lines = table.read_text().splitlines()
    cells = lines[1].split(",")
    cells[3] = label
    table.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]))
    with pytest.raises(DataError, match="line 2"):
        load_maps(flat)


def test_a_clip_listed_twice_is_named(flat):
    table = flat / "labels.csv"
    table.write_text(table.read_text() + table.read_text().splitlines()[1] + "\n")
    with pytest.raises(DataError, match="already belongs"):
        load_maps(flat)


def test_a_path_in_the_table_cannot_leave_the_folder(flat):
    table = flat / "labels.csv"
    table.write_text(table.read_text().replace("sub01", "../sub01", 1))
    with pytest.raises(DataError, match="plain name"):
        load_maps(flat)


def test_a_missing_column_is_named(flat):
    table = flat / "labels.csv"
    table.write_text(table.read_text().replace("filename_o", "name"))
    with pytest.raises(DataError, match="filename_o"):
        load_maps(flat)


def test_a_folder_in_no_known_layout_says_what_is_expected(tmp_path):
    with pytest.raises(DataError, match=r"labels\.csv"):
        load_maps(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        load_maps(tmp_path / "nowhere")


def test_identical_maps_and_empty_columns_are_issues(flat):
    shutil.copy(flat / "maps/sub01_EP01_1 .png", flat / "maps/sub02_EP01_1 .png")
    issues = load_maps(flat).issues
    assert {o.code for o in issues} == {"identical_maps", "blank_column"}
    same = next(o for o in issues if o.code == "identical_maps")
    assert same.where == "casme2/sub01/EP01_1 = casme2/sub02/EP01_1"


@needs_shared
def test_the_public_maps_have_the_published_counts():
    found = load_maps(SHARED, offset=True)
    assert (len(found.ids), len(set(found.subjects))) == (442, 68)
    counts = {
        name: tuple(
            np.bincount(found.labels[[d == name for d in found.datasets]], minlength=3).tolist()
        )
        for name in sorted(set(found.datasets))
    }
    assert found.classes == CLASSES
    assert counts == {"casme2": (88, 32, 25), "samm": (92, 26, 15), "smic": (70, 51, 43)}
    assert sum(i[-2:] in ("_1", "_2", "_3") for i in found.ids) == 94


@needs_shared
def test_channels_of_the_public_maps_are_u_v_strain():
    """Strain is what u and v say, up to the stored scaling; in BGR order it would not be."""
    from hmrm.flow.strain import optical_strain

    maps = load_maps(SHARED).maps
    cosine_similarity = [
        np.corrcoef(optical_strain(m[:2]).ravel(), m[2].ravel())[0, 1] for m in maps[::10]
    ]
    swapped = [
        np.corrcoef(optical_strain(m[1:][::-1]).ravel(), m[0].ravel())[0, 1] for m in maps[::10]
    ]
    assert np.median(cosine_similarity) > 0.5 > np.median(swapped) + 0.2


def test_a_name_that_no_file_can_have_is_named(tmp_path):
    with pytest.raises(DataError, match="no file can have this name"):
        read_map(tmp_path / "a\0.png")
