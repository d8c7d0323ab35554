"""The whole chain on synthetic clips, with a detector that knows where the faces are."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path

import cv2
import numpy as np
import pytest
from rendered_faces import Bump, RenderedClip, Scene

import hmrm
from hmrm.analysis.analyze import analyze as analyze_and_classify
from hmrm.analysis.record import Analysis
from hmrm.analysis.saved import to_mapping
from hmrm.analysis.settings import AnalyzeConfig, Classification
from hmrm.clip import Event, FlowMap
from hmrm.errors import (
    FaceNotFoundError,
    FaceTooSmallError,
    FrameIndexError,
    InputError,
    VideoError,
)
from hmrm.faces.boxes import Detection
from hmrm.flow.apex import APEX_RULES
from hmrm.video.images import StillPair
from hmrm.video.reader import open_video
from hmrm.video.writer import write_video

SMIRK = Bump(0.9, 1.06, 1.26, ("left_mouth_corner",), direction=-np.pi / 2, amplitude_px=1.6)
SCENE = Scene(
    seconds=2.4, fps=50.0, noise=1.0, head_px=2, head_degrees=0.4, turn=0.01, bumps=(SMIRK,), seed=4
)

# Classifying has tests of its own.
analyze = functools.partial(analyze_and_classify, classifier=None)


class Known:
    """A detector that is told where the faces are, whatever the picture shows."""

    def __init__(self, *faces: np.ndarray) -> None:
        self.faces = faces

    def detect(self, image: np.ndarray) -> list[Detection]:
        if image.mean() < 12:
            return []
        return [
            Detection(
                box_xyxy_px=(
                    float(points[:, 0].min() - 40),
                    float(points[:, 1].min() - 60),
                    float(points[:, 0].max() + 40),
                    float(points[:, 1].max() + 50),
                ),
                confidence=0.99,
                points_xy_px=points,
            )
            for points in self.faces
        ]


@dataclasses.dataclass(frozen=True)
class SyntheticClip:
    path: Path
    frames: list[np.ndarray]
    detector: Known


@pytest.fixture(scope="module")
def smirk(tmp_path_factory: pytest.TempPathFactory) -> SyntheticClip:
    clip = RenderedClip(SCENE)
    frames = [image for _, image, _ in clip]
    path = tmp_path_factory.mktemp("clips") / "smirk.mkv"
    write_video(path, frames, SCENE.fps, lossless=True)
    return SyntheticClip(path, frames, Known(clip.points))


@pytest.fixture(scope="module")
def found(smirk: SyntheticClip) -> Analysis:
    return analyze(smirk.path, detector=smirk.detector)


def written(path: Path, frames: Sequence[np.ndarray], fps: float = 50.0) -> Path:
    write_video(path, frames, fps, lossless=True)
    return path


def codes(analysis: Analysis) -> set[str]:
    return {notice.code for notice in analysis.notices}


def test_the_movement_is_found_where_it_is(found: Analysis) -> None:
    assert len(found.events) == 1
    event = found.events[0]
    assert event.onset_s == pytest.approx(SMIRK.onset_s, abs=0.08)
    assert event.apex_s == pytest.approx(SMIRK.apex_s, abs=0.05)
    assert event.offset_s == pytest.approx(SMIRK.offset_s, abs=0.08)
    assert event.onset_index == round(event.onset_s * 50)
    assert event.region == "left_mouth_corner"
    assert 0.2 < event.peak_motion_px < 1.6
    assert event.flags == ()
    assert event.label is None
    assert event.probabilities == {}


def test_the_result_states_what_it_was_made_of(found: Analysis) -> None:
    assert found.source == "smirk.mkv"
    assert found.frame_count == 120
    assert found.frames_per_s == pytest.approx(50)
    assert found.duration_s == pytest.approx(2.4)
    assert found.size_wh_px == (320, 320)
    assert codes(found) == {"unclassified", "spotting_reliability"}
    assert found.provenance["data_hash"]
    assert found.provenance["config_hash"]
    assert found.provenance["config"]["flow"] == "deepflow"


def test_pictures_show_the_movement(found: Analysis) -> None:
    images = found.images[0]
    assert images is not None
    assert images.pair.onset.shape == images.pair.apex.shape == (324, 224, 3)
    event = found.events[0]
    assert (images.pair.onset_index, images.pair.apex_index) == (
        event.onset_index,
        event.apex_index,
    )
    corner = images.flow[:, 200:240, 40:90]
    assert corner[1].mean() < -0.4
    assert np.abs(images.flow[:, 40:100, 130:200]).mean() < 0.25
    assert images.flow_map.values.shape == (3, 28, 28)
    assert images.flow_map.crop == "hmrm-1"


@pytest.mark.parametrize("flow", ["gru-aofe", "farneback"])
def test_the_flow_shows_movements_and_does_not_find_them(
    smirk: SyntheticClip, found: Analysis, flow: str
) -> None:
    other = analyze(smirk.path, detector=smirk.detector, flow=flow)
    # The reasons tell the motion from onset to apex, so they follow the flow.
    assert [dataclasses.replace(event, reasons=None) for event in other.events] == [
        dataclasses.replace(event, reasons=None) for event in found.events
    ]
    first, second = found.images[0], other.images[0]
    assert first is not None
    assert second is not None
    assert not np.array_equal(first.flow, second.flow)
    assert second.flow[1, 200:240, 40:90].mean() < -0.3


def test_every_frame_of_the_face_is_told(found: Analysis) -> None:
    rows = list(found.frames)
    assert len(rows) == len(found.frames) == 120
    assert [row.index for row in rows] == list(range(120))
    assert rows[7].time_s == found.frames[7].time_s == pytest.approx(0.14)
    assert [row.index for row in found.frames[3:5]] == [3, 4]
    assert all(row.success and row.face_id == 0 for row in rows)
    strongest = max(rows, key=lambda row: row.motion_px["left_mouth_corner"])
    assert strongest.time_s == pytest.approx(SMIRK.apex_s, abs=0.05)
    assert "nose" not in rows[0].motion_px


def test_the_same_input_gives_the_same_result(smirk: SyntheticClip, found: Analysis) -> None:
    again = analyze(str(smirk.path), detector=smirk.detector)
    assert to_mapping(again) == to_mapping(found)
    first, second = found.images[0], again.images[0]
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.flow, second.flow)


def test_the_package_gives_analyze(smirk: SyntheticClip) -> None:
    assert hmrm.analyze is analyze_and_classify
    assert "analyze" in dir(hmrm)
    with pytest.raises(AttributeError, match="analyse"):
        hmrm.analyse  # noqa: B018


def test_a_classifier_drops_in(smirk: SyntheticClip) -> None:
    def classify(flow_map: FlowMap) -> Classification:
        assert flow_map.values.shape == (3, 28, 28)
        probabilities = {"negative": 0.1, "positive": 0.7, "surprise": 0.2}
        return Classification(probabilities=probabilities, decisive_region="mouth")

    found = analyze(smirk.path, onset=45, apex=53, detector=smirk.detector, classifier=classify)
    assert [event.label for event in found.events] == ["positive"]
    assert found.events[0].probabilities["positive"] == 0.7
    assert found.events[0].decisive_region == "mouth"
    assert "unclassified" not in codes(found)


def test_annotated_frames_are_not_spotted(smirk: SyntheticClip) -> None:
    found = analyze(smirk.path, onset=45, apex=53, detector=smirk.detector)
    event = found.events[0]
    assert (event.onset_index, event.apex_index, event.offset_index) == (45, 53, 53)
    assert event.flags == ("offset_unknown",)
    assert event.region == "left_mouth_corner"
    assert (found.frame_count, found.duration_s) == (120, 2.4)
    assert found.images[0] is not None
    assert codes(found) == {"unclassified"}


@pytest.mark.parametrize("kind", ["arrays", "paths", "strings", "pair"])
def test_two_still_images_are_onset_and_apex(
    smirk: SyntheticClip, tmp_path: Path, kind: str
) -> None:
    images = [smirk.frames[45], smirk.frames[53]]
    paths = [tmp_path / "on.png", tmp_path / "ap.png"]
    for path, image in zip(paths, images, strict=True):
        cv2.imwrite(str(path), image[..., ::-1])
    source = {
        "arrays": images,
        "paths": paths,
        "strings": tuple(map(str, paths)),
        "pair": StillPair(onset=paths[0], apex=paths[1]),
    }[kind]
    found = analyze(source, detector=smirk.detector)
    assert [event.region for event in found.events] == ["left_mouth_corner"]
    assert (found.frame_count, found.duration_s, found.frames_per_s) == (2, 0.0, 0.0)
    assert codes(found) == {"unclassified"}
    assert found.source == ("pair" if kind == "arrays" else "on.png + ap.png")
    assert to_mapping(found)["events"][0]["duration_s"] >= 0


@pytest.mark.parametrize(
    ("onset", "apex", "message"),
    [
        (3, None, "apex frame missing"),
        (None, 3, "onset frame missing"),
        (9, 4, "not before apex"),
        (4, 4, "not before apex"),
        (-1, 4, "first is 0"),
        (4, 500, "from 0 to 119"),
    ],
)
def test_wrong_frame_numbers_are_refused(
    smirk: SyntheticClip, onset: int | None, apex: int | None, message: str
) -> None:
    with pytest.raises(FrameIndexError, match=message):
        analyze(smirk.path, onset=onset, apex=apex, detector=smirk.detector)


def test_static_and_identical_frames_are_no_movement(smirk: SyntheticClip, tmp_path: Path) -> None:
    still = written(tmp_path / "still.mkv", [smirk.frames[0]] * 60)
    for result in (
        analyze(still, detector=smirk.detector),
        analyze([smirk.frames[0]] * 2, detector=smirk.detector),
        analyze(still, onset=3, apex=8, detector=smirk.detector),
    ):
        assert result.events == ()
        assert codes(result) == {"no_movement"}
        text = result.notices[0].message
        assert text.startswith(
            ("no movement above the flow's noise floor", "no movement stands out")
        )


def test_too_few_frames_are_reported_and_one_is_refused(
    smirk: SyntheticClip, tmp_path: Path
) -> None:
    two = analyze(written(tmp_path / "two.mkv", smirk.frames[45:47]), detector=smirk.detector)
    assert two.events == ()
    assert [notice.message for notice in two.notices if notice.code == "too_few_frames"] == [
        "2 frames: too few to find a movement in; give --onset 0 --apex 1"
    ]
    with pytest.raises(InputError, match="one frame, in which nothing can move"):
        analyze(written(tmp_path / "one.mkv", smirk.frames[:1]), detector=smirk.detector)


def test_noise_on_a_still_image_is_no_movement(smirk: SyntheticClip, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noisy = [
        np.clip(smirk.frames[0] + rng.normal(0, 3, smirk.frames[0].shape), 0, 255).astype(np.uint8)
        for _ in range(60)
    ]
    result = analyze(written(tmp_path / "noisy.mkv", noisy), detector=smirk.detector)
    assert result.events == ()
    assert "no_movement" in codes(result)


def test_no_face_and_a_small_face_are_named_errors(smirk: SyntheticClip, tmp_path: Path) -> None:
    short = written(tmp_path / "short.mkv", smirk.frames[:12])
    with pytest.raises(FaceNotFoundError, match=r"short\.mkv: no face in any of 12 frames"):
        analyze(short, detector=Known())
    with pytest.raises(FaceNotFoundError, match="no face"):
        analyze(short, onset=0, apex=3, detector=Known())
    tiny = Known(smirk.detector.faces[0] * 0.2)
    far = np.full_like(smirk.frames[0], 128)
    far[96:224, 96:224] = cv2.resize(smirk.frames[0], (128, 128), interpolation=cv2.INTER_AREA)
    film = written(tmp_path / "far.mkv", [far] * 12)
    with pytest.raises(FaceTooSmallError, match="px apart"):
        analyze(
            film,
            detector=Known(smirk.detector.faces[0] * 0.4 + 96),
            config=AnalyzeConfig(least_eye_distance_px=60.0),
        )
    with pytest.raises(FaceTooSmallError, match="px apart"):
        analyze(short, onset=0, apex=3, detector=tiny)


def test_sources_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        analyze(tmp_path / "absent.mp4", detector=Known())
    with pytest.raises(InputError, match="onset, then apex"):
        analyze([tmp_path], detector=Known())
    with pytest.raises(InputError, match="uint8"):
        analyze([np.zeros((9, 9))] * 2, detector=Known())
    with pytest.raises(InputError, match="flow method"):
        analyze(tmp_path / "absent.mp4", flow="raft", detector=Known())
    with pytest.raises(VideoError, match="320 × 320"):
        analyze([np.zeros((320, 320), np.uint8), np.zeros((64, 64), np.uint8)], detector=Known())


def side_by_side(frames: Sequence[np.ndarray], still: np.ndarray) -> Iterator[np.ndarray]:
    for frame in frames:
        yield np.hstack([still, frame])


def test_faces_are_kept_apart(smirk: SyntheticClip, tmp_path: Path) -> None:
    other = RenderedClip(dataclasses.replace(SCENE, seed=9, face_px=150, bumps=()))
    still = other.frame(0)[0]
    path = written(tmp_path / "two.mkv", list(side_by_side(smirk.frames, still)))
    moving = smirk.detector.faces[0] + [320, 0]
    both = analyze(path, detector=Known(other.points, moving))
    assert [event.face_id for event in both.events] == [0]  # the larger face
    assert {row.face_id for row in both.frames} == {0, 1}
    assert "several_faces" in codes(both)
    largest = analyze(path, detector=Known(other.points, moving), faces="largest")
    assert {row.face_id for row in largest.frames} == {0}
    assert len(largest.events) == 1
    pair = analyze(path, onset=45, apex=53, detector=Known(other.points, moving))
    assert [event.face_id for event in pair.events] == [0]


def test_cuts_and_black_frames_break_and_are_reported(smirk: SyntheticClip, tmp_path: Path) -> None:
    black = np.zeros_like(smirk.frames[0])
    # Nobody is there: one face that goes on and looks as before would be one scene.
    scene = [smirk.frames[i][::-1] for i in range(20)]
    frames = [*smirk.frames[:52], *[black] * 6, *smirk.frames[58:], *scene]
    result = analyze(written(tmp_path / "cut.mkv", frames), detector=smirk.detector)
    assert {"black_frames", "cuts"} <= codes(result)
    # The smirk is interrupted at its apex: it was never seen to begin and to end.
    assert result.events == ()
    assert not {row.index for row in result.frames} & set(range(52, 58))


def test_a_low_frame_rate_is_reported_and_marked(smirk: SyntheticClip, tmp_path: Path) -> None:
    path = written(tmp_path / "slow.mkv", smirk.frames[::2], 25.0)
    result = analyze(path, detector=smirk.detector)
    notice = next(n for n in result.notices if n.code == "low_frame_rate")
    assert "half a second holds 12 frames" in notice.message
    assert all("low_frame_rate" in event.flags for event in result.events)


def test_fast_videos_are_looked_at_now_and_then(smirk: SyntheticClip, tmp_path: Path) -> None:
    twice = [frame for frame in smirk.frames for _ in range(2)]
    path = written(tmp_path / "fast.mkv", twice, 100.0)
    config = AnalyzeConfig(most_frames_per_s=50.0, thinned_from_s=0.0, mesh_every_s=0.0)
    result = analyze(path, detector=smirk.detector, config=config)
    assert [row.index for row in result.frames][:3] == [0, 2, 4]
    assert [event.apex_s for event in result.events] == [pytest.approx(SMIRK.apex_s, abs=0.05)]


def test_only_the_most_salient_events_keep_images(smirk: SyntheticClip) -> None:
    config = AnalyzeConfig(kept_images=0)
    none = analyze_and_classify(smirk.path, detector=smirk.detector, config=config)
    assert list(none.images) == [None]
    assert "images_limited" in codes(none)
    whole = analyze_and_classify(smirk.path, detector=smirk.detector)
    assert whole.images[0] is not None
    assert none.events == whole.events, "classes are those of an event with images"
    assert none.events[0].label is not None
    # As to another process and back.
    sent = deepcopy(whole)
    assert list(sent.frames) == list(whole.frames)
    assert np.array_equal(sent.images[0].pair.apex, whole.images[0].pair.apex)


def test_an_open_video_can_be_given(smirk: SyntheticClip) -> None:
    video = open_video(smirk.path, max_frames=30)
    result = analyze(video, detector=smirk.detector)
    assert result.frame_count == 30
    assert "shortened" in codes(result)


def test_interruption_comes_through(smirk: SyntheticClip) -> None:
    def stop(stage: str, done: int, total: int | None) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze(smirk.path, detector=smirk.detector, progress=stop)


def test_progress_counts_frames(smirk: SyntheticClip) -> None:
    calls: list[tuple[str, int, int | None]] = []
    analyze(smirk.path, detector=smirk.detector, progress=lambda *call: calls.append(call))
    stages = list(dict.fromkeys(stage for stage, _, _ in calls))
    assert stages == ["finding faces and motion", "images of events"]
    assert [done for stage, done, _ in calls if stage == stages[0]] == list(range(1, 121))


def test_events_of_a_face_at_the_border_and_near_a_cut_are_marked(
    smirk: SyntheticClip, tmp_path: Path
) -> None:
    # Nobody is there: one face that goes on and looks as before would be one scene.
    scene = [smirk.frames[i][::-1] for i in range(20)]
    frames = [frame[:, 80:] for frame in [*smirk.frames[:68], *scene]]
    shifted = Known(smirk.detector.faces[0] - [80, 0])
    result = analyze(written(tmp_path / "edge.mkv", frames), detector=shifted)
    marked: list[Event] = [e for e in result.events if e.apex_s < 1.3]
    assert len(marked) == 1
    assert {"near_border", "near_cut", "near_end"} <= set(marked[0].flags)


@pytest.mark.parametrize("rule", sorted(APEX_RULES))
def test_an_apex_rule_moves_the_apex_and_nothing_else(
    smirk: SyntheticClip, found: Analysis, rule: str
) -> None:
    config = AnalyzeConfig(apex_rule=rule, kept_images=0)
    other = analyze(smirk.path, detector=smirk.detector, config=config)
    (event,), (before,) = other.events, found.events
    # The reasons tell the motion from onset to apex, so they move with it.
    kept = dataclasses.replace(
        event, apex_index=before.apex_index, apex_s=before.apex_s, reasons=before.reasons
    )
    assert kept == before
    assert event.onset_index < event.apex_index <= event.offset_index
    assert event.apex_s == pytest.approx(event.apex_index / 50)
    if rule == "middle":
        assert event.apex_index == (event.onset_index + event.offset_index) // 2
    if rule == "registration":
        assert event.apex_s == pytest.approx(SMIRK.apex_s, abs=0.05)
    assert other.provenance["config"]["apex_rule"] == rule
