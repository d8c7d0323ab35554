"""The report in a real browser: nothing cut, nothing loaded, usable by everyone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hmrm.analysis.report.index import write_index
from hmrm.analysis.report.page import render
from hmrm.analysis.results import VideoResult
from hmrm.analysis.run import Outcome, VideoRun
from hmrm.analysis.target import Target
from hmrm.errors import VideoError
from tests.web.pages import analysis

pytestmark = pytest.mark.web

SCREENS = {
    "wide": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "dark phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
CASES = [(0, 1), (1, 1), (8, 2), (40, 1)]

# Text that is wider or higher than an element that hides what is over.
CUT = """() => [...document.querySelectorAll("main *")].filter((one) => {
  const style = getComputedStyle(one);
  const hides = (value) => value === "hidden" || value === "clip";
  return one.textContent.trim() && one.clientWidth > 0 && !(one instanceof SVGElement) &&
    ((hides(style.overflowX) && one.scrollWidth > one.clientWidth + 1) ||
     (hides(style.overflowY) && one.scrollHeight > one.clientHeight + 1));
}).map((one) => one.outerHTML.slice(0, 120))"""

# Parts that reach over the right edge of the page, unless they lie in a region that scrolls.
WIDE = """() => [...document.querySelectorAll("main *")].filter((one) =>
  !one.closest(".scroll") && one.getBoundingClientRect().right > innerWidth + 1
).map((one) => one.outerHTML.slice(0, 120))"""


@dataclass
class Visit:
    """A page that is open, and what it said and asked for meanwhile."""

    page: Any
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def visited(browser: Any, path: Path, screen: str = "wide") -> Iterator[Visit]:
    context = browser.new_context(**SCREENS[screen])
    visit = Visit(context.new_page())
    visit.page.on("console", lambda message: visit.messages.append(message.text))
    visit.page.on("pageerror", lambda error: visit.messages.append(str(error)))
    visit.page.on("request", lambda request: visit.requests.append(request.url[:40]))
    visit.page.goto(path.as_uri())
    yield visit
    context.close()


def faults(page: Any) -> list[str]:
    """Serious and critical faults by axe."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:150]} {one['nodes'][0]['failureSummary'][:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], Path]:
    folder = tmp_path_factory.mktemp("reports")
    made = {}
    for events, faces in CASES:
        path = folder / f"{events}-{faces}.html"
        path.write_text("".join(render(analysis(events, faces))), encoding="utf-8")
        made[events, faces] = path
    return made


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("case", CASES)
def test_report_on_every_screen(
    browser: Any, reports: dict[tuple[int, int], Path], case: tuple[int, int], screen: str
) -> None:
    with visited(browser, reports[case], screen) as visit:
        page = visit.page
        for details in page.query_selector_all("details"):
            details.evaluate("(one) => { one.open = true; }")
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        assert page.evaluate(WIDE) == []
        assert page.evaluate(CUT) == []
        assert faults(page) == []
        assert visit.messages == []
        assert [url for url in visit.requests if not url.startswith(("file:", "data:"))] == []
        assert page.locator("section[id^=event-]").count() == case[0]
        assert page.locator(".faces figure").count() == case[1]


def test_forty_events_stay_small(reports: dict[tuple[int, int], Path]) -> None:
    assert reports[40, 1].stat().st_size < 6e6


def test_sorting_and_filtering(browser: Any, reports: dict[tuple[int, int], Path]) -> None:
    with visited(browser, reports[8, 2]) as visit:
        page = visit.page
        page.get_by_role("button", name="salience", exact=True).click()
        cells = page.locator("#events tbody tr td:nth-child(11)").all_inner_texts()
        assert cells == sorted(cells, key=float) and len(set(cells)) > 3
        page.get_by_role("button", name="salience", exact=True).click()
        assert page.locator("#events tbody tr td:nth-child(11)").all_inner_texts() == cells[::-1]
        page.get_by_label("Class").select_option("surprise")
        assert page.locator("#events tbody tr:visible").count() == 2
        assert page.locator("section[id^=event-]:visible").count() == 2
        assert "2 of 8" in page.locator("#shown").inner_text()
        page.get_by_label("only those without a flag").check()
        assert page.locator("#events tbody tr:visible").count() == 0
        page.get_by_role("button", name="Show all").click()
        rows = "document.querySelectorAll('#events tbody tr:not([hidden])')"
        page.wait_for_function(f"{rows}.length === 8")


@pytest.mark.parametrize(("place", "other"), [(0, "Apex"), (1, "Magnified")])
def test_comparator_shows_two_images_in_turn(
    browser: Any, reports: dict[tuple[int, int], Path], place: int, other: str
) -> None:
    with visited(browser, reports[1, 1]) as visit:
        box = visit.page.locator(".compare").nth(place)
        picture = "(one) => getComputedStyle(one).backgroundImage"
        onset = box.locator(".crop").evaluate(picture)
        box.get_by_role("button", name=other).click()
        second = box.locator(".crop").evaluate(picture)
        assert onset != second and second.startswith('url("data:image/jpeg')
        box.get_by_role("button", name="Blink").click()
        shown = f"document.querySelectorAll('.compare .shown')[{place}].textContent"
        visit.page.wait_for_function(f"{shown} === 'onset'")
        visit.page.wait_for_function(f"{shown} === '{other.lower()}'")
        box.get_by_role("button", name="Onset").click()
        visit.page.wait_for_timeout(700)
        assert box.locator(".crop").evaluate(picture) == onset


def test_timeline_leads_to_an_event(browser: Any, reports: dict[tuple[int, int], Path]) -> None:
    with visited(browser, reports[8, 2]) as visit:
        visit.page.locator("svg.timeline a").nth(3).click()
        assert visit.page.evaluate("location.hash").startswith("#event-")
        assert visit.page.locator("svg .gap").count() > 0
        assert visit.page.locator("svg .rejected").count() == 5


def test_keyboard_reaches_every_control(browser: Any, reports: dict[tuple[int, int], Path]) -> None:
    with visited(browser, reports[1, 1]) as visit:
        names = []
        for _ in range(40):
            visit.page.keyboard.press("Tab")
            names.append(visit.page.evaluate("document.activeElement.textContent.trim()"))
        assert {"Blink", "salience", "Show all"} <= set(names)


@pytest.mark.parametrize("screen", SCREENS)
def test_index_of_several_videos(browser: Any, tmp_path: Path, screen: str) -> None:
    one = analysis(3)
    result = VideoResult(
        subject="s1", video="a b", source=one.source, data_hash="d", frame_count=10,
        frames_per_s=30.0, duration_s=120.0, events=one.events, notices=(),
    )  # fmt: skip
    good = Target(subject="s1", video="a b", source=tmp_path / "a b.mp4")
    bad = Target(video="broken", source=tmp_path / "broken.mp4")
    run = VideoRun(
        outcomes=(
            Outcome(target=good, state="new", result=result),
            Outcome(target=bad, state="failed", error=VideoError("broken.mp4: " + "x" * 200)),
        )
    )
    write_index(tmp_path, run, "Videos")
    (tmp_path / good.folder).mkdir()
    page = "".join(render(one))
    (tmp_path / good.folder / "report.html").write_text(page, encoding="utf-8")
    with visited(browser, tmp_path / "index.html", screen) as visit:
        assert visit.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        assert visit.page.evaluate(CUT) == [] and faults(visit.page) == []
        assert visit.messages == []
        assert "failed" in visit.page.locator("main").inner_text()
        visit.page.get_by_role("link", name="s1_a b").click()
        assert "Facial movements" in visit.page.locator("h1").inner_text()
