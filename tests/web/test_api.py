"""The interface of ``hmrm serve``, without a browser and without workers."""

import csv
import dataclasses
import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from hmrm.analysis.export.formats import FORMATS
from hmrm.video.reader import open_video
from hmrm.video.writer import write_video
from hmrm.web.jobs import Job
from tests.web.pages import analysis
from tests.web.serving import add_finished, make_results, served, site_of


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of tiny frames at irregular times."""
    path = tmp_path_factory.mktemp("video") / "original.mkv"
    generator = np.random.default_rng(0)
    images = (np.full((16, 16, 3), i % 251, np.uint8) for i in range(3600))
    times = np.cumsum(generator.uniform(0.02, 0.045, 3600))
    write_video(path, images, 30.0, times_s=times.tolist())
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, video: Path) -> Path:
    whole = analysis(6, 2)
    fewer = dataclasses.replace(whole, frames=whole.frames[::20])
    return make_results(tmp_path_factory.mktemp("made"), fewer, video)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with served(tmp_path / "data") as client:
        yield client


@pytest.fixture
def job(client: TestClient, made: Path, video: Path) -> Job:
    return add_finished(site_of(client), made, video, 'a "b"/größe.mp4')


def edit(client: TestClient, job: Job, coder: str = "Ada", **what: Any) -> Any:
    return client.post(f"/api/jobs/{job.id}/edits?coder={coder}", json=what)


def event(shown: Any, key: str) -> Any:
    [found] = [one for one in shown["events"] if one["key"] == key]
    return found


def test_an_upload_is_queued_under_an_id_and_deleted_for_good(
    client: TestClient, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    before = sorted(data.rglob("*"))
    sent = client.post("/api/jobs?name=..%2F..%2Fsecret%20face.MP4", content=b"not a video")
    assert sent.status_code == 201
    shown = sent.json()
    assert (shown["name"], shown["state"], shown["size_bytes"]) == ("secret face.MP4", "queued", 11)
    [file] = (data / "jobs" / shown["id"]).iterdir()
    assert file.name == "video.mp4" and file.read_bytes() == b"not a video"
    assert not [path for path in data.rglob("*") if "secret" in path.name]
    assert client.post(f"/api/jobs/{shown['id']}/cancel").json()["state"] == "cancelled"
    assert client.post(f"/api/jobs/{shown['id']}/cancel").status_code == 409
    assert client.delete(f"/api/jobs/{shown['id']}").status_code == 204
    assert sorted(data.rglob("*")) == before
    assert b"secret" not in (data / "jobs.sqlite").read_bytes()
    assert client.get(f"/api/jobs/{shown['id']}").status_code == 404


def test_too_large_and_empty_uploads_leave_nothing(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMRM_LIMITS", "upload_bytes=1000")
    refused = client.post("/api/jobs?name=a.mp4", content=bytes(1001))
    assert refused.status_code == 413 and "upload_bytes" in refused.json()["error"]
    pieces = (bytes(600) for _ in range(2))  # without a length beforehand
    assert client.post("/api/jobs?name=a.mp4", content=pieces).status_code == 413
    assert client.post("/api/jobs?name=a.mp4", content=b"").status_code == 400
    assert client.get("/api/jobs").json() == []
    assert not list((tmp_path / "data" / "incoming").iterdir())


def test_folders_are_opened_without_copying_and_never_deleted(
    client: TestClient, tmp_path: Path, video: Path
) -> None:
    opened = client.post("/api/places", json={"path": str(video.parent)})
    assert [(one["name"], one["place"]) for one in opened.json()] == [(video.name, str(video))]
    assert client.delete(f"/api/jobs/{opened.json()[0]['id']}").status_code == 204
    assert video.is_file()
    nowhere = client.post("/api/places", json={"path": str(tmp_path / "nowhere")})
    assert nowhere.status_code == 400 and "no such" in nowhere.json()["error"]


def test_frames_are_those_of_the_file(client: TestClient, job: Job, video: Path) -> None:
    for number in (1801, 0, 3599, 7):
        sent = client.get(f"/api/jobs/{job.id}/frames/{number}.png")
        assert sent.headers["cache-control"] == "no-store"
        image = cv2.imdecode(np.frombuffer(sent.content, np.uint8), cv2.IMREAD_COLOR_RGB)
        assert np.array_equal(image, open_video(video).frame(number).image)
    assert client.get(f"/api/jobs/{job.id}/frames/3600.png").status_code == 400
    times = client.get(f"/api/jobs/{job.id}/view").json()["times_s"]
    expected = [round(frame.time_s, 6) for frame in open_video(video).frames()]
    assert times == expected


def test_edits_change_the_view_of_their_coder_alone(client: TestClient, job: Job) -> None:
    as_found = client.get(f"/api/jobs/{job.id}/review").json()
    assert edit(client, job, kind="relabel", event="e0", label="surprise").status_code == 201
    edit(client, job, kind="move", event="e0", onset=50, apex=55, offset=70)
    edit(client, job, kind="reject", event="e1")
    edit(client, job, kind="accept", event="r0")
    edit(client, job, kind="comment", event="e2", text="a swallow?")
    shown = edit(client, job, kind="add", onset=10, apex=12, offset=20, face_id=1).json()
    first = event(shown, "e0")
    assert (first["label"], first["onset"], first["changed"]) == (
        "surprise", 50, ["borders", "label"],
    )  # fmt: skip
    times = client.get(f"/api/jobs/{job.id}/view").json()["times_s"]
    assert first["offset_s"] == times[70]
    assert event(shown, "e1")["status"] == "rejected"
    assert event(shown, "r0")["status"] == "accepted"
    assert event(shown, "e2")["comments"] == ["a swallow?"]
    [added] = [one for one in shown["events"] if one["origin"] == "added"]
    assert (added["salience"], added["motion_px"], added["face_id"]) == (None, None, 1)
    other = client.get(f"/api/jobs/{job.id}/review?coder=Bea").json()
    assert other["events"] == as_found["events"]
    log = client.get(f"/api/jobs/{job.id}/edits?coder=Ada").json()
    assert [one["edit"]["kind"] for one in log][:2] == ["relabel", "move"]
    assert {one["coder"] for one in log} == {"Ada"}


def test_undo_and_redo(client: TestClient, job: Job) -> None:
    edit(client, job, kind="reject", event="e0")
    edit(client, job, kind="reject", event="e1")
    shown = edit(client, job, kind="undo").json()
    assert (event(shown, "e1")["status"], shown["undo"], shown["redo"]) == (
        "open", "reject", "reject",
    )  # fmt: skip
    edit(client, job, kind="undo")
    assert edit(client, job, kind="undo").status_code == 409
    shown = edit(client, job, kind="redo").json()
    assert (event(shown, "e0")["status"], event(shown, "e1")["status"]) == ("rejected", "open")
    shown = edit(client, job, kind="accept", event="e2").json()
    assert shown["redo"] == ""
    assert edit(client, job, kind="redo").status_code == 409


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "accept", "event": "e99"},
        {"kind": "move", "event": "e0", "onset": 9, "apex": 5, "offset": 20},
        {"kind": "move", "event": "e0", "onset": 9, "apex": 10, "offset": 3600},
        {"kind": "move", "event": "e0", "onset": 9},
        {"kind": "add", "onset": 1, "apex": 2, "offset": 3, "face_id": 7},
        {"kind": "relabel", "event": "e0", "label": "x" * 61},
        {"kind": "comment", "event": "e0", "text": "\x1b[31m"},
        {"kind": "explode"},
        {"kind": "accept", "event": "e0", "who": "me"},
        {"kind": "move", "event": "e0", "onset": "1", "apex": 2, "offset": 3},
    ],
)
def test_impossible_edits_are_refused_and_not_kept(
    client: TestClient, job: Job, wrong: dict[str, Any]
) -> None:
    refused = edit(client, job, **wrong)
    assert refused.status_code == 400 and refused.json()["error"]
    assert client.get(f"/api/jobs/{job.id}/edits?coder=Ada").json() == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_export_carries_the_edits(client: TestClient, job: Job, name: str) -> None:
    if not FORMATS[name].is_installed():
        pytest.skip(f"needs the extra {FORMATS[name].extra}")
    address = f"/api/jobs/{job.id}/export?format={name}"
    before = client.get(address)
    edit(client, job, kind="relabel", event="e1", label="joy")
    edit(client, job, kind="move", event="e1", onset=701, apex=705, offset=709)
    edit(client, job, kind="reject", event="e0")
    edit(client, job, kind="add", onset=10, apex=12, offset=20, face_id=1)
    after = client.get(f"{address}&coder=Ada")
    assert after.status_code == 200 and client.get(address).content == before.content
    assert after.headers["content-disposition"].startswith("attachment")
    texts = _texts(after.content)
    if name != "parquet":
        whole = "\n".join(texts.values())
        assert whole != "\n".join(_texts(before.content).values())
        assert not re.search(r"\bnan\b", whole, re.IGNORECASE)
        if name not in ("openface", "summary"):
            assert "joy" in whole
        if name not in ("openface", "summary", "webvtt"):
            assert "added" in whole and "accepted" not in whole
    if name == "json":
        content = json.loads(next(text for key, text in texts.items() if "schema" not in key))
        assert [one["onset_frame"] for one in content["events"]][:2] == [10, 701]
        assert content["events"][0]["salience"] is None
        assert content["provenance"]["edits"][0]["kind"] == "relabel"
        assert content["provenance"]["edits"][0]["coder"] == "Ada"
    if name == "summary":
        [row] = [
            row
            for text in texts.values()
            if "scope" in text and not text.startswith("{")
            for row in csv.DictReader(io.StringIO(text))
            if row["scope"] == "video"
        ]
        assert (row["events"], row["other"]) == ("6", "1")


def _texts(content: bytes) -> dict[str, str]:
    if not content.startswith(b"PK"):
        return {"": content.decode("utf-8", "replace")}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def test_exports_leave_nothing_behind(client: TestClient, job: Job, tmp_path: Path) -> None:
    assert client.get(f"/api/jobs/{job.id}/export?format=elan").status_code == 200
    assert client.get(f"/api/jobs/{job.id}/export?format=mp4").status_code == 400
    assert list((tmp_path / "data" / "work").iterdir()) == []


def test_the_annotated_video_carries_the_edits(client: TestClient, tmp_path: Path) -> None:
    video = tmp_path / "film.mp4"
    write_video(video, (np.full((64, 64, 3), 90, np.uint8) for _ in range(20)), 25.0)
    whole = analysis(0)
    found = dataclasses.replace(
        whole,
        frames=(),
        frame_count=20,
        frames_per_s=25.0,
        provenance={**whole.provenance, "data_hash": open_video(video).content_hash()},
    )
    job = add_finished(site_of(client), make_results(tmp_path / "own", found, video), video)

    def annotated(query: str) -> np.ndarray:
        sent = client.get(f"/api/jobs/{job.id}/export?format=mp4&{query}")
        assert sent.status_code == 200, sent.text
        path = tmp_path / "sent.mp4"
        path.write_bytes(sent.content)
        shown = [frame.image for frame in open_video(path).frames()]
        assert len(shown) == 20
        return np.asarray(shown, np.int16)

    assert edit(client, job, kind="add", onset=5, apex=8, offset=12).status_code == 201
    without, with_edits = annotated("coder=Bea"), annotated("coder=Ada")
    strip = np.abs(without - with_edits)[:, 66:].max(axis=(1, 2, 3))
    assert strip.min() > 50, "the event that was added is in the timeline of every frame"
    blurred = annotated("coder=Ada&blur_faces=1")
    assert np.ptp(blurred[:, 4:60, 4:60], axis=(1, 2)).max() < 10
    assert list((tmp_path / "data" / "work").iterdir()) == []


def test_faces_are_named_merged_and_chosen(client: TestClient, job: Job) -> None:
    edit(client, job, kind="name_face", face_id=1, text="the guest")
    shown = edit(client, job, kind="choose_subject", face_id=1).json()
    assert (shown["face_names"], shown["subject"]) == ({"1": "the guest"}, 1)
    exported = client.get(f"/api/jobs/{job.id}/export?format=webvtt&coder=Ada").text
    assert exported.count("frames:") == 3
    shown = edit(client, job, kind="merge_face", face_id=0, into=1).json()
    assert {one["face_id"] for one in shown["events"]} == {1}


def test_two_coders_are_blind_until_both_have_finished(client: TestClient, job: Job) -> None:
    for coder, label in (("Ada", "surprise"), ("Bea", "negative")):
        for i in range(6):
            edit(client, job, coder, kind="accept", event=f"e{i}")
        edit(client, job, coder, kind="relabel", event="e4", label=label)
        edit(client, job, coder, kind="reject", event="e5")
    edit(client, job, "Bea", kind="reject", event="e3")
    edit(client, job, "Bea", kind="move", event="e0", onset=63, apex=66, offset=72)
    address = "/api/agreement?first=Ada&second=Bea"
    edit(client, job, "Ada", kind="finish")
    blind = client.get(address).json()
    assert (blind["agreement"]["videos"], blind["differences"]) == (0, [])
    assert blind["unfinished"] == ["größe.mp4"]
    edit(client, job, "Bea", kind="finish")
    found = client.get(address).json()
    # Six events and five rejected candidates; e5 and the candidates are rejected by both.
    assert found["agreement"]["event_kappa"]["units"] == 11
    assert found["agreement"]["event_f1"]["value"] == pytest.approx(2 * 4 / 9)
    assert found["agreement"]["onset_bias"]["value"] == pytest.approx(3 / 4)
    assert "one to one" in found["agreement"]["rule"]
    assert [(one["first"].split(",")[0], one["second"].split(",")[0]) for one in
            found["differences"]] == [("unclear: negative or surprise", "no event"),
                                      ("surprise", "negative")]  # fmt: skip
    coders = client.get("/api/coders").json()
    assert [(one["name"], one["edited"], one["finished"]) for one in coders] == [
        ("Ada", 1, 1), ("Bea", 1, 1),
    ]  # fmt: skip
    assert client.get("/api/agreement?first=Ada&second=Ada").status_code == 400


def test_edits_and_jobs_outlive_the_server(tmp_path: Path, made: Path, video: Path) -> None:
    with served(tmp_path / "data") as client:
        job = add_finished(site_of(client), made, video)
        edit(client, job, kind="reject", event="e0")
        waiting = client.post("/api/jobs?name=b.mp4", content=b"x").json()["id"]
    with served(tmp_path / "data") as client:
        assert {one["id"]: one["state"] for one in client.get("/api/jobs").json()} == {
            job.id: "done", waiting: "queued",
        }  # fmt: skip
        shown = client.get(f"/api/jobs/{job.id}/review?coder=Ada").json()
        assert event(shown, "e0")["status"] == "rejected"


def test_what_is_over_for_too_long_is_deleted(tmp_path: Path, made: Path, video: Path) -> None:
    with served(tmp_path / "data", retention_days=0.0) as client:
        site = site_of(client)
        job = add_finished(site, made, video)
        site.supervisor.step()
        assert client.get("/api/jobs").json() == []
        assert not site.layout.job(job.id).exists()


@pytest.mark.slow
def test_the_first_view_of_ten_minutes_is_whole_and_soon_there(
    client: TestClient, tmp_path: Path, video: Path
) -> None:
    short = analysis(40, 1)
    frames = [
        dataclasses.replace(frame, index=frame.index + 3600 * i, time_s=frame.time_s + 120 * i)
        for i in range(5)
        for frame in short.frames
    ]
    ten_minutes = dataclasses.replace(short, frames=frames, frame_count=18000, duration_s=600.0)
    made = make_results(tmp_path / "made", ten_minutes, video)
    job = add_finished(site_of(client), made, video)
    began = time.process_time()
    view = client.get(f"/api/jobs/{job.id}/view")
    review = client.get(f"/api/jobs/{job.id}/review?coder=Ada")
    image = client.get(f"/api/jobs/{job.id}/frames/1700.png")
    # Below 1 s on an idle machine; a loaded one must not fail a test.
    assert time.process_time() - began < 5.0
    assert len(view.json()["curves"][0]["frames"]) == len(frames)
    assert (review.status_code, image.status_code) == (200, 200)
