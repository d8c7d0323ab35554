"""BORIS: a whole project, each video an observation, each face a subject, to correct by hand."""

import json
from collections.abc import Sequence
from pathlib import Path, PurePath

from hmrm import atomic
from hmrm.analysis.export import tiers
from hmrm.analysis.export.sidecar import Json
from hmrm.analysis.record import Analysis

_FORMAT = "7.0"
_NO_DATE = "1970-01-01T00:00:00"
_PLAYERS = 8
APEX = "apex"
"""Point event at the apex of each movement."""


def write(path: Path, analyses: Sequence[Analysis]) -> tuple[Path, ...]:
    """Write a project over one or several videos.

    Movements are state events (onset to offset) named by their class, with the region as
    modifier, and an apex as a point event; a face's overlapping movements have a further subject.
    ``frame index`` counts from 0, as BORIS' player does.

    Raises:
        OutputError: the file cannot be written.
    """
    codes = sorted({_code(tiers.class_text(e)) for one in analyses for e in one.events})
    regions = sorted({e.region for one in analyses for e in one.events})
    subjects = dict.fromkeys(tier.name for one in analyses for tier in tiers.tiers(one))
    project: Json = {
        "time_format": "s",
        "project_date": _NO_DATE,
        "project_name": "hmrm",
        "project_description": tiers.RULE + "; each observation's description has its own clock.",
        "project_format_version": _FORMAT,
        "subjects_conf": {
            str(i): {"key": "", "name": name, "description": "", "independent variables": {}}
            for i, name in enumerate(subjects)
        },
        "independent_variables": {},
        "behavioral_categories": [],
        "behaviors_conf": {
            str(i): _behaviour(code, regions) for i, code in enumerate([*codes, APEX])
        },
        "behaviors_coding_map": [],
        "coding_map": {},
        "converters": {},
        "observations": {
            name: _observation(one) for name, one in zip(_names(analyses), analyses, strict=True)
        },
    }
    # BORIS opens projects in the encoding of the machine: plain letters are the same in each.
    atomic.write_text(path, json.dumps(project, indent=1, ensure_ascii=True) + "\n")
    return (path,)


def _names(analyses: Sequence[Analysis]) -> list[str]:
    """A name per observation, with a number where two videos have the same."""
    names: list[str] = []
    for one in analyses:
        name = tiers.line(one.source).strip() or "video"
        number = 1 + sum(other.partition(" #")[0] == name for other in names)
        names.append(name if number == 1 else f"{name} #{number}")
    return names


def _code(text: str) -> str:
    """A class as a code: BORIS takes the bar for a separator."""
    return tiers.line(text).replace("|", "/").strip()


def _behaviour(code: str, regions: Sequence[str]) -> Json:
    point = code == APEX
    region: Json = {
        "0": {
            "name": "region",
            "type": 0,
            "values": list(regions),
            "description": "",
            "ask at stop": False,
        }
    }
    return {
        "type": "Point event" if point else "State event",
        "key": "x" if point else "m",
        "code": code,
        "description": "largest displacement" if point else "from onset to offset",
        "color": "",
        "category": "",
        "modifiers": region if regions else {},
        "excluded": "",
        "coding map": "",
    }


def _observation(analysis: Analysis) -> Json:
    name = tiers.line(analysis.source)
    is_file = bool(PurePath(name).suffix)
    media = [name] if is_file else []
    rate = analysis.frames_per_s / analysis.clock.rate
    length_s = analysis.clock.player_s(analysis.duration_s)
    return {
        "file": {str(i): media if i == 1 else [] for i in range(1, _PLAYERS + 1)},
        "type": "MEDIA",
        "date": _NO_DATE,
        "description": tiers.rule(analysis),
        "time offset": 0.0,
        "events": _events(analysis),
        "observation time interval": [0, 0],
        "independent_variables": {},
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "media_creation_date_as_offset": False,
        "media_scan_sampling_duration": 0,
        "image_display_duration": 1,
        "close_behaviors_between_videos": False,
        "media_info": {
            "length": dict.fromkeys(media, round(length_s, 6)),
            "fps": dict.fromkeys(media, round(rate, 6)),
            "hasVideo": dict.fromkeys(media, True),
            "hasAudio": dict.fromkeys(media, False),
            "offset": {"1": 0.0},
        },
    }


def _events(analysis: Analysis) -> list[Json]:
    """Time, subject, code, modifier, comment, frame: two of a movement's, one of its apex."""
    rows: list[tuple[float, int, list[Json]]] = []
    for tier in tiers.tiers(analysis):
        for entry in tier.entries:
            event = entry.event
            marks = (
                (event.onset_s, _code(tiers.class_text(event)), event.onset_index, 1),
                (event.apex_s, APEX, event.apex_index, 2),
                (event.offset_s, _code(tiers.class_text(event)), event.offset_index, 0),
            )
            comment = tiers.line(tiers.details_text(entry))
            for time_s, code, index, rank in marks:
                at_s = round(analysis.clock.player_s(time_s), 6)
                # At one time a movement ends before the next begins.
                order = rank if event.offset_s > event.onset_s else 1
                row: list[Json] = [at_s, tier.name, code, event.region, comment, index]
                rows.append((at_s, order, row))
    return [row for *_, row in sorted(rows, key=lambda one: one[:2])]
