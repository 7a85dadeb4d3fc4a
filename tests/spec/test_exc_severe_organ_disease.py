"""Severe and uncontrolled disease of heart, nerves, lung, liver, glands or gut: a clinician has to say it."""

from __future__ import annotations

import pytest

from tests.builders import Json, attestation, code, codes, condition, questionnaire_response, words
from tests.spec.exclusion_builders import (
    NAMELESS,
    NOTHING,
    ago,
    ahead,
    attested,
    each,
    judged,
    no,
    unknown,
    yes,
)
from tests.spec.table import Row, check, label, table

ID = "exc-severe-organ-disease"
HEART_FAILURE = code("icd10", "I50.9")
SEVERE = code("snomed", "24484000")


def ill(concept: Json) -> Json:
    return condition(concept, ago(200))


def chapter(*codes_: str, system: str = "icd10") -> list[tuple[str, Json]]:
    return [(f"{'ICD-10-CM' if system == 'icd10cm' else 'ICD-10'} {one}", code(system, one)) for one in codes_]


ATTESTED = [
    *attested(ID),
    yes(
        "active heart failure; the doctor says severe and uncontrolled",
        ill(HEART_FAILURE),
        attestation(ID, True, ago(3)),
        reason="attested",
    ),
    no(
        "active heart failure; the doctor says that it is not so",
        ill(HEART_FAILURE),
        attestation(ID, False, ago(3)),
        reason="attested",
    ),
    judged(
        "active heart failure; the doctor's no is 31 days old",
        ill(HEART_FAILURE),
        attestation(ID, False, ago(31)),
    ),
    no(
        "active heart failure; the questionnaire says no",
        ill(HEART_FAILURE),
        questionnaire_response({ID: False}, ago(1)),
        reason="attested",
    ),
    unknown(
        "conflict",
        "two doctors on one day, yes and no",
        attestation(ID, True, ago(3)),
        attestation(ID, False, ago(3)),
    ),
    judged(
        "active heart failure; the patient says that it is not so",
        ill(HEART_FAILURE),
        attestation(ID, False, ago(3), by="Patient/p1"),
    ),
]

SILENCE = [
    no("no record, all types covered", reason="no-record"),
    no("no record, Condition covered", complete=["Condition"]),
    unknown("not-covered", "no record, nothing covered", complete=NOTHING),
    unknown("not-covered", "no record, Observation covered, Condition not", complete=["Observation"]),
    judged("active heart failure, nothing covered", ill(HEART_FAILURE), complete=NOTHING),
    unknown(
        "not-covered",
        "only resolved heart failure, nothing covered",
        condition(HEART_FAILURE, ago(900), clinical="resolved"),
        complete=NOTHING,
    ),
    unknown(
        "not-covered",
        "a Condition with the onset 2026-02-30: it cannot be read, so conditions were not all read",
        condition(HEART_FAILURE, "2026-02-30"),
    ),
]

ACTIVE = [
    *[
        judged(f"heart failure, clinical status {status}", condition(HEART_FAILURE, ago(900), clinical=status))
        for status in ("active", "recurrence", "relapse")
    ],
    *[
        no(f"heart failure, clinical status {status}", condition(HEART_FAILURE, ago(900), clinical=status))
        for status in ("inactive", "remission", "resolved")
    ],
    no(
        "called active, but abated 10 days ago: the abatement wins",
        condition(HEART_FAILURE, ago(900), abatement=ago(10)),
    ),
    *[
        judged(
            f"active heart failure, its end foreseen {when}: it has not come",
            condition(HEART_FAILURE, "2020", abatement=day),
        )
        for when, day in (("in 4 days", ahead(4)), ("in 2027", "2027"))
    ],
    no("active heart failure, abated today", condition(HEART_FAILURE, "2020", abatement=ago(0))),
    judged("no clinical status, begun 300 days ago", condition(HEART_FAILURE, ago(300), clinical=None)),
    no("no clinical status, begun 400 days ago", condition(HEART_FAILURE, ago(400), clinical=None)),
    *[
        judged(f"{name} of 2010, no clinical status, not abated: chronic", condition(concept, "2010", clinical=None))
        for name, concept in (
            ("chronic hepatitis B (B18.1)", code("icd10", "B18.1")),
            ("chronic hepatitis C (B18.2)", code("icd10", "B18.2")),
        )
    ],
    no(
        "chronic hepatitis B of 2010, no clinical status, abated in 2012",
        condition(code("icd10", "B18.1"), "2010", clinical=None, abatement="2012"),
    ),
    judged(
        "no clinical status, no onset, recorded 300 days ago",
        condition(HEART_FAILURE, None, clinical=None, recorded=ago(300)),
    ),
    no(
        "no clinical status, no onset, recorded 400 days ago",
        condition(HEART_FAILURE, None, clinical=None, recorded=ago(400)),
    ),
    no(
        "no clinical status, begun 400 days ago, recorded yesterday",
        condition(HEART_FAILURE, ago(400), clinical=None, recorded=ago(1)),
    ),
    no("no clinical status, abated", condition(HEART_FAILURE, ago(300), clinical=None, abatement=ago(100))),
    *[
        judged(f"heart failure, verification {status}", condition(HEART_FAILURE, ago(200), verification=status))
        for status in ("confirmed", "unconfirmed", "provisional", "differential", None)
    ],
    *[
        no(f"heart failure, verification {status}", condition(HEART_FAILURE, ago(200), verification=status))
        for status in ("refuted", "entered-in-error")
    ],
    judged("called active, without any date", condition(HEART_FAILURE, None)),
    unknown("undated", "no clinical status and no date at all", condition(HEART_FAILURE, None, clinical=None)),
    no("called active, with the onset tomorrow", condition(HEART_FAILURE, ahead(1))),
    judged("heart failure with severity severe", condition(HEART_FAILURE, ago(200), severity=SEVERE)),
    judged(
        "heart failure with severity mild: a person decides all the same",
        condition(HEART_FAILURE, ago(200), severity=code("snomed", "255604002")),
    ),
]

