"""hmrm score-spotting: found intervals against true ones, by the field's rule."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hmrm.cli.terminal import OUT, output_file, print_table, print_warning
from hmrm.errors import ConfigError

if TYPE_CHECKING:
    from hmrm.evaluation.spotting.score import SpottingScores

OneKind = Literal["micro", "macro"]
Missing = Literal["refuse", "apex", "drop"]


def score_spotting(
    truth: Annotated[
        list[Path], typer.Option(help="Annotated intervals; may be repeated.", show_default=False)
    ],
    found: Annotated[
        list[Path],
        typer.Option(
            help="Found intervals: a file, or a folder of one file per video; may be repeated.",
            show_default=False,
        ),
    ],
    truth_first_frame: Annotated[
        int | None,
        typer.Option(min=0, help="Number of every video's first frame in the truth; without: 0."),
    ] = None,
    found_first_frame: Annotated[
        int | None, typer.Option(min=0, help="The same in what was found.")
    ] = None,
    frames_per_s: Annotated[
        float | None,
        typer.Option(
            help="Turns times (ELAN, BORIS) into frames, and separates micro (to 0.5 s) from "
            "macro where no type is given."
        ),
    ] = None,
    kind: Annotated[
        OneKind | None,
        typer.Option("--type", help="What intervals without a type are.", show_default=False),
    ] = None,
    micro_frames: Annotated[
        str | None,
        typer.Option(help="Lengths taken for micro, e.g. 7-16; others found are excluded."),
    ] = None,
    macro_frames: Annotated[
        str | None, typer.Option(help="Lengths taken for macro, e.g. 17- (no upper end).")
    ] = None,
    missing_offset: Annotated[
        Missing,
        typer.Option(
            help="Where the offset is empty, or 0 after a later onset: take the apex for it, drop "
            "the row, or refuse the file."
        ),
    ] = "refuse",
    part: Annotated[
        str | None, typer.Option(help="Part of a challenge log to read, e.g. 1.")
    ] = None,
    least_overlap: Annotated[
        float, typer.Option(min=0.01, max=1, help="Intersection over union that counts.")
    ] = 0.5,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", callback=output_file, help="JSON with everything.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score spotting by the MEGC rule: overlap of 0.5 or more, sums over all videos, one F1.

    Example: hmrm score-spotting --truth truth.csv --found spotting/spotting.csv

    Reads CSV with subject, video, onset, offset, type (by any usual name), the text files of public
    baselines, challenge logs with their marks, and exports of ELAN and BORIS. Without types there
    is no score: it would mix micro and macro. Both ends of an interval count. Frames are taken as
    counted from 0, as hmrm spot and hmrm datasets intervals (with frames on disk) write them; other
    files need --truth-first-frame or --found-first-frame.
    """
    from hmrm.evaluation.spotting.files import read_intervals
    from hmrm.evaluation.spotting.rows import Lengths, ReadOptions
    from hmrm.evaluation.spotting.score import score_spotting as score
    from hmrm.intervals import Kind

    lengths: dict[Kind, Lengths] = {}
    if micro_frames is not None:
        lengths["micro"] = _lengths(micro_frames)
    if macro_frames is not None:
        lengths["macro"] = _lengths(macro_frames)

    def options(first_frame: int | None, *, drop: bool) -> ReadOptions:
        return ReadOptions(
            first_frame=first_frame,
            missing_offset=missing_offset,
            frames_per_s=frames_per_s,
            kind=kind or "",
            lengths=lengths,
            drop_lengths=drop,
            part=part,
        )

    scores = score(
        read_intervals(truth, "truth", options(truth_first_frame, drop=False)),
        read_intervals(found, "found", options(found_first_frame, drop=True)),
        least=least_overlap,
    )
    if as_json:
        from hmrm import records

        OUT.print(records.dumps(scores), end="")
        for warning in scores.warnings:
            print_warning(warning)
    else:
        _print(scores)
    if output is not None:
        _write(output, scores, [*truth, *found])


def _lengths(text: str) -> tuple[int, int | None]:
    found = re.fullmatch(r"(\d*)-(\d*)", text.strip())
    if found is None or text.strip() == "-":
        raise ConfigError(f"lengths {text!r}: give least and most frames, e.g. 7-16, 17- or -16")
    low, high = int(found[1] or 1), int(found[2]) if found[2] else None
    if high is not None and high < low:
        raise ConfigError(f"lengths {text!r}: the least is above the most")
    return low, high


def _print(scores: "SpottingScores") -> None:
    head = ("", "true", "found", "hits", "false", "missed", "precision", "recall", "F1")
    rows = []
    for name, counts in scores.counts.items():
        hits, false = counts.true_positives, counts.false_positives
        missed = counts.false_negatives
        cells = [str(n) for n in (hits + missed, hits + false, hits, false, missed)]
        ratios = [f"{r:.4f}" for r in (counts.precision, counts.recall, counts.f1)]
        rows.append((name, *cells, *ratios))
    print_table(head, rows)
    _print_dropped(scores)
    if scores.strs is not None:
        OUT.print(f"UF1 of the labels over the hits {scores.recognition_uf1:.4f}", end=", ")
        OUT.print(f"STRS {scores.strs:.4f}")
    for warning in scores.warnings:
        print_warning(warning)


def _print_dropped(scores: "SpottingScores") -> None:
    """How many annotations the one-to-one rule drops, and the F1 of scripts that count them."""
    names = scores.dropped["all"]
    if not names:
        OUT.print("the one-to-one rule drops no annotation")
        return
    shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
    OUT.print(
        f"the one-to-one rule drops {len(names)} annotation(s) that an interval matched with "
        f"another one covers, too (from 0): {shown}"
    )
    for part, counts in scores.counts.items():
        if dropped := len(scores.dropped[part]):
            hits = counts.true_positives + dropped
            found = counts.true_positives + counts.false_positives
            total = found + counts.true_positives + counts.false_negatives
            f1 = f" and F1 {2 * hits / total:.4f}" if hits <= found else ""
            OUT.print(f"  {part}: {hits} hits{f1} where they count, as in the MDMD baseline")


def _write(output: Path, scores: "SpottingScores", inputs: list[Path]) -> None:
    from hmrm import provenance, records
    from hmrm.evaluation.spotting.score import SpottingFile

    files = [path for path in inputs if path.is_file()]
    names = {path.name: provenance.sha256(path) for path in files}
    result = SpottingFile(scores=scores, inputs=names, provenance=provenance.make_stamp())
    records.write(output, result)
    OUT.print(f"everything in {output}")
