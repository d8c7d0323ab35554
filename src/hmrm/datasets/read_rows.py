"""Rows of an annotation table, read one by one; those that cannot be are left out with a reason."""

from collections.abc import Callable
from typing import TypeVar

from hmrm.datasets.description import Findings
from hmrm.datasets.workbook import Row, Table
from hmrm.errors import DataError

T = TypeVar("T")


def read_rows(table: Table, make: Callable[[Row], T | None], findings: Findings) -> list[T]:
    """``make`` of every row; a row it refuses is skipped with its reason, and never silently.

    Args:
        make: returns None for a row that holds no clip (a remark below the table).
        findings: receives the row's address and the reason.

    Raises:
        DataError: more rows are refused than read; then it is the table that is wrong.
    """
    made: list[T] = []
    refused: list[DataError] = []
    for row in table.rows():
        try:
            one = make(row)
        except DataError as error:
            refused.append(error)
            findings.skip(row.where, str(error))
            continue
        if one is not None:
            made.append(one)
    if len(refused) > len(made):
        raise DataError(
            f"{table.sheet.title}: {len(refused)} rows cannot be read and only {len(made)} can; "
            f"the first: {refused[0]}"
        )
    return made
