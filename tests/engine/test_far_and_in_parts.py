"""Work on other machines, and parts of a run joined, give the bytes of a run in one piece."""

import hashlib
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from far_engine import FarEngine

from hmrm.analysis.analyze_videos import analyze_videos
from hmrm.analysis.spot import spot_videos
from hmrm.analysis.target import Target
from hmrm.datasets.preparation.plan import PrepareConfig
from hmrm.datasets.preparation.prepare_clip import ClipSettings
from hmrm.datasets.preparation.run import prepare, prepare_shard
from hmrm.engine.local import LocalEngine
from hmrm.errors import ConfigError, DataError
from hmrm.evaluation.ablation.runs import ablate, ablate_shard, load_ablation
from hmrm.evaluation.run import evaluate, evaluate_shard
from hmrm.evaluation.settings import Plan, Settings
from hmrm.evaluation.task_maps import MapFolder
from hmrm.shard import Shard
from hmrm.synthetic.datasets.composite import synthetic_casme2
from hmrm.synthetic.datasets.flow_maps import synthesize_maps, write_layout
from hmrm.synthetic.datasets.writer import write_points, write_synthetic
from hmrm.synthetic.demo import demo_clip

PLAN = Plan(model="svm-linear", options={}, settings=Settings(folds="4", seeds=(0, 1)))
PARTS = [Shard(number, of=3) for number in (1, 2, 3)]


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file but the seconds, without the commit, which may move meanwhile."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(
            re.sub(rb'"commit": "[^"]*"', b"", path.read_bytes())
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "timings.jsonl"
    }


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where runs are started, with flow maps in it; an engine works in another."""
    (tmp_path / "here").mkdir()
    (tmp_path / "far").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    made = synthesize_maps(subjects=2, clips=3, noise=0.5, generator=np.random.default_rng(0))
    write_layout(Path("maps"), made, layout="prepared")
    return tmp_path / "here"


@pytest.fixture
def far(here: Path) -> FarEngine:
    return FarEngine(here.parent / "far")


def test_folds_computed_far_away_are_those_computed_here(here: Path, far: FarEngine) -> None:
    folder = MapFolder(path=Path("maps"))
    evaluate(folder.load(), PLAN, Path("local"))
    evaluate(folder.load(), PLAN, Path("far"), engine=far, folder=folder)
    assert far.done == 8 and not list(far.place.iterdir())
    assert contents(Path("far")) == contents(Path("local"))


def test_what_came_back_before_the_loss_is_kept(here: Path, far: FarEngine) -> None:
    folder = MapFolder(path=Path("maps"), dataset="smic")
    far.loses_after = 3
    with pytest.raises(ConnectionError):
        evaluate(folder.load(), _two_folds(), Path("far"), engine=far, folder=folder)
    assert len(list(Path("far/folds").rglob("*.json"))) == 3
    again = FarEngine(far.place)
    evaluate(folder.load(), _two_folds(), Path("far"), engine=again, folder=folder)
    assert again.done == 1
    evaluate(folder.load(), _two_folds(), Path("local"))
    assert contents(Path("far")) == contents(Path("local"))


def _two_folds() -> Plan:
    return Plan(model="svm-linear", options={}, settings=Settings(folds="2", seeds=(0, 1)))


def test_other_maps_at_the_same_path_are_refused_before_any_fold(
    here: Path, far: FarEngine
) -> None:
    folder = MapFolder(path=Path("maps"))
    maps = folder.load()
    other = synthesize_maps(subjects=2, clips=3, noise=0.5, generator=np.random.default_rng(1))
    shutil.rmtree("maps")
    write_layout(Path("maps"), other, layout="prepared")
    with pytest.raises(DataError, match=r"here/maps: holds other maps than where"):
        evaluate(maps, PLAN, Path("far"), engine=far, folder=folder)
    shutil.rmtree("maps")
    with pytest.raises(DataError, match=r"here/maps"):
        evaluate(maps, PLAN, Path("far"), engine=far, folder=folder)
    with pytest.raises(ConfigError, match="in memory alone"):
        evaluate(maps, PLAN, Path("far"), engine=far)
    assert far.done == 0 and not Path("far").exists()


def test_parts_of_an_evaluation_join(here: Path) -> None:
    maps = MapFolder(path=Path("maps")).load()
    evaluate(maps, PLAN, Path("whole"))
    counts = [evaluate_shard(maps, PLAN, Path("run"), part) for part in PARTS[:2]]
    assert counts == [3, 3] and not Path("run").exists()
    steps: list[tuple[str, int, int | None]] = []
    evaluate(maps, PLAN, Path("run"), progress=lambda *step: steps.append(step))
    assert steps[0] == ("folds", 6, 8), "two folds of the third part were missing"
    assert contents(Path("run")) == contents(Path("whole"))
    lines = Path("run/timings.jsonl").read_text().splitlines()
    assert len(lines) == len(set(lines)) == 8


def test_a_part_of_another_plan_is_refused(here: Path) -> None:
    maps = MapFolder(path=Path("maps")).load()
    evaluate_shard(maps, _two_folds(), Path("run"), PARTS[1])
    with pytest.raises(ConfigError, match=r"run\.shards/2-of-3: holds a run of other settings"):
        evaluate(maps, PLAN, Path("run"))


def test_a_damaged_fold_of_a_part_is_named(here: Path) -> None:
    maps = MapFolder(path=Path("maps")).load()
    evaluate_shard(maps, PLAN, Path("run"), PARTS[0])
    file = next(Path("run.shards/1-of-3/folds").rglob("*.json"))
    file.write_text(file.read_text().replace('"epochs": null', '"epochs": 3'))
    with pytest.raises(DataError, match=rf"{file.name}: changed since it was written"):
        evaluate(maps, PLAN, Path("run"))


def test_parts_of_an_ablation_join(here: Path) -> None:
    Path("base.toml").write_text('[model]\nname = "svm-linear"\n')
    Path("rows.toml").write_text(
        'base = "base.toml"\n[evaluation]\nfolds = "2"\nseeds = [0]\n'
        '[[rows]]\nname = "rbf"\nmodel = { name = "svm-rbf" }\n'
    )
    maps, asked = MapFolder(path=Path("maps")).load(), load_ablation(Path("rows.toml"))
    ablate(maps, asked, Path("whole"))
    for part in (Shard(1, of=2), Shard(2, of=2)):
        assert ablate_shard(maps, asked, Path("run"), part) == 2
    ablate(maps, asked, Path("run"))
    found = {n: d for n, d in contents(Path("run")).items() if ".shards/" not in n}
    assert found == contents(Path("whole"))


@pytest.fixture
def clips(here: Path) -> Path:
    """A data set of three clips: one cannot be prepared, one lacks a frame, which is noted."""
    points = write_synthetic(Path("root"), synthetic_casme2().first(3))
    write_points(Path("faces.csv"), points)
    broken, gap, _ = sorted({path.parent for path in Path("root").rglob("*.jpg")})
    for image in broken.glob("*.jpg"):
        image.write_bytes(b"no image")
    images = sorted(gap.glob("*.jpg"))
    images[len(images) // 3].unlink()
    return Path("root")


def test_clips_prepared_far_away_or_in_parts_are_those_prepared_here(
    clips: Path, far: FarEngine
) -> None:
    settings = PrepareConfig(clip=ClipSettings(flow="farneback"), faces=Path("faces.csv"))
    whole = prepare("casme2", clips, Path("whole"), settings)
    assert len(whole.clips) == 2 and any(one.where.startswith("root/") for one in whole.issues)
    prepare("casme2", clips, Path("far"), settings, engine=far)
    assert contents(Path("far")) == contents(Path("whole"))
    made = [prepare_shard("casme2", clips, Path("parts"), part, settings) for part in PARTS]
    assert sum(made) == 2
    joined = prepare("casme2", clips, Path("parts"), settings, engine=_Refusing())
    assert joined.made == 0 and contents(Path("parts")) == contents(Path("whole"))
    other = PrepareConfig(clip=ClipSettings(flow="dis"), faces=Path("faces.csv"))
    with pytest.raises(ConfigError, match=r"parts\.shards/1-of-3: holds a run of other settings"):
        shutil.rmtree("parts")
        prepare("casme2", clips, Path("parts"), other)


class _Refusing(LocalEngine):
    """Computes only what cannot be used, which no part keeps."""

    def run_all(self, function, items, *, check=None):
        for item in items:
            result = function(item)
            assert result.reason
            yield item, result


@pytest.fixture
def targets(here: Path) -> list[Target]:
    """Three short folders of images, one without a face."""
    clip = demo_clip()
    for name, start in (("a", 182), ("b", 183), ("c", None)):
        Path(name).mkdir()
        for number in range(14):
            image = (
                np.zeros((64, 64, 3), np.uint8)
                if start is None
                else clip.frame(start + number).image[:, :, ::-1]
            )
            cv2.imwrite(f"{name}/{number:03d}.png", image)
    return [Target(video=name, source=Path(name)) for name in "abc"]


def test_videos_analysed_far_away_or_in_parts_are_those_analysed_here(
    targets: list[Target], far: FarEngine
) -> None:
    pair = {"onset": 0, "apex": 13, "frames_per_s": 100.0}
    local = analyze_videos(targets, Path("local"), **pair)
    assert [one.state for one in local.outcomes] == ["new", "new", "failed"]
    assert local.results[0].events, "an event, and so images and classes"
    found = analyze_videos(targets, Path("far"), engine=far, **pair)
    assert contents(Path("far")) == contents(Path("local"))
    assert {n: str(e) for n, e in found.failures.items()} == {
        n: str(e) for n, e in local.failures.items()
    }
    for part in PARTS:
        analyze_videos(part.part(targets), part.folder(Path("parts")), **pair)
    joined = analyze_videos(targets, Path("parts"), **pair)
    assert [one.state for one in joined.outcomes] == ["resumed", "resumed", "failed"]
    assert contents(Path("parts")) == contents(Path("local"))


def test_videos_that_lie_elsewhere_or_are_others_there_are_refused(
    targets: list[Target], far: FarEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    spot_videos(targets[:1], Path("local"), frames_per_s=100.0)
    spot_videos(targets[:1], Path("far"), frames_per_s=100.0, engine=far)
    assert contents(Path("far")) == contents(Path("local"))

    class Hiding(FarEngine):
        """The other machine lacks one video."""

        def run_all(self, function, items, *, check=None):
            shutil.move("a", "hidden")
            try:
                yield from super().run_all(function, items, check=check)
            finally:
                shutil.move("hidden", "a")

    hiding = Hiding(far.place)
    with pytest.raises(DataError, match=r"here/a: is not there; every worker needs"):
        spot_videos(targets[:2], Path("hidden-one"), frames_per_s=100.0, engine=hiding)
    assert hiding.done == 0

    class Changing(FarEngine):
        """A video changes after the check, as one of the same ends and size would."""

        def run_all(self, function, items, *, check=None):
            for item, made in super().run_all(function, items, check=check):
                shutil.copy("b/000.png", "a/000.png")
                yield item, made

    found = spot_videos(
        targets[:1], Path("changed"), frames_per_s=100.0, engine=Changing(far.place)
    )
    assert "another video there than lies here" in str(found.failures["a"])
