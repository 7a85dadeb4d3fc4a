"""The whole screening: status, what is open, anchors, coverage by type, and what time alone changes.

Every test starts from one woman who is eligible on 22 November 2026, and changes one thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import pytest

from tests.builders import (
    TRIAL,
    Json,
    administration,
    as_json,
    attestation,
    bundle,
    code,
    condition,
    consent,
    dosage,
    encounter,
    immunization,
    instrument,
    loinc,
    observation,
    patient,
    procedure,
    request,
    route,
    statement,
)
from tests.spec.exclusion_builders import MEDICATIONS, ago, ahead
from tests.spec.table import AS_OF, Row, screened

INCLUSIONS = (
    "inc-lupus-nephritis",
    "inc-acr-1997",
    "inc-age",
    "inc-sledai-2k",
    "inc-proteinuria",
    "inc-contraception",
    "inc-pregnancy-tests",
    "inc-consent",
)
MEDICINES = {
    "exc-b-cell-depletion",
    "exc-unstable-immunosuppressant",
    "exc-biologic-or-jak",
    "exc-treated-infection",
}
EXCLUSIONS = {
    *MEDICINES,
    "exc-apheresis",
    "exc-severe-organ-disease",
    "exc-severe-infection",
    "exc-hospital-iv-antibiotics",
    "exc-major-surgery",
    "exc-live-vaccine",
    "exc-malignancy",
    "exc-pregnant-or-lactating",
}
NEGATIVE = code("snomed", "260385009")
RITUXIMAB = code("atc", "L01FA01")
MMF = code("atc", "L04AA06")

RECORD: dict[str, list[Json]] = {
    "inc-lupus-nephritis": [condition(code("icd10cm", "M32.14"), "2022-03-01")],
    "inc-acr-1997": [observation(instrument("acr-1997-count"), 5, on="2026-11-05")],
    "inc-sledai-2k": [observation(instrument("sledai-2k-total"), 10, on="2026-11-05")],
    "inc-proteinuria": [observation(loinc("2890-2"), "1500", "mg/g", "2026-11-05")],
    "inc-contraception": [attestation("inc-contraception", True, "2026-11-05")],
    "inc-pregnancy-tests": [
        observation(loinc("2106-3"), NEGATIVE, on="2026-11-05"),
        observation(loinc("2118-8"), NEGATIVE, on="2026-11-05"),
    ],
    "inc-consent": [consent("2026-11-02")],
}
"""What the eligible woman's record holds, by the criterion that it decides."""

ELIGIBLE = [record for records in RECORD.values() for record in records]


def screening(*more: Json, records: Sequence[Json] = ELIGIBLE, **options: Any) -> dict[str, Any]:
    """The screening of the eligible woman with some records more; all types are complete by default."""
    return screened(Row("one patient", [*records, *more], "yes", None, {"complete": "all"} | options))


def truths(result: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["truth"] for one in result["criteria"]}


def of(result: dict[str, Any], criterion: str) -> dict[str, Any]:
    return next(one for one in result["criteria"] if one["id"] == criterion)


def unknown(result: dict[str, Any]) -> set[str]:
    return {criterion for criterion, truth in truths(result).items() if truth == "unknown"}


def uncovered(result: dict[str, Any]) -> set[str]:
    return {one["id"] for one in result["criteria"] if (one["truth"], one["reason"]) == ("unknown", "not-covered")}


