"""The detector that an analysis uses: MTCNN or one's own, its five points refined if asked for."""

from dataclasses import replace

from hmrm.clip import Image
from hmrm.faces.boxes import Detection, Detector
from hmrm.faces.landmarks import AlignedBy, alignment_points, landmarker
from hmrm.faces.mesh import FaceMesh
from hmrm.faces.mesh_points import as_detected, five_points_of
from hmrm.faces.mtcnn import MTCNN
from hmrm.faces.shape import five_points

_PRESENCE = 0.5


class MeshDetector:
    """A detector whose five points are those of the face mesh, means of several points each.

    A face in which the network sees none keeps the detector's own.

    Raises:
        WeightsError: the mesh's weights cannot be read.
    """

    def __init__(self, detector: Detector) -> None:
        self._net = FaceMesh()
        self._detector = detector

    def detect(self, image: Image) -> list[Detection]:
        """Faces of one image, best first; boxes and confidence are the detector's."""
        return [self._refined(image, found) for found in self._detector.detect(image)]

    def _refined(self, image: Image, found: Detection) -> Detection:
        mesh = self._net.settled(image, found)
        if mesh.presence < _PRESENCE:
            return found
        return replace(found, points_xy_px=as_detected(five_points_of(mesh.points_xyz_px[:, :2])))


class LandmarkDetector:
    """A detector whose five points are those of 68 landmarks: eye centres, nose tip, corners.

    All that follows a face or makes a crop of it then rests on the 68 landmarks.

    Raises:
        MissingExtraError: dlib or its model is not installed.
        WeightsError: the landmark model cannot be used.
    """

    def __init__(self, detector: Detector) -> None:
        landmarker()  # fails here, not at the first face
        self._detector = detector

    def detect(self, image: Image) -> list[Detection]:
        """Faces of one image, best first; boxes and confidence are the detector's."""
        return [
            replace(found, points_xy_px=five_points(alignment_points(image, found, 68)))
            for found in self._detector.detect(image)
        ]


def build_detector(points: AlignedBy = 5, detector: Detector | None = None) -> Detector:
    """A detector of faces, with the points that were asked for.

    Args:
        points: "mesh" takes the points out of the face mesh, 68 out of dlib's model.
        detector: one's own; None is MTCNN. One whose points are refined already stays as it is.

    Raises:
        MissingExtraError: dlib or dlib's model is not installed.
        WeightsError: a model cannot be used.
    """
    if isinstance(detector, LandmarkDetector | MeshDetector):
        return detector
    if detector is None:
        detector = MTCNN()
    if points == "mesh":
        return MeshDetector(detector)
    return detector if points == 5 else LandmarkDetector(detector)
