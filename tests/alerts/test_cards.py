"""What an EHR gets to see: cards that are right, short, and made of the same Screening as everything else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.ehr import Ehr, Json, candidate, prefetch_of, resources, running, searchset

BCDT = {"coding": [{"system": "http://www.whocc.no/atc", "code": "L01FA01"}], "text": "rituximab"}
PATIENT = {"reference": "Patient/eligible"}


@pytest.fixture(scope="module")
def ehr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ehr]:
    with running(tmp_path_factory.mktemp("hooks")) as found:
        yield found


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    """Somebody who has seen no card yet."""
    return f"Practitioner/{abs(hash(request.node.name))}"


def draft(drug: Json, **more: Any) -> Json:
    return {"resourceType": "MedicationRequest", "id": "d1", "status": "draft", "intent": "order", "subject": PATIENT,
            "medicationCodeableConcept": drug, **more}  # fmt: skip


def dose(milligrams: float, times: int = 2) -> list[Json]:
    amount = {"value": milligrams, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    timing = {"repeat": {"frequency": times, "period": 1, "periodUnit": "d"}}
    return [{"timing": timing, "doseAndRate": [{"doseQuantity": amount}]}]


def bundle(*orders: Json) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in orders]}


def test_discovery_names_a_service_for_each_hook_with_the_prefetch_of_the_criteria(ehr: Ehr) -> None:
    import requests

    found = requests.get(f"{ehr.base_url}/cds-services", timeout=5).json()["services"]
    assert [one["hook"] for one in found] == ["patient-view", "encounter-start", "order-select", "order-sign"]
    prefetch = found[0]["prefetch"]
    assert prefetch["patient"] == "Patient/{{context.patientId}}"
    assert prefetch["observation"] == "Observation?patient={{context.patientId}}"
    assert {"medicationStatement", "condition", "consent", "procedure"} <= prefetch.keys()


@pytest.mark.parametrize("hook", ["patient-view", "encounter-start"])
def test_who_fits_is_told_of_once(ehr: Ehr, user: str, hook: str) -> None:
    (card,) = ehr.cards(hook, "eligible", prefetch_of(resources("eligible")), user)
    assert card["summary"] == "Fits the trial ln-msc-il2 by the records: all 20 criteria are in favour"
    assert card["indicator"] == "info" and len(card["summary"]) < 140
    assert "Urine protein/creatinine ratio 1.8 g/g on 2026-11-12" in card["detail"]
    assert "Observation/eligible-upcr-2026-11-12" in card["detail"], "the record behind the word"


def test_what_is_missing_is_offered_as_drafts(ehr: Ehr, user: str) -> None:
    (card,) = ehr.cards("patient-view", "eligible", prefetch_of(candidate()), user)
    assert card["summary"] == "May fit the trial ln-msc-il2: 1 criterion is still open, the other 19 in favour"
    assert "- Proteinuria above 1.0: a urine protein/creatinine ratio since 2026-10-25" in card["detail"]
    drafts = [suggestion["actions"][0]["resource"] for suggestion in card["suggestions"]]
    assert [one["resourceType"] for one in drafts] == ["ServiceRequest", "ServiceRequest", "Task"]
    assert {one["status"] for one in drafts} == {"draft"} and {one["intent"] for one in drafts} == {"proposal"}
    assert drafts[1]["code"]["coding"][0] == {
        "system": "http://loinc.org",
        "code": "2889-4",
        "display": "Protein per 24 hours",
    }
    assert drafts[2]["requester"] == {"reference": user}
    assert card["selectionBehavior"] == "any" and len(card["overrideReasons"]) == 5


@pytest.mark.parametrize("name", sorted(path.stem for path in Path("examples/cohort").glob("*.json")))
def test_who_is_excluded_or_has_no_diagnosis_is_not_told_of(ehr: Ehr, user: str, name: str) -> None:
    from datetime import date

    from adapter.screen import screen_bundle
    from tests.alerts.ehr import rules

    given = resources(name)
    patient = next(one["id"] for one in given if one["resourceType"] == "Patient")
    whole = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in given]}
    found = screen_bundle(whole, rules().trial, as_of=date(2026, 11, 22), complete="all")
    screening = next(one for one in found if one.patient == f"Patient/{patient}")
    sick = next(v for v in screening.criteria if v.criterion.id == "inc-lupus-nephritis").finding.truth
    cards = ehr.cards("patient-view", patient, prefetch_of(given), user)
    assert len(cards) == (screening.status != "ineligible" and str(sick) == "yes")


ORDERS = [
    ("rituximab", draft(BCDT), "rituximab would exclude from the trial ln-msc-il2 through 2027-05-09: B cell depletion in 24 weeks"),
    ("more MMF", draft({"text": "mycophenolate mofetil"}, dosageInstruction=dose(1500)), "through 2027-02-13: Unstable dose of an immunosuppressant in 12 weeks"),
    ("the same MMF", draft({"text": "mycophenolate mofetil"}, dosageInstruction=dose(1000)), ""),
    ("a live vaccine", {**draft({"text": "yellow fever vaccine", "coding": [{"system": "http://www.whocc.no/atc", "code": "J07BL01"}]})}, "Live vaccine in 12 weeks, or planned"),
    ("plasmapheresis", {"resourceType": "ServiceRequest", "id": "d1", "status": "draft", "intent": "order", "subject": PATIENT, "code": {"text": "plasmapheresis", "coding": [{"system": "http://snomed.info/sct", "code": "20720000"}]}}, "through 2027-02-14: Plasmapheresis"),
    ("paracetamol", draft({"text": "paracetamol", "coding": [{"system": "http://www.whocc.no/atc", "code": "N02BE01"}]}), ""),
    ("a meal", {"resourceType": "NutritionOrder", "id": "d1", "status": "draft", "patient": PATIENT}, ""),
    ("a drug nobody knows", draft({"text": "???"}), ""),
]  # fmt: skip


@pytest.mark.parametrize(("order", "told"), [row[1:] for row in ORDERS], ids=[row[0] for row in ORDERS])
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_an_order_that_would_exclude_is_told_with_the_last_day(
    ehr: Ehr, user: str, hook: str, order: Json, told: str
) -> None:
    context = {"draftOrders": bundle(order), "selections": [f"{order['resourceType']}/d1"]}
    cards = ehr.cards(hook, "eligible", prefetch_of(resources("eligible")), user, context=context)
    assert [told in card["summary"] for card in cards] == ([True] if told else [])
    assert not any("suggestions" in card for card in cards), "never a suggestion to alter the order"
    assert all(card["indicator"] == "info" and len(card["summary"]) < 140 for card in cards)


def test_only_selected_orders_are_looked_at(ehr: Ehr, user: str) -> None:
    context = {"draftOrders": bundle(draft(BCDT)), "selections": ["MedicationRequest/another"]}
    assert ehr.cards("order-select", "eligible", prefetch_of(resources("eligible")), user, context=context) == []


def test_a_draft_order_is_never_kept(ehr: Ehr, user: str) -> None:
    context = {"draftOrders": bundle(draft(BCDT)), "selections": ["MedicationRequest/d1"]}
    sent = prefetch_of(resources("eligible"))
    assert ehr.cards("order-select", "eligible", sent, user, context=context)
    assert "Fits" in ehr.cards("patient-view", "eligible", sent, user)[0]["summary"]
    tables = b"".join(path.read_bytes() for path in ehr.desk.settings.folder.glob("store.db*"))
    assert b"eligible-upcr" not in tables and b"MedicationStatement" not in tables, "nothing of the prefetch, either"


# --- what silence is worth ---

PARTS: list[tuple[str, Any, str]] = [
    ("everything", lambda page: page, "no"),
    ("a further page", lambda page: {**page, "link": [{"relation": "next", "url": "http://ehr.example/fhir?page=2"}]}, "unknown"),
    ("fewer than the total", lambda page: {**page, "total": 7}, "unknown"),
    ("narrowed by a code", lambda page: {**page, "link": [{"relation": "self", "url": "http://ehr.example/fhir/Procedure?patient=eligible&code=1"}]}, "unknown"),
    ("its own query", lambda page: {**page, "link": [{"relation": "self", "url": "http://ehr.example/fhir/Procedure?patient=eligible"}]}, "no"),
    ("another patient's query", lambda page: {**page, "link": [{"relation": "self", "url": "http://ehr.example/fhir/Procedure?patient=other"}]}, "unknown"),
    ("with a word of the server", lambda page: {**page, "entry": [{"resource": {"resourceType": "OperationOutcome", "issue": []}, "search": {"mode": "outcome"}}]}, "unknown"),
    ("a record that cannot be read", lambda page: {**page, "entry": [{"resource": {"resourceType": "Procedure", "id": 7}}]}, "unknown"),
    ("null", lambda page: None, "unknown"),
    ("no Bundle", lambda page: {"resourceType": "OperationOutcome", "issue": []}, "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "truth"), [row[1:] for row in PARTS], ids=[row[0] for row in PARTS])
def test_silence_counts_only_where_everything_was_sent(ehr: Ehr, user: str, change: Any, truth: str) -> None:
    sent = prefetch_of(resources("eligible"))
    sent["procedure"] = change(searchset([]))
    (card,) = ehr.cards("patient-view", "eligible", sent, user)
    assert ("- Plasmapheresis" in card["detail"].split("In favour")[0]) == (truth == "unknown")


def test_records_of_others_in_a_prefetch_are_set_aside(ehr: Ehr, user: str) -> None:
    sent = prefetch_of(resources("eligible"))
    foreign = {"resourceType": "Procedure", "id": "x", "status": "completed", "subject": {"reference": "Patient/other"},
               "performedDateTime": "2026-11-20", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "20720000"}]}}  # fmt: skip
    sent["procedure"] = searchset([foreign])
    assert len(ehr.cards("patient-view", "eligible", sent, user)) == 1


@pytest.mark.parametrize(("value", "known"), [("his own", True), ("somebody's", False)])
def test_a_record_that_names_its_patient_by_identifier(ehr: Ehr, user: str, value: str, known: bool) -> None:
    sent = prefetch_of(resources("eligible"))
    name = {"system": "urn:mrn", "value": "his own"}
    sent["patient"] = {**sent["patient"], "identifier": [name]}
    exchange = {"resourceType": "Procedure", "id": "x", "status": "completed", "subject": {"type": "Patient", "identifier": name | {"value": value}},
                "performedDateTime": "2026-11-20", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "20720000"}]}}  # fmt: skip
    sent["procedure"] = searchset([exchange])
    cards = ehr.cards("patient-view", "eligible", sent, user)
    assert [card for card in cards if known] == [], "excluded by it"
    assert known or "- Plasmapheresis" in cards[0]["detail"].split("In favour")[0], "it may be his"


# --- the dossier behind a card ---


def test_the_dossier_can_be_opened_for_an_hour(ehr: Ehr, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    (card,) = ehr.cards("patient-view", "eligible", prefetch_of(resources("eligible")), user)
    (link,) = card["links"]
    path = link["url"].removeprefix("https://trials.example")
    answer = requests.get(ehr.base_url + path, timeout=5)
    assert answer.status_code == 200 and "Inclusion criteria" in answer.text
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Referrer-Policy"] == "no-referrer"
    assert requests.get(f"{ehr.base_url}/dossiers/{'A' * 43}", timeout=5).status_code == 404
    clock = ehr.desk.dossiers.clock
    monkeypatch.setattr(ehr.desk.dossiers, "clock", lambda: clock() + 3600)
    assert requests.get(ehr.base_url + path, timeout=5).status_code == 404
