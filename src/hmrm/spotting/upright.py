"""Which way up a video is: faces of one that was stored sideways are found after a turn."""

import numpy as np

from hmrm.faces.blazeface import BlazeFace
from hmrm.video.source import VideoSource
from hmrm.video.turned import TurnedVideo

_CERTAIN = 0.9
"""Score of upright faces; BlazeFace sees sideways ones, too, at .7 to .89 (ten filmed faces)."""

_MARGIN = 0.05
_SAMPLED_EVERY_S = 0.5
_SAMPLES = 4
_SEARCHED_S = 5.0


def upright(video: VideoSource) -> VideoSource:
    """The video, turned by quarter turns where its faces look more like faces that way.

    One frame is enough where a face surely stands upright. Else up to four frames with a face
    within the first five seconds decide. The video stays as it is where there is none, and where no
    turn makes a face stand surely upright: one at the image's edge looks alike either way.

    Raises:
        VideoError: the video cannot be decoded.
        WeightsError: the detector's weights cannot be read.
    """
    detector, scores, due_s = BlazeFace(), np.zeros((0, 4)), 0.0
    for frame in video.frames():
        if frame.time_s > _SEARCHED_S or len(scores) == _SAMPLES:
            break
        if frame.time_s < due_s:
            continue
        due_s = frame.time_s + _SAMPLED_EVERY_S
        as_it_is = detector.best_score(frame.image)
        if not len(scores) and as_it_is >= _CERTAIN:
            return video
        turned = [detector.best_score(np.rot90(frame.image, -turns)) for turns in (1, 2, 3)]
        if max(as_it_is, *turned) > 0:
            scores = np.concatenate([scores, [[as_it_is, *turned]]])
    if not len(scores):
        return video
    mean = scores.mean(axis=0)
    turns = int(mean.argmax())
    sure = mean[turns] > mean[0] + _MARGIN and scores[:, turns].max() >= _CERTAIN
    return TurnedVideo(video, turns) if sure else video
