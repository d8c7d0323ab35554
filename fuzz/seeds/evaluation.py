"""Maps, configs, runs, weights and tables of predictions."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tomli_w
import torch

from fuzz.seeds.commands import succeed
from hmrm.clip import CLASSES
from hmrm.deploy.export import export_weights
from hmrm.model.checkpoints import save_checkpoint
from hmrm.model.network import HMRM
from hmrm.model.sizes import HMRMConfig
from hmrm.model.weight_card import WeightCard
from hmrm.synthetic.datasets.flow_maps import synthesize_maps, write_layout

NETWORK = HMRMConfig(dim=16, depth=1, state=4, coarse_grid=2, fine_grid=2, fine_kernel=2, heads=2)
_SVM = {"model": {"name": "svm-linear"}, "evaluation": {"seeds": [0, 1], "folds": "3"}}
_SIZES = {"dim": 16, "depth": 1, "state": 4, "coarse_grid": 2, "fine_grid": 2, "fine_kernel": 2}
_FITTING = {"epochs": 1, "batch": 8}
NETWORK_TABLE = {
    "name": "hmrm",
    "dropout": 0.1,
    "network": {**_SIZES, "heads": 2},
    "fitting": _FITTING,
    "loss": {"gamma": 2.0, "alpha": [0.3, 0.3, 1.0], "learn_alpha": False},
    "mix": {"share": 0.5},
    "augment": {"mirror": 0.5, "shift": 1.0},
}


def maps(folder: Path, layout: str, *, subjects: int = 1, clips: int = 2) -> None:
    """Labelled flow maps in one of the layouts."""
    crop = "megc2019-flow" if layout == "flat" else "norm-u-v-os"
    found = synthesize_maps(
        subjects=subjects, clips=clips, crop=crop, noise=0.5, generator=np.random.default_rng(0)
    )
    write_layout(folder, found, layout=layout)


def layout(name: str) -> Callable[[Path, Path], None]:
    """Maps in one of the layouts, as a seed."""

    def make(folder: Path, kit_folder: Path) -> None:
        del kit_folder
        maps(folder / "maps", name)

    return make


def write_toml(path: Path, table: Mapping[str, object]) -> None:
    """A config."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomli_w.dumps(dict(table)), encoding="utf-8")


def kit(folder: Path) -> None:
    """What other seeds and commands need, and nobody damages."""
    maps(folder / "maps", "prepared", subjects=2, clips=3)
    write_toml(folder / "svm.toml", dict(_SVM))
    write_toml(folder / "hmrm.toml", {"model": NETWORK_TABLE})
    weights(folder, folder)
    words = ["evaluate", "--data", str(folder / "maps"), "--no-progress", "-o"]
    succeed(*words, str(folder / "run"), "--config", str(folder / "svm.toml"))
    succeed(*words, str(folder / "zero-shot"), "--weights", str(folder / "weights"))
    ablation(folder / "ablation", folder)
    words = ["ablate", "--data", str(folder / "maps"), "--no-progress"]
    config = str(folder / "ablation" / "ablation.toml")
    succeed(*words, "--config", config, "-o", str(folder / "ablation-run"))


def config_svm(folder: Path, kit_folder: Path) -> None:
    """A config of a model without a network."""
    del kit_folder
    options = {"name": "svm-linear", "cost": 1.0}
    settings = {"seeds": [0], "folds": "3", "selection": "fixed", "inner_folds": 2, "fold_seed": 1}
    write_toml(folder / "run.toml", {"model": options, "evaluation": {**settings}})


def config_network(folder: Path, kit_folder: Path) -> None:
    """A config of the network, every table of it."""
    del kit_folder
    write_toml(folder / "run.toml", {"model": NETWORK_TABLE, "evaluation": {"folds": "2"}})


def config_recipe(folder: Path, kit_folder: Path) -> None:
    """A config of a published network with its recipe."""
    del kit_folder
    options = {"name": "ststnet", "epochs": 1, "batch_size": 8, "learning_rate": 1e-3}
    write_toml(folder / "run.toml", {"model": options, "evaluation": {"folds": "2"}})


