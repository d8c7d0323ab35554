"""From pictures to measures: a portrait that smiles by several px, turned and shifted."""

import cv2
import numpy as np
import pytest

from hmrm.clip import Frame
from hmrm.faces.mesh import FaceMesh
from hmrm.faces.mesh_track import MeshTracker
from hmrm.facs.atlas import ActionUnit
from hmrm.spotting.crop_points import CropPoints
from hmrm.spotting.fusion import find_events
from hmrm.spotting.measures import MeshRecorder
from hmrm.synthetic.clips import ClipConfig, Expression, render_clip
from hmrm.synthetic.demo import demo_face

RATE, ONSET_S, OFFSET_S = 25.0, 1.0, 2.4


@pytest.fixture(scope="module")
def smiling():
    """Measures and crop points of a clip of 3.2 s whose smile is 18 px of the canonical crop."""
    image, points = demo_face()
    smile = Expression(
        units=(ActionUnit(12, "both", 18.0), ActionUnit(6, "both", 3.0)),
        onset_s=ONSET_S,
        rise_s=0.3,
        hold_s=0.8,
        decay_s=0.3,
    )
    camera = ClipConfig(
        size_wh_px=(320, 320), frames_per_s=RATE, duration_s=3.2, eye_distance_px=90.0
    )
    clip = render_clip(image, points, [smile], camera, rng=np.random.default_rng(5))
    tracker, recorder, crop = MeshTracker(mesh=FaceMesh()), MeshRecorder(), CropPoints()
    five = []
    for i, frame in enumerate(clip.frames()):
        (face,) = tracker.update(Frame(index=i, time_s=i / RATE, image=frame.image))
        recorder.add(i, i / RATE, face)
        five.append(crop.update(face.mesh.points_xyz_px, jump=face.jump))
    return recorder.measures(), np.array(five)


def test_a_smile_widens_the_mouth_and_ends(smiling):
    measures, _ = smiling
    time_s = measures.time_s
    rest = (time_s < ONSET_S) | (time_s > OFFSET_S + 0.1)
    held = (time_s > ONSET_S + 0.35) & (time_s < ONSET_S + 1.0)
    wider = measures.mouth_width[held].mean() - measures.mouth_width[rest].mean()
    assert wider > 0.03
    assert wider > 4 * measures.mouth_width[rest].std()
    assert measures.presence.min() > 0.9
    assert abs(measures.frames_per_s - RATE) < 0.1


def test_the_smile_is_found_by_the_mesh_alone(smiling):
    measures, _ = smiling
    (one,) = find_events(measures).events
    assert abs(one.onset_index - ONSET_S * RATE) <= 3
    assert abs(one.offset_index - OFFSET_S * RATE) <= 4
    assert one.kind == "macro"


def test_crop_points_do_not_smile_and_hardly_scatter(smiling):
    _, five = smiling
    eyes = np.linalg.norm(five[:, 1] - five[:, 0], axis=1)
    mouth = np.linalg.norm(five[:, 4] - five[:, 3], axis=1)
    assert np.ptp(mouth / eyes) < 1e-6
    steps = np.linalg.norm(np.diff(five, axis=0), axis=2)
    assert np.median(steps) < 0.01 * eyes.mean()


def test_turns_in_the_picture_change_no_measure():
    image = cv2.copyMakeBorder(demo_face()[0], 60, 60, 60, 60, cv2.BORDER_REPLICATE)
    h, w = image.shape[:2]
    tracker, recorder = MeshTracker(mesh=FaceMesh()), MeshRecorder()
    for i, degrees in enumerate(np.linspace(-12, 12, 9)):
        matrix = cv2.getRotationMatrix2D((w / 2, h / 2), float(degrees), 1.0)
        turned = cv2.warpAffine(image, matrix, (w, h), borderMode=cv2.BORDER_REPLICATE)
        (face,) = tracker.update(Frame(index=i, time_s=i / 25, image=turned))
        recorder.add(i, i / 25, face)
    measures = recorder.measures()
    assert np.ptp(measures.pose_deg[:, 2]) > 20
    # The mesh's own scatter about the mouth is .005; a turn of 24 degrees adds little.
    assert measures.mouth_width.std() < 0.012
    assert np.asarray(measures.place)[..., :2].std(axis=0).max() < 0.02


def test_a_gap_or_a_jump_begins_a_new_segment():
    image = demo_face()[0]
    tracker, recorder = MeshTracker(mesh=FaceMesh()), MeshRecorder(longest_gap_s=0.25)
    for i, time_s in enumerate((0.0, 0.04, 0.08, 1.0, 1.04)):
        (face,) = tracker.update(Frame(index=i, time_s=time_s, image=image), cut=i == 4)
        recorder.add(i, time_s, face)
    assert recorder.measures().segment.tolist() == [0, 0, 0, 1, 2]
