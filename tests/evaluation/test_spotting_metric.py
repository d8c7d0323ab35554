import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm import records
from hmrm.errors import DataError
from hmrm.evaluation.spotting.counts import Counts
from hmrm.evaluation.spotting.score import (
    SpottingScores,
    match,
    overlap,
    score_spotting,
)
from hmrm.intervals import Interval, IntervalTable, Kind, build_table


def interval(
    onset: int,
    offset: int,
    kind: Kind = "micro",
    *,
    video: str = "1",
    score: float | None = None,
    label: str = "",
) -> Interval:
    return Interval(
        subject="006",
        video=video,
        onset_index=onset,
        offset_index=offset,
        kind=kind,
        score=score,
        label=label,
    )


def scored(truth: list[Interval], found: list[Interval]) -> SpottingScores:
    return score_spotting(
        build_table(truth, source="truth.csv"), build_table(found, source="found.csv")
    )


def slow_overlap(a: Interval, b: Interval) -> float:
    if (a.subject, a.video) != (b.subject, b.video):
        return 0.0
    first = set(range(a.onset_index, a.offset_index + 1))
    second = set(range(b.onset_index, b.offset_index + 1))
    return len(first & second) / len(first | second)


def slow_matching(truth: list[Interval], found: list[Interval]) -> int:
    """The largest number of disjoint pairs, by trying everything."""
    if not truth:
        return 0
    best = slow_matching(truth[1:], found)
    for i, one in enumerate(found):
        if one.kind == truth[0].kind and slow_overlap(truth[0], one) >= 0.5:
            best = max(best, 1 + slow_matching(truth[1:], found[:i] + found[i + 1 :]))
    return best


def intervals(most: int) -> st.SearchStrategy[list[Interval]]:
    one = st.builds(
        lambda onset, length, kind, video, score: interval(
            onset, onset + length, kind, video=video, score=score
        ),
        st.integers(0, 12),
        st.integers(0, 10),
        st.sampled_from(["micro", "macro"]),
        st.sampled_from(["1", "2"]),
        st.sampled_from([0.1, 0.4, 0.4001, 0.9]),
    )
    return st.lists(
        one, max_size=most, unique_by=lambda o: (o.video, o.kind, o.onset_index, o.offset_index)
    )


@settings(max_examples=100, deadline=None)
@given(intervals(6), intervals(6))
def test_counts_agree_with_trying_everything(truth: list[Interval], found: list[Interval]) -> None:
    scores = scored(truth, found)
    for kind in ("micro", "macro"):
        a = [o for o in truth if o.kind == kind]
        b = [o for o in found if o.kind == kind]
        hits = slow_matching(a, b)
        assert scores.counts[kind] == Counts(
            true_positives=hits, false_positives=len(b) - hits, false_negatives=len(a) - hits
        )
    assert scores.counts["all"] == scores.counts["micro"] + scores.counts["macro"]


@settings(max_examples=50, deadline=None)
@given(intervals(5), intervals(6))
def test_curves_agree_with_scoring_anew_above_each_threshold(
    truth: list[Interval], found: list[Interval]
) -> None:
    curves = scored(truth, found).curves
    assert bool(curves) == bool(found)
    for name, points in curves.items():
        thresholds = [point.threshold for point in points]
        assert thresholds == sorted(set(thresholds), reverse=True)
        for point in points:
            kept = [o for o in found if o.score is not None and o.score >= point.threshold]
            assert point.counts == scored(truth, kept).counts[name]


@settings(max_examples=50, deadline=None)
@given(intervals(5), intervals(5))
def test_pairs_are_one_to_one_and_overlap(truth: list[Interval], found: list[Interval]) -> None:
    pairs = match(truth, found)
    assert all(slow_overlap(truth[t], found[f]) >= 0.5 for t, f in pairs)
    assert all(truth[t].kind == found[f].kind for t, f in pairs)
    for side in zip(*pairs, strict=True):
        assert len(set(side)) == len(side)


@settings(max_examples=30, deadline=None)
@given(intervals(5), intervals(5), st.randoms())
def test_the_order_of_rows_does_not_matter(truth, found, random) -> None:  # type: ignore[no-untyped-def]
    expected = scored(truth, found).counts
    random.shuffle(truth)
    random.shuffle(found)
    assert scored(truth, found).counts == expected


@given(st.integers(0, 30), st.integers(0, 9), st.integers(0, 30), st.integers(0, 9))
def test_overlap_counts_frames(a: int, b: int, c: int, d: int) -> None:
    first, second = interval(a, a + b), interval(c, c + d)
    assert overlap(first, second) == slow_overlap(first, second) == overlap(second, first)
    assert overlap(first, first) == 1.0


