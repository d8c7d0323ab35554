"""One clip of a data set: face found in the onset, pair aligned, flow and flow map made."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float

from hmrm import config, provenance, reading
from hmrm.arrays import read_arrays
from hmrm.clip import FlowMap, Image, Issue
from hmrm.datasets.annotations.records import Record
from hmrm.datasets.annotations.workbook import Notes
from hmrm.datasets.frames import ClipFrames, estimated_apex, frames_of
from hmrm.datasets.preparation.keep_frames import aligned_frames
from hmrm.datasets.preparation.onset_face import find_points, frames_to_try
from hmrm.datasets.preparation.supplied_points import Points, check_in_image
from hmrm.errors import ConfigError, DataError, FaceError, InputError, NumericalError
from hmrm.faces.align import align_pair, canonical_transform
from hmrm.faces.crops import CANONICAL
from hmrm.faces.landmarks import landmarker
from hmrm.flow.aligned_frames import FOLDER as FRAMES
from hmrm.flow.apex import DEFAULT_APEX_RULE
from hmrm.flow.estimate import estimate_flow, weights_sha256
from hmrm.flow.pair import MAP_SIDE, flow_map
from hmrm.flow.rigid import remove_rigid
from hmrm.records import formerly
from hmrm.video.images import read_image

_FORMAT = 2
# The first that fits an error: what is wrong with a clip.
_KINDS = {
    FaceError: "no face",
    DataError: "frames or points do not fit",
    InputError: "unreadable image",
    NumericalError: "no usable flow",
}


@dataclass(frozen=True, kw_only=True)
class ClipSettings:
    """What decides a clip's map.

    Attributes:
        flow: name of the estimator.
        apex: rule (``hmrm.flow.apex.APEX_RULES``) where the annotators gave no apex.
        head_motion: fit a similarity to the flow and take it out, as the analysis of videos does.
        landmarks: 68 aligns detected faces by dlib's landmarks, as the paper does; None by the
            detector's five points, and is written nowhere: folders made before there was a choice
            are of the same settings.
        frames: keep every frame from onset to offset, too; None does not, and is written nowhere.
        size: cells of a map along each side; None is 28, and is written nowhere, likewise.
    """

    flow: str = "deepflow"
    apex: str = DEFAULT_APEX_RULE
    head_motion: bool = True
    landmarks: Literal[68] | None = None
    frames: Literal[True] | None = None
    size: Literal[56, 112] | None = None

    @property
    def side(self) -> int:
        """Cells of a map along each side."""
        return self.size or MAP_SIDE


@dataclass(frozen=True, kw_only=True)
class Job:
    """One clip to prepare.

    Attributes:
        points: five landmarks of the onset, px, or None to detect.
        given: what messages call ``folder``, where they are not to show it as it is.
    """

    record: Record
    label: int
    folder: Path
    output: Path
    settings: ClipSettings
    points: Points | None = None
    given: Path | None = None

    def shown(self, text: str) -> str:
        """A message, with the folder as it was given."""
        return text if self.given is None else text.replace(str(self.folder), str(self.given))

    @property
    def digest(self) -> str:
        """Of everything that decides the result, images aside."""
        record = self.record
        facts = {
            "format": _FORMAT,
            "id": record.id,
            "label": self.label,
            "frames": [record.onset_frame, record.apex_frame, record.offset_frame],
            "settings": config.to_mapping(self.settings),
            "weights": weights_sha256(self.settings.flow),
            "points": self.points,
        }
        if self.settings.landmarks:
            facts["landmark_model"] = landmark_model_sha256()
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def name(self, kind: Literal["flow", "faces", "frames"], suffix: str) -> str:
        """Of a result of this clip, below the output folder."""
        return f"{kind}/{self.record.id}{suffix}"

    def file(self, kind: Literal["flow", "faces", "frames"], suffix: str) -> Path:
        """Where a result of this clip lies."""
        return self.output / self.name(kind, suffix)

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all results below the output folder; the last says that the clip is done."""
        faces = [self.name("faces", f"_{one}.png") for one in ("onset", "apex")]
        frames = [self.name(FRAMES, ".npz")] if self.settings.frames else []
        return (*frames, *faces, self.name("flow", ".npz"))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a clip.

    Attributes:
        reason, kind: why it was skipped, and in a word or two; empty if it was not.
        files: what belongs on disk, path below the output folder → content. The map's file, which
            says that the clip is done, is the last.
        images: sha256 over every image that may decide the map.
    """

    reason: str = ""
    kind: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    images: str = ""


@dataclass(frozen=True, kw_only=True)
class ClipInfo:
    """How a clip's map was made, as kept with it.

    Attributes:
        digest: `Job.digest`.
        images: sha256 over every image that may decide the map.
        id: the clip's.
        onset_file, apex_file: names of the two images.
        apex_frame: number as the table counts.
        apex_rule: ``annotated``, or the rule that found it.
        face: where the points of the face are from.
        motion_px: largest motion, px of the canonical crop.
        notes: issues, kept so that a resumed run reports the same as one in a piece.
    """

    digest: str
    images: str = field(metadata=formerly("pictures"))
    id: str
    onset_file: str
    apex_file: str
    apex_frame: int
    apex_rule: str
    face: str
    motion_px: float
    notes: tuple[Issue, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """The result of one clip, as on file: its map in the canonical crop, and how it was made."""

    flow_map: FlowMap
    info: ClipInfo


def prepare_clip(job: Job) -> Outcome:
    """Make the files of one clip, to be written by the caller; or say why it cannot be used."""
    try:
        return _prepare(job)
    except (InputError, FaceError, NumericalError) as error:
        kind = next(kind for of, kind in _KINDS.items() if isinstance(error, of))
        reason = job.shown(str(error)).removeprefix(f"{job.record.id}: ")
        return Outcome(reason=reason, kind=kind)


def read_result(job: Job) -> Prepared | None:
    """The clip's result, if it is there whole and was made from the same record and settings."""
    try:
        found = _read(job)
    except (OSError, reading.DamagedError):
        return None
    return found if found.info.digest == job.digest else None


