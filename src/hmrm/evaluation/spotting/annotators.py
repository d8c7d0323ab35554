"""Files of annotation programs: ELAN's ``.eaf``, and BORIS' table of single events."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

from hmrm import limits
from hmrm.errors import DataError, shortened
from hmrm.evaluation.spotting.headers import plain
from hmrm.evaluation.spotting.rows import Row
from hmrm.intervals import kind_of

Cells = Sequence[tuple[str, list[str]]]
NO_SUBJECT = ("no focal subject", "no_focal_subject", "")


def eaf_rows(file: Path, text: str) -> Iterator[Row]:
    """Annotations of all tiers that are tied to time; the tier and the text may hold the type.

    Raises:
        DataError: no ELAN file, or one that declares entities.
    """
    if re.search(r"<!(DOCTYPE|ENTITY)", text):
        raise DataError(f"{file}: declares a document type, as no ELAN file does; not read")
    if text.count("<") > limits.current().json_values:
        advice = limits.how_to_raise("json_values", text.count("<"))
        raise DataError(f"{file}: holds {text.count('<')} marks; {advice}")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(f"{file}: is no ELAN file ({error})") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise DataError(f"{file}: is no ELAN file (its root is {root.tag[:40]!r})")
    times = {
        slot.get("TIME_SLOT_ID", ""): slot.get("TIME_VALUE")
        for slot in root.iterfind("TIME_ORDER/TIME_SLOT")
    }
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    video = media_name("" if media is None else media.get("MEDIA_URL", "")) or file.stem
    yield {"where": str(file), "video": video, "onset": "", "offset": ""}
    for tier in root.iterfind("TIER"):
        name = tier.get("TIER_ID", "")
        for one in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION"):
            value = (one.findtext("ANNOTATION_VALUE") or "").strip()
            ends = [times.get(one.get(f"TIME_SLOT_REF{i}", "")) for i in (1, 2)]
            where = f"{file} tier {name[:40]!r} annotation {one.get('ANNOTATION_ID', '?')[:20]}"
            if None in ends:
                raise DataError(f"{where}: has no time; align it in ELAN")
            yield {
                "where": where,
                "video": video,
                "subject": "",
                "onset": str(ends[0]),
                "offset": str(ends[1]),
                "unit": "ms",
                "hints": f"{name}\t{value}",
                "label": value if kind_of(value) is None else "",
            }


def media_name(url: str) -> str:
    """A video's name without folders and suffix, whatever system wrote the path."""
    return PureWindowsPath(url.strip().rstrip("/")).stem


def boris_header(names: Sequence[str]) -> bool:
    """Whether a header is that of BORIS' table of events: a START and a STOP row each."""
    known = {plain(name) for name in names}
    return {"time", "behavior"} <= known and bool({"behavior_type", "status"} & known)


def boris_rows(cells: Cells) -> Iterator[Row]:
    """State events of BORIS, START paired with the next STOP of the same behaviour and subject.

    Raises:
        DataError: a STOP without a START, or the other way round.
    """
    names = [plain(name) for name in cells[0][1]]
    places = {name: i for i, name in reversed(list(enumerate(names)))}
    media = next(
        (
            places[n]
            for n in ("media_file_name", "media_file_path", "media_file", "observation_id")
            if n in places
        ),
        None,
    )
    status = places.get("behavior_type", places.get("status", 0))
    started: dict[tuple[str, str, str], Row] = {}
    for where, row in cells[1:]:
        if len(row) < len(names):
            raise DataError(f"{where}: {len(row)} cells, but the header has {len(names)}")
        video = "" if media is None else media_name(row[media])
        subject = row[places["subject"]].strip() if "subject" in places else ""
        subject = "" if subject.lower() in NO_SUBJECT else subject
        behaviour, mark = row[places["behavior"]].strip(), row[status].strip().upper()
        place = (video, subject, behaviour)
        if mark == "START" and place not in started:
            rate = next((row[places[n]] for n in ("fps", "fps_frame_s") if n in places), "")
            started[place] = {
                "where": where,
                "video": video,
                "subject": subject,
                "unit": "s",
                "rate": rate,
                "onset": row[places["time"]].strip(),
                "hints": behaviour,
                "label": behaviour if kind_of(behaviour) is None else "",
            }
        elif mark == "STOP" and place in started:
            yield started.pop(place) | {"offset": row[places["time"]].strip()}
        elif mark in ("START", "STOP"):
            raise DataError(
                f"{where}: {mark} of {shortened(behaviour)} without its "
                f"{'STOP before' if mark == 'START' else 'START'}; fix unpaired events in BORIS"
            )
    if started:
        where = next(iter(started.values()))["where"]
        raise DataError(f"{where}: START without a STOP; fix unpaired events in BORIS")


def settle_types(rows: Sequence[Row], tally: Counter[str]) -> list[Row]:
    """The type of rows whose tier, behaviour or text may state it.

    Where some do, the others are annotations of something else and are skipped; where none does,
    all are kept without a type.
    """
    kinds = {
        id(row): next((h for h in row["hints"].split("\t") if kind_of(h) is not None), "")
        for row in rows
        if "hints" in row and not row.get("type")
    }
    some = any(kinds.values())
    kept = []
    for row in rows:
        if id(row) in kinds and some and not kinds[id(row)]:
            tally["of tiers or behaviours that are neither micro nor macro skipped"] += 1
        else:
            kept.append(row | {"type": kinds[id(row)]} if id(row) in kinds else row)
    return kept
