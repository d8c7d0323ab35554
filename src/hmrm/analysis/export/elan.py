"""ELAN: one ``.eaf`` (EAF 3.0); frames, class and details are tiers that depend on a face's."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import count
from pathlib import Path, PurePath

from hmrm import atomic
from hmrm.analysis.export import tiers
from hmrm.analysis.record import Analysis

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_MIME = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
}
_NO_DATE = "1970-01-01T00:00:00+00:00"
"""The format demands a date; ours would make two exports of one result differ."""


def write(path: Path, analysis: Analysis) -> tuple[Path, ...]:
    """Write an ELAN file.

    Raises:
        OutputError: the file cannot be written.
    """
    root = ET.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "hmrm",
            "DATE": _NO_DATE,
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": _XSI,
            "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    found, ids = tiers.tiers(analysis), (f"a{number}" for number in count(1))
    _header(root, analysis)
    slots = _time_order(root, found)
    for tier in found:
        _tier(root, tier, slots, ids)
    _types(root)
    ET.indent(root, " ")
    text = ET.tostring(root, encoding="unicode")
    atomic.write_text(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')
    return (path,)


def _header(root: ET.Element, analysis: Analysis) -> None:
    header = ET.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    name = tiers.line(analysis.source)
    suffix = PurePath(name).suffix.lower()
    if suffix:
        where = f"./{name}"
        kind = _MIME.get(suffix, "video/*")
        ET.SubElement(
            header,
            "MEDIA_DESCRIPTOR",
            {"MEDIA_URL": where, "MIME_TYPE": kind, "RELATIVE_MEDIA_URL": where},
        )
    ET.SubElement(header, "PROPERTY", {"NAME": "hmrm:counting"}).text = tiers.rule(analysis)
    ET.SubElement(header, "PROPERTY", {"NAME": "hmrm:source"}).text = name


def _time_order(root: ET.Element, found: tuple[tiers.Tier, ...]) -> dict[int, str]:
    """Name of the time slot of every time."""
    times = {t for tier in found for e in tier.entries for t in (e.start_ms, e.end_ms)}
    order = ET.SubElement(root, "TIME_ORDER")
    slots = {time: f"ts{number}" for number, time in enumerate(sorted(times), 1)}
    for time, name in slots.items():
        ET.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": name, "TIME_VALUE": str(time)})
    return slots


def _tier(root: ET.Element, tier: tiers.Tier, slots: dict[int, str], ids: Iterator[str]) -> None:
    top = ET.SubElement(root, "TIER", {"TIER_ID": tier.name, "LINGUISTIC_TYPE_REF": "movement"})
    parents = []
    for entry in tier.entries:
        parents.append(next(ids))
        annotation = ET.SubElement(
            ET.SubElement(top, "ANNOTATION"),
            "ALIGNABLE_ANNOTATION",
            {
                "ANNOTATION_ID": parents[-1],
                "TIME_SLOT_REF1": slots[entry.start_ms],
                "TIME_SLOT_REF2": slots[entry.end_ms],
            },
        )
        _value(annotation, tiers.class_text(entry.event))
    for kind in ("frames", "details"):
        child = ET.SubElement(
            root,
            "TIER",
            {
                "TIER_ID": f"{tier.name} {kind}",
                "LINGUISTIC_TYPE_REF": kind,
                "PARENT_REF": tier.name,
            },
        )
        for entry, parent in zip(tier.entries, parents, strict=True):
            annotation = ET.SubElement(
                ET.SubElement(child, "ANNOTATION"),
                "REF_ANNOTATION",
                {"ANNOTATION_ID": next(ids), "ANNOTATION_REF": parent},
            )
            texts = {"frames": tiers.frames_text(entry.event), "details": tiers.details_text(entry)}
            _value(annotation, texts[kind])


def _value(annotation: ET.Element, text: str) -> None:
    ET.SubElement(annotation, "ANNOTATION_VALUE").text = tiers.line(text)


def _types(root: ET.Element) -> None:
    alignable = {"GRAPHIC_REFERENCES": "false", "TIME_ALIGNABLE": "true"}
    dependent = {
        "CONSTRAINTS": "Symbolic_Association",
        "GRAPHIC_REFERENCES": "false",
        "TIME_ALIGNABLE": "false",
    }
    ET.SubElement(root, "LINGUISTIC_TYPE", {"LINGUISTIC_TYPE_ID": "movement", **alignable})
    for kind in ("frames", "details"):
        ET.SubElement(root, "LINGUISTIC_TYPE", {"LINGUISTIC_TYPE_ID": kind, **dependent})
    ET.SubElement(
        root,
        "CONSTRAINT",
        {
            "STEREOTYPE": "Symbolic_Association",
            "DESCRIPTION": "1-1 association with a parent annotation",
        },
    )