def is_damaged(job: Job) -> bool:
    """Whether something lies where the clip's result belongs and is none."""
    try:
        _read(job)
    except FileNotFoundError:
        return False
    except (OSError, reading.DamagedError):
        return True
    return False


def _read(job: Job) -> Prepared:
    """What lies where the clip's result belongs.

    Raises:
        OSError: it cannot be read.
        DamagedError: it is no map with all its facts.
    """
    arrays = read_arrays(job.file("flow", ".npz"), {"values": "f", "info": "U", "scale_px": "f"})
    values, scale_px, text = arrays["values"], arrays["scale_px"], arrays["info"]
    side = job.settings.side
    if values.shape != (3, side, side) or scale_px.shape or text.shape:
        raise reading.DamagedError(f"holds arrays of other shapes than (3, {side}, {side})")
    if not (np.isfinite(values).all() and np.isfinite(scale_px)):
        raise reading.DamagedError("holds NaN or infinity")
    try:
        info = config.from_mapping(ClipInfo, reading.parse_json(str(text)), where="info")
    except ConfigError as error:
        raise reading.DamagedError(str(error)) from error
    return Prepared(
        flow_map=FlowMap(values=values, crop=CANONICAL.name, scale_px=float(scale_px)), info=info
    )


def is_current(job: Job) -> bool:
    """Whether the clip's result is there, from these images too; they are read, not decoded."""
    found = read_result(job)
    if found is None or (job.settings.frames and not job.file(FRAMES, ".npz").is_file()):
        return False
    return found.info.images == images_sha256(job)


