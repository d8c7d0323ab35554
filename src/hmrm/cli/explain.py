"""hmrm explain: why one movement has its class."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmrm.cli.terminal import OUT, print_table

if TYPE_CHECKING:
    from hmrm.clip import Event


def explain(
    results: Annotated[
        Path,
        typer.Argument(help="Folder of one video that analyze wrote.", show_default=False),
    ],
    event: Annotated[int, typer.Option(min=1, help="Number of the event, as in the report.")] = 1,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="PNG to draw; none: print only.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Why a movement has its class: likely action units, regions, and what would change it.

    Example: hmrm explain results --event 1 -o why.png

    Action units are read from the motion alone; sides are the image's. A region's number is how
    much the lead of the class shrinks, in logits, when the motion in it is taken away. Both state
    what the skin and the network did, not what somebody felt.
    """
    import cv2

    from hmrm import atomic, records
    from hmrm.analysis.explain.drawing import drawing
    from hmrm.analysis.read import read_analysis
    from hmrm.errors import InputError

    found = read_analysis(results, frames=False).events
    if event > len(found):
        raise InputError(f"--event {event}: {results} holds {len(found)} events; count from 1")
    reasons = found[event - 1].reasons
    if reasons is None:
        raise InputError(
            f"event {event} of {results}: nothing is known of its motion, for hmrm spot or an "
            "earlier version wrote it; run hmrm analyze"
        )
    if as_json:
        OUT.print(records.dumps(reasons), end="")
    else:
        _print(event, found[event - 1])
    if output is not None:
        image = cv2.cvtColor(drawing(reasons), cv2.COLOR_RGB2BGR)
        atomic.write_bytes(output, cv2.imencode(".png", image)[1].tobytes())


def _print(number: int, event: "Event") -> None:
    from hmrm.analysis.explain.reasons import counterfactual_text

    assert event.reasons is not None
    label = event.label or "not classified"
    OUT.print(f"event {number}: {label}, frames {event.onset_index} to {event.offset_index}")
    if event.class_set and event.set_coverage is not None:
        percent = f"{100 * event.set_coverage:.0f} % of laboratory clips"
        OUT.print(f"one of {', '.join(event.class_set)} was right for {percent}")
    OUT.print(f"looks like: {event.reasons.sentence or 'no action unit of the atlas'}")
    rows = [
        (name.replace("_", " "), f"{value:+.2f}") for name, value in event.reasons.regions.items()
    ]
    if rows:
        print_table(("region", "adds to the class"), rows, left=1)
        other = event.reasons.counterfactual
        changed = counterfactual_text(other) if other else "No single region changes the class"
        OUT.print(f"{changed}.")
