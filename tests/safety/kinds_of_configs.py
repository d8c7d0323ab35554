"""Configs, weights with their cards, and folders of trainings."""

from collections.abc import Mapping

import damaged_files as damaged
from damaged_files import after, file, folder_named, link, nothing, text
from kinds import ABLATE, CHAIRS, COMPOSITE, CONFIG, FLOW_STATE, STATE, WEIGHTS, Kind, kind

from fuzz.seeds import evaluation, media, training

_MEMBERS = (
    "[model]\nname = 'ensemble'\n[[model.members]]\nname = 'os:system'\n"
    "command = 'touch code-ran'\n[[model.members]]\nname = 'svm-linear'\n"
)
_EPOCHS = "[model]\nname = 'cnn-lite'\nepochs = "
_OPTION = "allow-code"
_SHARD = "train-0000000.npz"
_SPLIT = "chairs/FlyingChairs_train_val.txt"

CONFIGS: Mapping[str, Kind] = {
    "config-deep": kind(damaged.config("a = " + "[" * 5000), CONFIG, "run.toml"),
    "config-deep-tables": kind(
        damaged.config("a = " + "{a=" * 2000 + "1" + "}" * 2000), CONFIG, "run.toml"
    ),
    "config-deep-keys": kind(damaged.config("[" + "a." * 5000 + "a]"), CONFIG, "run.toml"),
    "config-deep-dotted-key": kind(damaged.config("a." * 50_000 + "a = 1"), CONFIG, "line 1"),
    "config-long-integer": kind(damaged.config(_EPOCHS + "9" * 5000), CONFIG, "run.toml"),
    "config-large-integer": kind(damaged.config(_EPOCHS + "9" * 25), CONFIG, "run.toml"),
    "config-names-code": kind(damaged.config(damaged.EVIL), CONFIG, _OPTION),
    "config-names-a-module": kind(damaged.config("[model]\nname = 'this:x'"), CONFIG, _OPTION),
    "config-name-is-a-path": kind(damaged.config("[model]\nname = '..:x'"), CONFIG, _OPTION),
    "config-name-is-a-number": kind(damaged.config("[model]\nname = 3"), CONFIG, "run.toml"),
    "config-member-names-code": kind(damaged.config(_MEMBERS), CONFIG),
    "config-for-composite-names-code": kind(damaged.config(damaged.EVIL), COMPOSITE, _OPTION),
    "config-for-benchmark-names-code": kind(
        damaged.config(damaged.EVIL),
        "benchmark models --models in/run.toml -o out/x.json",
        _OPTION,
    ),
    "config-many-seeds": kind(
        damaged.config(
            f"[model]\nname = 'svm-linear'\n[evaluation]\nseeds = {list(range(30_000))}"
        ),
        CONFIG,
        "HMRM_LIMITS=seeds=30000",
    ),
    "config-is-a-folder": kind(after(nothing, folder_named("run.toml")), CONFIG, "run.toml"),
    "config-is-endless": kind(after(nothing, link("run.toml", "/dev/zero")), CONFIG, "run.toml"),
    "ablation-row-names-code": kind(damaged.evil_ablation, ABLATE, _OPTION),
    "ablation-base-is-a-folder": kind(
        text("ablation.toml", "base = '.'\n[[rows]]\nname = 'x'\n"), ABLATE, "TOML"
    ),
    "training-config-deep": kind(
        text("c.toml", "a = " + "[" * 5000), "train flow --config in/c.toml -o out", "c.toml"
    ),
}

WEIGHT_FILES: Mapping[str, Kind] = {
    "card-classes-are-lists": kind(damaged.card(classes=[[1], "a", "b"]), WEIGHTS, "weights.json"),
    "card-classes-are-a-number": kind(damaged.card(classes=3), WEIGHTS, "weights.json"),
    "card-class-is-long": kind(damaged.card(classes=["x" * 100_000, "b", "c"]), WEIGHTS),
    "card-units-are-tables": kind(damaged.card(action_units=[{}]), WEIGHTS, "weights.json"),
    "card-subjects-are-lists": kind(
        damaged.card(trained_subjects=[1, []]), WEIGHTS, "weights.json"
    ),
    "card-steps-are-text": kind(damaged.card(steps="text"), WEIGHTS, "weights.json"),
    "card-steps-are-empty": kind(damaged.card(steps=None), WEIGHTS, "weights.json"),
    "card-network-is-wide": kind(
        damaged.card(config={"dim": 1 << 20, "heads": 4}), WEIGHTS, "weights.json"
    ),
    "card-network-is-deep": kind(damaged.card(config={"depth": 10**9}), WEIGHTS, "weights.json"),
    "card-is-deep": kind(damaged.deep_card, WEIGHTS, "weights.json"),
    "tensors-claim-much": kind(damaged.other_tensors, WEIGHTS, "weights"),
    "weights-are-folders": kind(
        after(nothing, folder_named("weights.json"), folder_named("weights.safetensors")),
        WEIGHTS,
        "weights",
    ),
    "weights-are-endless": kind(
        after(evaluation.weights, link("weights.safetensors", "/dev/zero")), WEIGHTS, "weights"
    ),
}

TRAININGS: Mapping[str, Kind] = {
    "state-not-tensors": kind(
        after(training.synthetic, file("run/state.safetensors", "{}")), STATE, "state.safetensors"
    ),
    "state-without-step": kind(
        after(training.synthetic, file("run/state.safetensors", b"\2" + bytes(7) + b"{}")),
        STATE,
        "state.safetensors",
    ),
    "state-is-a-folder": kind(
        after(training.flow, folder_named("run/state.safetensors")), FLOW_STATE, "state"
    ),
    "shard-cut-off": kind(
        after(training.synthetic, file(f"run/{_SHARD}", "PK\x03\x04")), STATE, _SHARD
    ),
    "shard-is-an-array": kind(
        after(training.synthetic, file(f"run/{_SHARD}", b"\x93NUMPY\x01\0\x04\0{}  ")),
        STATE,
        _SHARD,
    ),
    "pairs-cut-off": kind(
        after(training.flow, file("run/pairs/train-000000.npz", "PK\x03\x04")),
        FLOW_STATE,
        "train-000000.npz",
    ),
    "training-settings-not-text": kind(
        after(training.synthetic, file("run/config.toml", b"\xff\xfe")), STATE, "config.toml"
    ),
    "validation-is-a-number": kind(
        after(training.flow, file("run/validation.json", "3")), FLOW_STATE, "validation.json"
    ),
    "chairs-split-not-text": kind(
        after(media.flying_chairs, file(_SPLIT, b"\xff")), CHAIRS, "FlyingChairs_train_val.txt"
    ),
    "chairs-flow-is-a-folder": kind(
        after(
            media.flying_chairs, *(folder_named(f"chairs/data/0000{n}_flow.flo") for n in (1, 3))
        ),
        CHAIRS,
        "_flow.flo",
    ),
}
