"""Faces of a video by their mesh: each frame's crop comes from the mesh of the frame before.

A detector is asked only when a face is new or lost, and now and then whether somebody came. Every
face has crops of its own, so what is measured of it does not depend on who else is in the image.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hmrm.clip import Frame, Image
from hmrm.faces.blazeface import BlazeFace
from hmrm.faces.boxes import Detection, Detector, QuickDetector, overlaps
from hmrm.faces.mesh import FaceMesh, Mesh, MeshCrop
from hmrm.faces.mesh_points import EYES


@dataclass(frozen=True, kw_only=True)
class MeshTrackConfig:
    """How faces are followed by their mesh; times in s of the video.

    Attributes:
        detect_every_s: new faces are looked for this often.
        small_every: one in so many of these looks finds small faces too, which takes six times as
            long; all do while no face is followed, or one was lost.
        search_every_s: the same while no face is followed, or one was lost.
        presence: a mesh below it is no face.
        settle: a detection's crop is replaced by its mesh's this often, so that the first mesh
            no longer depends on the detector.
        largest_step: largest change of the crop's side from frame to frame, as a ratio above 1.
        same: overlap of two meshes' boxes above which they are one face.
        remember_s: a face found again near its place within this time keeps its id. Nobody is
            recognised: a stranger in the same place gets the id too.
        max_faces: the largest ones are followed.
    """

    detect_every_s: float = 2.0
    small_every: int = 3
    search_every_s: float = 0.2
    presence: float = 0.5
    settle: int = 3
    largest_step: float = 1.4
    same: float = 0.4
    remember_s: float = 10.0
    max_faces: int = 8

    def __post_init__(self) -> None:
        for name in ("detect_every_s", "small_every", "search_every_s", "settle", "max_faces"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: expected more than 0, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshFace:
    """One face in one frame.

    Attributes:
        face_id: from 0, in the order in which faces first appear.
        mesh: its points and presence.
        jump: the mesh does not continue the frame before (new, back, after a cut).
        detection_confidence: of the last detection, 0 to 1.
    """

    face_id: int
    mesh: Mesh
    jump: bool
    detection_confidence: float

    @property
    def box_xyxy_px(self) -> tuple[float, float, float, float]:
        """Extent of the points, px of the image."""
        return _box(self.mesh)

    @property
    def eye_distance_px(self) -> float:
        """Distance between the eyes' centres in the image, px."""
        left, right = (self.mesh.points_xyz_px[list(eye), :2].mean(axis=0) for eye in EYES)
        return float(np.linalg.norm(right - left))


@dataclass(kw_only=True, eq=False)
class _Followed:
    face_id: int
    mesh: Mesh
    crop: MeshCrop
    time_s: float
    confidence: float
    jump: bool = True


