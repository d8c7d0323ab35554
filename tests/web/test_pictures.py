"""The report's picture in README and docs: a rendered face, and still what a report looks like."""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hmrm.analysis.analyze import analyze
from hmrm.analysis.saved import save
from hmrm.facs.atlas import ActionUnit
from hmrm.synthetic.clips import ClipConfig, Expression, render_clip
from hmrm.synthetic.rendered_face import render_face
from hmrm.video.writer import write_video

pytestmark = pytest.mark.web

DOCS = Path(__file__).parents[2] / "docs"
SEED, WIDTH_PX = 3, 920
LEAST_CORRELATION = 0.9
"""Correlation of today's picture with the one in docs, both reduced to 1/8: fonts may differ."""


def write_smile(path: Path) -> None:
    """Nobody's face smiles by a pixel and a half of the canonical crop."""
    rng = np.random.default_rng(SEED)
    face, points = render_face(rng, size_wh_px=(640, 640), eye_distance_px=140.0, tone=2)
    units = (ActionUnit(12, "both", 1.5), ActionUnit(6, "both", 0.9))
    smile = Expression(units=units, onset_s=1.0, rise_s=0.13, hold_s=0.04, decay_s=0.13)
    camera = ClipConfig(duration_s=2.5, blinks_per_min=0.0)
    clip = render_clip(face, points, [smile], camera, rng=rng)
    write_video(path, [frame.image for frame in clip.frames()], camera.frames_per_s)


def picture_of(page: Any, report: Path, to: Path) -> None:
    """Timeline, events and the event's images down to its arrows, as one picture."""
    page.goto(report.as_uri())
    page.wait_for_timeout(500)
    top, bottom = page.evaluate(
        """() => {
          const sections = [...document.querySelectorAll("main > section")];
          const event = sections.findIndex((one) => one.id === "event-0");
          return [sections[event - 2].getBoundingClientRect().top - 12,
                  sections[event].getBoundingClientRect().bottom + 12];
        }"""
    )
    clip = {"x": 0, "y": top, "width": WIDTH_PX, "height": bottom - top}
    page.screenshot(path=to, clip=clip, full_page=True)


def reduced(image: np.ndarray) -> np.ndarray:
    small = cv2.resize(image, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
    return small.astype(float).ravel()


def test_the_picture_of_the_report_is_todays(browser: Any, tmp_path: Path) -> None:
    """``HMRM_SCREENSHOTS=docs`` writes it again."""
    write_smile(tmp_path / "synthetic face.mp4")
    found = analyze(tmp_path / "synthetic face.mp4")
    assert [event.label for event in found.events] == ["positive"]
    report = save(tmp_path / "report", found)
    folder = os.environ.get("HMRM_SCREENSHOTS")
    made = (Path(folder) if folder else tmp_path) / "report.png"
    page = browser.new_page(viewport={"width": WIDTH_PX, "height": 900})
    picture_of(page, report, made)
    today, kept = cv2.imread(str(made)), cv2.imread(str(DOCS / "report.png"))
    assert today.shape[1] == kept.shape[1] == WIDTH_PX
    assert abs(today.shape[0] - kept.shape[0]) <= 0.02 * kept.shape[0], "make it again"
    height = min(len(today), len(kept))
    alike = np.corrcoef(reduced(today[:height]), reduced(kept[:height]))[0, 1]
    assert alike >= LEAST_CORRELATION, "docs/report.png shows another report: make it again"
