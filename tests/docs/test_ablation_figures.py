"""The figures of the page of ablations are those of its tables."""

import pytest

from hmrm.evaluation.ablation.figure import Change
from tools.draw_ablations import FIGURES, PAGE, changes, figures

TABLE = """
| row | part | UF1 − base | 95 % | p (Holm) |
| --- | --- | ---: | ---: | ---: |
| base |  |  |  |  |
| one | a part | −0.034 | −0.059 to −0.013 | 0.017 |
| two |  | +0.001 | −0.017 to +0.014 | 1.000 |
"""


def test_a_table_is_read() -> None:
    assert list(changes(TABLE)) == [
        Change("a part", -0.034, -0.059, -0.013),
        Change("two", 0.001, -0.017, 0.014),
    ]


@pytest.mark.parametrize("name", FIGURES.values())
def test_the_figure_is_that_of_the_tables(name: str) -> None:
    found = {path.name: svg for path, svg in figures()}
    assert (PAGE.parent / "figures" / name).read_text(encoding="utf-8") == found[name] + "\n"
    assert f"](figures/{name})" in PAGE.read_text(encoding="utf-8")