class MeshTracker:
    """Follows all faces of one video; feed it the frames in order, one tracker per video.

    Memory and time per frame do not grow with the video. ``excluded`` counts detections beyond
    ``max_faces``.

    Raises:
        WeightsError: the mesh's weights, or the detector's, cannot be read.
    """

    def __init__(
        self,
        config: MeshTrackConfig | None = None,
        *,
        detector: Detector | None = None,
        mesh: FaceMesh | None = None,
    ) -> None:
        self.config = config or MeshTrackConfig()
        self.excluded = 0
        self._detector = detector or BlazeFace()
        self._net = mesh or FaceMesh()
        self._faces: list[_Followed] = []
        self._lost: list[_Followed] = []
        self._next_id = 0
        self._look_due_s = -math.inf
        self._detections = 0

    def update(self, frame: Frame, *, cut: bool = False) -> list[MeshFace]:
        """The faces of the next frame, by id; empty where there are none.

        Args:
            cut: a new scene begins with this frame; nothing is followed into it.
        """
        time_s = frame.time_s
        if cut:
            self._lost += self._faces
            self._faces, self._look_due_s = [], time_s
        else:
            self._advance(frame.image, time_s)
        # Frame times are rounded sums; without the slack one more frame would pass now and then.
        if time_s >= self._look_due_s - 1e-6:
            self._look(self._detected(frame.image), frame.image, time_s)
        self._lost = [f for f in self._lost if time_s - f.time_s <= self.config.remember_s]
        found = [
            MeshFace(face_id=f.face_id, mesh=f.mesh, jump=f.jump, detection_confidence=f.confidence)
            for f in self._faces
        ]
        for face in self._faces:
            face.jump = False
        return found

    def _advance(self, image: Image, time_s: float) -> None:
        """Every face's mesh in this frame; those that are lost go, and of two on one face one."""
        kept: list[_Followed] = []
        for face in self._faces:
            mesh = self._net.fit(image, face.crop)
            crop = MeshCrop.around(mesh.points_xyz_px)
            side = crop.side_px / face.crop.side_px
            steady = 1 / self.config.largest_step <= side <= self.config.largest_step
            twice = any(_overlap(mesh, other.mesh) > self.config.same for other in kept)
            if mesh.presence >= self.config.presence and steady and not twice:
                face.mesh, face.crop, face.time_s = mesh, crop, time_s
                kept.append(face)
                continue
            self._look_due_s = time_s
            if not twice:
                self._lost.append(face)
        self._faces = kept

    def _detected(self, image: Image) -> list[Detection]:
        """Faces of an image; now and then of any size, else large ones alone."""
        all_here = bool(self._faces) and not self._lost
        self._detections = self._detections + 1 if all_here else 0
        if self._detections % self.config.small_every and isinstance(self._detector, QuickDetector):
            return self._detector.detect_large(image)
        return self._detector.detect(image)

    def _look(self, detections: list[Detection], image: Image, time_s: float) -> None:
        """Start a mesh on every detection that no mesh covers yet, the largest first."""
        new: list[tuple[Mesh, float]] = []
        for detection in detections:
            if any(_covers(face.mesh, detection) for face in self._faces):
                continue
            mesh = self._net.settled(image, detection, rounds=self.config.settle)
            others = [face.mesh for face in self._faces] + [mesh for mesh, _ in new]
            if mesh.presence < self.config.presence:
                continue
            if all(_overlap(mesh, other) <= self.config.same for other in others):
                new.append((mesh, detection.confidence))
        new.sort(key=lambda pair: -_side(pair[0]))
        room = max(0, self.config.max_faces - len(self._faces))
        self.excluded += len(new[room:])
        self._faces += [self._start(mesh, score, time_s) for mesh, score in new[:room]]
        self._faces.sort(key=lambda face: face.face_id)
        searching = not self._faces or bool(self._lost)
        wait = self.config.search_every_s if searching else self.config.detect_every_s
        self._look_due_s = time_s + wait

    def _start(self, mesh: Mesh, score: float, time_s: float) -> _Followed:
        """A new face, with the id of a lost one if that was near."""
        near = [face for face in self._lost if _near(face.mesh, mesh)]
        if near:
            latest = max(near, key=lambda face: face.time_s)
            self._lost = [face for face in self._lost if face is not latest]
            face_id = latest.face_id
        else:
            face_id, self._next_id = self._next_id, self._next_id + 1
        crop = MeshCrop.around(mesh.points_xyz_px)
        return _Followed(face_id=face_id, mesh=mesh, crop=crop, time_s=time_s, confidence=score)


def _box(mesh: Mesh) -> tuple[float, float, float, float]:
    low, high = mesh.points_xyz_px[:, :2].min(axis=0), mesh.points_xyz_px[:, :2].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _side(mesh: Mesh) -> float:
    x1, y1, x2, y2 = _box(mesh)
    return max(x2 - x1, y2 - y1)


def _overlap(a: Mesh, b: Mesh) -> float:
    return float(overlaps(np.array([_box(a)]), np.array([_box(b)]))[0, 0])


def _covers(mesh: Mesh, detection: Detection) -> bool:
    """Whether a detection shows the face of this mesh: both eyes and the nose lie on it."""
    x1, y1, x2, y2 = _box(mesh)
    points: Float[np.ndarray, "3 2"] = detection.points_xy_px[:3]
    inside = (points > [x1, y1]).all(axis=1) & (points < [x2, y2]).all(axis=1)
    return bool(inside.sum() >= 2)


def _near(a: Mesh, b: Mesh) -> bool:
    """Whether one face may have gone from one place to the other: a face away, half as big."""
    (ax, ay), (bx, by) = (np.mean(np.reshape(_box(m), (2, 2)), axis=0) for m in (a, b))
    larger, smaller = max(_side(a), _side(b)), min(_side(a), _side(b))
    return math.hypot(ax - bx, ay - by) <= larger and 2 * smaller >= larger
