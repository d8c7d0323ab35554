"""hmrm flow against true flows: matched by name, scored, printed and written; and --align."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from hmrm.cli.main import app
from hmrm.errors import DataError, HmrmError, InputError
from hmrm.flow.aligned import Aligned
from hmrm.flow.classical import Dis
from hmrm.flow.estimate import estimate_flow
from hmrm.flow.files.formats import read_flow, write_flow
from hmrm.flow.files.truth import find_truth, write_scores
from hmrm.flow.metrics import OUTLIER_PX, flow_scores

SIDE = 48


def save_pair(folder: Path, name: str, u: float) -> np.ndarray:
    """A textured pair that moves by ``u`` px to the right, and its true flow."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).standard_normal((SIDE, SIDE))
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    image = 128 + 40 * smooth / smooth.std()
    for ending, shift in (("onset", 0.0), ("apex", u)):
        moved = cv2.warpAffine(
            image, np.float64([[1, 0, shift], [0, 1, 0]]), (SIDE, SIDE), borderMode=2
        )
        cv2.imwrite(str(folder / f"{name}_{ending}.png"), np.clip(moved, 0, 255).astype(np.uint8))
    truth = np.zeros((2, SIDE, SIDE), np.float32)
    truth[0] = u
    return truth


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["flow", *map(str, arguments), "--method", "dis"])


def failure(*arguments: object) -> HmrmError:
    error = run(*arguments).exception
    assert isinstance(error, HmrmError), error
    return error


def test_a_folder_of_pairs_against_a_folder_of_truths(tmp_path: Path) -> None:
    pairs, truths, out = tmp_path / "pairs", tmp_path / "truths", tmp_path / "out"
    truths.mkdir()
    for name, u, file in (("a", 0.5, "a.flo"), ("b", 1.0, "b_flow.npy")):
        write_flow(truths / file, save_pair(pairs, name, u))
    done = run(pairs, "-o", out, "--truth", truths)
    assert done.exit_code == 0, done.output
    assert "no flow at all 1.000" in done.output and "mean of 2: end-point error" in done.output
    with (out / "scores.csv").open() as file:
        rows = {row["pair"]: row for row in csv.DictReader(file)}
    for name, file in (("a", "a.flo"), ("b", "b_flow.npy")):
        due = flow_scores(read_flow(out / f"{name}.flo"), read_flow(truths / file))
        assert float(rows[name]["epe_px"]) == pytest.approx(due.epe_px, rel=1e-5)
        assert float(rows[name]["angular_deg"]) == pytest.approx(due.angular_deg, rel=1e-5)
        assert float(rows[name]["above_0.1_px"]) == pytest.approx(due.outliers[0], rel=1e-5)
    assert len(rows["a"]) == 8 + len(OUTLIER_PX)


def test_one_pair_against_one_file_as_json(tmp_path: Path) -> None:
    truth = save_pair(tmp_path, "a", 0.5)
    truth[:, :, : SIDE // 2] = np.nan
    write_flow(tmp_path / "true.pfm", truth)
    sides = (tmp_path / "a_onset.png", tmp_path / "a_apex.png", "-o", tmp_path / "f.flo")
    done = run(*sides, "--truth", tmp_path / "true.pfm", "--scores", tmp_path / "s.json")
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "s.json").read_text())
    due = flow_scores(read_flow(tmp_path / "f.flo"), truth)
    assert found["pairs"]["a_onset-a_apex"]["epe_px"] == due.epe_px == found["mean"]["epe_px"]
    assert found["outliers_above_px"] == list(OUTLIER_PX)
    assert run(*sides, "--truth", tmp_path / "true.pfm").exit_code == 0
    assert (tmp_path / "f-scores.csv").is_file()


def test_what_does_not_fit_is_refused_before_anything_is_estimated(tmp_path: Path) -> None:
    pairs, out = tmp_path / "pairs", tmp_path / "out"
    for name in ("a", "b"):
        truth = save_pair(pairs, name, 0.5)
    write_flow(tmp_path / "truths/a.flo", truth)
    write_flow(tmp_path / "truths/a_flow.flo", truth)
    assert "pair a, has a.flo, a_flow.flo" in str(
        failure(pairs, "-o", out, "--truth", pairs.parent / "truths")
    )
    (tmp_path / "truths/a_flow.flo").unlink()
    assert "pair b, has none" in str(failure(pairs, "-o", out, "--truth", tmp_path / "truths"))
    one = tmp_path / "truths/a.flo"
    assert "one flow file for 2 pairs" in str(failure(pairs, "-o", out, "--truth", one))
    assert "no such flow file" in str(
        failure(pairs / "a_onset.png", pairs / "a_apex.png", "--truth", "no.flo")
    )
    assert "give --truth" in str(failure(pairs, "-o", out, "--scores", "s.csv"))
    assert "unknown suffix" in str(failure(pairs, "-o", out, "--truth", one, "--scores", "s.xls"))
    assert not out.exists()


def test_a_truth_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    save_pair(tmp_path, "a", 0.5)
    sides = (tmp_path / "a_onset.png", tmp_path / "a_apex.png", "-o", tmp_path / "f.flo", "--truth")
    write_flow(tmp_path / "small.flo", np.zeros((2, 40, SIDE)))
    assert "true flow of 48 x 40 px" in str(failure(*sides, tmp_path / "small.flo"))
    write_flow(tmp_path / "unknown.flo", np.full((2, SIDE, SIDE), np.nan))
    assert "no pixel of it is known" in str(failure(*sides, tmp_path / "unknown.flo"))
    (tmp_path / "damaged.flo").write_bytes(b"no flow")
    assert isinstance(failure(*sides, tmp_path / "damaged.flo"), DataError)


def test_scores_have_two_forms(tmp_path: Path) -> None:
    score = flow_scores(np.zeros((2, 4, 4)), np.ones((2, 4, 4)))
    with pytest.raises(InputError, match=r"use \.csv or \.json"):
        write_scores(tmp_path / "s.txt", {"a": score})
    assert find_truth(tmp_path, {}) == {}


def test_align_takes_the_heads_motion_out_first(tmp_path: Path) -> None:
    truth = save_pair(tmp_path, "a", 3.0)
    onset, apex = (cv2.imread(str(tmp_path / f"a_{e}.png"), 0) for e in ("onset", "apex"))
    plain = estimate_flow(onset, apex, method="farneback")
    aligned = estimate_flow(onset, apex, method="farneback", align=True)
    inside = np.s_[:, 8:-8, 8:-8]
    assert np.abs(aligned - truth)[inside].mean() < np.abs(plain - truth)[inside].mean()
    done = run(
        tmp_path / "a_onset.png", tmp_path / "a_apex.png", "-o", tmp_path / "f.npy", "--align"
    )
    assert done.exit_code == 0, done.output
    np.testing.assert_array_equal(
        read_flow(tmp_path / "f.npy"), Aligned(estimator=Dis())(onset, apex)
    )