def test_both_ends_count_and_a_half_is_enough() -> None:
    # 10 true frames; 5 of them found is 5 / 10, inclusive. Counted as lengths it were 4 / 9.
    assert overlap(interval(0, 9), interval(0, 4)) == 0.5
    counts = scored([interval(0, 9)], [interval(0, 4)]).counts["micro"]
    assert (counts.true_positives, counts.f1) == (1, 1.0)
    assert scored([interval(0, 10)], [interval(0, 4)]).counts["micro"].f1 == 0.0
    assert overlap(interval(3, 3), interval(3, 3)) == 1.0
    assert overlap(interval(0, 4), interval(5, 9)) == 0.0


def test_counts_by_hand() -> None:
    truth = [
        interval(10, 29),
        interval(100, 119),
        interval(10, 200, "macro"),
        interval(5, 24, video="2"),
    ]
    found = [
        interval(12, 31),  # hit
        interval(13, 32),  # a second one on the same: false
        interval(100, 119, "macro"),  # right place, wrong type: false
        interval(40, 190, "macro"),  # hit: 151 of 191
        interval(5, 24, video="3"),  # right place, other video: false
    ]
    counts = scored(truth, found).counts
    assert counts["micro"] == Counts(true_positives=1, false_positives=2, false_negatives=2)
    assert counts["macro"] == Counts(true_positives=1, false_positives=1, false_negatives=0)
    assert counts["all"] == Counts(true_positives=2, false_positives=3, false_negatives=2)
    assert counts["all"].precision == pytest.approx(2 / 5)
    assert counts["all"].recall == pytest.approx(1 / 2)
    assert counts["all"].f1 == pytest.approx(4 / 9)


def test_one_found_interval_counts_for_one_true_one_only() -> None:
    # The organisers' script of 2020 would call both found.
    counts = scored([interval(0, 9), interval(2, 11)], [interval(1, 10)]).counts["micro"]
    assert counts == Counts(true_positives=1, false_positives=0, false_negatives=1)


def test_the_matching_is_a_largest_one_not_a_greedy_one() -> None:
    # The surest found one fits both; the other fits the first alone.
    truth = [interval(0, 9), interval(4, 13)]
    found = [interval(1, 10, score=0.9), interval(0, 5, score=0.1)]
    assert match(truth, found) == ((0, 1), (1, 0))


def test_published_counts_give_published_f1() -> None:
    # The MDMD baseline's counts on CAS(ME)² and SAMM-LV, as its authors print them.
    for hits, found, true, f1 in (
        (109, 1523, 300, 0.1196),
        (21, 5035, 57, 0.0082),
        (130, 6558, 357, 0.0376),
        (22, 356, 343, 0.0629),
        (29, 1436, 159, 0.0364),
        (51, 1792, 502, 0.0445),
    ):
        counts = Counts(
            true_positives=hits, false_positives=found - hits, false_negatives=true - hits
        )
        assert round(counts.f1, 4) == f1


def test_f1_is_of_sums_not_a_mean_over_videos() -> None:
    truth = [interval(0, 9), *(interval(20 * i, 20 * i + 9, video="2") for i in range(9))]
    counts = scored(truth, [interval(0, 9)]).counts["micro"]
    assert counts.f1 == pytest.approx(2 / 11)


def test_without_types_there_is_no_score_that_mixes_them() -> None:
    both = [interval(0, 9), interval(40, 90, "macro")]
    for truth, found in (
        ([interval(0, 9, "")], [interval(0, 9, "")]),
        (both, [interval(0, 9, "")]),
        ([interval(0, 9, ""), interval(40, 90)], both),
    ):
        with pytest.raises(DataError, match=r"have no type, and a score without types would mix"):
            scored(truth, found)
    scores = scored([interval(0, 9, "")], [interval(0, 9, "macro")])
    assert {name: one.true_positives for name, one in scores.counts.items()} == {
        "micro": 0, "macro": 1, "all": 1
    }  # fmt: skip
    assert scores.warnings == (
        "truth.csv: has no types; all are taken as macro, the only type in found.csv",
    )


def test_annotations_that_the_one_to_one_rule_drops_are_named() -> None:
    truth = [interval(0, 9), interval(2, 11), interval(40, 90, "macro"), interval(0, 9, video="2")]
    scores = scored(truth, [interval(1, 10), interval(40, 90, "macro"), interval(60, 69)])
    assert scores.dropped == {
        "micro": ("006_1 2 to 11",), "macro": (), "all": ("006_1 2 to 11",)
    }  # fmt: skip
    assert scores.counts["micro"] == Counts(true_positives=1, false_positives=1, false_negatives=2)