def differing(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    mine, theirs = truths(one), truths(other)
    return {criterion for criterion in mine if mine[criterion] != theirs[criterion]}


def rituximab(on: str) -> Json:
    return administration(RITUXIMAB, on)


# --- status and what is open ------------------------------------------------------------------------------


def test_every_inclusion_yes_and_every_exclusion_no_is_eligible() -> None:
    result = screening()
    expected = dict.fromkeys(INCLUSIONS, "yes") | dict.fromkeys(EXCLUSIONS, "no")
    assert truths(result) == expected
    assert result["status"] == "eligible"
    assert result["open"] == []


@pytest.mark.parametrize("criterion", sorted(RECORD))
def test_one_inclusion_unknown_is_undetermined_and_open(criterion: str) -> None:
    rest = [record for name, records in RECORD.items() if name != criterion for record in records]
    # Lupus nephritis that is not on record is a `no` where Conditions are complete.
    complete = () if criterion == "inc-lupus-nephritis" else "all"
    result = screening(records=rest, complete=complete)
    assert of(result, criterion)["truth"] == "unknown"
    assert result["status"] == "undetermined"
    assert criterion in {one["criterion"] for one in result["open"]}


def test_open_lists_what_is_unknown_and_what_would_decide_it() -> None:
    result = screening(records=[], complete=())
    assert {one["criterion"] for one in result["open"]} == unknown(result)
    assert all(one["needs"] for one in result["open"])


def test_one_exclusion_that_holds_is_ineligible() -> None:
    assert screening(rituximab(ago(20)))["status"] == "ineligible"


def test_one_inclusion_that_does_not_hold_is_ineligible() -> None:
    result = screening(patient(born="2010-01-01"))
    assert of(result, "inc-age")["truth"] == "no"
    assert result["status"] == "ineligible"


def test_an_exclusion_that_holds_outweighs_everything_unknown() -> None:
    assert screening(rituximab(ago(20)), records=[], complete=())["status"] == "ineligible"


def test_one_exclusion_unknown_is_undetermined() -> None:
    result = screening(request(RITUXIMAB, ago(20)))
    assert unknown(result) == {"exc-b-cell-depletion"}
    assert result["status"] == "undetermined"
    assert [one["criterion"] for one in result["open"]] == ["exc-b-cell-depletion"]


def test_a_man_needs_no_pregnancy_test() -> None:
    without = [record for record in ELIGIBLE if record not in RECORD["inc-pregnancy-tests"]]
    result = screening(patient("male"), records=without)
    assert result["status"] == "eligible"
    assert of(result, "inc-pregnancy-tests")["reason"] == "not-applicable"
    assert of(result, "exc-pregnant-or-lactating")["reason"] == "not-applicable"


# --- anchors ----------------------------------------------------------------------------------------------


def anchors(result: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    return {name: (one["date"], one["assumed"]) for name, one in result["anchors"].items()}


def test_anchors_that_nobody_gave_are_the_as_of_date_and_assumed() -> None:
    assert anchors(screening(records=[])) == dict.fromkeys(("consent", "screening", "randomisation"), (AS_OF, True))


def test_the_consent_anchor_comes_from_the_record() -> None:
    assert anchors(screening())["consent"] == ("2026-11-02", False)


def test_given_anchors_are_not_assumed_and_win_over_the_record() -> None:
    given = screening(consent_date="2026-11-01", screening_date="2026-11-03", randomisation_date="2026-11-12")
    assert anchors(given) == {
        "consent": ("2026-11-01", False),
        "screening": ("2026-11-03", False),
        "randomisation": ("2026-11-12", False),
    }


SCREENED = {"screening_date": "2026-10-01"}
IGNORED = {"readings": {"after-anchor": "ignored"}}
AFTER_SCREENING = {
    "exc-b-cell-depletion": [rituximab("2026-10-20")],
    "exc-biologic-or-jak": [administration(code("atc", "L04AG04"), "2026-10-20")],
    "exc-apheresis": [procedure(code("snomed", "20720000"), "2026-10-20")],
    "exc-unstable-immunosuppressant": [
        statement(MMF, ("2026-01-01", "2026-10-19"), status="completed", dosage=dosage(1000)),
        statement(MMF, ("2026-10-20", None), dosage=dosage(2000)),
    ],
    "exc-treated-infection": [
        administration(code("atc", "J01CA04"), "2026-10-20", reason=code("icd10", "J18.9")),
    ],
    "exc-major-surgery": [procedure(code("icd10pcs", "0DTJ4ZZ"), "2026-10-20")],
}


@pytest.mark.parametrize("criterion", sorted(AFTER_SCREENING))
def test_what_comes_after_screening_counts_or_is_ignored_as_the_reading_says(criterion: str) -> None:
    counted = screening(*AFTER_SCREENING[criterion], **SCREENED)
    ignored = screening(*AFTER_SCREENING[criterion], **SCREENED, **IGNORED)
    assert (of(counted, criterion)["truth"], of(ignored, criterion)["truth"]) == ("yes", "no")
    assert differing(counted, ignored) == {criterion}
    assert "after-anchor" in of(counted, criterion)["readings"]


RANDOMISED = {"randomisation_date": "2026-11-12"}
AFTER_RANDOMISATION = [
    rituximab("2026-11-15"),
    immunization(code("cvx", "03"), "2026-11-15"),
    condition(code("icd10", "C50.9"), "2026-11-15"),
    condition(code("icd10", "B02.9"), "2026-11-15"),
    observation(loinc("2118-8"), code("snomed", "10828004"), on="2026-11-15"),
    observation(loinc("2890-2"), "100", "mg/g", "2026-11-15"),
    observation(instrument("sledai-2k-total"), 2, on="2026-11-15"),
]


def test_what_happens_after_randomisation_changes_no_verdict() -> None:
    before = screening(**RANDOMISED)
    assert before["status"] == "eligible"
    assert truths(screening(*AFTER_RANDOMISATION, **RANDOMISED)) == truths(before)


def test_the_same_events_before_randomisation_do_change_it() -> None:
    changed = differing(screening(), screening(*AFTER_RANDOMISATION))
    assert {"exc-b-cell-depletion", "exc-live-vaccine", "exc-malignancy", "exc-severe-infection"} <= changed
    assert {"inc-pregnancy-tests", "inc-sledai-2k", "inc-proteinuria", "exc-pregnant-or-lactating"} <= changed


def test_a_given_randomisation_date_stays_whatever_the_day() -> None:
    assert screening(**RANDOMISED, as_of="2026-12-31")["status"] == "eligible"


def test_an_event_after_the_as_of_date_is_an_issue_and_changes_nothing() -> None:
    tomorrow = rituximab(ahead(1))
    result = screening(tomorrow)
    assert truths(result) == truths(screening())
    (issue,) = result["issues"]
    assert (issue["severity"], issue["reference"]) == (
        "note",
        f"MedicationAdministration/{tomorrow['id']}",
    )


# --- coverage by type -------------------------------------------------------------------------------------

CLEARED: list[tuple[Sequence[str], set[str]]] = [
    ((), set()),
    (MEDICATIONS, {*MEDICINES, "exc-hospital-iv-antibiotics"}),
    (("MedicationStatement", "MedicationDispense", "MedicationRequest"), set()),
    (("MedicationAdministration",), {"exc-hospital-iv-antibiotics"}),
    (("Encounter",), {"exc-hospital-iv-antibiotics"}),
    (("Procedure",), {"exc-apheresis", "exc-major-surgery"}),
    (("Immunization",), {"exc-live-vaccine"}),
    (("Condition",), {"exc-severe-organ-disease", "exc-malignancy"}),
    (("Observation",), set()),
    (
        ("Condition", "Observation"),
        {
            "exc-severe-organ-disease",
            "exc-malignancy",
            "exc-severe-infection",
            "exc-pregnant-or-lactating",
        },
    ),
    (("Patient", "ServiceRequest", "Consent"), set()),
]


@pytest.mark.parametrize(("complete", "cleared"), CLEARED, ids=lambda value: "+".join(sorted(value)) or "none")
def test_silence_clears_only_the_exclusions_whose_types_were_all_read(
    complete: Iterable[str], cleared: set[str]
) -> None:
    result = screening(complete=complete)
    assert {criterion for criterion in EXCLUSIONS if truths(result)[criterion] == "no"} == cleared
    assert uncovered(result) == EXCLUSIONS - cleared
    assert all(truths(result)[criterion] == "yes" for criterion in INCLUSIONS)


NOT_KEPT: list[tuple[Sequence[str], Sequence[str], set[str]]] = [
    (
        ("MedicationAdministration", "MedicationStatement", "MedicationRequest"),
        ("MedicationDispense",),
        {*MEDICINES, "exc-hospital-iv-antibiotics"},
    ),
    (("MedicationAdministration",), MEDICATIONS[1:], {*MEDICINES, "exc-hospital-iv-antibiotics"}),
    (
        ("MedicationStatement",),
        ("MedicationAdministration", "MedicationDispense", "MedicationRequest"),
        MEDICINES,
    ),
    (
        ("MedicationDispense",),
        ("MedicationAdministration", "MedicationStatement", "MedicationRequest"),
        MEDICINES,
    ),
    (
        ("MedicationRequest",),
        ("MedicationAdministration", "MedicationStatement", "MedicationDispense"),
        set(),
    ),
    ((), MEDICATIONS, set()),
    ((), ("Condition", "Procedure", "Immunization", "Encounter", "Observation"), set()),
]


@pytest.mark.parametrize(
    ("complete", "not_kept", "cleared"), NOT_KEPT, ids=lambda value: "+".join(sorted(value)) or "none"
)
def test_a_medication_type_that_the_site_does_not_keep_needs_no_coverage(
    complete: Sequence[str], not_kept: Sequence[str], cleared: set[str]
) -> None:
    result = screening(complete=complete, not_kept=not_kept)
    assert {criterion for criterion in EXCLUSIONS if truths(result)[criterion] == "no"} == cleared


UNREADABLE = [
    (administration(RITUXIMAB, "2026-02-30", id="bad"), MEDICINES),
    (request(RITUXIMAB, "2026-02-30", id="bad"), MEDICINES),
    (procedure(code("snomed", "20720000"), "2026-02-30", id="bad"), {"exc-apheresis", "exc-major-surgery"}),
    (immunization(code("cvx", "03"), "2026-02-30", id="bad"), {"exc-live-vaccine"}),
    (
        condition(code("icd10", "J45.9"), "2026-02-30", id="bad"),
        {"exc-severe-organ-disease", "exc-malignancy", "exc-severe-infection", "exc-pregnant-or-lactating"},
    ),
    (
        observation(loinc("5195-3"), NEGATIVE, on="2026-02-30", id="bad"),
        {"exc-severe-infection", "exc-pregnant-or-lactating"},
    ),
]


@pytest.mark.parametrize(("bad", "open_"), UNREADABLE, ids=[str(bad["resourceType"]) for bad, _ in UNREADABLE])
def test_a_resource_that_cannot_be_read_leaves_its_type_uncovered(bad: Json, open_: set[str]) -> None:
    result = screening(bad)
    assert uncovered(result) == open_
    assert unknown(result) == open_
    (issue,) = result["issues"]
    assert (issue["severity"], issue["reference"]) == ("error", f"{bad['resourceType']}/bad")


def test_an_unreadable_resource_of_another_patient_harms_nobody_else() -> None:
    import adapter

    bad = administration(RITUXIMAB, "2026-02-30", of="Patient/p2", id="bad")
    data = as_json(bundle(patient(), *ELIGIBLE, patient(id="p2"), bad))
    trial = adapter.load_trial(TRIAL)
    both = adapter.screen_bundle(data, trial, as_of=date.fromisoformat(AS_OF), complete="all")
    first, second = (one.to_dict() for one in both)
    assert (first["patient"], first["status"]) == ("Patient/p1", "eligible")
    assert second["patient"] == "Patient/p2"
    assert uncovered(second) >= MEDICINES


# --- what time alone changes ------------------------------------------------------------------------------

CHANGES: list[tuple[str, str, list[Json], str | None]] = [
    ("rituximab 100 days ago", "exc-b-cell-depletion", [rituximab(ago(100))], ahead(69)),
    (
        "rituximab 168 days ago, the last day of the window",
        "exc-b-cell-depletion",
        [rituximab(ago(168))],
        ahead(1),
    ),
    ("rituximab 169 days ago", "exc-b-cell-depletion", [rituximab(ago(169))], None),
    (
        "rituximab 100 and 20 days ago",
        "exc-b-cell-depletion",
        [rituximab(ago(100)), rituximab(ago(20))],
        ahead(149),
    ),
    (
        "rituximab in 2026-06: after its last day",
        "exc-b-cell-depletion",
        [rituximab("2026-06")],
        "2026-12-16",
    ),
    (
        "rituximab in 2026: after the year's last day, not today's",
        "exc-b-cell-depletion",
        [rituximab("2026")],
        "2027-06-18",
    ),
    (
        "rituximab ordered for five days from now on",
        "exc-b-cell-depletion",
        [request(RITUXIMAB, ago(1), dosage=dosage(500, start=ahead(5)))],
        ahead(5),
    ),
    ("rituximab ordered 20 days ago", "exc-b-cell-depletion", [request(RITUXIMAB, ago(20))], ahead(149)),
    ("rituximab without a date", "exc-b-cell-depletion", [administration(RITUXIMAB, None)], None),
    (
        "belimumab stated until 10 days ago",
        "exc-biologic-or-jak",
        [statement(code("atc", "L04AG04"), (ago(300), ago(10)), status="completed")],
        ahead(19),
    ),
    (
        "belimumab going on",
        "exc-biologic-or-jak",
        [statement(code("atc", "L04AG04"), (ago(300), None))],
        None,
    ),
    (
        "a new dose since 40 days: on that day it is the window's first",
        "exc-unstable-immunosuppressant",
        [
            statement(MMF, (ago(200), ago(41)), status="completed", dosage=dosage(1000)),
            statement(MMF, (ago(40), None), dosage=dosage(2000)),
        ],
        ahead(44),
    ),
    (
        "stopped, the first day without it was 29 days ago",
        "exc-unstable-immunosuppressant",
        [statement(MMF, (ago(200), ago(30)), status="completed", dosage=dosage(1000))],
        ahead(55),
    ),
    (
        "plasmapheresis 80 days ago",
        "exc-apheresis",
        [procedure(code("snomed", "20720000"), ago(80))],
        ahead(5),
    ),
    (
        "zoster, abated 10 days ago",
        "exc-severe-infection",
        [condition(code("icd10", "B02.9"), ago(60), clinical="resolved", abatement=ago(10))],
        ahead(19),
    ),
    (
        "zoster whose end is foreseen in 3 days",
        "exc-severe-infection",
        [condition(code("icd10", "B02.9"), ago(60), abatement=ahead(3))],
        ahead(32),
    ),
    (
        "tuberculosis whose end is foreseen on 2026-12-22",
        "exc-severe-infection",
        [condition(code("icd10", "A15.0"), "2025-04-01", abatement="2026-12-22")],
        "2027-01-20",
    ),
    (
        "heart failure whose end is foreseen in 4 days",
        "exc-severe-organ-disease",
        [condition(code("icd10", "I50.9"), "2020", abatement=ahead(4))],
        ahead(4),
    ),
    (
        "a pregnancy of 100 days whose end is foreseen in 100",
        "exc-pregnant-or-lactating",
        [condition(code("icd10cm", "Z33.1"), ago(100), abatement=ahead(100))],
        ahead(100),
    ),
    (
        "chronic hepatitis B",
        "exc-severe-infection",
        [condition(code("icd10", "B18.1"), "2010")],
        None,
    ),
    (
        "amoxicillin for pneumonia 5 days ago",
        "exc-treated-infection",
        [administration(code("atc", "J01CA04"), ago(5), reason=code("icd10", "J18.9"))],
        ahead(10),
    ),
    (
        "amoxicillin for 30 days until yesterday, pneumonia until the 14th day before",
        "exc-treated-infection",
        [
            statement(code("atc", "J01CA04"), (ago(30), ago(1)), status="completed"),
            condition(code("icd10", "J18.9"), ago(30), clinical="resolved", abatement=ago(14)),
        ],
        ahead(1),
    ),
    (
        "in hospital with ceftriaxone 8 days ago, pneumonia that began 11 days ago and is over",
        "exc-hospital-iv-antibiotics",
        [
            encounter((ago(10), ago(5)), "IMP"),
            administration(code("atc", "J01DD04"), ago(8), route=route("IV")),
            condition(code("icd10", "J18.9"), ago(11), clinical="resolved"),
        ],
        ahead(18),
    ),
    (
        "ordered for 200 days until two months from now: the day after is a stop",
        "exc-unstable-immunosuppressant",
        [request(MMF, ago(200), dosage=dosage(1000, start=ago(200), end=ahead(60)))],
        ahead(61),
    ),
    ("a live vaccine 10 days ago", "exc-live-vaccine", [immunization(code("cvx", "03"), ago(10))], ahead(75)),
    ("breast cancer", "exc-malignancy", [condition(code("icd10", "C50.9"), "2010")], None),
    (
        "a positive pregnancy test 5 days ago",
        "exc-pregnant-or-lactating",
        [observation(loinc("2118-8"), code("snomed", "10828004"), on=ago(5))],
        ahead(24),
    ),
    ("a urine protein of 2026-11-05", "inc-proteinuria", [], "2026-12-04"),
    ("a SLEDAI-2K of 2026-11-05", "inc-sledai-2k", [], "2026-12-06"),
]


@pytest.mark.parametrize(("says", "criterion", "records", "day"), CHANGES, ids=[one[0] for one in CHANGES])
def test_changes_on(says: str, criterion: str, records: list[Json], day: str | None) -> None:
    assert of(screening(*records), criterion)["changes_on"] == day


def test_a_foreseen_end_of_lupus_nephritis_will_need_a_person() -> None:
    rest = [record for name, records in RECORD.items() if name != "inc-lupus-nephritis" for record in records]
    nephritis = condition(code("icd10cm", "M32.14"), "2022-03-01", abatement=ahead(4))
    result = of(screening(nephritis, records=rest), "inc-lupus-nephritis")
    assert (result["truth"], result["changes_on"]) == ("yes", ahead(4))


@pytest.mark.parametrize("born", ["1970-11-23", "2011-11-23"], ids=["55 until tomorrow", "14 until tomorrow"])
def test_a_birthday_changes_who_must_not_be_pregnant(born: str) -> None:
    result = screening(patient(born=born), records=[])
    assert of(result, "exc-pregnant-or-lactating")["changes_on"] == ahead(1)


def test_an_attestation_grows_old() -> None:
    result = screening(attestation("exc-malignancy", False, ago(3)), complete=())
    assert of(result, "exc-malignancy")["changes_on"] == ahead(28)


@pytest.mark.parametrize("criterion", ["exc-b-cell-depletion", "exc-live-vaccine"])
def test_nothing_changes_where_the_anchor_is_given(criterion: str) -> None:
    records = {
        "exc-b-cell-depletion": rituximab(ago(100)),
        "exc-live-vaccine": immunization(code("cvx", "03"), ago(20)),
    }
    result = screening(records[criterion], screening_date=ago(10), randomisation_date=ago(5))
    assert of(result, criterion)["truth"] == "yes"
    assert of(result, criterion)["changes_on"] is None
    assert result["eligible_from"] is None


FROM: list[tuple[str, list[Json], str | None]] = [
    ("rituximab 100 days ago", [rituximab(ago(100))], ahead(69)),
    (
        "rituximab 100, plasmapheresis 80, a live vaccine 10 days ago: the last of the three",
        [
            rituximab(ago(100)),
            procedure(code("snomed", "20720000"), ago(80)),
            immunization(code("cvx", "03"), ago(10)),
        ],
        ahead(75),
    ),
    (
        "rituximab 100 days ago and breast cancer: never",
        [rituximab(ago(100)), condition(code("icd10", "C50.9"), "2010")],
        None,
    ),
]


@pytest.mark.parametrize(("says", "records", "day"), FROM, ids=[one[0] for one in FROM])
def test_eligible_from(says: str, records: list[Json], day: str | None) -> None:
    result = screening(*records)
    assert result["status"] == "ineligible"
    assert result["eligible_from"] == day


def test_eligible_from_leaves_unknowns_aside() -> None:
    assert screening(rituximab(ago(100)), records=[], complete=())["eligible_from"] == ahead(69)


def test_on_the_day_it_names_the_exclusion_is_gone() -> None:
    record = rituximab(ago(100))
    assert of(screening(record, as_of=ahead(68)), "exc-b-cell-depletion")["truth"] == "yes"
    assert of(screening(record, as_of=ahead(69)), "exc-b-cell-depletion")["truth"] == "no"
