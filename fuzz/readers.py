"""Every reader of the program: seeds, and the commands that read them.

``in`` is the damaged copy of a seed, ``out`` what the command writes, ``{kit}`` a folder of files
that stay whole.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fuzz.program import CALL
from fuzz.seeds import analyses, datasets, evaluation, intervals, media, training

Make = Callable[[Path, Path], None]


@dataclass(frozen=True, kw_only=True)
class Seed:
    """One valid input and the commands that read it.

    Attributes:
        make: fills a folder, given that of the kit.
        commands: words of the command line; one is chosen for each input.
        codes: how the whole seed may end; 4 where it shows no face.
    """

    name: str
    make: Make
    commands: tuple[str, ...]
    codes: tuple[int, ...] = (0,)

    def words(self, number: int, kit: Path) -> list[str]:
        """The words of one command."""
        return [word.replace("{kit}", str(kit)) for word in shlex.split(self.commands[number])]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A part of the program that reads one kind of input.

    ``weight`` is its relative number of inputs.
    """

    name: str
    weight: float
    seeds: tuple[Seed, ...]


_EVALUATE = "evaluate --no-progress --data {kit}/maps"
_MAPS = ("datasets check in/maps", "datasets check in/maps --json")
_FORMATS = "elan,textgrid,webvtt,boris,bids,openface,json,summary"
_TRAIN = "--workers 1 --no-progress"


def _seed(name: str, make: Make, *commands: str, codes: tuple[int, ...] = (0,)) -> Seed:
    return Seed(name=name, make=make, commands=commands, codes=codes)


def _reader(name: str, weight: float, *seeds: Seed) -> Reader:
    return Reader(name=name, weight=weight, seeds=seeds)


def _configs() -> list[Reader]:
    run = f"{_EVALUATE} --config in/run.toml -o out"
    # The folder of another run: a network without its number of epochs would train for minutes.
    refused = f"{_EVALUATE} --config in/run.toml -o {{kit}}/run"
    ablate = "ablate --no-progress --data {kit}/maps --config in/ablation.toml -o out"
    return [
        _reader(
            "config",
            3,
            _seed("svm", evaluation.config_svm, run),
            _seed("network", evaluation.config_network, refused, codes=(6,)),
            _seed("recipe", evaluation.config_recipe, refused, codes=(6,)),
            _seed("ensemble", evaluation.config_ensemble, refused, codes=(6,)),
        ),
        _reader("ablation", 1.5, _seed("rows", evaluation.ablation, f"{ablate} --table")),
        # Folders of other trainings: a config without its number of steps would train for days.
        _reader(
            "training-config",
            1,
            _seed(
                "synthetic",
                training.synthetic_config,
                f"train synthetic --config in/synthetic.toml -o {{kit}}/train-flow {_TRAIN}",
                codes=(6,),
            ),
            _seed(
                "flow",
                training.flow_config,
                f"train flow --config in/flow.toml -o {{kit}}/train-synthetic {_TRAIN}",
                codes=(6,),
            ),
        ),
    ]


def _runs() -> list[Reader]:
    resume = f"{_EVALUATE} --config {{kit}}/svm.toml -o in/run"
    table = "ablate --data {kit}/maps --config {kit}/ablation/ablation.toml --table -o in/run"
    card = "train composite --data {kit}/maps --config {kit}/svm.toml --run in/run -o out"
    models = "benchmark models --models svm-linear --budget 0 --no-progress --run in/run"
    return [
        _reader(
            "run-folder",
            3,
            _seed("report", evaluation.run, "report in/run -o out"),
            _seed("resume", evaluation.run, resume),
            _seed("resume-half", evaluation.timings, resume),
            _seed("card", evaluation.run, card, codes=(6,)),
            _seed("benchmark", evaluation.run, f"{models} -o out/models.json"),
            _seed("ablation", evaluation.ablation_run, table),
        ),
        _reader(
            "evaluation-log",
            0.7,
            _seed(
                "zero-shot",
                evaluation.zero_shot,
                f"{_EVALUATE} --weights {{kit}}/weights -o in/run",
            ),
        ),
        _reader(
            "weights",
            1.5,
            _seed("network", evaluation.weights, f"{_EVALUATE} --weights in/weights -o out"),
            _seed(
                "exported network",
                evaluation.exported_weights,
                "call:hmrm.model.exported:load_exported in/weights.onnx",
            ),
            _seed(
                "flow",
                training.flow_weights,
                f"train flow --config {{kit}}/start.toml -o out {_TRAIN}",
            ),
        ),
        _reader(
            "training-state",
            1.5,
            _seed(
                "synthetic",
                training.synthetic,
                f"train synthetic --config {{kit}}/synthetic.toml -o in/run {_TRAIN}",
            ),
            _seed(
                "flow",
                training.flow,
                f"train flow --config {{kit}}/flow.toml -o in/run {_TRAIN}",
            ),
        ),
    ]


def _maps() -> list[Reader]:
    return [
        _reader("maps-npz", 3, _seed("prepared", evaluation.layout("prepared"), *_MAPS)),
        _reader(
            "maps-folders",
            2,
            _seed("flat", evaluation.layout("flat"), *_MAPS),
            _seed("folds", evaluation.layout("folds"), *_MAPS),
        ),
    ]


