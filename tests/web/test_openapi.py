"""The description of the interface has every route, and answers are as it describes them."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from hmrm.web.app import OPENAPI, ROUTES
from tests.web.pages import analysis
from tests.web.serving import put_finished, served
from tests.web.test_api import video  # noqa: F401 - a fixture

DOCUMENT = json.loads(OPENAPI.read_text(encoding="utf-8"))


def test_every_route_is_described_and_nothing_else() -> None:
    there = {
        (re.sub(r":\w+", "", route.path), method.lower())
        for route in ROUTES
        if isinstance(route, Route) and route.path.startswith("/api/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {
        (path, method) for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    assert described == there


def check(schema: Any, value: Any) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, video: Path) -> tuple[Path, str]:  # noqa: F811
    folder = tmp_path_factory.mktemp("described")
    import dataclasses

    some = analysis(3)
    return folder / "data", put_finished(
        folder, dataclasses.replace(some, frames=some.frames[:50]), video
    )


def answers(client: TestClient, job: str) -> dict[str, str]:
    """Path of the document → address that answers."""
    client.post(f"/api/jobs/{job}/edits?coder=Ada", json={"kind": "accept", "event": "e0"})
    client.post(f"/api/jobs/{job}/edits?coder=Ada", json={"kind": "finish"})
    one = f"/api/jobs/{job}"
    return {
        "/api/info": "/api/info",
        "/api/jobs": "/api/jobs",
        "/api/jobs/{job}": one,
        "/api/jobs/{job}/view": f"{one}/view",
        "/api/jobs/{job}/images/{event}": f"{one}/images/1",
        "/api/jobs/{job}/review": f"{one}/review?coder=Ada",
        "/api/jobs/{job}/edits": f"{one}/edits?coder=Ada",
        "/api/coders": "/api/coders",
        "/api/agreement": "/api/agreement?first=Ada&second=Bea",
    }


def test_answers_are_as_described(data: tuple[Path, str]) -> None:
    with served(data[0]) as client:
        for path, address in answers(client, data[1]).items():
            described = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]
            check(described["application/json"]["schema"], client.get(address).json())
        refused = client.get("/api/jobs/nothing")
        assert refused.status_code == 404
        check({"$ref": "#/components/schemas/Error"}, refused.json())
