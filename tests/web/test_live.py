"""The live view: the websocket, its analyzer, and a browser whose camera plays a file."""

import io
import json
import shutil
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect

from hmrm.reading import DamagedError
from hmrm.web import live, live_analyzer
from tests.analysis.test_stream import FILM, RATE
from tests.web.browsing import faults, server, visiting
from tests.web.conftest import BROWSERS
from tests.web.serving import HERE, served

ORIGIN = {"origin": HERE}
ADDRESS = HERE.replace("http", "ws") + "/api/live"


def jpeg(index: int) -> bytes:
    done, content = cv2.imencode(".jpg", FILM(index)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    return content.tobytes()


def message(index: int, content: bytes | None = None) -> bytes:
    return struct.pack("<d", index / RATE) + (jpeg(index) if content is None else content)


def test_images_in_and_events_out(tmp_path: Path) -> None:
    with (
        served(tmp_path / "data") as client,
        client.websocket_connect(ADDRESS, headers=ORIGIN) as socket,
    ):
        lines = []
        for index in range(round(5.2 * RATE)):
            socket.send_bytes(message(index))
            lines.append(json.loads(socket.receive_text()))
        socket.send_text("finish")
        lines.append(json.loads(socket.receive_text()))
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()
    assert [line["images"] for line in lines[:-1]] == list(range(1, len(lines)))
    assert lines[-1]["finished"] and not any(line["finished"] for line in lines[:-1])
    [event] = [event for line in lines for event in line["events"]]
    assert abs(event["onset_s"] - 3.0) < 0.2 and event["label"] == "positive"
    left = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert {path.name.split("-")[0] for path in left} <= {"jobs.sqlite"}, "nothing is stored"


def test_what_is_no_image_ends_the_take_with_the_reason(tmp_path: Path) -> None:
    with (
        served(tmp_path / "data") as client,
        client.websocket_connect(ADDRESS, headers=ORIGIN) as socket,
    ):
        socket.send_bytes(message(0, b"no image"))
        answer = json.loads(socket.receive_text())
        assert answer["finished"] and "cannot be decoded" in answer["error"]


@pytest.mark.parametrize("headers", [{}, {"origin": "http://evil.example"}])
def test_other_sites_get_no_live_view(tmp_path: Path, headers: dict[str, str]) -> None:
    with (
        served(tmp_path / "data") as client,
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(ADDRESS, headers=headers) as socket,
    ):
        socket.receive_text()


def test_one_live_view_at_a_time(tmp_path: Path) -> None:
    with (
        served(tmp_path / "data") as client,
        client.websocket_connect(ADDRESS, headers=ORIGIN) as first,
        client.websocket_connect(ADDRESS, headers=ORIGIN) as second,
    ):
        with pytest.raises(WebSocketDisconnect) as refused:
            second.receive_text()
        assert "another live view" in refused.value.reason
        first.close()


@pytest.mark.parametrize(
    ("time_s", "content", "reason"),
    [
        (0.0, b"\xff\xd8" + bytes(40), "decoded"),
        (float("nan"), b"x", "no time"),
        (0.0, b"\x89PNG\r\n\x1a\n" + bytes(8) + struct.pack(">II", 60_000, 60_000), "claims"),
    ],
)
def test_images_are_checked_before_they_are_decoded(
    time_s: float, content: bytes, reason: str
) -> None:
    source = io.BytesIO(live.HEAD.pack(time_s, len(content)) + content)
    with pytest.raises(DamagedError, match=reason):
        list(live_analyzer.images(source))


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of rest and a smile, again and again, as a browser's fake camera takes them."""
    path = tmp_path_factory.mktemp("camera") / "smile.y4m"
    with path.open("wb") as file:
        height, width = FILM(0).shape[:2]
        file.write(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg\n".encode())
        for index in range(round(5.2 * RATE)):
            planes = cv2.cvtColor(FILM(index), cv2.COLOR_RGB2YUV_I420)
            file.write(b"FRAME\n" + np.ascontiguousarray(planes).tobytes())
    return path


@pytest.fixture
def with_camera(camera: Path, browser: Any) -> Iterator[Any]:
    """Another browser than the other tests', since the camera is an option of its start."""
    program = next(path for name in BROWSERS if (path := shutil.which(name)))
    started = browser.browser_type.launch(
        executable_path=program,
        args=[
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
        ],
    )
    yield started
    started.close()


@pytest.mark.web
def test_the_page_shows_what_the_camera_films(with_camera: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        server(data) as running,
        visiting(with_camera, f"{running.address}/#/live") as visit,
    ):
        page = visit.page
        assert faults(page) == []
        page.get_by_label("keep the take").check()
        page.get_by_role("button", name="Start the camera").click()
        page.wait_for_selector(".live-events .event", timeout=60_000)
        shown = page.locator(".live-events .event").first.inner_text()
        assert "positive" in shown and "apex" in shown
        assert page.locator(".live-events .event img").count() >= 2
        assert "images a second" in page.locator(".rate").inner_text()
        assert page.locator(".caution:visible", has_text="half a second").count() == 1
        assert faults(page) == []
        page.get_by_role("button", name="Stop").click()
        page.wait_for_selector(".rate:text('The camera is off')", timeout=20_000)
        end = time.monotonic() + 20
        while not list(data.glob("jobs/*/video.webm")) and time.monotonic() < end:
            page.wait_for_timeout(200)
        assert len(list(data.glob("jobs/*/video.webm"))) == 1, "kept because it was asked for"
        local = (running.address, running.address.replace("http", "ws"), "blob:", "data:")
        assert [url for url in visit.requests if not url.startswith(local)] == []
        assert visit.messages == []
