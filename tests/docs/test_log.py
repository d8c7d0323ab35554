"""The log is a table that loses no evaluation on real data, and names commands that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOG = (ROOT / "docs/log.md").read_text(encoding="utf-8")
WORDS = {
    9: "nine",
    10: "ten",
    27: "twenty-seven",
    28: "twenty-eight",
    30: "thirty",
    31: "thirty-one",
    32: "thirty-two",
    33: "thirty-three",
    34: "thirty-four",
}
REAL = "## Evaluations on real data: "
# Deleted on purpose; the log says at which commit git has them.
GONE = {"results-first-look.json", "results-second-look.json"}


def sections() -> dict[str, list[list[str]]]:
    """Heading → cells of the rows below it, header first, without the rule under the header."""
    parts = re.split(r"^(?=## )", LOG, flags=re.MULTILINE)[1:]
    tables = {}
    for part in parts:
        rows = [line for line in part.splitlines() if line.startswith("|")]
        cells = [[c.strip() for c in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]
        tables[part.splitlines()[0]] = [row for row in cells if set("".join(row)) != {"-"}]
    return tables


def numbers(heading: str) -> list[int]:
    rows = sections()[REAL + heading][1:]
    return [int(number) for row in rows for number in row[0].split(",")]


def test_every_row_has_a_date_a_question_a_command_a_result_and_a_verdict() -> None:
    tables = sections()
    assert len(tables) >= 9
    for heading, (header, *rows) in tables.items():
        assert header[-5:] == ["date", "question", "command", "result", "taken"], heading
        assert rows, heading
        for row in rows:
            assert len(row) == len(header), f"{heading}: {row}"
            assert all(row), f"{heading}: an empty cell in {row}"
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", row[-5]), f"{heading}: {row[-5]} is no date"


def test_evaluations_on_real_data_are_counted_without_a_gap() -> None:
    counts = {}
    for heading in ("real labels in training", "synthetic motion alone in training"):
        found = numbers(heading)
        assert found == list(range(1, len(found) + 1)), heading
        counts[heading] = WORDS[len(found)]
    reported = "{} with real labels in training, {} without".format(*counts.values())
    assert reported in LOG
    page = (ROOT / "docs/recognition/results.md").read_text(encoding="utf-8")
    assert "{} with real labels in training and {} without".format(*counts.values()) in page


def named_files() -> Iterator[str]:
    text = re.sub(r"https?://\S+", "", LOG)
    yield from re.findall(r"\]\(([^)#]+)\)", text)
    for path in re.findall(r"`([^`]*)`", text):
        yield from re.findall(r"[\w/.-]+\.(?:toml|py|md|json)\b", path)


def test_files_that_the_log_names_are_there() -> None:
    roots = (ROOT / "docs", ROOT, ROOT / "src/hmrm")
    missing = [
        name
        for name in named_files()
        if name not in GONE | {"run.json"} and not any((root / name).exists() for root in roots)
    ]
    assert not missing


def test_benchmarks_that_the_log_names_are_there() -> None:
    modules = re.findall(r"python -m (benchmarks[\w.]*)", LOG)
    assert len(set(modules)) >= 8
    for module in modules:
        path = ROOT / module.replace(".", "/")
        assert (path / "__main__.py").exists() or path.with_suffix(".py").exists(), module