SYSTEMS = [
    *each(
        judged,
        "{}, active, is a candidate",
        [
            *chapter("I05.0", "I11.0", "I21.9", "I25.1", "I26.9", "I27.0", "I48", "I50.9", "I60.9", "I63.9", "I99"),
            *chapter("G00.9", "G35", "G40.9", "G45.9", "G61.0", "G99.8"),
            *chapter("J40", "J44.9", "J45.9", "J84.1", "J96.0", "J99.8"),
            *chapter("K20", "K22.2", "K25.9", "K50.9", "K70.3", "K74.6", "K76.0", "K85.9", "K92.2"),
            *chapter("B18.0", "B18.1", "B18.2", "B18.9"),
            *chapter("E00.9", "E05.0", "E06.3", "E10.9", "E11.9", "E14.9", "E24.9", "E27.1", "E35.8"),
            *chapter("I50.22", "E11.65", "K50.90", "J84.10", system="icd10cm"),
            ("the national code I50.900", code("icd10", "I50.900")),
            ("decompensated cardiac failure (SNOMED 195111005)", code("snomed", "195111005")),
            ("decompensated cirrhosis (SNOMED 716203000)", code("snomed", "716203000")),
            ("心力衰竭", words("心力衰竭")),
            ("cirrhosis as text", words("cirrhosis")),
        ],
        ill,
    ),
    *each(
        no,
        "{}, active, is listed and holds nothing open",
        [
            *chapter("K00.1", "K02.9", "K12.1", "K14.6", "K21.9", "K29.5", "K30", "K59.0", "K64.9"),
            *chapter("G43.9", "G44.2", "G47.0"),
            *chapter("J30.1", "J32.9", "J35.0", "J39.9"),
            *chapter("I83.9", "E03.9", "E04.1", "E28.2"),
            *chapter("K21.9", "G47.33", "E03.9", system="icd10cm"),
        ],
        ill,
    ),
    *each(
        no,
        "{}, active, is none of the six",
        [
            *chapter("I10", "I12.9", "I13.0", "I15.0", "J00", "J06.9", "J18.9", "J22"),
            *chapter("E36.0", "E66.9", "E78.5", "E87.6", "E88.9"),
            *chapter("N18.3", "N04.9", "M32.1", "M32.9", "F32.9", "L93.0", "M06.9", "D64.9"),
            *chapter("I10", "E78.5", "N18.30", "M32.14", system="icd10cm"),
            ("the national code I10.x00", code("icd10", "I10.x00")),
            ("lupus nephritis (SNOMED 68815009)", code("snomed", "68815009")),
            ("systemic lupus (SNOMED 55464009)", code("snomed", "55464009")),
            ("lupus nephritis as M32.1 with N08.5", codes(("icd10", "M32.1"), ("icd10", "N08.5"))),
            ("hypertension as text", words("hypertension")),
        ],
        ill,
    ),
    judged("hypothyroidism and heart failure", ill(code("icd10", "E03.9")), ill(HEART_FAILURE)),
]

NAMES = [
    unknown("unmapped-code", "an active Condition with a local code and no name", ill(NAMELESS)),
    no(
        "a resolved Condition with a local code and no name",
        condition(NAMELESS, ago(900), clinical="resolved"),
    ),
    no("an active Condition named low back pain", ill(code("local", "C-1", "low back pain"))),
    unknown("unmapped-code", "a text that only contains the name: 心力衰竭待排", ill(words("心力衰竭待排"))),
    no("resolved: 心力衰竭待排", condition(words("心力衰竭待排"), ago(900), clinical="resolved")),
    no("family history of heart failure", ill(words("family history of heart failure"))),
    no(
        "the code of hypertension with the text heart failure: the code decides",
        ill(code("icd10", "I10", text="heart failure")),
    ),
]

ROWS = table(
    ID,
    "Severe and uncontrolled organ disease",
    [*ATTESTED, *SILENCE, *ACTIVE, *SYSTEMS, *NAMES],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_severe_organ_disease(row: Row) -> None:
    check(row)
