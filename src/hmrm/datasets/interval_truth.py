"""The annotated intervals of a data set as one table, for whoever spots and scores spotting."""

import csv
import io
from pathlib import Path

from hmrm import atomic
from hmrm.datasets.load import Loaded

COLUMNS = ("subject", "video", "onset", "apex", "offset", "type", "label")


def write_intervals(path: Path, loaded: Loaded) -> int:
    """Write ``subject, video, onset, apex, offset, type, label``, frames as on file.

    A video is named by its folder where that is on disk, else by its key. An unknown apex is
    empty, an unknown offset 0 (``hmrm score-spotting --missing-offset`` says what becomes of it).
    A video without any annotated expression has a row without frames.

    Returns:
        Number of intervals.

    Raises:
        OutputError: the file cannot be written.
    """
    records = loaded.annotations.records
    names = {key: folder for key in {r.folder for r in records} if (folder := _name(loaded, key))}
    rows: list[tuple[object, ...]] = []
    for record in records:
        apex = "" if record.apex_frame is None else record.apex_frame
        frames = (record.onset_frame, apex, record.offset_frame or 0)
        rows.append((record.subject, names[record.folder], *frames, record.kind, record.emotion))
    named = {record.folder for record in records}
    subjects = {record.subject for record in records}
    for key in sorted(set(loaded.folders) - named):
        subject = next((s for s in sorted(subjects) if key.lower().startswith(s.lower())), "")
        rows.append((subject, _name(loaded, key), "", "", "", "", ""))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    atomic.write_text(path, text.getvalue())
    return len(records)


def _name(loaded: Loaded, key: str) -> str:
    folder = loaded.folders.get(key)
    if folder is None:
        return key.rsplit("/", 1)[-1]
    # Colour pictures of CAS(ME)³ lie one level below the video's own folder.
    names = [part for part in folder.parts if part.lower() != "color"]
    return names[-1]
