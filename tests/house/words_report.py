"""``python -m tests.house.words_report [--counts] [WORD ...]``: where old words stand.

A line is ``path:line: scope: what stands there → what to write``. ``--counts`` gives a table of
places by word and scope instead.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from tests.house.words import NAMES, PROSE, Rule, everything, rules, violations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="rules to report; all where none is given")
    parser.add_argument("--counts", action="store_true")
    arguments = parser.parse_args()
    chosen = [rule for rule in rules() if not arguments.words or rule.word in arguments.words]
    sys.stdout.writelines(f"{line}\n" for line in (counts if arguments.counts else places)(chosen))


def places(chosen: Sequence[Rule]) -> Iterator[str]:
    for rule in chosen:
        broken = sorted(violations(rule, everything()), key=lambda v: (v.path, v.line))
        yield from map(str, broken)


def counts(chosen: Sequence[Rule]) -> Iterator[str]:
    columns = (*NAMES, *PROSE)
    yield " | ".join(("| word", *columns, "all |"))
    yield "|---" * (2 + len(columns)) + "|"
    for rule in chosen:
        broken = violations(rule, everything())
        by_scope = Counter(violation.scope for violation in broken)
        cells = [str(by_scope[scope] or "") for scope in columns]
        yield " | ".join((f"| {rule.word}", *cells, f"{len(broken)} |"))


if __name__ == "__main__":
    main()
