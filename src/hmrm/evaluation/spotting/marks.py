"""What a challenge log states of itself: which rows its authors marked TP, FP and FN."""

from collections import Counter
from collections.abc import Sequence

from hmrm.evaluation.spotting.rows import ReadOptions, Row, interval_of
from hmrm.intervals import Marks, Place


def marks_of(rows: Sequence[Row], source: str, options: ReadOptions) -> Marks | None:
    """Marks of a log's rows; None where they are of no log.

    Args:
        rows: of the side ``truth`` or ``found``; a row marked TP holds the other side's frames in
            ``partner_onset`` and ``partner_offset``.

    Raises:
        DataError: frames that make no interval.
    """
    marked = [row for row in rows if "verdict" in row]
    if not marked:
        return None
    counts = Counter(row["verdict"] for row in marked)
    pairs: set[tuple[Place, Place]] = set()
    for row in marked:
        if row["verdict"] == "TP":
            partner = {name: row[f"partner_{name}"] for name in ("onset", "offset")}
            sides = [_place(one, options) for one in (row, row | partner)]
            truth, found = sides if row["side"] == "truth" else sides[::-1]
            pairs.add((truth, found))
    return Marks(
        source=source,
        true_positives=counts["TP"],
        false_positives=counts["FP"],
        false_negatives=counts["FN"],
        pairs=frozenset(pairs),
    )


def _place(row: Row, options: ReadOptions) -> Place:
    bare = ReadOptions(first_frame=options.first_frame)
    one = interval_of(row, bare, Counter())
    assert one is not None, "nothing is dropped without lengths"
    return one.place
