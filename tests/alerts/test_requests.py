"""Whatever is sent: an answer that says what is wrong, never a 500, and nothing of it in the log."""

import json
import random
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from adapter.alerts.app import Hooks, hooks_app
from tests.alerts.ehr import TRIAL, Ehr, Json, prefetch_of, resources, running

PATH = f"/cds-services/{TRIAL}-patient-view"
GOOD: Json = {
    "hook": "patient-view",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {"userId": "Practitioner/1", "patientId": "eligible"},
    "prefetch": prefetch_of(resources("eligible")),
}
BODIES = 50_000


@pytest.fixture(scope="module")
def ehr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ehr]:
    with running(tmp_path_factory.mktemp("requests"), body_bytes=1 << 20) as found:
        yield found


def without(name: str) -> Json:
    return {key: value for key, value in GOOD.items() if key != name}


WRONG: list[tuple[str, Any, int, str]] = [
    ("no JSON", b"{", 400, "not valid JSON"),
    ("no object", [], 400, "not what CDS Hooks 2.0 sends"),
    ("not UTF-8", b'{"hook": "\xff"}', 400, "not valid JSON"),
    ("no hook", without("hook"), 400, "hook"),
    ("another hook", GOOD | {"hook": "order-sign"}, 400, "this service answers the hook patient-view"),
    ("no hookInstance", without("hookInstance"), 400, "hookInstance"),
    ("an empty hookInstance", GOOD | {"hookInstance": ""}, 400, "hookInstance"),
    ("no context", without("context"), 400, "context"),
    ("no patient", GOOD | {"context": {"userId": "Practitioner/1"}}, 400, "patientId"),
    ("a patient with a type", GOOD | {"context": {"userId": "u", "patientId": "Patient/p1"}}, 400, "without a type"),
    ("a patient that is a path", GOOD | {"context": {"userId": "u", "patientId": "../x"}}, 400, "patientId"),
    ("a number for a patient", GOOD | {"context": {"userId": "u", "patientId": 7}}, 400, "patientId"),
    ("a token for another patient", GOOD | {"fhirAuthorization": {"access_token": "t", "token_type": "Bearer", "expires_in": 1, "scope": "", "subject": "s", "patient": "p2"}}, 400, "not the patient"),
    ("no prefetch, no token, an empty store", without("prefetch"), 412, "the prefetch is missing patient, appointment"),
    ("one key missing", GOOD | {"prefetch": prefetch_of(resources("eligible"), without=("procedure",))}, 412, "the prefetch is missing procedure"),
    ("2 MB", b" " * (2 << 20), 413, "more than 1048576 bytes"),
    ("nested 100 000 times", b'{"prefetch":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}", 400, "too many levels"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "told"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_call_that_cannot_be_answered_says_why(ehr: Ehr, body: Any, status: int, told: str) -> None:
    answer = ehr.post(PATH, body)
    assert answer.status_code == status
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome" and told in outcome["issue"][0]["diagnostics"]


@pytest.mark.parametrize("path", ["/cds-services/nothing", "/cds-services/nothing/feedback", "/else"])
def test_what_is_not_there_is_404(ehr: Ehr, path: str) -> None:
    answer = ehr.post(path, GOOD)
    assert answer.status_code == 404 and answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("key", ["observation", "patient", "medicationStatement"])
@pytest.mark.parametrize(
    "value",
    [
        7,
        "x",
        [],
        {},
        {"resourceType": "Bundle", "entry": 7},
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Observation"}}]},
        {"resourceType": "Patient", "id": "other"},
    ],
    ids=repr,
)
def test_a_prefetch_of_any_shape_is_taken_as_what_is_not_known(ehr: Ehr, key: str, value: Any) -> None:  # fmt: skip
    assert ehr.post(PATH, GOOD | {"prefetch": GOOD["prefetch"] | {key: value}}).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The records have to be fetched from a server that takes the call and says nothing."""
    token = {"access_token": "t", "token_type": "Bearer", "expires_in": 1, "scope": "", "subject": "s"}
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"http://127.0.0.1:{mute.getsockname()[1]}/fhir"
        with running(tmp_path_factory.mktemp("slow"), base_url=address, answer_seconds=0.5, fetch_seconds=4) as ehr:
            begun = time.monotonic()
            answer = ehr.post(PATH, without("prefetch") | {"fhirServer": address, "fhirAuthorization": token})
            assert time.monotonic() - begun < 3
    assert answer.status_code == 503 and "in time" in answer.json()["issue"][0]["diagnostics"]


def test_fifty_thousand_broken_bodies_give_no_500(ehr: Ehr) -> None:
    """Bytes and values of a good call changed by chance, sent to the application itself."""
    chance = random.Random(20261122)
    small = GOOD | {"prefetch": {key: GOOD["prefetch"][key] for key in ("patient", "condition", "procedure")}}
    texts = [json.dumps(small).encode(), json.dumps({"feedback": [{"card": "c", "outcome": "accepted"}]}).encode()]
    app = hooks_app(Hooks(ehr.desk, ehr.door, lambda *_, **__: None))
    statuses: dict[int, int] = {}

    async def send() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            for number in range(BODIES):
                path = PATH + ("/feedback" if number % 2 else "")
                answer = await client.post(
                    path, content=broken(chance, texts[number % 2]), headers={"Content-Type": "application/json"}
                )
                statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1

    import asyncio

    asyncio.run(send())
    assert sum(statuses.values()) == BODIES
    assert statuses.keys() <= {200, 400, 412}, statuses


PIECES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"null",
    b"true",
    b"1e999",
    b"\\ud800",
    b"\xff",
    b"\x00",
    b"-",
    b"{}",
    b'"id"',
    b"0",
    b" ",
]


def broken(chance: random.Random, text: bytes) -> bytes:
    """The text with one to three places cut, doubled or replaced."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(max(1, len(text)))
        to = min(len(text), at + chance.choice((0, 1, 2, 8, 64)))
        text = text[:at] + chance.choice((chance.choice(PIECES), text[at:to] * 2, b"")) + text[to:]
    return text


def test_requests_made_up_from_the_openapi_document_are_answered_as_it_says(ehr: Ehr) -> None:
    document = requests.get(f"{ehr.base_url}/openapi.json", timeout=5).json()
    schema = schemathesis.openapi.from_dict(document)
    for operation in schema.get_all_operations():
        _made_up(operation.ok(), ehr.base_url)


def _made_up(operation: Any, base_url: str) -> None:
    from hypothesis import given

    @given(case=operation.as_strategy())
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def run(case: Any) -> None:
        answer = case.call(base_url=base_url)
        assert answer.status_code < 500, answer.text
        assert str(answer.status_code) in {str(status) for status in case.operation.definition.raw["responses"]}

    run()
