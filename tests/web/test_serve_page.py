"""``hmrm serve`` in a real browser: from the upload to the export, by mouse and by keyboard."""

import base64
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmrm.analysis.record import Analysis
from hmrm.video.reader import open_video
from hmrm.video.writer import write_video
from tests.video.test_frame_index import made
from tests.web import clip
from tests.web.browsing import SCREENS, Server, faults, server, visiting
from tests.web.pages import analysis
from tests.web.serving import put_finished

pytestmark = pytest.mark.web

PIXELS = """(canvas) => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let text = "";
  for (let i = 0; i < data.length; i += 4) {
    text += String.fromCharCode(data[i], data[i + 1], data[i + 2]);
  }
  return [canvas.width, canvas.height, btoa(text)];
}"""

WIDE = """() => [...document.querySelectorAll("main *, header *")].filter((one) =>
  !one.closest(".scroll") && !one.closest(".unseen") &&
  one.getBoundingClientRect().right > innerWidth + 1
).map((one) => one.outerHTML.slice(0, 120))"""


def pixels(page: Any, frame: int) -> np.ndarray:
    """What the canvas shows, once it shows that frame."""
    page.wait_for_selector(f'canvas.frame-image[data-frame="{frame}"]')
    width, height, text = page.locator("canvas.frame-image").evaluate(PIXELS)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 3)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("serve") / "data") as one:
        yield one


