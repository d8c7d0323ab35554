"""Single frames for the page, decoded by a process of its own that may be replaced."""

import subprocess
import sys
import threading
from pathlib import Path

from hmrm import limits, records
from hmrm.errors import VideoError
from hmrm.web.decoder import FrameAnswer, FrameRequest


class FrameDecoder:
    """Asks one process for frames, one at a time; where it hangs or ends, the next is started."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process, so that the first frame does not wait for it."""
        with self._lock:
            self._running()

    def png(self, video: Path, index: Path, frame: int) -> bytes:
        """A frame as PNG, exactly as sequential reading decodes it.

        Raises:
            VideoError: there is no such frame, or it cannot be decoded within the limits.
        """
        request = FrameRequest(video=video, index=index, frame=frame)
        with self._lock:
            try:
                return self._asked(request)
            except (OSError, ValueError) as error:
                self._end()
                raise VideoError(
                    f"frame {frame}: cannot be decoded within the limits (HMRM_LIMITS: "
                    "decoder_s, decoder_bytes)"
                ) from error

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _asked(self, request: FrameRequest) -> bytes:
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        clock = threading.Timer(limits.current().decoder_s, process.kill)
        clock.start()
        try:
            line = {"video": str(request.video), "index": str(request.index)}
            question = records.dumps({**line, "frame": request.frame}, indent=None)
            process.stdin.write(question.encode())
            process.stdin.flush()
            head = process.stdout.readline()
            if not head:
                raise OSError("the decoder ended")
            answer = records.loads(FrameAnswer, head.decode(), where="decoder")
            content = process.stdout.read(answer.size)
        finally:
            clock.cancel()
        if answer.error:
            raise VideoError(answer.error)
        if len(content) < answer.size:
            raise OSError("the decoder ended")
        return content

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hmrm.web.decoder"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is the server's alone
            )
        return self._process

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None
