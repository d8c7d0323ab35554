"""Annotation tables, text tables of every kind, and finished runs."""

from collections.abc import Mapping
from pathlib import Path

import damaged_files as damaged
import damaged_tables as tables
from damaged_files import after, changed_json, file, folder_named, link, long_cell, nothing, text
from kinds import (
    AGAIN,
    CEILING,
    CHECK,
    CORRECTIONS,
    EMOTIONS,
    EXPORT,
    PREDICTIONS,
    PREPARE,
    REPORT,
    RESUME,
    SCORE,
    TABLE,
    TRUTH,
    UNITS,
    Kind,
    kind,
)

from fuzz.seeds import analyses, datasets, evaluation

_CODING = "CASME2-coding-20140508"
_CORRECTION = "dataset,clip,column,old,new,evidence\ncasme2,sub01/EP01_01f,onset,40,"
_SCORED = "id,truth,predicted,score_negative,score_positive,score_surprise\n"
_LABELS = "dataset,sub,filename_o,label\n"
_LONG = "x" * 131_073
_WIDE = ",".join(f"c{n}" for n in range(100_000))


def _flat(folder: Path, kit: Path) -> None:
    evaluation.maps(folder / "maps", "flat")


WORKBOOKS: Mapping[str, Kind] = {
    "table-digits": kind(tables.table(tables.digits), TABLE, _CODING),
    "table-digits-as-text": kind(tables.csv_digits, TABLE, _CODING),
    "table-merged-column": kind(tables.sheet_xml(tables.merged("A1:A1048576")), TABLE, _CODING),
    "table-merged-sheet": kind(tables.sheet_xml(tables.merged("A1:XFD1048576")), TABLE, _CODING),
    "table-merged-often": kind(
        tables.sheet_xml(tables.merged(*[f"A{n}:G{n + 500}" for n in range(1, 3000)])),
        TABLE,
        _CODING,
    ),
    "table-far-cell": kind(tables.sheet_xml(tables.far_cell), TABLE, _CODING),
    "table-huge-cell": kind(tables.huge_cell, TABLE, _CODING),
    "table-entities": kind(tables.sheet_xml(tables.entities), TABLE, _CODING),
    "table-is-a-folder": kind(after(nothing, folder_named(f"{_CODING}.xlsx")), TABLE, "in"),
    "table-dangling": kind(after(nothing, link(f"{_CODING}.xlsx", "absent")), TABLE, _CODING),
    "table-endless": kind(after(nothing, link(f"{_CODING}.csv", "/dev/zero")), TABLE, _CODING),
}

