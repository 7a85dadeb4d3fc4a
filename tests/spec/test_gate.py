"""The gate before an assignment becomes resources: what passes, and every refusal by name.

Each row starts from the eligible woman of 60 kg and the randomiser's record of her (``assignment_builders``), changes
one thing, and says which refusals follow: all of them at once, and no others. Without a refusal she is approved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    STUDY,
    Json,
    administration,
    also,
    as_json,
    attestation,
    bundle,
    code,
    condition,
    consent,
    loinc,
    observation,
    patient,
    questionnaire_response,
)
from tests.spec import assignment_builders as assignment
from tests.spec.assignment_builders import ANSWERS, asking, batches, gate, named, person, row, subject, trial, weight
from tests.spec.exclusion_builders import ago, ahead
from tests.spec.test_overall import EXCLUSIONS, RECORD

RITUXIMAB = code("atc", "L01FA01")
IL2 = {"arm": "IL-2"}
NOT_ELIGIBLE, NO_CONSENT = "not-eligible", "no-consent"
POSITIVE = code("snomed", "10828004")


@dataclass(frozen=True)
class Case:
    """One line: what is the case, and the codes of the refusals, all at once.

    ``line`` changes the randomiser's line; ``lines`` are more lines of his file; ``run`` are options of ``asking``.
    """

    says: str
    refused: Sequence[str]
    records: Sequence[Json]
    line: Mapping[str, str] = field(default_factory=dict)
    lines: Sequence[Mapping[str, str]] = ()
    run: Mapping[str, Any] = field(default_factory=dict)
    complete: Iterable[str] | str = "all"


def passes(says: str, records: Sequence[Json] | None = None, **how: Any) -> Case:
    return Case(says, (), person() if records is None else records, **how)


def refused(says: str, reasons: str, records: Sequence[Json] | None = None, **how: Any) -> Case:
    return Case(says, reasons.split(), person() if records is None else records, **how)


def label(case: Case) -> str:
    return case.says


def check(case: Case) -> None:
    """The refusals are those of the case, and only without one is anything approved or written."""
    asked = asking(**case.run)
    rows = [row(**case.line), *(row(**line) for line in case.lines)]
    found = gate(case.records, *rows, asked=asked, complete=case.complete)
    told = "\n".join(refusal.text() for refusal in found.refusals)
    assert assignment.codes(found) == sorted(case.refused), told
    assert found.blocked == ()
    if case.refused:
        assert batches(found, asked) == ()
    else:
        assert [decision.approved is not None for decision in found.decisions] == [True] * len(rows)


# --- the body weight of a dose by kilogram ----------------------------------------------------------------


def weighed(*weights: Json) -> list[Json]:
    return person(weight=weights)


def stated(value: str, on: str) -> Json:
    return observation(loinc("3142-7"), value, "kg", on=on)


WEIGHT = [
    passes("60 kg, measured 2 days before the assignment"),
    passes("measured 28 days before", weighed(weight(on=ago(28)))),
    refused("measured 29 days before", "weight-stale", weighed(weight(on=ago(29)))),
    passes("measured 28 days before, at midnight in Shanghai", weighed(weight(on="2026-10-25T00:00:00+08:00"))),
    refused("a minute before that", "weight-stale", weighed(weight(on="2026-10-24T23:59:00+08:00"))),
    refused("the same minute, written in UTC", "weight-stale", weighed(weight(on="2026-10-24T15:59:00Z"))),
    passes("measured on the day of the assignment", weighed(weight(on=ago(0)))),
    refused(
        "measured the day after the assignment, the program runs later",
        "weight-missing",
        weighed(weight(on=ahead(1))),
        run={"today": ahead(3)},
    ),
    refused("never measured", "weight-missing", weighed()),
    passes("never measured, but the dose of the IL-2 group is by no weight", weighed(), line=IL2),
    passes("29 days before and again 10 days before", weighed(weight(on=ago(29)), weight(on=ago(10)))),
    passes("15 days before, signed: at most 15", weighed(weight(on=ago(15))), run={"loaded": trial(weight_days=15)}),
    refused(
        "15 days before, signed: at most 14",
        "weight-stale",
        weighed(weight(on=ago(15))),
        run={"loaded": trial(weight_days=14)},
    ),
]

UNITS = [
    passes("60000 g", weighed(weight("60000", "g"))),
    passes("132.277 [lb_av]", weighed(weight("132.277", "[lb_av]", ucum="[lb_av]"))),
    passes("60 kg by its UCUM code alone", weighed(weight("60", None, ucum="kg"))),
    refused("a number without a unit", "weight-unit", weighed(also(weight("60"), valueQuantity={"value": 60}))),
    refused("a unit that no table knows", "weight-unit", weighed(weight("9", "[stone_av]", ucum="[stone_av]"))),
    refused("a unit of length", "weight-unit", weighed(weight("160", "cm", ucum="cm"))),
    refused("printed kg, coded g", "weight-unit", weighed(weight("60", "kg", ucum="g"))),
    refused(
        "20 days ago 60 kg, 2 days ago 60 without a unit",
        "weight-unit",
        weighed(weight(on=ago(20)), also(weight(), valueQuantity={"value": 60})),
    ),
]

BOUNDS = [
    passes("20 kg", weighed(weight("20"))),
    passes("250 kg", weighed(weight("250"))),
    *(
        refused(f"{value} {unit}", "weight-out-of-bounds", weighed(weight(value, unit)))
        for value, unit in [
            ("19.9", "kg"),
            ("19.999999", "kg"),
            ("250.1", "kg"),
            ("250.000001", "kg"),
            ("0", "kg"),
            ("-60", "kg"),
            ("60", "g"),
            ("60000", "kg"),
            ("19900", "g"),
            ("44", "[lb_av]"),
            ("552", "[lb_av]"),
        ]
    ),
    passes("44.1 [lb_av], a little above 20 kg", weighed(weight("44.1", "[lb_av]"))),
    passes("551 [lb_av], a little below 250 kg", weighed(weight("551", "[lb_av]"))),
]

MEASURED = [
    refused("stated by the patient (LOINC 3142-7)", "weight-missing", weighed(stated("60", ago(2)))),
    passes("stated 2 days ago, measured 5 days ago", weighed(stated("66", ago(2)), weight(on=ago(5)))),
    refused(
        "estimated (LOINC 8335-2)",
        "weight-missing",
        weighed(observation(loinc("8335-2"), "60", "kg", on=ago(2))),
    ),
    passes("measured (LOINC 3141-9)", weighed(observation(loinc("3141-9"), "60", "kg", on=ago(2)))),
    refused("the patient is the performer", "weight-missing", weighed(weight(by="Patient/p1"))),
    refused("a relative is the performer", "weight-missing", weighed(weight(by="RelatedPerson/r1"))),
    passes("a nurse is the performer", weighed(weight(by="Practitioner/n1"))),
    refused("preliminary", "weight-not-final", weighed(weight(status="preliminary"))),
    passes("amended", weighed(weight(status="amended"))),
    passes("corrected", weighed(weight(status="corrected"))),
    refused("weight entered in error", "weight-missing", weighed(weight(status="entered-in-error"))),
    refused("cancelled", "weight-missing", weighed(weight(status="cancelled"))),
    refused("more than 60 kg", "weight-not-final", weighed(weight(comparator=">"))),
    refused(
        "no value, and a reason why",
        "weight-missing",
        weighed(also(weight(absent="not-performed"), valueQuantity=None)),
    ),
    passes("only the month is known, and it lies within the 28 days", weighed(weight(on="2026-11"))),
    refused("only the month is known, and it does not", "weight-undated", weighed(weight(on="2026-10"))),
    refused("only the year is known", "weight-undated", weighed(weight(on="2026"))),
    refused("weight without a date", "weight-undated", weighed(weight(on=None))),
    refused("60 kg and 66 kg on one day", "weight-conflict", weighed(weight("60"), weight("66"))),
    refused(
        "60 kg in the morning and 61 kg in the evening",
        "weight-conflict",
        weighed(weight("60", on=f"{ago(2)}T08:00:00+08:00"), weight("61", on=f"{ago(2)}T18:00:00+08:00")),
    ),
    passes("60 kg and 60000 g on one day", weighed(weight("60"), weight("60000", "g"))),
    passes(
        "60 kg and 66 kg on one day, of which one was entered in error",
        weighed(weight(), weight("66", status="entered-in-error")),
    ),
    refused("a weight without an id, that nothing can refer to", "record-without-id", weighed(also(weight(), id=None))),
    passes("66 kg on one day, 60 kg on the next", weighed(weight("66", on=ago(3)), weight("60", on=ago(2)))),
]


# --- the screening, anew, as of the day of the assignment --------------------------------------------------

LATER = {"today": ahead(14)}
"""The program runs two weeks after the assignment."""


def attested(holds: bool, on: str = ago(3), **how: Any) -> list[Json]:
    return [attestation("inc-contraception", holds, on, **how)]


SCREENED = [
    refused("rituximab 30 days before", NOT_ELIGIBLE, person(more=[administration(RITUXIMAB, ago(30))])),
    refused(
        "rituximab 30 days before, and 16 years old: a refusal for each",
        f"{NOT_ELIGIBLE} {NOT_ELIGIBLE}",
        person(more=[administration(RITUXIMAB, ago(30))], patient=[patient(born="2010-01-01")]),
    ),
    refused("nobody attested contraception", NOT_ELIGIBLE, person(inc_contraception=[])),
    refused("contraception attested 31 days before", NOT_ELIGIBLE, person(inc_contraception=attested(True, ago(31)))),
    refused("attested by the patient", NOT_ELIGIBLE, person(inc_contraception=attested(True, by="Patient/p1"))),
    refused("attested: she does not agree", NOT_ELIGIBLE, person(inc_contraception=attested(False))),
    passes(
        "attested in the Questionnaire of this trial",
        person(inc_contraception=[questionnaire_response({"inc-contraception": True}, ago(3))]),
    ),
    refused("nothing is declared complete: every exclusion is open", " ".join([NOT_ELIGIBLE] * 12), complete=()),
    passes(
        "nothing is declared complete, and a doctor attested that no exclusion holds",
        person(more=[attestation(name, False, ago(3)) for name in sorted(EXCLUSIONS)]),
        complete=(),
    ),
    refused(
        "the protein in urine was measured the day after the assignment",
        NOT_ELIGIBLE,
        person(inc_proteinuria=[observation(loinc("2890-2"), "1500", "mg/g", ahead(1))]),
        run=LATER,
    ),
    passes("the program runs 14 days later, the protein in urine is 31 days old by then", run=LATER),
    passes(
        "assigned a week ago, when all was on record",
        weighed(weight(on=ago(10))),
        line={"assigned_at": f"{ago(7)}T09:30:00+08:00"},
    ),
]

WITHDRAWN = consent(ahead(5), status="inactive")
SINCE = [
    refused("the consent was withdrawn after the assignment", "later-consent", person(more=[WITHDRAWN]), run=LATER),
    refused(
        "a positive pregnancy test after the assignment",
        "later-exclusion",
        person(more=[observation(loinc("2118-8"), POSITIVE, on=ahead(5))]),
        run=LATER,
    ),
    refused(
        "pregnant since after the assignment",
        "later-exclusion",
        person(more=[condition(code("snomed", "77386006"), ahead(5))]),
        run=LATER,
    ),
    refused(
        "rituximab after the assignment",
        "later-exclusion",
        person(more=[administration(RITUXIMAB, ahead(5))]),
        run=LATER,
    ),
    passes(
        "rituximab dated after the day of the run is not used",
        person(more=[administration(RITUXIMAB, ahead(20))]),
        run=LATER,
    ),
]


# --- consent ------------------------------------------------------------------------------------------------

BOTH = f"{NO_CONSENT} {NOT_ELIGIBLE}"
ATTESTED = attestation("inc-consent", True, ago(3))


def consenting(*consents: Json) -> list[Json]:
    return person(inc_consent=consents)


CONSENT = [
    passes("signed on the day of the assignment", consenting(consent(ago(0)))),
    refused("signed the day after", BOTH, consenting(consent(ahead(1))), run=LATER),
    refused("none", BOTH, consenting()),
    refused("none, a doctor attested it: no Consent that anybody signed", NO_CONSENT, consenting(ATTESTED)),
    passes("signed, and attested too", consenting(consent(), ATTESTED)),
    refused("withdrawn", BOTH, consenting(consent(status="inactive"))),
    refused("signed, later withdrawn", BOTH, consenting(consent(ago(20)), consent(ago(3), status="inactive"))),
    refused(
        "withdrawn, and attested", f"{NO_CONSENT} {NOT_ELIGIBLE}", consenting(consent(status="inactive"), ATTESTED)
    ),
    passes("withdrawn, later signed again", consenting(consent(ago(20), status="inactive"), consent(ago(3)))),
    refused("rejected", BOTH, consenting(consent(status="rejected"))),
    refused("a draft", BOTH, consenting(consent(status="draft"))),
    refused("proposed", BOTH, consenting(consent(status="proposed"))),
    refused("consent entered in error", BOTH, consenting(consent(status="entered-in-error"))),
    refused("for another study", BOTH, consenting(consent(study="ResearchStudy/other"))),
    refused("for another study, and attested", NO_CONSENT, consenting(consent(study="ResearchStudy/other"), ATTESTED)),
    refused("to treatment, not to research", BOTH, consenting(consent(scope="treatment"))),
    refused("it denies", BOTH, consenting(consent(kind="deny"))),
    refused("consent without a date", BOTH, consenting(consent(None))),
    refused("its period is over", BOTH, consenting(consent(over=(ago(60), ago(1))))),
    passes("its period ends on the day of the assignment", consenting(consent(over=(ago(60), ago(0))))),
    refused("a Consent without an id", "record-without-id", consenting(also(consent(), id=None))),
    passes("named by its policy", consenting(consent(study=None, policy=STUDY))),
]


# --- signatures -----------------------------------------------------------------------------------------------

VERDICTS = {
    "after-anchor",
    "age-bounds",
    "acr-by-evidence",
    "sledai-window",
    "sledai-upcr",
    "proteinuria-days",
    "childbearing-age",
    "pregnancy-test-days",
    "attestation-days",
    "unstable-dose",
    "refill-gap-days",
}
"""The readings that the verdicts of the eligible woman rest on."""
DOSES = {"MSC": {"weight-days", "msc-infusions"}, "IL-2": {"il2-courses", "il2-interval"}}
"""And those that the dose of each arm rests on."""


def unsigned(arm: str, *names: str) -> Case:
    needed = sorted({*names} & (VERDICTS | DOSES[arm]))
    run = {"loaded": trial(names)}
    reasons = " ".join(["reading-unsigned"] * len(needed))
    said = f"{arm}: {', '.join(names) if len(names) < 3 else 'nothing'} is {'un' if len(names) < 3 else ''}signed"
    return refused(said, reasons, run=run, line={"arm": arm})


SIGNED = [
    *(unsigned(arm, name) for arm in DOSES for name in ANSWERS),
    *(unsigned(arm, *ANSWERS) for arm in DOSES),
    unsigned("MSC", "after-anchor", "msc-infusions"),
    passes("every reading signed on the day of the run", run={"loaded": trial(decided_on=ago(0))}),
    refused(
        "every reading dated the day after",
        " ".join(["reading-unsigned"] * len(VERDICTS | DOSES["MSC"])),
        run={"loaded": trial(decided_on=ahead(1))},
    ),
    refused(
        "without her attestation the days of an attestation need no signature",
        NOT_ELIGIBLE,
        person(inc_contraception=[]),
        run={"loaded": trial(["attestation-days"])},
    ),
]


# --- other arms, and subjects that are closed ---------------------------------------------------------------

OTHER_ARM = {
    "assigned to the IL-2 group": {"arm": "IL-2 group"},
    "assigned to the MSCs group, given the other": {"actual": "IL-2 group"},
    "given IL-2, without an assigned arm": {"arm": None, "actual": "IL-2 group"},
    "on study in the IL-2 group": {"status": "on-study", "arm": "IL-2 group"},
    "withdrawn from the IL-2 group": {"status": "withdrawn", "arm": "IL-2 group"},
}
CLOSED = ("withdrawn", "off-study", "not-registered")
OPEN = ("candidate", "potential-candidate", "screening", "eligible")


def in_source(**how: Any) -> dict[str, Any]:
    return {"records": person(more=[subject(**how)])}


MERGED = [
    *person(patient=[patient(link=[{"other": {"reference": "Patient/old"}, "type": "replaces"}])]),
    patient(id="old", link=[{"other": {"reference": "Patient/p1"}, "type": "replaced-by"}]),
]


def in_sink(**how: Any) -> dict[str, Any]:
    return {"run": {"sink": [subject(**how)]}}


ARMS = [
    *(refused(f"source: {says}", "other-arm", **in_source(**how)) for says, how in OTHER_ARM.items()),
    *(
        refused(f"sink: {says}", "other-arm", **in_sink(**how))
        for says, how in OTHER_ARM.items()
        if "arm" in how  # assigned to the right arm before, she is not refused again: below
    ),
    *(refused(f"source: {status}", "subject-closed", **in_source(status=status, arm=None)) for status in CLOSED),
    *(refused(f"sink: {status}", "subject-closed", **in_sink(status=status, arm=None)) for status in CLOSED),
    *(passes(f"source: {status}", **in_source(status=status, arm=None)) for status in OPEN),
    *(passes(f"sink: {status}", **in_sink(status=status, arm=None)) for status in OPEN),
    refused(
        "sink: the IL-2 group, under an id that was merged into hers since",
        "other-arm",
        MERGED,
        run={"sink": [subject(arm="IL-2 group", of="Patient/old")]},
    ),
    refused("source: on study, and in no arm", "arm-missing", **in_source(status="on-study", arm=None)),
    passes("source: in another study's arm", **in_source(arm="Placebo", study="ResearchStudy/other")),
    passes("source: the same arm already", **in_source()),
    passes("source: the same arm under the same allocation id", **in_source(allocation="A-001")),
    refused("source: the same arm under another allocation id", "allocation-differs", **in_source(allocation="A-009")),
    refused(
        "source: the other arm under the same allocation id",
        "other-arm",
        **in_source(arm="IL-2 group", allocation="A-001"),
    ),
    passes("source: another patient is in the IL-2 group", **in_source(arm="IL-2 group", of="Patient/p2")),
]


# --- the randomiser's file ----------------------------------------------------------------------------------


def at(moment: str, **more: Any) -> dict[str, Any]:
    return {"line": {"assigned_at": moment}, **more}


NEW_YORK = {"run": {"zone": "America/New_York"}}
TWO = [*person(), *named(person(), "p2")]
SECOND = {"patient": "p2", "arm": "IL-2", "allocation_id": "A-002"}

FILE = [
    refused("another study", "other-study", line={"study": "sle-other"}),
    refused("the study in capitals", "other-study", line={"study": "LN-MSC-IL2"}),
    *(
        refused(f"the arm {arm!r}", "unknown-arm", line={"arm": arm})
        for arm in ("msc", "Msc", "MSCS group", "MSCs Group", "MSCs", "il-2", "IL2", "IL-2  group", "Placebo")
    ),
    *(passes(f"the arm {arm!r}", line={"arm": arm}) for arm in ("MSC", "MSCs group", "IL-2", "IL-2 group")),
    passes("assigned today, a second before midnight in Shanghai", **at("2026-11-22T23:59:59+08:00")),
    refused("assigned tomorrow at midnight in Shanghai", "future-date", **at("2026-11-23T00:00:00+08:00")),
    passes("the same second before midnight, written in UTC", **at("2026-11-22T15:59:59Z")),
    refused("the evening of today in UTC is tomorrow in Shanghai", "future-date", **at("2026-11-22T16:00:00Z")),
    passes("already tomorrow where it was written, still today in Shanghai", **at("2026-11-23T00:30:00+14:00")),
    passes("tomorrow in UTC is still today for a site in New York", **at("2026-11-23T04:59:59Z", **NEW_YORK)),
    refused("and a second later it is not", "future-date", **at("2026-11-23T05:00:00Z", **NEW_YORK)),
    refused("a patient who is not in the source", "unknown-patient", line={"patient": "p9"}),
    refused("a patient in other capitals", "unknown-patient", line={"patient": "P1"}),
    passes("two patients", TWO, lines=[SECOND]),
    refused(
        "one allocation id for two patients",
        "allocation-reused allocation-reused",
        TWO,
        lines=[SECOND | {"allocation_id": "A-001"}],
    ),
    refused("the patient twice, in both arms", "patient-twice patient-twice", lines=[IL2 | {"allocation_id": "A-002"}]),
    refused("the patient twice, in one arm", "patient-twice patient-twice", lines=[{"allocation_id": "A-002"}]),
    refused(
        "the same line twice",
        "allocation-reused allocation-reused patient-twice patient-twice",
        lines=[{}],
    ),
    refused(
        "source: another patient has the allocation id",
        "allocation-reused",
        **in_source(allocation="A-001", of="Patient/p2"),
    ),
    refused(
        "sink: another patient has the allocation id",
        "allocation-reused",
        **in_sink(allocation="A-001", of="Patient/p2"),
    ),
    refused(
        "sink: another patient of the same arm has it, and has withdrawn",
        "allocation-reused",
        **in_sink(status="withdrawn", allocation="A-001", of="Patient/p2"),
    ),
    passes("sink: another patient has another allocation id", **in_sink(allocation="A-009", of="Patient/p2")),
    passes("first dose on the day of the assignment", run={"first_dose": ago(0)}),
    refused("first dose the day before", "dose-before-assignment", run={"first_dose": ago(1)}),
]


# --- all of them at once ------------------------------------------------------------------------------------

ALL = [
    refused(
        "rituximab, no consent, an old weight, the other arm, a used allocation id, a reading without signature",
        "not-eligible not-eligible no-consent weight-stale other-arm allocation-reused reading-unsigned",
        person(
            inc_consent=[],
            weight=[weight(on=ago(29))],
            more=[
                administration(RITUXIMAB, ago(30)),
                subject(arm="IL-2 group", id="s1"),
                subject(allocation="A-001", of="Patient/p2", id="s2"),
            ],
        ),
        run={"loaded": trial(["weight-days"])},
    ),
    refused(
        "another study, an unknown arm, a date to come",
        "other-study unknown-arm future-date",
        line={
            "study": "sle-other",
            "arm": "msc",
            "assigned_at": "2026-11-23T09:30:00+08:00",
        },
    ),
    refused(
        "an unknown arm, no consent, a reading without signature: the weight depends on the arm",
        "unknown-arm no-consent not-eligible reading-unsigned",
        person(inc_consent=[], weight=[]),
        line={"arm": "msc"},
        run={"loaded": trial(["age-bounds"])},
    ),
    refused(
        "a first dose before the assignment, and no weight",
        "dose-before-assignment weight-missing",
        weighed(),
        run={"first_dose": ago(1)},
    ),
    refused(
        "twice in the file, and no weight: a refusal for each line",
        "patient-twice patient-twice weight-missing weight-missing",
        weighed(),
        lines=[{"allocation_id": "A-002"}],
    ),
    refused(
        "one line is right and one is not",
        "not-eligible",
        [*person(), *named(person(inc_contraception=[]), "p2")],
        lines=[SECOND],
    ),
]

ROWS = [*WEIGHT, *UNITS, *BOUNDS, *MEASURED, *SCREENED, *SINCE, *CONSENT, *SIGNED, *ARMS, *FILE, *ALL]


@pytest.mark.parametrize("case", ROWS, ids=label)
def test_the_gate(case: Case) -> None:
    check(case)


def test_no_line_stands_there_twice() -> None:
    says = [case.says for case in ROWS]
    assert sorted({line for line in says if says.count(line) > 1}) == []


def test_a_patient_without_an_id_is_refused_since_nothing_could_refer_to_her() -> None:
    urn = "urn:uuid:7f0c5d4e-4d0c-4d0f-9d9e-1f2b3c4d5e6f"
    whole = bundle(*person())
    for entry in whole["entry"]:
        if entry["resource"]["resourceType"] == "Patient":
            del entry["resource"]["id"]
            entry["fullUrl"] = urn
    text = as_json(whole).decode().replace('"Patient/p1"', f'"{urn}"')
    found = gate(json.loads(text, parse_float=Decimal), row(patient=urn))
    assert assignment.codes(found) == ["patient-without-id"]


# --- what the refusals say -----------------------------------------------------------------------------------

SAYS = [
    (refused("", "weight-stale", weighed(weight(on=ago(29), id="w1"))), "Observation/w1: .* older than 28 days"),
    (refused("", "weight-unit", weighed(also(weight(id="w1"), valueQuantity={"value": 60}))), "Observation/w1 valueQuantity.*: the unit is missing"),
    (refused("", "weight-out-of-bounds", weighed(weight("251.7", id="w1"))), "Observation/w1: .* outside 20 to 250 kg"),
    (refused("", "weight-conflict", weighed(weight(id="w1"), weight("66.6", id="w2"))), "Observation/w1, Observation/w2: different weights on one day"),
    (refused("", "not-eligible", person(more=[administration(RITUXIMAB, ago(30))])), "exc-b-cell-depletion is yes"),
    (refused("", "not-eligible", person(inc_contraception=[])), "inc-contraception is unknown"),
    (refused("", "other-arm", **in_source(arm="IL-2 group")), "ResearchSubject/s1 already names the arm IL-2 group"),
    (refused("", "reading-unsigned", run={"loaded": trial(["msc-infusions"])}), "msc-infusions is not signed: How many infusions"),
    (refused("", "unknown-arm", line={"arm": "msc"}), "no arm is called 'msc'; write 'MSC', spelled exactly"),
    (refused("", "allocation-reused", **in_sink(allocation="A-001", of="Patient/p2")), "A-001 is already used for another patient"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "says"), SAYS, ids=lambda one: one.refused[0] if isinstance(one, Case) else "")
def test_a_refusal_names_file_line_patient_and_resource_and_no_value_of_the_record(case: Case, says: str) -> None:
    found = gate(case.records, row(**case.line), asked=asking(**case.run))
    (refusal,) = found.refusals
    assert refusal.text().startswith("file:2: Patient/p1: ") and refusal.text().endswith(f" ({refusal.code})")
    assert re.search(says, refusal.sentence), refusal.sentence
    assert "251.7" not in refusal.text() and "66.6" not in refusal.text()


# --- the dose ------------------------------------------------------------------------------------------------

CELLS = [
    ("60", "kg", "120", "120 x 10^6 cells"),
    ("60.0", "kg", "120", "120 x 10^6 cells"),
    ("59.5", "kg", "119", "119 x 10^6 cells"),
    ("72.3", "kg", "144.6", "144.6 x 10^6 cells"),
    ("48.25", "kg", "96.5", "96.5 x 10^6 cells"),
    ("63.123", "kg", "126.246", "126.246 x 10^6 cells"),
    ("20", "kg", "40", "40 x 10^6 cells"),
    ("100", "kg", "200", "200 x 10^6 cells"),
    ("250", "kg", "500", "500 x 10^6 cells"),
    ("60000", "g", "120", "120 x 10^6 cells"),
    ("54321", "g", "108.642", "108.642 x 10^6 cells"),
    ("100", "[lb_av]", "90.718474", "90.718474 x 10^6 cells"),
    ("132.277", "[lb_av]", "119.99967585298", "119.99967585298 x 10^6 cells"),
]
"""weight, its unit -> millions of cells, exactly: two for each kilogram; a pound is 0.45359237 kg"""


@pytest.mark.parametrize(("value", "unit", "millions", "text"), CELLS, ids=lambda one: one)
def test_the_dose_of_msc_is_two_million_cells_a_kilogram_counted_in_millions(
    value: str, unit: str, millions: str, text: str
) -> None:
    found = gate(weighed(weight(value, unit, id="w1")))
    (request,) = assignment.written(found, "MedicationRequest")
    (instruction,) = request["dosageInstruction"]
    dose = instruction["doseAndRate"][0]["doseQuantity"]
    assert (dose["value"], dose["code"], dose["system"]) == (millions, "10*6", "http://unitsofmeasure.org")
    assert instruction["text"].startswith(f"{text}, suspended in 30 ml saline, intravenous")
    assert request["note"][0]["text"].endswith(f"= {text}")
    assert {"reference": "Observation/w1"} in request["supportingInformation"]


def test_the_dose_is_not_a_million_times_too_large_or_too_small() -> None:
    """60 kg x 2 x 10^6 cells/kg = 120 000 000 cells: the number 120 and the unit 10*6, never both a million."""
    (request,) = assignment.written(gate(person()), "MedicationRequest")
    dose = request["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]
    assert Decimal(dose["value"]) * {"10*6": 10**6}[dose["code"]] == 60 * 2 * 10**6 == 120_000_000
    assert dose["unit"] == "x 10^6 cells"


def test_the_dose_of_il2_is_one_million_units_whatever_the_weight() -> None:
    for records in (person(), weighed(weight("90")), weighed()):
        requests = assignment.written(gate(records, row(**IL2)), "MedicationRequest")
        assert len(requests) == ANSWERS["il2-courses"]
        for request in requests:
            (instruction,) = request["dosageInstruction"]
            dose = instruction["doseAndRate"][0]["doseQuantity"]
            assert (dose["value"], dose["code"]) == ("1000000", "[iU]")
            assert instruction["text"].startswith("1,000,000 IU, subcutaneous, every other day, 7 times in 14 days")


@pytest.mark.parametrize("line", [{}, IL2], ids=["MSC", "IL-2"])
def test_what_is_written_is_a_draft_and_a_plan_and_never_an_order(line: dict[str, str]) -> None:
    found = gate(person(), row(**line))
    (plan,) = assignment.written(found, "CarePlan")
    for one in (plan, *assignment.written(found, "MedicationRequest")):
        assert (one["status"], one["intent"]) == ("draft", "plan")
    (enrolled,) = assignment.written(found, "ResearchSubject")
    assert enrolled["status"] == "pending-on-study" and "actualArm" not in enrolled


# --- assigned before: never refused again, but what has happened since is told -------------------------------

HELD = subject(allocation="A-001", start=ago(0))

AFTERWARDS = [
    ("nothing has happened", person(), ()),
    ("the consent was withdrawn", person(more=[WITHDRAWN]), ("later-consent",)),
    ("a positive pregnancy test", person(more=[observation(loinc("2118-8"), POSITIVE, on=ahead(5))]), ("later-exclusion",)),
    ("rituximab", person(more=[administration(RITUXIMAB, ahead(5))]), ("later-exclusion",)),
    (
        "consent withdrawn and rituximab",
        person(more=[WITHDRAWN, administration(RITUXIMAB, ahead(5))]),
        ("later-consent", "later-exclusion"),
    ),
    ("another weight", person(more=[weight("66", on=ahead(5))]), ()),
    ("rituximab, dated after the day of the run", person(more=[administration(RITUXIMAB, ahead(20))]), ()),
]  # fmt: skip


@pytest.mark.parametrize(("says", "records", "told"), AFTERWARDS, ids=[says for says, *_ in AFTERWARDS])
@pytest.mark.parametrize("in_file", [True, False], ids=["in the file again", "no longer in the file"])
def test_of_a_patient_assigned_before_it_is_told_what_has_happened_since(
    says: str, records: list[Json], told: tuple[str, ...], in_file: bool
) -> None:
    asked = asking(today=ahead(14), sink=[HELD])
    others = [] if in_file else named(person(), "p2")
    line = row() if in_file else row(patient="p2", allocation_id="A-002")
    found = gate([*records, *others], line, asked=asked)
    assert found.refusals == ()
    assert tuple(sorted(refusal.code for refusal in found.blocked)) == told
    plans = {d.approved.patient for d in found.decisions if d.approved and not found.blocked}
    assert plans == (({"Patient/p1"} if in_file else {"Patient/p2"}) if not told else set())


def test_of_a_patient_assigned_before_and_given_the_other_arm_it_is_told_and_nothing_more_is_written() -> None:
    asked = asking(sink=[subject("on-study", actual="IL-2 group", allocation="A-001", start=ago(0))])
    found = gate(person(), asked=asked)
    assert found.refusals == () and [one.code for one in found.blocked] == ["other-arm"]
    assert assignment.written(found, "CarePlan", asked) == []


SETTLED: list[tuple[str, list[Json], Json, str]] = [
    ("she has withdrawn since", person(), subject("withdrawn", allocation="A-001", start=ago(0)), "subject-closed"),
    ("she is off the study", person(), subject("off-study", allocation="A-001", start=ago(0)), "subject-closed"),
    ("she is not in today's input", named(person(), "p2"), HELD, "unknown-patient"),
    ("merged since", MERGED, subject(allocation="A-001", start=ago(0), of="Patient/old"), "merged-since"),
]


@pytest.mark.parametrize(("says", "records", "held", "told"), SETTLED, ids=[says for says, *_ in SETTLED])
def test_an_assignment_that_the_sink_holds_stops_nobody_else(
    says: str, records: list[Json], held: Json, told: str
) -> None:
    asked = asking(sink=[held])
    others = [] if says.startswith("she is not") else named(person(), "p2")
    found = gate([*records, *others], row(), row(**SECOND), asked=asked)
    assert found.refusals == () and [one.code for one in found.blocked] == [told]
    plans = assignment.written(found, "CarePlan", asked)
    assert [plan["subject"]["reference"] for plan in plans] == ["Patient/p2"]


def test_nothing_more_is_written_for_her_and_the_others_are_written() -> None:
    asked = asking(today=ahead(14), sink=[HELD])
    records = [*person(more=[WITHDRAWN]), *named(person(), "p2")]
    found = gate(records, row(), row(**SECOND), asked=asked)
    plans = assignment.written(found, "CarePlan", asked)
    assert [plan["subject"]["reference"] for plan in plans] == ["Patient/p2"]


# --- no path from ineligible or undetermined to a CarePlan ---------------------------------------------------

CRITERIA = {one.id: one.kind for one in trial().criteria}


def failing(criteria: Mapping[str, bool]) -> list[Json]:
    """The woman with these criteria failing: decided against her (True), or left open (False).

    What the record says of a criterion is taken away, and doctors attest against her, or both ways on one day.
    """
    parts: dict[str, Sequence[Json]] = {}
    more: list[Json] = []
    for name, against in criteria.items():
        holds = CRITERIA[name] == "exclusion"
        if name in RECORD:
            parts[name.replace("-", "_")] = []
        more += [attestation(name, holds, ago(1))]
        more += [] if against else [attestation(name, not holds, ago(1))]
    if "exc-pregnant-or-lactating" in criteria:  # her negative tests would speak against it
        positive = [observation(loinc("2118-8"), POSITIVE, on=ago(1))]
        parts["inc_pregnancy_tests"] = positive if criteria["exc-pregnant-or-lactating"] else []
    if "inc-age" in criteria:
        parts["patient"] = [patient(born=None)]
    return person(**parts, more=more)


@pytest.mark.parametrize("against", [True, False], ids=["against", "open"])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_one_criterion_that_is_not_satisfied_stops_the_assignment(criterion: str, against: bool) -> None:
    found = gate(failing({criterion: against}))
    assert found.decisions[0].screening.status == ("ineligible" if against else "undetermined")
    assert criterion in {r.sentence.split()[0] for r in found.refusals if r.code == NOT_ELIGIBLE}
    assert found.decisions[0].approved is None and batches(found) == ()


@given(
    st.dictionaries(st.sampled_from(sorted(CRITERIA)), st.booleans(), min_size=1),
    st.sampled_from(["MSC", "MSCs group", "IL-2", "IL-2 group"]),
    st.integers(0, 40),
    st.booleans(),
)
@settings(derandomize=True, database=None, deadline=None, max_examples=150)
def test_there_is_no_path_from_ineligible_or_undetermined_to_a_care_plan(
    criteria: dict[str, bool], arm: str, later: int, second: bool
) -> None:
    asked = asking(today=ahead(later))
    records, lines = failing(criteria), [row(arm=arm)]
    if second:  # an eligible woman in the same file
        records, lines = [*records, *named(person(), "p2")], [*lines, row(**SECOND)]
    found = gate(records, *lines, asked=asked)
    told = {r.sentence.split()[0] for r in found.refusals if r.code == NOT_ELIGIBLE and r.patient == "Patient/p1"}
    assert set(criteria) <= told, "all of them at once"
    assert {d.approved.patient for d in found.decisions if d.approved} <= {"Patient/p2"}
    assert batches(found, asked) == ()