@pytest.fixture(scope="module")
def demo(browser: Any, running: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The demo clip, uploaded by the page; its job's id."""
    video = clip.write_clip(tmp_path_factory.mktemp("clip") / "a smile.mp4")
    with visiting(browser, running.address) as visit:
        page = visit.page
        page.set_input_files("#files", str(video))
        page.wait_for_selector(".job.running progress")
        page.wait_for_selector(".job.done", timeout=120_000)
        assert page.locator(".job.done .name").inner_text() == "a smile.mp4"
        page.get_by_role("link", name="a smile.mp4").click()
        page.wait_for_selector("#events tbody tr")
        assert [url for url in visit.requests if not url.startswith(running.address)] == []
        assert visit.messages == []
        return str(page.url.rsplit("/", 1)[1])


def save_screenshot(page: Any, name: str) -> None:
    """For the docs, where HMRM_SCREENSHOTS names their folder."""
    folder = os.environ.get("HMRM_SCREENSHOTS")
    if folder:
        page.wait_for_timeout(500)
        page.screenshot(path=Path(folder) / name)


def test_an_event_is_relabelled_moved_undone_added_commented_and_exported(
    browser: Any, running: Server, demo: str
) -> None:
    with visiting(browser, f"{running.address}/#/jobs/{demo}") as visit:
        page = visit.page
        smile = page.locator("#events tbody tr", has_text="positive")
        smile.click()
        assert "positive" in page.locator(".detail h2").inner_text()
        page.wait_for_selector(".detail .strip img")
        assert page.locator(".detail .images img").count() == 3
        assert "px" in page.locator(".detail .images").inner_text()
        save_screenshot(page, "serve.png")
        page.locator("#label").select_option("surprise")
        page.wait_for_selector(".detail h2 .chip:text('surprise')")
        onset = int(page.locator("#border-onset").input_value())
        grip = page.locator("[data-border=offset] .grip")
        grip.scroll_into_view_if_needed()
        handle = grip.bounding_box()
        page.mouse.move(handle["x"] + 7, handle["y"] + 10)
        page.mouse.down()
        page.mouse.move(handle["x"] + 37, handle["y"] + 10, steps=4)
        page.mouse.up()
        page.wait_for_selector("button:text('Undo move')")
        moved = int(page.locator("#border-offset").input_value())
        page.get_by_role("button", name="Undo move").click()
        page.wait_for_selector("button:text('Redo move')")
        back = int(page.locator("#border-offset").input_value())
        assert moved > back > onset
        page.get_by_role("button", name="Redo move").click()
        page.wait_for_selector("button:text('Undo move')")
        page.locator("#comment").fill("at the end of a word")
        page.get_by_role("button", name="Add comment").click()
        page.wait_for_selector(".comments li")
        page.get_by_label("frame number").fill("30")
        page.get_by_label("frame number").press("Enter")
        page.get_by_role("button", name="Add event").click()
        page.get_by_label("frame number").fill("45")
        page.get_by_label("frame number").press("Enter")
        page.get_by_role("button", name="Add: offset here").click()
        page.wait_for_selector(".detail p:has-text('added by the coder')")
        assert page.locator("#border-onset").input_value() == "30"
        page.locator("#format").select_option("json")
        with page.expect_download() as download:
            page.get_by_role("button", name="Export", exact=True).click()
        assert download.value.suggested_filename == "a smile_export.zip"
        assert not page.locator("#blurred").is_visible()
        page.locator("#format").select_option("mp4")
        page.locator("#blurred").check()
        with page.expect_download(timeout=120_000) as download:
            page.get_by_role("button", name="Export", exact=True).click()
        assert download.value.suggested_filename == "a smile_annotated.mp4"
        annotated = open_video(Path(download.value.path()))
        assert len(list(annotated.frames())) == len(clip.images())
        assert visit.messages == []
    answer = browser.new_context().request.get(
        f"{running.address}/api/jobs/{demo}/export?format=elan&coder=Ada"
    )
    assert "surprise" in answer.text() and "added by coder" in answer.text()


def quiet(frames: int) -> Analysis:
    """An analysis without events or curves."""
    return dataclasses.replace(analysis(0), frames=(), faces=(), frame_count=frames)


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    shades = (np.full((48, 64, 3), 60 + i % 130, np.uint8) for i in range(3600))
    write_video(path, shades, 30.0)
    return path


@pytest.fixture(scope="module")
def long_job(
    tmp_path_factory: pytest.TempPathFactory, long_video: Path
) -> Iterator[tuple[Server, str]]:
    """Two minutes with 40 events of two faces and five rejected candidates."""
    folder = tmp_path_factory.mktemp("long job")
    whole = analysis(40, 2)
    fewer = dataclasses.replace(whole, frames=whole.frames[::4])
    job = put_finished(folder, fewer, long_video, "a rather long name of a video " * 3 + ".mp4")
    with server(folder / "data", "--workers", "0") as one:
        yield one, job


def test_the_job_and_its_edits_are_there_after_a_kill(
    browser: Any, tmp_path: Path, long_video: Path
) -> None:
    some = dataclasses.replace(analysis(3), frames=())
    job = put_finished(tmp_path, some, long_video, "a.mp4")
    with server(tmp_path / "data", "--workers", "0") as first:
        with visiting(browser, f"{first.address}/#/jobs/{job}") as visit:
            visit.page.wait_for_selector("#events tbody tr")
            visit.page.keyboard.press("r")
            visit.page.wait_for_selector("button:text('Undo reject')")
        first.kill()
    with server(tmp_path / "data", "--workers", "0") as second:
        with visiting(browser, second.address) as visit:
            page = visit.page
            page.get_by_role("link", name="a.mp4").click()
            page.wait_for_selector("#events tbody tr.rejected")
            assert "1 edits" in page.locator(".progress").inner_text()
            page.goto(second.address)
            page.get_by_role("button", name="Delete a.mp4").click()
            page.wait_for_selector("text=No videos yet")
        assert list((tmp_path / "data" / "jobs").iterdir()) == []
        assert long_video.is_file()


@pytest.mark.parametrize("kind", ["irregular-mkv", "late-mp4"])
def test_the_frame_on_screen_is_the_frame_in_the_file(
    browser: Any, tmp_path: Path, kind: str
) -> None:
    video = made(kind, tmp_path)
    job = put_finished(tmp_path, quiet(60), video)
    expected = list(open_video(video).frames())
    with (
        server(tmp_path / "data", "--workers", "0") as one,
        visiting(browser, f"{one.address}/#/jobs/{job}") as visit,
    ):
        page = visit.page
        page.wait_for_selector("#events")
        for number in (59, 0, 31, 7):
            page.get_by_label("frame number").fill(str(number))
            page.get_by_label("frame number").press("Enter")
            assert np.array_equal(pixels(page, number), expected[number].image)
            shown = page.locator(".time").inner_text()
            assert shown.startswith(f"{expected[number].time_s:.4f} s")
        page.get_by_label("frame number").press("Escape")
        for key, number in (("ArrowRight", 8), ("Shift+ArrowRight", 18), ("ArrowLeft", 17)):
            page.keyboard.press(key)
            assert np.array_equal(pixels(page, number), expected[number].image)


@pytest.mark.parametrize("screen", SCREENS)
def test_the_pages_on_every_screen(
    browser: Any, long_job: tuple[Server, str], tmp_path: Path, screen: str
) -> None:
    running, job = long_job
    for place in ("", "#/use", "#/agreement", f"#/jobs/{job}"):
        with visiting(browser, f"{running.address}/{place}", screen) as visit:
            page = visit.page
            page.wait_for_selector("main h1")
            if "jobs" in place:
                page.wait_for_selector("#events tbody tr")
                page.keyboard.press("n")
                page.wait_for_selector(".detail .strip img")
            page.wait_for_timeout(400)
            assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), place
            assert page.evaluate(WIDE) == []
            assert faults(page) == []
            assert visit.messages == []
            assert [url for url in visit.requests if not url.startswith(running.address)] == []
    assert "lie detection" in page_text(browser, f"{running.address}/#/use")


