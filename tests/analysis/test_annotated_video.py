"""Annotated mp4s: what is drawn, every frame and time, and no face in a blurred one."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from hmrm.analysis.export import tiers
from hmrm.analysis.export.video import CODEC, VideoExport, write_video
from hmrm.analysis.record import Analysis
from hmrm.analysis.spot import spot
from hmrm.clip import FaceFrame, Image
from hmrm.errors import InputError
from hmrm.faces.blazeface import BlazeFace
from hmrm.faces.mtcnn import MTCNN
from hmrm.synthetic.demo import demo_face
from hmrm.video.reader import open_video
from hmrm.video.source import TimedImage, VideoSource
from tests.analysis.analyses_to_export import CASES, event

SIZE_WH = (480, 360)
LOST = range(14, 22)


class Film(VideoSource):
    """Images in memory as a video, at their own times."""

    def __init__(self, images: Sequence[Image], times_s: Sequence[float]) -> None:
        super().__init__(name="film", path=Path("film.mp4"), max_frames=None)
        self.frames_per_s, self.frame_count = 25.0, len(images)
        self.size_wh_px = images[0].shape[1::-1]  # type: ignore[assignment]
        self._given, self._times = images, times_s

    def _images(self) -> Iterator[TimedImage]:
        for image, time_s in zip(self._given, self._times, strict=True):
            load = partial(np.asarray, image)
            yield TimedImage(time_s=time_s, size_wh_px=self.size_wh_px, load=load)


def scene(left: int | None, *, other: bool = False) -> Image:
    """A rendered background with the portrait at a place, and one that nobody follows."""
    coarse = np.random.default_rng(3).integers(40, 200, (6, 8, 3)).astype(np.uint8)
    image = cv2.resize(coarse, SIZE_WH, interpolation=cv2.INTER_CUBIC)
    face, _ = demo_face()
    face = cv2.resize(face, (160, 160), interpolation=cv2.INTER_AREA)
    if left is not None:
        image[100:260, left : left + 160] = face
    if other:
        small = cv2.resize(face, (100, 100), interpolation=cv2.INTER_AREA)
        image[10:110, 370:470] = small
    return image


def lefts() -> list[int | None]:
    """A face that comes late, crosses the image, and leaves."""
    return [None] * 4 + [10 + 8 * i for i in range(34)] + [None] * 22


@pytest.fixture(scope="module")
def moving() -> tuple[Film, Analysis]:
    """What was found of a moving face, which was lost for a while, next to one not followed."""
    images = [scene(left, other=30 <= i < 36) for i, left in enumerate(lefts())]
    film = Film(images, [i / 25 for i in range(len(images))])
    found = spot(film)
    assert len(found.frames) > 20
    kept = tuple(f for f in found.frames if f.index not in LOST and f.face_id == 0)
    return film, replace(found, frames=kept)


@pytest.fixture(scope="module")
def blurred(moving: tuple[Film, Analysis], tmp_path_factory: pytest.TempPathFactory) -> VideoExport:
    film, found = moving
    path = tmp_path_factory.mktemp("blurred") / "x.mp4"
    return write_video(path, found, film, blur_faces=True)


def decoded(path: Path) -> list[Image]:
    return [frame.image for frame in open_video(path).frames()]


def test_the_face_is_seen_where_it_is_not_blurred(moving: tuple[Film, Analysis]) -> None:
    film, _ = moving
    seen = [bool(BlazeFace().detect(frame.image)) for frame in film.frames()]
    assert all(seen[4:38]) and any(seen[i] for i in LOST)


@pytest.mark.parametrize("detector", [BlazeFace, MTCNN])
def test_no_frame_of_a_blurred_video_shows_a_face(
    detector: type[BlazeFace] | type[MTCNN], blurred: VideoExport
) -> None:
    finder, images = detector(), decoded(blurred.path)
    assert len(images) == len(lefts()) == blurred.frames
    assert [i for i, image in enumerate(images) if finder.detect(image)] == []


def test_the_face_is_flat_wherever_it_is(blurred: VideoExport) -> None:
    for left, image in zip(lefts(), decoded(blurred.path), strict=True):
        if left is not None:
            part = image[110:250, left + 10 : left + 150].astype(float)
            # Without the drawn box and after compression.
            assert np.median(np.abs(part - np.median(part, axis=(0, 1)))) <= 2


def test_frames_without_a_box_are_counted(
    moving: tuple[Film, Analysis], blurred: VideoExport
) -> None:
    film, found = moving
    times = [frame.time_s for frame in found.frames]
    outside = [f for f in film.frames() if not times[0] - 0.5 <= f.time_s <= times[-1] + 0.5]
    assert blurred.without_box == len(outside) > 0
    stated = json.loads(blurred.sidecar.read_text(encoding="utf-8"))
    assert stated["faces_blurred"]["frames_without_box"] == blurred.without_box
    whole = blurred.without_box + blurred.still_visible
    assert stated["faces_blurred"]["frames_blurred_whole"] == whole
    assert (stated["codec"], stated["frames"]) == (CODEC, blurred.frames)
    last = decoded(blurred.path)[-1][: SIZE_WH[1]]
    assert last.reshape(-1, 3).std(axis=0).max() < 1


def annotated(path: Path, found: Analysis, film: Film) -> VideoExport:
    stamp = {**found.provenance, "data_hash": film.content_hash()}
    return write_video(path, replace(found, provenance=stamp), film)


@pytest.mark.parametrize("name", ["overlapping", "several-faces", "no-events", "variable-rate"])
def test_every_frame_and_time_comes_back(name: str, tmp_path: Path) -> None:
    found = CASES[name]
    count = found.frame_count
    indices = sorted({frame.index: frame.time_s for frame in found.frames}.items())
    times = np.interp(range(count), *zip(*indices, strict=True)).tolist()
    images = [np.full((121, 161), 40 + i, np.uint8) for i in range(count)]
    done = annotated(tmp_path / "x.mp4", found, Film(images, times))
    again = list(open_video(done.path).frames())
    assert [frame.index for frame in again] == list(range(count))
    assert [frame.time_s for frame in again] == pytest.approx(times, abs=1e-4)
    stated = json.loads(done.sidecar.read_text(encoding="utf-8"))
    assert {
        (e["face_id"], e["onset_frame"], e["apex_frame"], e["offset_frame"])
        for e in stated["events"]
    } == {(e.face_id, e.onset_index, e.apex_index, e.offset_index) for e in found.events}
    assert stated["counting"].startswith(tiers.RULE) and stated["faces_blurred"] is None
    with av.open(str(done.path)) as container:
        [stream] = container.streams
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        kept = {*container.metadata, *stream.metadata}
        assert kept <= {"major_brand", "minor_version", "compatible_brands"} | {
            "language",
            "handler_name",
            "vendor_id",
        }


def test_box_landmarks_and_timeline_are_drawn(tmp_path: Path) -> None:
    times = [i / 25 for i in range(100)]
    images = [np.full((200, 300, 3), 128, np.uint8)] * 100
    face = FaceFrame(
        index=50,
        time_s=2.0,
        face_id=0,
        box_xyxy_px=(100.0, 50.0, 200.0, 150.0),
        detection_confidence=1.0,
        success=True,
        points_xy_px=((130.0, 80.0), (170.0, 80.0), (150.0, 100.0), (135.0, 130.0), (165.0, 130.0)),
    )
    one = event(25, 40, 75, times)
    found = replace(CASES["no-events"], frames=(face,), events=(one,), images=(None,))
    shown = decoded(annotated(tmp_path / "x.mp4", found, Film(images, times)).path)
    at, elsewhere = shown[50].astype(int), shown[80].astype(int)
    assert np.abs(at[100, 100] - 128).max() > 40 and np.abs(at[80, 130] - 128).max() > 40
    assert np.abs(elsewhere[:200] - 128).max() < 8
    strip = at[200:]
    assert strip.shape[0] >= 30 and strip.shape[1] == 300
    bar = np.abs(strip[24].astype(int) - strip[24, 8]).max(axis=1) > 20
    assert bar[80:220].mean() > 0.9 and bar[10:70].mean() < 0.1
    cursors = [int(image[-3].astype(int).sum(axis=1).argmax()) for image in (shown[0], shown[99])]
    assert cursors[0] < 20 and cursors[1] > 270


def test_another_video_and_stills_are_refused(tmp_path: Path) -> None:
    film = Film([np.zeros((20, 20, 3), np.uint8)] * 3, [0.0, 0.1, 0.2])
    with pytest.raises(InputError, match="not the video that was analysed"):
        write_video(tmp_path / "x.mp4", CASES["two"], film)
    pair = open_video([np.zeros((20, 20, 3), np.uint8)] * 2)
    with pytest.raises(InputError, match="no video to annotate"):
        write_video(tmp_path / "x.mp4", CASES["stills"], pair)
    assert not any(tmp_path.iterdir())


def test_the_same_frames_give_the_same_file(tmp_path: Path) -> None:
    film = Film([np.full((20, 30, 3), i, np.uint8) for i in range(5)], [i / 25 for i in range(5)])
    digests = {
        hashlib.sha256(
            annotated(tmp_path / f"{n}.mp4", CASES["no-events"], film).path.read_bytes()
        ).hexdigest()
        for n in range(2)
    }
    assert len(digests) == 1
