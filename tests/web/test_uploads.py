"""Uploads of all kinds of damage: none breaks the server or leaves files."""

from pathlib import Path

import pytest

from fuzz.uploads import NAMES, damaged, valid
from hmrm.web.jobs import shown_name
from hmrm.web.worker import run_job
from tests.web.serving import served, site_of


@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_harmlessly_and_never_used(tmp_path: Path, name: str) -> None:
    shown = shown_name(name)
    assert 0 < len(shown) <= 200 and "/" not in shown and "\\" not in shown and shown.isprintable()
    with served(tmp_path / "data") as client:
        sent = client.post("/api/jobs", params={"name": name}, content=b"x")
        assert sent.status_code == 201
        [folder] = (tmp_path / "data" / "jobs").iterdir()
        [file] = folder.iterdir()
        assert folder.name == sent.json()["id"] and file.stem == "video"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def nothing(*arguments: object, **named: object) -> None:
    """Instead of threads and of the supervisor, which would act on the jobs meanwhile."""


def test_damaged_uploads_fail_with_a_reason_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The analysis itself is not what is tested: a file that decodes has no face in it.
    monkeypatch.setattr("hmrm.web.process.every_second", nothing)
    good = valid(tmp_path)
    data = tmp_path / "data"
    with served(data) as client:
        site = site_of(client)
        monkeypatch.setattr(site.jobs, "requeue", nothing)
        for seed in range(50):
            sent = client.post("/api/jobs?name=clip.mp4", content=damaged(good, seed))
            job = site.jobs.claim("w")
            assert job is not None and job.id == sent.json()["id"]
            run_job(site.jobs, site.layout, job, "w", weights=None)
            ended = client.get(f"/api/jobs/{job.id}").json()
            assert ended["state"] == "failed" and ended["error"], seed
            assert str(tmp_path) not in ended["error"]
            kept = [path.name for path in site.layout.job(job.id).iterdir()]
            assert set(kept) <= {"video.mp4", "frames.npz"}
            assert client.delete(f"/api/jobs/{job.id}").status_code == 204
        assert client.get("/api/jobs").json() == []
        assert all(not list((data / name).iterdir()) for name in ("jobs", "work", "incoming"))
