"""``python -m hmrm.web.decoder``: decodes single frames of videos for the server.

A line of JSON on standard input asks for a frame; a line of JSON answers, followed by the bytes of
a PNG. It ends with its input.
"""

import sys
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2

from hmrm import limits, parallel, records
from hmrm.clip import Image
from hmrm.errors import HmrmError
from hmrm.video.frame_index import FrameFinder, read_index
from hmrm.video.reader import open_video
from hmrm.web import process

_OPEN = 4
_QUICK = 1
"""Compression of the PNG: the network is the machine itself, the time is the user's."""


@dataclass(frozen=True, kw_only=True)
class FrameRequest:
    """Which frame of which video."""

    video: Path
    index: Path
    frame: int


@dataclass(frozen=True, kw_only=True)
class FrameAnswer:
    """How many bytes of PNG follow, or what went wrong."""

    size: int
    time_s: float
    error: str = ""


class Decoder:
    """Frames of the videos that were asked for last; their files stay open."""

    def __init__(self) -> None:
        self._finders: OrderedDict[FrameRequest, FrameFinder] = OrderedDict()

    def answer(self, request: FrameRequest) -> tuple[FrameAnswer, bytes]:
        """A frame as PNG."""
        try:
            frame = self._finder(request).frame(request.frame)
            content = png(frame.image)
        except (HmrmError, MemoryError) as error:
            text = str(error).replace(str(request.video), "the video") or "not enough memory"
            return FrameAnswer(size=0, time_s=0.0, error=text), b""
        return FrameAnswer(size=len(content), time_s=frame.time_s), content

    def _finder(self, request: FrameRequest) -> FrameFinder:
        place = FrameRequest(video=request.video, index=request.index, frame=0)
        if place not in self._finders:
            while len(self._finders) >= _OPEN:
                self._finders.popitem(last=False)[1].close()
            self._finders[place] = FrameFinder(open_video(request.video), read_index(request.index))
        self._finders.move_to_end(place)
        return self._finders[place]


def png(image: Image) -> bytes:
    """The image as PNG, every pixel as it is."""
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, _QUICK])
    assert done, "OpenCV encodes every uint8 image"
    return encoded.tobytes()


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more questions."""
    decoder = Decoder()
    for line in questions:
        request = records.loads(FrameRequest, line.decode(), where="request")
        answer, content = decoder.answer(request)
        answers.write(records.dumps(answer, indent=None).encode() + content)
        answers.flush()


def main() -> None:
    """Answer on standard input and output."""
    parallel.single_thread()
    process.limit_process(limits.current().decoder_bytes)
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
