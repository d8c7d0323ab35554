"""What an .xlsx file claims to hold, counted in its parts before a library builds it in memory."""

import io
import re
import zipfile

from hmrm import limits
from hmrm.reading import DamagedError

_RANGE = re.compile(
    rb"<(?:\w+:)?mergeCell\b[^>]*?\bref\s*=\s*[\"']\$?([A-Z]{1,9})\$?(\d{1,9}):\$?([A-Z]{1,9})\$?(\d{1,9})[\"']"
)
_MERGE = re.compile(rb"<(?:\w+:)?mergeCell\b")
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_ROW = re.compile(rb"<(?:\w+:)?(?:row|col)[\s/>]")
_PIECE = 1 << 20


def require_small(content: bytes) -> None:
    """Refuse a workbook that would take long, or much memory, to read.

    Raises:
        DamagedError: its parts unpack to more bytes than the limit, or one of its sheets has more
            cells, or cells in merged ranges.
        BadZipFile: it is no archive.
    """
    most, unpacked = limits.current(), 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > most.members:
            raise _too_many("parts", len(members), "members")
        unpacked = sum(member.file_size for member in members)
        if unpacked > most.workbook_bytes:
            raise _too_many("bytes unpacked", unpacked, "workbook_bytes")
        cells = 0
        for member in members:
            if member.filename.lower().endswith((".xml", ".rels")):
                cells += _cells(_unpacked(archive, member))
        if cells > most.cells:
            raise _too_many("cells", cells, "cells")


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A part, however little its own header claims."""
    most, parts, size = limits.current().workbook_bytes, [], 0
    with archive.open(member) as file:
        while piece := file.read(_PIECE):
            parts.append(piece)
            size += len(piece)
            if size > most:
                raise _too_many("bytes unpacked", size, "workbook_bytes")
    return b"".join(parts)


def _cells(part: bytes) -> int:
    """Cells and rows of one part; its merged ranges are checked."""
    most = limits.current()
    ranges = len(_MERGE.findall(part))
    if ranges > most.merged_ranges:
        raise _too_many("merged ranges", ranges, "merged_ranges")
    area = 0
    for left, top, right, bottom in _RANGE.findall(part):
        width = abs(_column(right) - _column(left)) + 1
        area += width * (abs(int(bottom) - int(top)) + 1)
    if area > most.merged_cells:
        raise _too_many("cells in merged ranges", area, "merged_cells")
    return len(_CELL.findall(part)) + len(_ROW.findall(part))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _too_many(what: str, count: int, limit: str) -> DamagedError:
    return DamagedError(f"holds {count} {what}; {limits.how_to_raise(limit, count)}")
