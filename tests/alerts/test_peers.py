"""Clients that others wrote discover our services, call them and understand the answers; HL7's models find no fault."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.alerts import sandbox
from tests.alerts.ehr import ROOT, TRIAL, Ehr, Json, candidate, prefetch_of, resources, running
from tests.alerts.logical import faults
from tests.node import peers
from tests.sync import sekmet
from tests.sync.load import load

PATIENT_VIEW = f"{TRIAL}-patient-view"
RITUXIMAB = {
    "resourceType": "MedicationRequest", "id": "d1", "status": "draft", "intent": "order", "subject": {"reference": "Patient/eligible"},
    "medicationCodeableConcept": {"text": "rituximab", "coding": [{"system": "http://www.whocc.no/atc", "code": "L01FA01"}]},
}  # fmt: skip
ORDERS = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": RITUXIMAB}]}


@pytest.fixture(scope="module")
def ehr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ehr]:
    """The service beside a FHIR server with the example patients."""
    with sekmet.running(tmp_path_factory.mktemp("fhir")) as base_url:
        load(base_url, [ROOT / "examples" / "cohort" / "eligible.json"])
        with running(tmp_path_factory.mktemp("peers"), base_url=base_url) as found:
            yield found


# --- HL7's logical models ---


def test_the_services_are_as_hl7_says(ehr: Ehr) -> None:
    assert faults("services", requests.get(f"{ehr.base_url}/cds-services", timeout=5).json()) == []


@pytest.mark.parametrize(
    ("hook", "given", "more"),
    [
        ("patient-view", resources("eligible"), {}),
        ("patient-view", candidate(), {}),
        ("patient-view", (), {}),
        ("encounter-start", candidate(), {}),
        ("order-sign", resources("eligible"), {"draftOrders": ORDERS}),
        ("order-select", resources("eligible"), {"draftOrders": ORDERS, "selections": ["MedicationRequest/d1"]}),
    ],
)
def test_what_is_answered_is_as_hl7_says(ehr: Ehr, hook: str, given: Any, more: Json) -> None:
    prefetch = prefetch_of(given) if given else dict.fromkeys(prefetch_of(candidate()))
    user = f"Practitioner/{hook}{len(given)}"
    answer = ehr.call(hook, "eligible", prefetch, user, context=more).json()
    assert faults("response", answer) == [] and bool(answer["cards"]) == bool(given)


BAD: list[tuple[str, str, Any]] = [
    ("response", "a long summary", {"cards": [{"summary": "x" * 140, "indicator": "info", "source": {"label": "x"}}]}),
    ("response", "an indicator of 1.0", {"cards": [{"summary": "x", "indicator": "hard-stop", "source": {"label": "x"}}]}),
    ("response", "suggestions without behaviour", {"cards": [{"summary": "x", "indicator": "info", "source": {"label": "x"}, "suggestions": [{"label": "x"}]}]}),
    ("response", "null for nothing", {"cards": [{"summary": "x", "indicator": "info", "source": {"label": "x"}, "detail": None}]}),
    ("services", "no description", {"services": [{"hook": "patient-view", "id": "x"}]}),
    ("feedback", "accepted, but nothing was", {"feedback": [{"card": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "outcome": "accepted", "outcomeTimestamp": "2026-11-22T04:00:00Z"}]}),
    ("request", "a token without a server", {"hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": {}, "fhirAuthorization": {"access_token": "t", "token_type": "Bearer", "expires_in": 1, "scope": "", "subject": "s"}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "document"), [(model, document) for model, _, document in BAD], ids=[row[1] for row in BAD]
)
def test_the_models_find_what_is_wrong(model: str, document: Any) -> None:
    assert faults(model, document)


# --- Medplum, an EHR vendor's own client ---


@pytest.mark.node
def test_medplum_discovers_resolves_the_prefetch_and_reads_the_card(ehr: Ehr) -> None:
    context = json.dumps({"userId": "Practitioner/medplum", "patientId": "eligible"})
    said = json.loads(peers.run("cds.mjs", ehr.base_url, ehr.desk.settings.server.base_url, PATIENT_VIEW, context))
    assert [one["hook"] for one in said["services"]] == [
        "patient-view",
        "encounter-start",
        "order-select",
        "order-sign",
    ]
    assert said["request"]["prefetch"]["patient"]["id"] == "eligible"
    assert len(said["request"]["prefetch"]["observation"]["entry"]) > 5, "resolved against a real server"
    assert faults("response", said["response"]) == []
    (card,) = said["response"]["cards"]
    assert TRIAL in card["summary"]


@pytest.mark.node
def test_medplum_shows_what_an_order_would_exclude(ehr: Ehr) -> None:
    context = json.dumps({"userId": "Practitioner/medplum", "patientId": "eligible", "draftOrders": ORDERS})
    said = json.loads(
        peers.run("cds.mjs", ehr.base_url, ehr.desk.settings.server.base_url, f"{TRIAL}-order-sign", context)
    )
    assert [card["summary"] for card in said["response"]["cards"]] == [
        f"rituximab would exclude from the trial {TRIAL} through 2027-05-09: B cell depletion in 24 weeks"
    ]


# --- healthchain, whose models are stricter than the specification ---


def test_healthchain_calls_and_understands(ehr: Ehr) -> None:
    """Its order hooks cannot be tried: it leaves draftOrders out of the context that it sends."""
    context = {"userId": "Practitioner/healthchain", "patientId": "eligible"}
    said = sandbox.call(
        f"{ehr.base_url}/cds-services/{PATIENT_VIEW}", "patient-view", context, prefetch_of(candidate())
    )
    assert faults("request", said["request"]) == []
    (card,) = said["cards"]
    assert TRIAL in card["summary"] and card["indicator"] == "info"
    assert [one["isRecommended"] for one in card["suggestions"]] == [False, False, False]
    assert card["links"][0]["autoLaunchable"] is False


# --- what a prefetch lacks, fetched with the token of the call ---


TOKEN = {
    "access_token": "opaque",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.rs",
    "subject": "trial-adapter",
}


def test_what_was_not_sent_is_fetched_from_the_server_on_record(ehr: Ehr) -> None:
    server = ehr.desk.settings.server.base_url
    answer = ehr.call(
        "patient-view", "eligible", None, "Practitioner/fetch", fhirServer=server, fhirAuthorization=TOKEN
    )
    assert "all 20 criteria are in favour" in answer.json()["cards"][0]["summary"]


def test_a_token_goes_to_no_other_server(ehr: Ehr) -> None:
    seen: list[str] = []
    with listener(seen) as elsewhere:
        answer = ehr.call(
            "patient-view", "eligible", None, "Practitioner/evil", fhirServer=elsewhere, fhirAuthorization=TOKEN
        )
    assert answer.status_code == 412 and seen == []


def listener(seen: list[str]) -> Any:
    """An address that notes who comes."""
    from contextlib import contextmanager
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Note(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            self.send_error(404)

        do_POST = do_GET  # noqa: N815

    @contextmanager
    def running_listener() -> Iterator[str]:
        with HTTPServer(("127.0.0.1", 0), Note) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/fhir"
            server.shutdown()

    return running_listener()


def test_what_a_sync_knows_answers_for_what_was_not_sent(tmp_path: Path) -> None:
    from tests.sync.site import Site

    with sekmet.running(tmp_path) as base_url:
        load(base_url, [ROOT / "examples" / "cohort" / "eligible.json"])
        site = Site(base_url, tmp_path)
        assert site.run() == ""
        site.engine.dispose()
        with running(tmp_path, base_url=base_url) as ehr:
            assert "all 20 criteria" in ehr.cards("patient-view", "eligible", None)[0]["summary"]
            partly = {"patient": prefetch_of(resources("eligible"))["patient"]}
            assert "all 20 criteria" in ehr.cards("patient-view", "eligible", partly, "Practitioner/2")[0]["summary"]
            strange = ehr.call(
                "patient-view", "eligible", None, "Practitioner/3", fhirServer="https://other.example/fhir"
            )
            assert strange.status_code == 412, "an id of another server means another patient"
            assert ehr.call("patient-view", "nobody", None).status_code == 412
