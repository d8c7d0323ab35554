"""What each kind of issue is, in a sentence for the reader of a check's output.

Codes group what is alike and serve programs (JSON, prepared folders); people get these sentences.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hmrm.clip import Issue

WORDS: Mapping[str, str] = {
    # Which table, sheet and column was read.
    "table_not_read": "another table that could be the one was not read",
    "tables_differ": "two tables of the data set state different frames",
    "table_lacks": "an expression stands in one table of the data set and not in the other",
    "other_table": "the table is that of another part of the data set",
    "sheet_renamed": "the sheet has another name than the published one",
    "sheet_not_read": "a second sheet with the same columns was not read",
    "column_twice": "a column header stands twice",
    "synthetic": "the data are synthetic",
    # Rows.
    "remark": "a row holds no clip and was taken for a remark",
    "row_twice": "a row repeats an earlier one and was dropped",
    "clip_twice": "one clip name stands for two different clips, which were numbered",
    "stray_blanks": "blanks around a text were ignored",
    "clip_name": "a clip is named otherwise than this data set's are",
    "subject_differs": "the subject's column and the clip's name name different people",
    # Frames.
    "no_apex": "no apex is given; it has to be estimated",
    "second_apex": "the first apex is missing, the second one was taken",
    "no_offset": "no offset is given",
    "apex_outside": "the apex lies outside its clip and is not used",
    "apex_is_onset": "the apex is the onset, so the pair shows no motion",
    "offset_before_onset": "the offset lies before the onset and is not used",
    "onset_zero": "the expression began before its video",
    "long_macro": "a macro-expression is longer than public baselines admit",
    "doubtful_frame": "a frame is marked with a question mark; its number was taken",
    "frame_range": "a range stands where one frame is due; its middle was taken",
    "span_unknown": "where the clip's files begin or end is not given as a frame",
    "no_rate": "the frame rate is not given; the data set's highest was taken",
    # Emotions and action units.
    "no_emotion": "no emotion is given",
    "no_emotions_read": "the table that names the emotions was not read",
    "emotion_unknown": "an emotion belongs to no class of this data set",
    "emotion_differs": "two places of the table name different emotions",
    "several_emotions": "a clip has more than one emotion, so no class",
    "objective_class": "an objective class is none of I to VII",
    "no_objective_class": "the workbook of objective classes lacks a clip",
    "units_unreadable": "an action-unit code could not be read and is kept as text",
    "units_doubtful": "an action-unit code holds units marked as doubtful",
    "units_or": "an action-unit code leaves a choice between units",
    # Corrections.
    "corrected": "a value was corrected",
    "correction_not_applied": "a correction expects another value and was not applied",
    "correction_without_clip": "a correction names a clip that is not there",
    # Folders and files.
    "points_without_clip": "points of a face are given for a clip that is not there",
    "folder_unknown": "a folder of images is no clip of this data set",
    "folder_differs": "a clip lies under another subject or emotion than its own name states",
    "several_renditions": "a clip lies in several folders, one was taken",
    "clip_not_on_disk": "a clip of the table has no folder of frames",
    "clip_not_in_table": "a folder of frames has no row in the table",
    "renumbered": "files are numbered otherwise than the table; their count agrees",
    "frame_replaced": "a missing onset or apex frame was replaced by one close by",
    "image_empty": "an image is an empty file or a broken link",
    "frames_missing": "frames between onset and offset are missing",
    "frames_beyond": "there are frames outside onset to offset",
    "apex_not_estimated": "an apex could not be estimated, its cell is empty",
    "interval_cut": "an interval that reaches beyond its video was cut to it",
    "result_damaged": "a map of an earlier run is damaged and was made again",
    # Flow maps.
    "crop_measured": "the crop that the layout declares does not fit, another one is taken",
    "identical_maps": "the same map stands under several clips",
    "no_motion": "a map holds no motion at all",
    "blank_column": "a column of labels.csv is empty",
    "fold_incomplete": "a fold's copies of the maps are not complete",
}
"""A sentence for each code that a reader of data sets gives."""

_FORMER_CODES = {"picture_empty": "image_empty"}
"""Codes in the summaries of folders that an earlier version prepared."""

EACH = frozenset({"tables_differ", "other_table"})
"""Codes of which every single issue is stated."""
FAULTS = frozenset(
    {
        *("clip_not_on_disk", "clip_not_in_table", "folder_differs"),
        *("frame_replaced", "frames_missing", "image_empty"),
        *("correction_not_applied", "correction_without_clip", "points_without_clip"),
    }
)
"""Codes of what the holder of the data can correct; the others are as data sets are published."""


@dataclass(frozen=True, kw_only=True)
class IssueGroup:
    """All issues of one code: how many, and address and message of the first.

    ``others`` are addresses and messages of the rest, where each matters by itself.
    """

    code: str
    count: int
    where: str
    message: str
    others: tuple[str, ...] = ()


def group_issues(issues: Iterable[Issue]) -> tuple[IssueGroup, ...]:
    """Each kind of issue once, by code."""
    grouped: dict[str, list[Issue]] = {}
    for issue in issues:
        grouped.setdefault(issue.code, []).append(issue)
    return tuple(
        IssueGroup(
            code=code,
            count=len(found),
            where=found[0].where,
            message=found[0].message,
            others=tuple(f"{i.where}: {i.message}" for i in found[1:] if code in EACH),
        )
        for code, found in sorted(grouped.items())
    )


def words_of(code: str) -> str:
    """The sentence of a code; a code of an older folder that has none is given in plain words."""
    code = _FORMER_CODES.get(code, code)
    return WORDS.get(code, code.replace("_", " "))
