"""SAMM: 32 subjects of 13 ethnicities, 200 frames/s, 2040 × 1088, grey; FACS-coded.

Davison, Lansley, Costen, Tan, Yap: "SAMM: A Spontaneous Micro-Facial Movement Dataset", IEEE
Transactions on Affective Computing 9(1), 2018. Objective classes: Davison, Merghani, Yap, 2018.
Licence: research only, by a signed agreement.
How to get it: apply at http://www2.docm.mmu.ac.uk/STAFF/M.Yap/dataset.php.

Layout: ``SAMM/006/006_1_2/006_05562.jpg``; ``SAMM_CROP`` mirrors it. Table:
``SAMM_Micro_FACS_Codes_v2.xlsx``, sheet ``MICRO_ONLY``, 13 rows of text above the header.
"""

import re
from functools import partial

from hmrm.datasets.annotations.description import DataSet
from hmrm.datasets.annotations.folders import Parts
from hmrm.datasets.annotations.records import note_unusual_name, padded
from hmrm.datasets.annotations.table_form import ClipName, TableForm, read_tables
from hmrm.datasets.annotations.workbook import Column, Row

NAME = "samm"
TABLES = (r"samm.*micro.*facs", r"samm.*facs", r"samm.*micro")

_COLUMNS = (
    Column(key="subject", names=("Subject", "Sub")),
    Column(key="clip", names=("Filename", "File name")),
    Column(key="onset", names=("Onset Frame", "OnsetF", "Onset")),
    Column(key="apex", names=("Apex Frame", "ApexF", "Apex")),
    Column(key="offset", names=("Offset Frame", "OffsetF", "Offset")),
    Column(key="duration", names=("Duration",), required=False),
    Column(key="micro", names=("Micro", "Type"), required=False),
    Column(key="units", names=("Action Units", "Action Unit", "AUs", "AU"), required=False),
    Column(key="emotion", names=("Estimated Emotion", "Emotion")),
    Column(key="objective", names=("Objective Classes", "Objective Class"), required=False),
)
_CLIP = re.compile(r"(\d{3})_\d+_\w+")


def place(parts: Parts) -> str | None:
    """``…/006/006_1_2`` → ``006/006_1_2``."""
    found = _CLIP.fullmatch(parts[-1])
    return None if found is None else f"{found[1]}/{parts[-1]}"


def _clip_name(row: Row) -> ClipName:
    subject, clip = padded(row, "subject", digits=3), row.needed_text("clip")
    if not clip.startswith(f"{subject}_"):
        row.notes.add("subject_differs", row.where, f"{subject}, but the clip is {clip}")
    note_unusual_name(row, "clip", _CLIP, "006_1_2")
    return ClipName(subject=subject, clip=clip, folder=f"{subject}/{clip}")


FORM = TableForm(dataset=NAME, files=TABLES, columns=_COLUMNS, sheet="MICRO_ONLY", name=_clip_name)
SAMM = DataSet(
    name=NAME,
    title="SAMM",
    licence="research only, signed agreement",
    citation="Davison et al., IEEE Transactions on Affective Computing 9(1), 2018",
    how_to_get="apply at http://www2.docm.mmu.ac.uk/STAFF/M.Yap/dataset.php",
    frames_per_s=200.0,
    table_name="SAMM_Micro_FACS_Codes_v2.xlsx",
    tables=TABLES,
    read_tables=partial(read_tables, FORM),
    place=place,
    raw_first=("raw", "samm/", "crop"),
    published={
        "clips": 159,
        "anger": 57,
        "others": 26,
        "happiness": 26,
        "surprise": 15,
        "contempt": 12,
        "disgust": 9,
        "fear": 8,
        "sadness": 6,
    },
)