def page_text(browser: Any, address: str) -> str:
    with visiting(browser, address) as visit:
        visit.page.wait_for_selector("main section")
        return str(visit.page.locator("main").inner_text())


def test_everything_by_keyboard_alone(browser: Any, long_job: tuple[Server, str]) -> None:
    running, job = long_job
    with visiting(browser, f"{running.address}/#/jobs/{job}", coder="Key") as visit:
        page = visit.page
        page.wait_for_selector("#events tbody tr")

        def press(*keys: str) -> None:
            for key in keys:
                page.keyboard.press(key)

        first = page.locator("tr.selected").get_attribute("data-key")
        press("n")
        assert page.locator("tr.selected").get_attribute("data-key") != first
        press("p", "a")
        page.wait_for_selector("tr.selected.accepted")
        press("3")
        page.wait_for_selector("tr.selected .chip:text('surprise')")
        press("ArrowLeft", "ArrowLeft", "[")
        page.wait_for_selector("button:text('Undo move')")
        onset = int(page.locator("#border-onset").input_value())
        assert onset == int(page.locator("canvas.frame-image").get_attribute("data-frame"))
        press("c")
        page.keyboard.type("seen twice, n r a")
        press("Control+Enter")
        page.wait_for_selector(".comments li:text('seen twice, n r a')")
        press("u", "u")
        page.wait_for_selector("button:text('Undo relabel')")
        press("y", "y")
        page.wait_for_selector("button:text('Undo comment')")
        press("Home", "i", "Shift+ArrowRight", "i")
        page.wait_for_selector(".detail p:has-text('added by the coder')")
        assert page.locator("#border-offset").input_value() == "10"
        press("r")
        page.wait_for_selector("tr.selected.rejected")
        press("?")
        page.wait_for_selector("dialog[open]")
        press("Escape", "+", "+", "0", "f")
        page.wait_for_selector("button:text('Finished')")
        names = set()
        for _ in range(120):
            press("Tab")
            names.add(page.evaluate("document.activeElement.textContent.trim()"))
        assert {"Accept", "Reject", "Blink", "salience", "Export"} <= names
        assert visit.messages == []


def test_lists_sort_and_filter_and_candidates_are_taken_up(
    browser: Any, long_job: tuple[Server, str]
) -> None:
    running, job = long_job
    with visiting(browser, f"{running.address}/#/jobs/{job}", coder="Sorter") as visit:
        page = visit.page
        page.wait_for_selector("#events tbody tr")
        assert page.locator("#events tbody tr").count() == 45
        page.locator("#filter-kind").select_option("rejected")
        assert page.locator("#events tbody tr").count() == 5
        page.locator("#events tbody tr").first.click()
        page.get_by_role("button", name="Take up").click()
        page.wait_for_selector(".detail .status-word:text('Accepted')")
        assert page.locator("#events tbody tr").count() == 4
        page.locator("#filter-kind").select_option("kept")
        assert page.locator("#events tbody tr").count() == 41
        page.locator("#filter-kind").select_option("all")
        page.get_by_role("button", name="salience", exact=True).click()
        cells = page.locator("#events tbody tr td:nth-child(6)").all_inner_texts()
        measured = [float(cell) for cell in cells if cell != "none"]
        assert measured == sorted(measured) and len(set(measured)) > 5
        page.locator("#filter-label").select_option("=negative")
        assert page.locator("#events tbody tr").count() == 8
        page.get_by_label("name of face 1").fill("the guest")
        page.get_by_label("name of face 1").press("Tab")
        page.wait_for_selector("#filter-face option:text('the guest')", state="attached")
        assert visit.messages == []
