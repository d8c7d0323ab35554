"""Reasons: what regions add, which units a motion looks like, and what is written of both."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from hmrm import provenance, records
from hmrm.analysis.classify import NetworkClassifier
from hmrm.analysis.explain.drawing import drawing
from hmrm.analysis.explain.reasons import reasons
from hmrm.analysis.explain.regions import contributions, counterfactual
from hmrm.analysis.explain.units import likely_units
from hmrm.analysis.export.tables import events_table
from hmrm.analysis.read import read_analysis
from hmrm.analysis.record import Analysis
from hmrm.analysis.saved import save
from hmrm.cli.main import app
from hmrm.clip import Event, FlowMap
from hmrm.faces.regions import FINE, MIRRORED_FINE
from hmrm.facs.atlas import ActionUnit, AtlasSource, Side
from hmrm.flow.pair import flow_map, mirrored_maps
from hmrm.model.exported import ExportedHmrm, load_exported

ROOT = Path(__file__).resolve().parents[2]
NAMES = [region.name for region in FINE]


def moved(*units: ActionUnit) -> FlowMap:
    noise = np.random.default_rng(0).normal(0, 0.02, (2, 224, 224))
    return flow_map(AtlasSource().flow(units, 224) + noise)


@pytest.fixture(scope="module")
def network() -> ExportedHmrm:
    found = load_exported("hmrm-synthetic")
    assert found is not None
    return found


def test_a_mirrored_movement_has_mirrored_contributions(network: ExportedHmrm) -> None:
    values = moved(ActionUnit(12, "left", 1.0)).values
    one = contributions(np.log(network.without_each_region(values)))
    other = contributions(np.log(network.without_each_region(mirrored_maps(values[None])[0])))
    for place, name in enumerate(NAMES):
        assert other[NAMES[MIRRORED_FINE[place]]] == pytest.approx(one[name], abs=1e-4)


def test_the_counterfactual_is_the_largest_contribution_that_changes_the_class() -> None:
    logits = np.tile([2.0, 1.0, 0.0], (17, 1))
    logits[4] = [0.9, 1.0, 0.0]
    logits[6] = [-3.0, 0.0, 1.0]
    found = counterfactual(logits, ("negative", "positive", "surprise"))
    assert found is not None
    assert (found.region, found.label) == (NAMES[5], "surprise")
    assert counterfactual(np.tile([2.0, 1.0], (17, 1)), ("a", "b")) is None


@pytest.mark.parametrize(
    ("number", "side"),
    [(1, "left"), (2, "right"), (4, "both"), (12, "both"), (12, "right"), (17, "both")],
)
def test_a_single_unit_of_the_atlas_is_found_first(number: int, side: Side) -> None:
    found = likely_units(moved(ActionUnit(number, side, 1.0)))
    assert (found[0].number, found[0].side) == (number, side)
    assert found[0].px == pytest.approx(1.0, abs=0.3)


def test_without_a_scale_no_unit_is_stated() -> None:
    known = moved(ActionUnit(12, "both", 1.0))
    unknown = FlowMap(values=known.values, crop=known.crop, scale_px=float("nan"))
    assert likely_units(unknown) == ()
    assert reasons(unknown, None).sentence == ""


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    shown = moved(ActionUnit(12, "both", 1.0), ActionUnit(6, "both", 0.8))
    found = NetworkClassifier()(shown)
    event = Event(
        face_id=0,
        onset_index=3,
        apex_index=6,
        offset_index=9,
        onset_s=0.1,
        apex_s=0.2,
        offset_s=0.3,
        region="left_cheek",
        peak_motion_px=1.0,
        salience=0.9,
        label=found.label,
        probabilities=found.probabilities,
        reasons=reasons(shown, found),
    )
    return Analysis(
        source="smile.mp4",
        frame_count=20,
        duration_s=0.7,
        frames_per_s=30.0,
        size_wh_px=(64, 48),
        events=(event,),
        frames=(),
        images=(None,),
        notices=(),
        provenance=provenance.stamp(),
    )


def test_reasons_are_written_everywhere_and_read_back(analysis: Analysis, tmp_path: Path) -> None:
    save(tmp_path, analysis)
    schema = json.loads((ROOT / "src/hmrm/analysis/analysis.schema.json").read_text())
    jsonschema.validate(json.loads((tmp_path / "analysis.json").read_text()), schema)
    why = analysis.events[0].reasons
    again = read_analysis(tmp_path).events[0].reasons
    assert why is not None and again is not None
    assert again.sentence == why.sentence
    assert list(again.regions) == list(why.regions)
    assert why.sentence.startswith("lip corners up and out on both sides")
    row = events_table(analysis)
    assert row["reason"][0] == why.sentence
    assert row["action_units"][0].startswith("AU12 both")
    assert row["leading_regions"][0] == ";".join(list(why.regions)[:2])
    assert why.sentence in (tmp_path / "report.html").read_text()


def test_the_command_prints_and_draws(analysis: Analysis, tmp_path: Path) -> None:
    save(tmp_path, analysis)
    image = tmp_path / "why.png"
    done = CliRunner().invoke(app, ["explain", str(tmp_path), "-o", str(image)])
    assert done.exit_code == 0
    assert "AU12" in done.output
    assert image.read_bytes().startswith(b"\x89PNG")
    as_json = CliRunner().invoke(app, ["explain", str(tmp_path), "--json"])
    why = analysis.events[0].reasons
    assert json.loads(as_json.output)["units"] == [
        {**one, "px": pytest.approx(one["px"], abs=1e-4)} for one in records.to_json(why)["units"]
    ]


def test_the_drawing_shades_the_leading_region_most(analysis: Analysis) -> None:
    why = analysis.events[0].reasons
    assert why is not None
    image = drawing(why).astype(int)
    redness = image[..., 0] - image[..., 2]
    means = {one.name: redness[_rows(one.box_xyxy)].mean() for one in FINE}
    assert max(means, key=lambda name: means[name]) == next(iter(why.regions))


def _rows(box: tuple[float, float, float, float]) -> tuple[slice, slice]:
    left, top, right, bottom = box
    return (
        slice(round(top * 648), round(bottom * 648)),
        slice(round(left * 448), round(right * 448)),
    )


def test_a_classifier_names_the_units_and_the_atlas_gives_side_and_px() -> None:
    shown = moved(ActionUnit(12, "left", 1.0), ActionUnit(4, "both", 1.0))
    [found] = likely_units(shown, {12: 0.9, 4: 0.1, 45: 0.0})
    assert (found.number, found.side) == (12, "left")
    assert found.px == pytest.approx(1.0, abs=0.3)
    # Eyes that close are fitted as a blink.
    blink = likely_units(moved(ActionUnit(45, "both", 2.0)), {43: 0.9})
    assert [(one.number, one.side) for one in blink] == [(45, "both")]