def images_sha256(job: Job) -> str | None:
    """Over every image here that may decide the clip's map; None where they cannot be listed."""
    try:
        return _images_sha256(job, frames_of(job.record, job.folder, Notes()))
    except (InputError, OSError):
        return None


def _images_sha256(job: Job, frames: ClipFrames) -> str:
    """Of every image that may decide the clip's map."""
    between = [path for _, path in frames.between]
    paths = {frames.onset} if frames.apex is None else {frames.onset, frames.apex[1]}
    if frames.apex is None or job.settings.frames:
        paths |= set(between)
    if job.points is None:
        paths |= set(frames_to_try(between[1:]))
    total = hashlib.sha256()
    for path in sorted(paths):
        try:
            digest = provenance.sha256(path)
        except OSError:
            # If it is needed after all, reading it gives the reason.
            digest = "unreadable"
        total.update(f"{path.name}\0{digest}\n".encode())
    return total.hexdigest()


@cache
def landmark_model_sha256() -> str:
    """Of the installed landmark model."""
    return provenance.sha256(landmarker().model)


def _prepare(job: Job) -> Outcome:
    notes, settings = Notes(), job.settings
    frames = frames_of(job.record, job.folder, notes)
    onset = read_image(frames.onset)
    points, source = _points(job, onset, frames)
    transform = canonical_transform(points)
    rule, apex = "annotated", frames.apex
    if apex is None:
        rule = settings.apex
        apex = estimated_apex(job.record, frames, points, rule)
    if apex[1] == frames.onset:
        raise DataError(f"{job.record.id}: the apex is the onset, {apex[1].name}; nothing moves")
    pair = align_pair(onset, read_image(apex[1]), transform)
    flow = estimate_flow(pair.onset, pair.apex, method=settings.flow)
    if settings.head_motion:
        flow = remove_rigid(flow, model="similarity")
    kept = {}
    if settings.frames:
        clip = aligned_frames(job.record.id, frames, apex[1], transform, flow)
        kept = {job.name(FRAMES, ".npz"): clip.file_bytes()}
    found = flow_map(flow, crop=CANONICAL.name, size=settings.side)
    info = ClipInfo(
        digest=job.digest,
        images=_images_sha256(job, frames),
        id=job.record.id,
        onset_file=frames.onset.name,
        apex_file=apex[1].name,
        apex_frame=apex[0] - frames.shift,
        apex_rule=rule,
        face=source,
        motion_px=round(float(np.linalg.norm(flow, axis=0).max()), 3),
        notes=tuple(replace(note, where=job.shown(note.where)) for note in notes.found),
    )
    files = {**kept, **_files(job, pair.onset, pair.apex, found, info)}
    return Outcome(files=files, images=info.images)


def _files(job: Job, onset: Image, apex: Image, found: FlowMap, info: ClipInfo) -> dict[str, bytes]:
    """Images first: the map's file is what says that a clip is done."""
    files = {}
    for name, image in (("onset", onset), ("apex", apex)):
        pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        done, content = cv2.imencode(".png", pixels)
        assert done, "a canonical crop can always be encoded"
        files[job.name("faces", f"_{name}.png")] = content.tobytes()
    arrays = io.BytesIO()
    np.savez_compressed(
        arrays,
        allow_pickle=False,
        values=found.values,
        scale_px=np.float32(found.scale_px),
        info=np.array(json.dumps(asdict(info), sort_keys=True)),
    )
    return {**files, job.name("flow", ".npz"): arrays.getvalue()}


def _points(job: Job, onset: Image, frames: ClipFrames) -> tuple[Float[np.ndarray, "p 2"], str]:
    """Points of the face in the onset, and where they are from."""
    if job.points is not None:
        check_in_image(job.points, onset, name=job.record.id)
        return np.array(job.points, dtype=np.float64).reshape(5, 2), "given"
    later = [path for _, path in frames.between[1:]]
    count = job.settings.landmarks or 5
    return find_points(onset, later, name=job.record.id, landmarks=count)
