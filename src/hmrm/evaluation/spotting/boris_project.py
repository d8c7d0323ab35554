"""A BORIS project (``.boris``) as intervals: each video an observation, each face a subject."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmrm import reading, records
from hmrm.errors import DataError, shortened
from hmrm.evaluation.spotting.annotators import NO_SUBJECT, media_name
from hmrm.evaluation.spotting.rows import Row
from hmrm.intervals import kind_of


@dataclass(frozen=True, kw_only=True)
class _Behaviour:
    type: str
    code: str


@dataclass(frozen=True, kw_only=True)
class _Observation:
    events: tuple[Any, ...]
    file: Any = None
    media_info: Any = None


@dataclass(frozen=True, kw_only=True)
class _Project:
    """As much as is read of a project."""

    behaviors_conf: Mapping[str, _Behaviour]
    observations: Mapping[str, _Observation]


def project_rows(file: Path, text: str) -> Iterator[Row]:
    """State events of a project: every second event of the same behaviour ends the one before.

    BORIS writes no START and STOP into a project; it pairs events of one subject, behaviour and
    modifiers in order of time. Times are seconds; a video's frame rate is the project's own.

    Raises:
        DataError: no BORIS project, an event that is none, a state that never ends, several
            media in a row, or two observations that state the same behaviour of one video.
    """
    try:
        stored = reading.parse_json(text)
    except reading.DamagedError as error:
        raise DataError(f"{file}: {error}; save the project in BORIS again") from error
    project = records.from_json(_Project, stored, where=f"{file}: no BORIS project")
    states = {b.code for b in project.behaviors_conf.values() if b.type.lower().startswith("state")}
    stated: dict[tuple[str, str, str], str] = {}
    for name, one in project.observations.items():
        where = f"{file} observation {shortened(name)}"
        media = _media(one, where)
        video = media_name(media) or name
        rate = _rate(one, media)
        yield {"where": where, "video": video, "onset": "", "offset": ""}
        for row in _paired(one, states, where):
            place = (video, row["subject"], row["hints"])
            if stated.setdefault(place, name) != name:
                raise DataError(
                    f"{where}: states {shortened(row['hints'])} of video {shortened(video)}, as "
                    f"does {shortened(stated[place])}; export one coder's observations as a table"
                )
            yield row | {"video": video, "rate": rate}


def _media(one: _Observation, where: str) -> str:
    """The video of the first player; without one (a live observation) none."""
    players = one.file if isinstance(one.file, Mapping) else {}
    media = players.get("1") or []
    if not isinstance(media, list) or not all(isinstance(m, str) for m in media):
        raise DataError(f"{where}: its files are {shortened(media)}, no list of names")
    if len(media) > 1:
        raise DataError(
            f"{where}: plays {len(media)} media in a row, whose times run on; export its events "
            "as a table (BORIS: Observations, Export events)"
        )
    return media[0] if media else ""


def _rate(one: _Observation, media: str) -> str:
    rates = one.media_info.get("fps") if isinstance(one.media_info, Mapping) else None
    return str(rates.get(media) or "") if isinstance(rates, Mapping) else ""


def _paired(one: _Observation, states: set[str], where: str) -> Iterator[Row]:
    started: dict[tuple[str, str, str], Row] = {}
    for time_s, subject, behaviour, modifiers in sorted(
        (_event(event, f"{where} event {i}") for i, event in enumerate(one.events)),
        key=lambda event: event[0],
    ):
        place = (subject, behaviour, modifiers)
        if behaviour not in states:
            continue
        if place in started:
            yield started.pop(place) | {"offset": str(time_s)}
            continue
        started[place] = {
            "where": f"{where} at {time_s:g} s",
            "subject": "" if subject.lower() in NO_SUBJECT else subject,
            "unit": "s",
            "onset": str(time_s),
            "hints": behaviour,
            "label": behaviour if kind_of(behaviour) is None else "",
        }
    if started:
        (_, behaviour, _), row = next(iter(started.items()))
        raise DataError(
            f"{row['where']}: {shortened(behaviour)} begins and never ends; fix unpaired events "
            "in BORIS"
        )


def _event(event: Any, where: str) -> tuple[float, str, str, str]:
    """Time, subject, behaviour and modifiers of one event, which may have further cells."""
    if not (
        isinstance(event, list)
        and len(event) >= 4
        and isinstance(event[0], int | float)
        and all(isinstance(cell, str) for cell in event[1:4])
    ):
        raise DataError(f"{where}: is {shortened(event)}, not time, subject, behaviour, modifiers")
    return float(event[0]), event[1].strip(), event[2].strip(), event[3].strip()