def test_nothing_at_all() -> None:
    empty = IntervalTable(source="empty.csv", intervals=())
    for truth, found in itertools.product(
        [empty, build_table([interval(0, 9)], source="t")], [empty]
    ):
        scores = score_spotting(truth, found)
        assert scores.counts["all"].f1 == 0.0
        assert scores.curves == {}
        assert scores.strs is None
    records.to_json(score_spotting(empty, empty))


def test_videos_of_one_side_are_named() -> None:
    scores = scored([interval(0, 9)], [interval(0, 9, video="7")])
    assert any("006_1" in w and "missed" in w for w in scores.warnings)
    assert any("006_7" in w and "false" in w for w in scores.warnings)
    assert any("same name" in w for w in scores.warnings)
    assert scored([interval(0, 9)], [interval(0, 9)]).warnings == ()


def test_a_video_of_found_alone_is_named_if_something_was_found_there() -> None:
    truth = build_table([interval(0, 9)], source="truth.csv")
    empty = [("006", "1"), ("006", "5")]
    found = build_table([interval(0, 9), interval(0, 9, video="7")], source="f.csv", videos=empty)
    (warning,) = score_spotting(truth, found).warnings
    assert "1 video(s) in which something was found (006_7)" in warning
    # Names that do not meet are told even where nothing was found.
    warnings = score_spotting(truth, build_table([], source="f.csv", videos=empty[1:])).warnings
    assert any("same name" in w for w in warnings) and not any("006_5" in w for w in warnings)


def test_a_leading_s_of_one_side_alone_is_no_difference() -> None:
    def at(subject: str, video: str) -> Interval:
        return Interval(subject=subject, video=video, onset_index=0, offset_index=9, kind="micro")

    found = [at("s15", "0101")]
    truth = [at("", "15_0101")]
    scores = scored(truth, found)
    assert scores.counts["all"].f1 == 1.0
    assert any("leading s" in warning for warning in scores.warnings)
    # Where both write it, nothing is renamed, and s1 and 1 stay two subjects.
    other = at("", "s15_0101")
    assert scored([*truth, other], found).counts["all"].false_negatives == 1


def test_a_name_alone_matches_where_it_can_mean_one_video_only() -> None:
    def at(subject: str, video: str) -> Interval:
        return Interval(subject=subject, video=video, onset_index=0, offset_index=9, kind="micro")

    def hits(truth: list[Interval], found: list[Interval]) -> int:
        return scored(truth, found).counts["all"].true_positives

    # The folder that all videos lie in taken for their subject; no subject told at all.
    long = at("006", "006_1")
    assert (
        hits([long], [at("SAMM_longvideos", "006_1")])
        == hits([at("s15", "15_a")], [at("", "15_a")])
        == 1
    )
    warnings = scored([long], [at("SAMM_longvideos", "006_1")]).warnings
    assert len(warnings) == 1 and "SAMM_longvideos_006_1 with 006_1" in warnings[0]
    # A file without any subject, as hmrm spot writes it, is nothing to warn of; one with some is.
    some = [at("", "15_a"), at("s16", "b")]
    assert scored([at("s15", "15_a")], [at("", "15_a")]).warnings == ()
    assert "15_a with s15_15_a" in scored([at("s15", "15_a"), some[1]], some).warnings[0]
    # The first videos of two people, and a name that two people share.
    assert hits([at("006", "1")], [at("007", "1")]) == 0
    assert hits([at("006", "1"), at("007", "1")], [at("", "1")]) == 0
    assert hits([at("006", "1")], [at("", "1"), at("006", "1")]) == 1


def test_strs_is_spotting_times_recognition_over_the_hits() -> None:
    truth = [
        interval(0, 9, label="negative"),
        interval(20, 29, label="positive"),
        interval(40, 49, label="negative"),
        interval(60, 69, label="positive"),
    ]
    found = [
        interval(0, 9, label="negative"),
        interval(20, 29, label="negative"),
        interval(60, 69, label="positive"),
        interval(80, 89, label="positive"),
    ]
    scores = scored(truth, found)
    # Over the three hits: negative 2·1/(2+1), positive 2·1/(2+1); spotting 3 of 4 and 4.
    assert scores.recognition_uf1 == pytest.approx(2 / 3)
    assert scores.strs == pytest.approx(2 / 3 * 3 / 4)


def test_a_class_that_no_hit_has_is_named_and_scores_nothing() -> None:
    truth = [interval(0, 9, label="negative"), interval(20, 29, label="surprise")]
    scores = scored(truth, [interval(0, 9, label="negative")])
    assert scores.recognition_uf1 == pytest.approx(1 / 2)


def test_without_labels_there_is_no_strs() -> None:
    assert scored([interval(0, 9, label="negative")], [interval(0, 9)]).strs is None
