"""Training folders that are through, so that reading them is all that is left to do."""

import shutil
from pathlib import Path

from fuzz.seeds.commands import succeed
from fuzz.seeds.evaluation import _SIZES, write_toml

_STEPS = {"steps": 1, "batch": 2, "checkpoint_steps": 1}
SYNTHETIC = {
    **_STEPS,
    "maps": 4,
    "held_out_maps": 2,
    "network": {**_SIZES, "heads": 2},
}
_NETWORK = {
    "encoder_width": 4,
    "features": 8,
    "state": 8,
    "context": 8,
    "motion": 8,
    "head_width": 8,
    "iterations": 1,
}
FLOW = {
    **_STEPS,
    "batch": 1,
    "crop_px": [32, 32],
    "held_out_samples": 1,
    "validation_steps": 1,
    "network": _NETWORK,
}
PAIRS = {"pairs": {"pairs": 1, "held_out_pairs": 1, "side_px": 32}}


def kit(folder: Path) -> None:
    """Configs, and trainings that are through."""
    write_toml(folder / "synthetic.toml", dict(SYNTHETIC))
    write_toml(folder / "flow.toml", {**FLOW, **PAIRS})
    for data in ("flying_chairs", "flying_things"):
        table = {**FLOW, "data": data, "data_path": f"in/{data.removeprefix('flying_')}"}
        write_toml(folder / f"{data}.toml", table)
    start = {**FLOW, **PAIRS, "start_from": "in/weights.safetensors"}
    write_toml(folder / "start.toml", start)
    for kind in ("synthetic", "flow"):
        config, output = str(folder / f"{kind}.toml"), str(folder / f"train-{kind}")
        words = ("--workers", "1", "--no-progress")
        succeed("train", kind, "--config", config, "-o", output, *words)


def synthetic(folder: Path, kit_folder: Path) -> None:
    """A training on synthetic maps."""
    shutil.copytree(kit_folder / "train-synthetic", folder / "run")


def flow(folder: Path, kit_folder: Path) -> None:
    """A training of the flow network."""
    shutil.copytree(kit_folder / "train-flow", folder / "run")


def synthetic_config(folder: Path, kit_folder: Path) -> None:
    """The config of a training on synthetic maps."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(kit_folder / "synthetic.toml", folder / "synthetic.toml")


def flow_config(folder: Path, kit_folder: Path) -> None:
    """The config of a training of the flow network."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(kit_folder / "flow.toml", folder / "flow.toml")


def flow_weights(folder: Path, kit_folder: Path) -> None:
    """Weights of the flow network that a training starts from."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in (".safetensors", ".json"):
        shutil.copy(kit_folder / "train-flow" / f"weights{suffix}", folder / f"weights{suffix}")