def config_ensemble(folder: Path, kit_folder: Path) -> None:
    """A config with tables inside an array."""
    del kit_folder
    members = [{"name": "svm-linear"}, {"name": "svm-mirrored"}, dict(NETWORK_TABLE)]
    table = {"model": {"name": "ensemble", "members": members}, "evaluation": {"folds": "2"}}
    write_toml(folder / "run.toml", table)


def ablation(folder: Path, kit_folder: Path) -> None:
    """A base and two rows."""
    del kit_folder
    write_toml(folder / "base.toml", dict(_SVM))
    rows = [
        {"name": "costly", "part": "cost", "paper": [0.5, 0.6], "model": {"cost": 10.0}},
        {"name": "mirrored", "part": "model", "model": {"name": "svm-mirrored"}},
    ]
    table = {"base": "base.toml", "paper": [0.9, 0.8], "evaluation": {"seeds": [0]}, "rows": rows}
    write_toml(folder / "ablation.toml", table)


def run(folder: Path, kit_folder: Path) -> None:
    """A finished run."""
    shutil.copytree(kit_folder / "run", folder / "run")


def zero_shot(folder: Path, kit_folder: Path) -> None:
    """Scores of pretrained weights, with the log of evaluations."""
    shutil.copytree(kit_folder / "zero-shot", folder / "run")


def ablation_run(folder: Path, kit_folder: Path) -> None:
    """A finished ablation."""
    shutil.copytree(kit_folder / "ablation-run", folder / "run")


def weights(folder: Path, kit_folder: Path) -> None:
    """A small network with its card; it was never trained, but its card claims one step."""
    del kit_folder
    units = ("AU4", "AU12")
    network = HMRM(
        NETWORK,
        classes=CLASSES,
        action_units=units,
        generator=torch.Generator().manual_seed(0),
    )
    card = WeightCard(
        config=NETWORK,
        classes=CLASSES,
        action_units=units,
        crop="hmrm-1",
        trained_on="synthetic maps",
        steps=1,
        trained_subjects=("casme2/sub99",),
        trained_clips=("casme2/sub99/EP01_1",),
        limits=("a seed of the fuzz harness",),
        metrics={"held-out": {"accuracy": 0.5}},
    )
    save_checkpoint(folder / "weights.safetensors", network, card)


def exported_weights(folder: Path, kit_folder: Path) -> None:
    """The same network for OpenCV, with its card."""
    weights(folder, kit_folder)
    export_weights(str(folder / "weights.safetensors"))
    (folder / "weights.safetensors").unlink()


def predictions(folder: Path, kit_folder: Path) -> None:
    """A table of predictions."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(kit_folder / "run" / "predictions" / "seed0.csv", folder / "table.csv")


def predictions_by_subject(folder: Path, kit_folder: Path) -> None:
    """A table that names subjects alone, its classes as numbers."""
    del kit_folder
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"sub{1 + n % 4:02d},{n % 3},{(n + n // 5) % 3}" for n in range(12)]
    (folder / "table.csv").write_text("\n".join(["subject,truth,predicted", *rows]) + "\n")


def action_units(folder: Path, kit_folder: Path) -> None:
    """Annotated units, found units in three forms, and what was skipped."""
    del kit_folder
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"casme2/sub0{1 + n}/EP01_{n}" for n in range(4)]
    codes = ("4+L10", "12", "6+12", "1+2 or 5")
    rows = [f"{i},{code}" for i, code in zip(ids, codes, strict=True)]
    (folder / "truth.csv").write_text("\n".join(["id,action_units", *rows]) + "\n")
    (folder / "found.csv").write_text("\n".join(["id,action_units", *rows[::-1]]) + "\n")
    values = [f"{i},0.{n + 1},0.7,1" for n, i in enumerate(ids)]
    (folder / "probabilities.csv").write_text("\n".join(["id,p_AU4,AU12,AU01_c", *values]) + "\n")
    skipped = f"what,reason,kind\n{ids[0]},no apex,no frames\n"
    (folder / "prepared").mkdir()
    (folder / "prepared" / "skipped.csv").write_text(skipped)


def timings(folder: Path, kit_folder: Path) -> None:
    """A run that stopped half-way."""
    run(folder, kit_folder)
    for path in sorted((folder / "run" / "folds" / "seed1").iterdir())[1:]:
        path.unlink()
    identity = json.loads((folder / "run" / "identity.json").read_text())
    assert identity["folds"], "the seed is a run"
