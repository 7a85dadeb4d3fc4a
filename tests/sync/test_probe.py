"""What a probe finds out about servers that do as they say, and about one that does not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from adapter.config import Config
from adapter.fhir.auth import Fixed
from adapter.fhir.client import Client
from adapter.fhir.wire import Server, Wire
from adapter.sync.plan import types_read
from adapter.sync.probe import Probe, Row, is_usable, lines
from tests.hapi.server import Hapi
from tests.sync import proxy as proxies
from tests.sync import sekmet
from tests.sync.load import load
from tests.sync.proxy import Answer, Asked, Proxy
from tests.sync.site import COHORT, TRIAL, rules_of

TYPES = types_read(rules_of(Config(), TRIAL).trial)


def probed(base_url: str, *, write: bool = False) -> dict[str, Row]:
    client = Client(Wire(Server(base_url=base_url, retries=1), Fixed()))
    return {row.what: row for row in Probe(client, TYPES, write).rows()}


def refused(found: dict[str, Row]) -> set[str]:
    return {row.what for row in found.values() if row.seen == "no"}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxies.running() as found, sekmet.running(tmp_path_factory.mktemp("server"), behind=found.url) as server:
        found.target = server
        load(server, [COHORT / "eligible.json", COHORT / "zh-only.json"])
        yield found


def test_a_server_that_does_what_the_sync_needs(proxy: Proxy) -> None:
    proxy.fault = lambda _, answer: answer
    found = probed(f"{proxy.url}/fhir", write=True)
    assert is_usable(list(found.values())) and refused(found) <= {
        "PUT without a change keeps the version",
        "QuestionnaireResponse by patient",
    }
    assert found["If-Match"].then == "refused with 412"
    assert {asked.method for asked in proxy.seen if asked.path.startswith("/fhir/Patient/trial-adapter-probe")} == {
        "PUT",
        "DELETE",
    }
    everybody = requests.get(f"{proxy.url}/fhir/Patient?_count=50", timeout=60).json()["entry"]
    assert not any("probe" in entry["resource"]["id"] for entry in everybody), "its own patient is gone"


def test_without_leave_to_write_nothing_is_written(proxy: Proxy) -> None:
    proxy.fault = lambda _, answer: answer
    proxy.seen.clear()
    found = probed(f"{proxy.url}/fhir")
    assert found["writing"].seen == "not tried"
    assert all(a.method == "GET" or a.path.split("?")[0].endswith(("/_search", "/$validate")) for a in proxy.seen)


def liar(asked: Asked, answer: Answer) -> Answer:
    """Ignores the patient, knows no history, and forbids Procedures."""
    if asked.type == "Observation" and asked.path.endswith("_search"):
        resource = {"resourceType": "Observation", "id": "of-somebody-else"}
        return Answer(
            200, answer.headers, json.dumps({"resourceType": "Bundle", "entry": [{"resource": resource}]}).encode()
        )
    if "_history" in asked.path:
        return Answer(501, {}, b"")
    return Answer(403, {}, b"") if asked.type == "Procedure" else answer


def test_a_server_that_does_not_do_as_it_says(proxy: Proxy) -> None:
    proxy.fault = liar
    found = probed(f"{proxy.url}/fhir")
    assert not is_usable(list(found.values()))
    assert found["Observation by patient"].then == "gives everybody's instead: complete, but slow"
    assert found["Procedure by patient"].then.startswith("not covered: POST Procedure/_search: 403")
    assert found["_history by type, _since"] == Row(
        "_history by type, _since", True, "no", "changes by _lastUpdated, deletions every reconcile-hours"
    )
    assert len({line.find("says") for line in lines(list(found.values()))} - {-1}) == 1


@pytest.mark.hapi
def test_hapi(hapi: Hapi, tmp_path: Path) -> None:
    load(hapi.base_url, [COHORT / "eligible.json", COHORT / "zh-only.json"])
    found = probed(hapi.base_url, write=True)
    assert is_usable(list(found.values())) and refused(found) == set()
    assert found["If-Match"].then == "refused with 409"