def _media() -> list[Reader]:
    pair = "flow in/onset{0} in/apex{0} --method farneback -o out/flow.flo"
    video = "flow in/{0} --onset 0 --apex 3 --method farneback -o out/flow.flo"
    kinds = (".png", ".jpg", ".bmp", ".tiff", ".ppm")
    deep = media.pair(".png", depth=16)
    read_flow = f"{CALL}hmrm.flow.files.formats:read_flow in/flow"
    return [
        _reader(
            "images",
            2.5,
            *(_seed(kind[1:], media.pair(kind), pair.format(kind)) for kind in kinds),
            _seed("grey-png", media.pair(".png", channels=1), pair.format(".png")),
            _seed("deep-png", deep, pair.format(".png") + " --picture out/image.png"),
            _seed("deep-tiff", media.pair(".tiff", depth=16), pair.format(".tiff")),
        ),
        _reader(
            "image-folders",
            1.5,
            _seed("png", media.image_folder(".png"), video.format("clip")),
            _seed("jpg", media.image_folder(".jpg"), video.format("clip")),
            _seed("pairs", media.pairs_folder, "flow in/pairs --method farneback -o out"),
            _seed(
                "clips",
                media.folder_of_clips,
                "spot in/clips -o out --no-progress",
                codes=(4,),
            ),
        ),
        _reader(
            "videos",
            3,
            *(
                _seed(suffix[1:], media.video(suffix), video.format(f"clip{suffix}"))
                for suffix in (".mp4", ".mkv", ".avi", ".gif", ".webm")
            ),
            _seed("ffv1", media.video(".mkv", lossless=True), video.format("clip.mkv")),
        ),
        _reader(
            "analysis",
            0.5,
            _seed("analyze", media.face_video, "analyze in/face.mp4 -o out --no-progress"),
            _seed("spot", media.face_video, "spot in/face.mp4 -o out --no-progress"),
        ),
        _reader(
            "results",
            1,
            _seed("results", analyses.results, f"export in/results -f {_FORMATS} -o out"),
        ),
        _reader(
            "flow-files",
            1.5,
            *(
                _seed(suffix[1:], media.flow(suffix), read_flow + suffix)
                for suffix in (".flo", ".pfm", ".png", ".npy")
            ),
        ),
        _reader(
            "flow-datasets",
            1,
            *(
                _seed(
                    name,
                    make,
                    f"train flow --config {{kit}}/flying_{name}.toml -o out {_TRAIN}",
                )
                for name, make in (
                    ("chairs", media.flying_chairs),
                    ("things", media.flying_things),
                )
            ),
        ),
    ]


def _datasets() -> list[Reader]:
    def commands(name: str) -> tuple[str, ...]:
        check = f"datasets check {name} in --table-only"
        return check, f"{check} --json", f"datasets intervals {name} in --table-only -o out.csv"

    check = "datasets check casme2 in/root --table-only --corrections in/corrections.csv"
    prepare = "datasets prepare casme2 in/root --flow farneback --faces in/faces.csv --no-progress"
    return [
        _reader(
            "tables",
            5,
            *(
                _seed(
                    f"{name}{suffix}",
                    datasets.tables(name, suffix),
                    *commands(name),
                    # Two data sets tell their parts by sheets, which a text file has not.
                    codes=(0, 3) if suffix == ".csv" else (0,),
                )
                for name in datasets.WITH_TABLES
                for suffix in (".xlsx", ".csv", ".xls")
            ),
            _seed("merged", datasets.merged_workbook, *commands("casme2")),
        ),
        _reader(
            "dataset-folders",
            1,
            *(
                _seed(
                    name,
                    datasets.folders(name),
                    f"datasets check {name} in/root --no-progress",
                    f"datasets intervals {name} in/root -o out.csv",
                )
                for name in ("casme2", "smic", "smic-e-hs", "cas-me-2", "cas-me-3", "samm-lv")
            ),
        ),
        _reader("corrections", 1, _seed("casme2", datasets.corrections, check)),
        _reader(
            "prepare",
            1,
            _seed("fresh", datasets.prepared, f"{prepare} -o out"),
            _seed("resume", datasets.prepared, f"{prepare} -o in/prepared"),
        ),
    ]


def _tables() -> list[Reader]:
    score = "score-spotting --truth in/truth.csv --found in/found"
    units = "score-aus --truth in/truth.csv --found in/"
    spotting = ("comma.csv", "semicolon.csv", "bare.txt", "per_video", "spotted.json")
    return [
        _reader(
            "intervals",
            2.5,
            *(
                _seed(name, getattr(intervals, name.split(".")[0]), score + name[len(stem) :])
                for name in spotting
                for stem in (name.split(".")[0],)
            ),
            _seed("log", intervals.log, "score-spotting --truth in/log.txt --found in/log.txt"),
        ),
        _reader(
            "predictions",
            1.5,
            *(
                _seed(name, make, "evaluate --predictions in/table.csv -o out")
                for name, make in (
                    ("by-id", evaluation.predictions),
                    ("by-subject", evaluation.predictions_by_subject),
                )
            ),
        ),
        _reader(
            "action-units",
            1.5,
            _seed(
                "tables",
                evaluation.action_units,
                f"{units}found.csv",
                f"{units}probabilities.csv --json",
                f"{units}found.csv --prepared in/prepared",
            ),
        ),
    ]


@cache
def readers() -> tuple[Reader, ...]:
    """All of them, in the order of the summary."""
    return (*_configs(), *_runs(), *_maps(), *_media(), *_datasets(), *_tables())
