"""Options that the commands about videos, ``analyze`` and ``spot``, share."""

from typing import Annotated, Literal

import typer

Faces = Annotated[Literal["all", "largest"], typer.Option(help="Which faces to follow.")]
Detector = Annotated[
    Literal["blazeface", "mtcnn"],
    typer.Option(help="Finds faces in videos; mtcnn is the paper's and needs torch."),
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