TEXTS: Mapping[str, Kind] = {
    "corrections-long-cell": kind(
        after(datasets.corrections, file("c.csv", f"{_CORRECTION}1,{_LONG}\n")),
        CORRECTIONS,
        "c.csv",
    ),
    "corrections-digits": kind(
        after(datasets.corrections, file("c.csv", f"{_CORRECTION}{'9' * 5000},x\n")),
        CORRECTIONS,
        "c.csv",
    ),
    "faces-long-cell": kind(
        after(datasets.prepared, file("faces.csv", f"id,x1,y1\n{_LONG},1,1\n")),
        PREPARE,
        "faces.csv",
    ),
    "intervals-long-cell": kind(
        long_cell("truth.csv", "subject,video,onset,offset", "s,LONG,1,9"), TRUTH, "truth.csv"
    ),
    "intervals-quote": kind(
        text("truth.csv", 'subject,video,onset,offset\ns,"v,1,9\ns,v,1,9\n'), TRUTH, "truth.csv"
    ),
    "spotted-interval-is-a-number": kind(
        damaged.spotted('[{"subject": "s", "video": "v", "intervals": [1]}]'), SCORE, "found.json"
    ),
    "spotted-video-is-a-number": kind(damaged.spotted("[1]"), SCORE, "found.json"),
    "spotted-names-are-numbers": kind(
        damaged.spotted('[{"subject": 1, "video": [], "intervals": []}]'), SCORE, "found.json"
    ),
    "spotted-deep": kind(damaged.spotted("[" * 5000), SCORE, "found.json"),
    "spotted-digits": kind(damaged.spotted("9" * 5000), SCORE, "found.json"),
    "results-frames-quote": kind(
        after(analyses.results, file("results/frames.csv", 'frame_index,face_id\n"0,0\n')),
        EXPORT,
        "frames.csv",
    ),
    "results-frames-long-cell": kind(
        after(analyses.results, file("results/frames.csv", f"frame_index,face_id\n{_LONG},0\n")),
        EXPORT,
        "frames.csv",
    ),
    "results-deep": kind(
        after(analyses.results, file("results/analysis.json", "[" * 5000)), EXPORT, "analysis.json"
    ),
    "results-endless": kind(
        after(analyses.results, changed_json("results/analysis.json", duration_s=1e300)),
        EXPORT,
        "analysis.json",
    ),
    "results-without-events": kind(
        after(analyses.results, changed_json("results/analysis.json", events=None)),
        EXPORT,
        "analysis.json",
    ),
    "predictions-short-row": kind(
        text("p.csv", f"{_SCORED}a/b/c,negative,negative,1,0\n"), PREDICTIONS, "p.csv"
    ),
    "predictions-empty-row": kind(
        text("p.csv", "id,truth,predicted\na/b/c,0,0,1,2,3\na/b/d,,\n"), PREDICTIONS, "p.csv"
    ),
    "predictions-lack-cells": kind(
        text("p.csv", f"id,truth,predicted,{_WIDE}\n" + "a/b/c,0,0\n" * 1000), PREDICTIONS, "line"
    ),
    "predictions-long-cell": kind(
        long_cell("p.csv", "id,truth,predicted", "a/b/LONG,0,0"), PREDICTIONS, "p.csv"
    ),
    "action-units-short-row": kind(
        after(evaluation.action_units, file("found.csv", "id,action_units\ncasme2/sub01/EP01_0\n")),
        UNITS,
        "found.csv",
    ),
    "action-units-long-cell": kind(
        after(evaluation.action_units, file("truth.csv", f"id,action_units\n{_LONG},4\n")),
        UNITS,
        "truth.csv",
    ),
    "action-units-digits": kind(
        after(evaluation.action_units, file("found.csv", f"id,action_units\na/b/c,{'9' * 5000}\n")),
        UNITS,
        "found.csv",
    ),
    "emotions-of-other-clips": kind(
        after(evaluation.run, file("emotions.csv", "id,emotion\na/b/c,fear\n")), EMOTIONS, "a/b/c"
    ),
    "emotions-long-cell": kind(
        after(evaluation.run, file("emotions.csv", f"id,emotion\na/b/c,{_LONG}\n")),
        EMOTIONS,
        "emotions.csv",
    ),
    "codes-digits": kind(
        text("codes.csv", f"id,class,action_units\na/b/c,negative,{'9' * 5000}\n"),
        CEILING,
        "codes.csv",
    ),
    "codes-long-class": kind(
        text("codes.csv", f"id,class,action_units\na/b/c,{'x' * 50_000},4\n"),
        CEILING,
        "codes.csv",
    ),
    "labels-long-cell": kind(
        after(_flat, file("maps/labels.csv", f"{_LABELS}casme2,{_LONG},a,0\n")),
        CHECK,
        "labels.csv",
    ),
    "labels-endless": kind(after(_flat, link("maps/labels.csv", "/dev/zero")), CHECK, "maps"),
}

RUNS: Mapping[str, Kind] = {
    "run-is-a-list": kind(after(evaluation.run, file("run/run.json", "[1]")), REPORT, "run.json"),
    "run-is-deep": kind(
        after(evaluation.run, file("run/run.json", "[" * 5000)), REPORT, "run.json"
    ),
    "run-scores-are-text": kind(damaged.run_json(scores="x"), REPORT, "run.json"),
    "run-seeds-are-a-number": kind(damaged.run_json(seeds=3), REPORT, "run.json"),
    "run-without-seeds": kind(damaged.run_json(seeds=[]), REPORT, "run.json"),
    "run-classes-are-numbers": kind(damaged.run_json(classes=[1, 2, 3]), REPORT, "run"),
    "run-provenance-is-empty": kind(damaged.run_json(provenance=None), REPORT, "run.json"),
    "run-fold-cut-off-reported": kind(damaged.fold_files(damaged.cut_off), REPORT, "000_"),
    "run-fold-cut-off": kind(damaged.fold_files(damaged.cut_off), RESUME, "000_"),
    "run-fold-scores-rolled": kind(damaged.fold_files(damaged.rolled_scores), RESUME, "000_"),
    "run-identity-is-a-list": kind(
        after(evaluation.run, file("run/identity.json", "[]")), RESUME, "identity.json"
    ),
    "evaluations-log-cut-off": kind(
        after(evaluation.zero_shot, file("run/evaluations.jsonl", '{"weights": "a"')),
        AGAIN,
        ".jsonl",
    ),
    "evaluations-log-not-text": kind(
        after(evaluation.zero_shot, file("run/evaluations.jsonl", b"\xff\xfe\n")), AGAIN, ".jsonl"
    ),
    "evaluations-log-of-numbers": kind(
        after(evaluation.zero_shot, file("run/evaluations.jsonl", "3\n[]\n")), AGAIN, ".jsonl"
    ),
}
