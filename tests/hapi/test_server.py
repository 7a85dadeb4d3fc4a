"""What a HAPI FHIR JPA server does, as far as the sync relies on it."""

import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests

from tests.hapi.server import Hapi

pytestmark = pytest.mark.hapi
FRESH = {"Cache-Control": "no-cache"}


def put(hapi: Hapi, resource: dict[str, Any], **headers: str) -> requests.Response:
    url = f"{hapi.base_url}/{resource['resourceType']}/{resource['id']}"
    return requests.put(url, json=resource, headers={"Content-Type": "application/fhir+json", **headers}, timeout=60)


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": f"t{uuid.uuid4().hex[:12]}", **elements}


def test_it_is_the_version_that_is_named(hapi: Hapi) -> None:
    found = requests.get(f"{hapi.base_url}/metadata", timeout=60).json()
    assert (found["fhirVersion"], found["software"]["version"]) == ("4.0.1", "8.8.0")


def test_a_put_under_our_id_is_created_then_nothing_new(hapi: Hapi) -> None:
    one = patient(gender="female")
    first, second = put(hapi, one), put(hapi, one)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["meta"]["versionId"] == second.json()["meta"]["versionId"] == "1"


def test_a_stale_version_is_a_conflict(hapi: Hapi) -> None:
    one = patient()
    put(hapi, one)
    put(hapi, {**one, "gender": "male"})
    assert put(hapi, {**one, "gender": "female"}, **{"If-Match": 'W/"1"'}).status_code == 409


def test_a_search_without_a_cache_is_fresh(hapi: Hapi) -> None:
    name = uuid.uuid4().hex
    url = f"{hapi.base_url}/Patient?family={name}"
    assert "entry" not in requests.get(url, headers=FRESH, timeout=60).json()
    put(hapi, patient(name=[{"family": name}]))
    assert len(requests.get(url, headers=FRESH, timeout=60).json()["entry"]) == 1


def test_a_deletion_is_gone_and_stands_in_the_history(hapi: Hapi) -> None:
    one = patient()
    put(hapi, one)
    url = f"{hapi.base_url}/Patient/{one['id']}"
    assert requests.delete(url, timeout=60).status_code == 200
    assert requests.get(url, timeout=60).status_code == 410
    entries = requests.get(f"{hapi.base_url}/Patient/_history", headers=FRESH, timeout=60).json()["entry"]
    deleted = [entry["request"]["url"] for entry in entries if entry["request"]["method"] == "DELETE"]
    assert any(one["id"] in url for url in deleted)


def test_an_export_finishes_and_gives_lines(hapi: Hapi) -> None:
    one = patient()
    put(hapi, one)
    wanted = {"Accept": "application/fhir+json", "Prefer": "respond-async"}
    started = requests.get(f"{hapi.base_url}/$export?_type=Patient", headers=wanted, timeout=60)
    assert started.status_code == 202
    status = started.headers["Content-Location"]
    until = time.monotonic() + 90
    while (answer := requests.get(status, timeout=60)).status_code == 202 and time.monotonic() < until:
        time.sleep(0.5)
    urls = [output["url"] for output in answer.json()["output"]]
    lines = "".join(requests.get(url, headers={"Accept": "application/fhir+ndjson"}, timeout=60).text for url in urls)
    assert one["id"] in {json.loads(line)["id"] for line in lines.splitlines()}


@contextlib.contextmanager
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server that answers 204, and what it was asked."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def _take(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(f"{self.command} {self.path}")
            self.send_response(204)
            self.end_headers()

        do_POST = do_PUT = _take  # noqa: N815, so http.server wants it

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", asked
        server.shutdown()


def test_a_rest_hook_is_delivered(hapi: Hapi) -> None:
    gender = "other"
    with listener() as (url, asked):
        channel = {"type": "rest-hook", "endpoint": url, "payload": "application/fhir+json"}
        hook = {
            "resourceType": "Subscription", "id": f"s{uuid.uuid4().hex[:12]}", "status": "requested", "reason": "test",
            "criteria": f"Patient?gender={gender}", "channel": channel,
        }  # fmt: skip
        put(hapi, hook)
        one = patient(gender=gender)
        until = time.monotonic() + 60
        while not any(one["id"] in line for line in asked) and time.monotonic() < until:
            time.sleep(1)
            put(hapi, {**one, "birthDate": f"19{int(time.monotonic()) % 90 + 10}-01-01"})
        requests.delete(f"{hapi.base_url}/Subscription/{hook['id']}", timeout=60)
    assert any(line.startswith("PUT /hook/Patient/") for line in asked)
