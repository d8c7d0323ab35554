"""Requests of other sites, of other machines and without a token are not answered."""

import sys
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from hmrm.web.security import COOKIE, POLICY
from hmrm.web.worker import run_job
from tests.web.serving import HERE, served, site_of

TOKEN = "a-token-of-192-bits"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:8321"}, 200),
        ({"host": "[::1]:8321"}, 200),
        ({"host": "rebound.example:8321"}, 421),
        ({"host": "192.168.1.5:8321"}, 421),
        ({"host": "[bad"}, 421),
        ({"origin": HERE}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_host_and_origin(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    with served(tmp_path) as client:
        assert client.get("/api/jobs", headers=headers).status_code == status
        sent = client.post("/api/jobs?name=a.mp4", content=b"x", headers=headers)
        assert sent.status_code == (201 if status == 200 else status)


def test_every_answer_has_the_policy(tmp_path: Path) -> None:
    with served(tmp_path) as client:
        for path in ("/", "/api/info", "/static/app.js", "/nowhere", "/api/jobs/none"):
            sent = client.get(path)
            assert sent.headers["content-security-policy"] == POLICY
            assert sent.headers["x-content-type-options"] == "nosniff"
            assert sent.headers["cache-control"] == "no-store"
        assert POLICY.startswith("default-src 'none'") and "unsafe" not in POLICY
        assert "access-control-allow-origin" not in client.get("/api/info").headers


def test_other_machines_need_the_token(tmp_path: Path) -> None:
    here = "http://192.0.2.7:8321"
    with served(tmp_path, here, host="0.0.0.0", token=TOKEN) as client:
        assert client.get("/api/jobs").status_code == 401
        assert client.get("/").status_code == 401
        assert client.get("/?token=wrong", follow_redirects=False).status_code == 401
        assert client.get("/api/jobs?token=" + TOKEN).status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert client.get("/api/jobs", headers=bearer).status_code == 200
        assert client.get("/api/jobs", headers={"host": "evil.example"} | bearer).status_code == 421
        opened = client.get(f"/?token={TOKEN}", follow_redirects=False)
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        cookie = opened.headers["set-cookie"].lower()
        assert cookie.startswith(COOKIE) and "httponly" in cookie and "samesite=strict" in cookie
        assert client.get("/api/jobs").status_code == 200


def test_paths_of_the_machine_are_opened_on_loopback_only(tmp_path: Path) -> None:
    with served(tmp_path, "http://192.0.2.7", host="0.0.0.0", token=TOKEN) as client:
        headers = {"authorization": f"Bearer {TOKEN}"}
        sent = client.post("/api/places", json={"path": "/etc"}, headers=headers)
        assert sent.status_code == 403 and "loopback" in sent.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": HERE, "host": "evil.example"}, {}],
)
def test_websockets_of_other_sites_are_closed(tmp_path: Path, headers: dict[str, str]) -> None:
    with (
        served(tmp_path) as client,
        pytest.raises(WebSocketDisconnect) as closed,
        client.websocket_connect(f"{HERE.replace('http', 'ws')}/api/live", headers=headers),
    ):
        pass
    assert closed.value.code == 1008


def test_what_is_kept_is_the_owner_s_alone(tmp_path: Path) -> None:
    with served(tmp_path / "data"):
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_nothing_leaves_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload, its failing analysis and its deletion, while every connection is noted."""
    connections = []

    def no_thread(*arguments: object, **named: object) -> None:
        """Instead of the one that would end this process after the job."""

    monkeypatch.setattr("hmrm.web.process.every_second", no_thread)

    def note(event: str, details: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
            connections.append((event, details))

    sys.addaudithook(note)
    with served(tmp_path / "data") as client:
        site = site_of(client)
        sent = client.post("/api/jobs?name=a.mp4", content=b"http://example.org/a.mp4").json()
        job = site.jobs.claim("w")
        assert job is not None
        run_job(site.jobs, site.layout, job, "w", weights=None)
        assert client.get("/").status_code == client.get("/api/info").status_code == 200
        assert client.delete(f"/api/jobs/{sent['id']}").status_code == 204
    assert connections == []


def test_forms_of_other_sites_cannot_send_json(tmp_path: Path) -> None:
    with served(tmp_path) as client:
        text = {"content-type": "text/plain"}
        sent = client.post("/api/places", content=b'{"path": "/"}', headers=text)
        assert sent.status_code == 415
        json = {"content-type": "application/json"}
        assert client.post("/api/places", content=b"[" * 99, headers=json).status_code == 400
        big = b'{"path": "' + b"a" * 70_000 + b'"}'
        assert client.post("/api/places", content=big, headers=json).status_code == 413


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd"]
)
def test_nothing_else_of_the_disk_is_served(tmp_path: Path, path: str) -> None:
    with served(tmp_path) as client:
        assert client.get(path).status_code == 404
        assert client.get("/api/jobs/../../jobs.sqlite").status_code == 404
