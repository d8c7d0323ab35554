"""Action-unit codes as annotators write them, parsed into a structure that keeps what they meant.

The annotation tables hold ``4+L10``, ``12 or 15``, ``(R6 or R12)+R15``, ``A12+A7``,
``ref(7B)+43``, ``10A/B``, ``AU4(k)+AU7``, and plain numbers. FACS (1978/2002) gives the letters:
L and R before a number are the *person's* left and right, A is asymmetric, T and B the top and
the bottom lip; A to E behind a number are intensities; ``ref(…)`` is what the face shows at rest.
``or`` and a slash between units mean that the annotator was not sure which of them it was, a
question mark or ``(k)`` (4DME) that the unit itself is in doubt. Action descriptors (AD30) and head
movements (M57) have numbers of their own and are read like units.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

from hmrm.errors import DataError

Side = Literal["both", "left", "right", "asymmetric", "top", "bottom"]

LARGEST_NUMBER = 99
_MOST_READINGS = 64
_DEEPEST = 12
_LONGEST = 400
_LARGEST_CELL = 10**9

_SIDES: dict[str, Side] = {
    "": "both",
    "L": "left",
    "R": "right",
    "A": "asymmetric",
    "T": "top",
    "B": "bottom",
}
_LETTERS = {side: letter for letter, side in _SIDES.items()}

_EMPTY = frozenset({"", "/", "-", "--", "?", "0", "NAN", "NONE", "N/A", "NULL"})

# An intensity is not followed by a digit: in 10A/A12 the second A belongs to the 12.
_TOKEN = re.compile(
    r"(?P<doubt>\?|\(K\))"
    r"|(?P<ref>REF\s*\()"
    r"|(?P<open>\()|(?P<close>\))"
    r"|(?P<alternative>OR|[/|])"
    r"|(?P<plus>AND|[+,;&、])"
    r"|(?P<unit>(?:A[UD]\s*|M)?(?P<side>[LRATB])?\s*(?:A[UD]\s*)?(?P<number>\d+)"
    r"(?P<intensity>[A-E](?![A-Z0-9])(?:\s*/\s*[A-E](?![A-Z0-9]))*)?"
    r"(?P<behind>[LR](?![A-Z0-9]))?)"
)
_BLANK = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True)
class CodedUnit:
    """One action unit of a code.

    Attributes:
        number: FACS number, 1 to 99.
        side: of the person, not of the image.
        intensity: letters A (trace) to E (maximum); several where the annotator left it open.
        doubtful: marked by ``?`` or ``(k)``.
        reference: already there in the face at rest.
    """

    number: int
    side: Side = "both"
    intensity: str = ""
    doubtful: bool = False
    reference: bool = False

    def __str__(self) -> str:
        letters = "/".join(self.intensity)
        text = f"{_LETTERS[self.side]}{self.number}{letters}"
        text = f"ref({text})" if self.reference else text
        return text + ("?" if self.doubtful else "")


Reading = tuple[CodedUnit, ...]


@dataclass(frozen=True, kw_only=True)
class UnitCode:
    """What one cell says.

    Attributes:
        text: the cell as written.
        readings: what was seen; more than one where the annotator wrote ``or``. A blank cell is
            one reading without units.
    """

    text: str = ""
    readings: tuple[Reading, ...] = ((),)

    @property
    def certain(self) -> frozenset[int]:
        """Numbers that every reading holds, without doubt, as a movement."""
        sure = [
            {u.number for u in units if not u.doubtful and not u.reference}
            for units in self.readings
        ]
        return frozenset(set.intersection(*sure))

    @property
    def possible(self) -> frozenset[int]:
        """Numbers that may have moved: those of any reading, doubtful ones too."""
        return frozenset(u.number for units in self.readings for u in units if not u.reference)

    def __str__(self) -> str:
        return " or ".join("+".join(map(str, units)) for units in self.readings)


def parse_units(value: object) -> UnitCode:
    """Read one cell: text, a number that a spreadsheet made of it, or nothing.

    ``+`` binds stronger than ``or``; brackets say otherwise. Where ``or`` stands inside a sum,
    each choice becomes a reading of its own.

    Raises:
        DataError: the text is no action-unit code, or one with more than 64 readings.
    """
    text = _as_text(value)
    plain = unicodedata.normalize("NFKC", text).upper().strip()
    if _BLANK.sub("", plain) in _EMPTY:
        return UnitCode(text=text)
    if len(plain) > _LONGEST:
        raise DataError(f"action units: {len(plain)} characters are no action-unit code")
    parser = _Parser(text, _tokens(plain, text))
    readings = parser.alternatives(depth=0)
    parser.expect_end()
    return UnitCode(text=text, readings=tuple(dict.fromkeys(readings)))


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(
            f"action units: {value!r} is a {type(value).__name__}; a spreadsheet may have turned "
            "text such as 12/15 into a date, restore the text"
        )
    if isinstance(value, float):
        if value != value:
            return ""
        if not value.is_integer():
            raise DataError(f"action units: {value!r} is not a whole number")
        value = int(value)
    if isinstance(value, int) and abs(value) > _LARGEST_CELL:
        raise DataError("action units: the cell holds a huge whole number")
    return str(value)


def _tokens(plain: str, text: str) -> list[re.Match[str]]:
    found, at = [], 0
    while at < len(plain):
        blank = _BLANK.match(plain, at)
        if blank:
            at = blank.end()
            continue
        token = _TOKEN.match(plain, at)
        if token is None:
            raise DataError(
                f"action units {text!r}: {plain[at : at + 8]!r} is neither a unit nor one of "
                "+ or / ( ) ?"
            )
        found.append(token)
        at = token.end()
    return found


class _Parser:
    """Recursive descent over the tokens of one code; every rule returns readings."""

    def __init__(self, text: str, tokens: list[re.Match[str]]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0

    def alternatives(self, *, depth: int) -> list[Reading]:
        if depth > _DEEPEST:
            raise self._error("brackets are nested too deep")
        found = self._sum(depth)
        while self._take("alternative"):
            found = found + self._sum(depth)
            self._check_count(found)
        return found

    def expect_end(self) -> None:
        if self._at < len(self._tokens):
            token = self._tokens[self._at]
            raise self._error(f"did not expect {token.group()!r} there")

    def _sum(self, depth: int) -> list[Reading]:
        found = self._item(depth)
        while self._take("plus"):
            others = self._item(depth)
            self._check_count(found, len(others))
            found = [_joined(one, other) for one in found for other in others]
        return found

    def _item(self, depth: int) -> list[Reading]:
        if self._take("open"):
            found = self._closed(depth)
        elif self._take("ref"):
            found = [
                tuple(replace(u, reference=True) for u in units) for units in self._closed(depth)
            ]
        else:
            found = [(self._unit(),)]
        while self._take("doubt"):
            found = [tuple(replace(u, doubtful=True) for u in units) for units in found]
        return found

    def _closed(self, depth: int) -> list[Reading]:
        found = self.alternatives(depth=depth + 1)
        if not self._take("close"):
            raise self._error("a bracket is not closed")
        return found

    def _unit(self) -> CodedUnit:
        token = self._take("unit")
        if token is None:
            raise self._error("a unit is missing")
        digits = token["number"].lstrip("0")
        number = int(digits) if 0 < len(digits) <= 2 else 0
        if not 0 < number <= LARGEST_NUMBER:
            raise self._error(f"there is no action unit {token['number'][:8]}")
        if token["side"] and token["behind"]:
            raise self._error(f"{token.group()!r} names its side twice")
        return CodedUnit(
            number=number,
            side=_SIDES[token["side"] or token["behind"] or ""],
            intensity="".join(sorted(set(re.findall("[A-E]", token["intensity"] or "")))),
        )

    def _take(self, kind: str) -> re.Match[str] | None:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if token is None or token[kind] is None:
            return None
        self._at += 1
        return token

    def _check_count(self, found: list[Reading], times: int = 1) -> None:
        if len(found) * times > _MOST_READINGS:
            raise self._error(f"more than {_MOST_READINGS} readings")

    def _error(self, what: str) -> DataError:
        return DataError(f"action units {self._text!r}: {what}")


def _joined(one: Reading, other: Reading) -> Reading:
    return one + tuple(unit for unit in other if unit not in one)
