"""Options that the commands about videos, ``analyze`` and ``spot``, share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from hmrm.cli.terminal import ERR

Faces = Annotated[Literal["all", "largest"], typer.Option(help="Which faces to follow.")]
Detector = Annotated[
    Literal["blazeface", "mtcnn"],
    typer.Option(help="Finds faces in videos; mtcnn is the paper's."),
]
ApexRule = Annotated[
    Literal["displacement", "registration", "difference", "middle"],
    typer.Option(
        help="Apex of spotted events: the largest displacement while they were followed, or from "
        "the frames: the middle of the hold after registration, CapsuleNet's largest difference "
        "to onset and offset, or the middle."
    ),
]
"""``displacement`` and the keys of ``hmrm.flow.apex.APEX_RULES``; help opens without it."""
BlurFaces = Annotated[
    bool, typer.Option("--blur-faces", help="Hide every face in the reports' images.")
]


def print_untaken(paths: Sequence[Path]) -> None:
    """Name files of the given folders that are not read, with what to do."""
    from hmrm.video.kinds import untaken_notes

    for note in untaken_notes(paths):
        ERR.print(f"notice: {note}")
