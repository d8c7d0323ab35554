"""Action-unit codes: what annotators write is kept, anything else gets our error and no other."""

import contextlib
import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hmrm.datasets.annotations.action_units import CodedUnit, UnitCode, parse_units
from hmrm.errors import DataError


def units(*codes: str) -> tuple[CodedUnit, ...]:
    """Plain units from a small vocabulary of their own: side letter, number, intensity."""
    sides = {"L": "left", "R": "right", "A": "asymmetric"}
    found = []
    for code in codes:
        side = sides.get(code[0], "both")
        digits = code.lstrip("LRA")
        intensity = digits.lstrip("0123456789")
        number = int(digits[: len(digits) - len(intensity)])
        found.append(CodedUnit(number=number, side=side, intensity=intensity))
    return tuple(found)


@pytest.mark.parametrize(
    ("value", "readings"),
    [
        ("4+L10", [units("4", "L10")]),
        ("1+L2", [units("1", "L2")]),
        ("12 or 15", [units("12"), units("15")]),
        ("12 / 15", [units("12"), units("15")]),
        ("(R6 or R12)+R15", [units("R6", "R15"), units("R12", "R15")]),
        ("4 + 7 or 12", [units("4", "7"), units("12")]),
        ("A12+A7", [units("A12", "A7")]),
        ("10A/B", [units("10AB")]),
        ("10A/A12", [units("10A"), units("A12")]),
        ("L14", [units("L14")]),
        ("l14", [units("L14")]),
        ("12L", [units("L12")]),
        (4, [units("4")]),
        (4.0, [units("4")]),
        ("AU4 + au 7", [units("4", "7")]),
        ("6， 12", [units("6", "12")]),
        ("AD30 + M57", [units("30", "57")]),
        ("12+12", [units("12")]),
        (" 4 ", [units("4")]),
        ("L1+R1", [units("L1", "R1")]),
    ],
)
def test_what_the_tables_hold(value: object, readings: list[tuple[CodedUnit, ...]]) -> None:
    assert parse_units(value).readings == tuple(readings)


@pytest.mark.parametrize("value", [None, "", "  ", "/", "-", "?", float("nan"), 0, "nan"])
def test_blank_cells_hold_no_unit(value: object) -> None:
    found = parse_units(value)
    assert found.readings == ((),)
    assert found.possible == found.certain == frozenset()


def test_units_at_rest_and_units_in_doubt_are_not_certain() -> None:
    rest, moving = parse_units("ref(7B)+43").readings[0]
    assert rest == CodedUnit(number=7, intensity="B", reference=True)
    assert moving == CodedUnit(number=43)
    assert parse_units("ref(7B)+43").possible == {43}
    doubt = parse_units("AU4(k)+AU7")
    assert doubt.readings[0][0].doubtful and not doubt.readings[0][1].doubtful
    assert doubt.certain == {7} and doubt.possible == {4, 7}
    assert parse_units("(1+2)?+4").certain == {4}


def test_an_or_leaves_only_what_both_sides_share_certain() -> None:
    found = parse_units("(R6 or R12)+R15")
    assert found.certain == {15} and found.possible == {6, 12, 15}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("4+", "missing"),
        ("4 7", "did not expect"),
        ("(4", "not closed"),
        ("4)", "did not expect"),
        ("smile", "neither a unit"),
        ("100", "no action unit"),
        ("0+4", "no action unit"),
        ("L12R", "twice"),
        ("4-7", "neither a unit"),
        (datetime.date(2014, 12, 15), "date"),
        (True, "bool"),
        (4.5, "whole"),
        pytest.param(10**5000, "whole", id="huge"),
        ("(" * 40 + "4" + ")" * 40, "nested"),
        ("+".join(["(1 or 2)"] * 9), "readings"),
    ],
)
def test_anything_else_is_refused_and_quoted(value: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse_units(value)


@given(st.text(st.sampled_from("0123456789ABELRTUK+/()?,; orefau&\u0661²③𝟙"), max_size=40))
@example("ref(")
@example("²")
def test_no_text_gives_another_exception(text: str) -> None:
    try:
        found = parse_units(text)
    except DataError:
        return
    assert parse_units(str(found)).readings == found.readings


@given(st.text() | st.integers() | st.floats() | st.none() | st.binary() | st.dates())
def test_no_value_gives_another_exception(value: object) -> None:
    with contextlib.suppress(DataError):
        parse_units(value)


coded = st.builds(
    CodedUnit,
    number=st.integers(1, 99),
    side=st.sampled_from(["both", "left", "right", "asymmetric", "top", "bottom"]),
    intensity=st.sampled_from(["", "A", "B", "E", "AB", "CD"]),
    doubtful=st.booleans(),
    reference=st.booleans(),
)
readings_of_units = st.lists(
    st.lists(coded, min_size=1, max_size=5, unique=True).map(tuple),
    min_size=1,
    max_size=4,
    unique=True,
)


@given(readings_of_units)
def test_what_is_written_is_read_back(readings: list[tuple[CodedUnit, ...]]) -> None:
    code = UnitCode(readings=tuple(readings))
    assert parse_units(str(code)).readings == code.readings
