"""Pregnant or lactating women."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import Json, Moment, attestation, code, condition, loinc, observation, patient, words
from tests.spec.exclusion_builders import (
    NAMELESS,
    NOTHING,
    ago,
    ahead,
    judged,
    no,
    unknown,
    yes,
)
from tests.spec.table import Row, check, label, table

ID = "exc-pregnant-or-lactating"
URINE = loinc("2106-3")
SERUM = loinc("2118-8")
HCG = loinc("19080-1")
STATUS = loinc("82810-3")
POSITIVE = code("snomed", "10828004")
NEGATIVE = code("snomed", "260385009")
PREGNANT = loinc("LA15173-0")
NOT_PREGNANT = loinc("LA26683-5")
PREGNANCY = code("icd10", "Z33")
LACTATION = code("snomed", "1260078007")


def examined(result: object, on: str | None = None, test: Json = SERUM, **more: Any) -> Json:
    """A pregnancy test, 5 days ago and in serum if nothing else is said."""
    return observation(test, result, on=on or ago(5), **more)


def stated(answer: Json, on: str | None = None) -> Json:
    """A pregnancy status, 5 days ago if nothing else is said."""
    return observation(STATUS, answer, on=on or ago(5))


def pregnancy(onset: Moment = None, concept: Json = PREGNANCY, **more: Any) -> Json:
    return condition(concept, onset or ago(60), **more)


def lactation(onset: Moment = None, concept: Json = LACTATION, **more: Any) -> Json:
    return condition(concept, onset or ago(60), **more)


MAN = patient("male")
WOMAN_OF_60 = patient(born="1966-02-01")

WHO = [
    no("a man, nothing covered", MAN, reason="not-applicable", complete=NOTHING),
    no("a man with a positive test", MAN, examined(POSITIVE), reason="not-applicable"),
    no("a man with a pregnancy record", MAN, pregnancy(), reason="not-applicable"),
    no(
        "a woman of 56 since today, nothing covered",
        patient(born="1970-11-22"),
        reason="not-applicable",
        complete=NOTHING,
    ),
    unknown("no-data", "a woman who is 55 until tomorrow, no test, all covered", patient(born="1970-11-23")),
    unknown("no-data", "a woman of 15 since today, no test, all covered", patient(born="2011-11-22")),
    no("a girl of 14 until tomorrow", patient(born="2011-11-23"), reason="not-applicable", complete=NOTHING),
    *[
        unknown("no-data", f"gender {gender} is treated as female: no test, all covered", patient(gender))
        for gender in ("other", "unknown")
    ],
    *[yes(f"gender {gender}, a positive test", patient(gender), examined(POSITIVE)) for gender in ("other", "unknown")],
    *[
        no(f"gender {gender}, a negative test, all covered", patient(gender), examined(NEGATIVE))
        for gender in ("other", "unknown")
    ],
    unknown(
        "no-data",
        "a woman of 60, and the reading says that childbearing age is 15 to 60",
        WOMAN_OF_60,
        readings={"childbearing-age": "15-60"},
    ),
    judged("a woman of 60, a positive test 28 days ago", WOMAN_OF_60, examined(POSITIVE, ago(28))),
    no(
        "a woman of 60, a positive test 29 days ago",
        WOMAN_OF_60,
        examined(POSITIVE, ago(29)),
        reason="not-applicable",
    ),
    judged(
        "a woman of 60, positive 10 days ago, negative since: any positive test",
        WOMAN_OF_60,
        examined(POSITIVE, ago(10)),
        examined(NEGATIVE, ago(2)),
    ),
    judged(
        "a woman of 60, a preliminary positive test",
        WOMAN_OF_60,
        examined(POSITIVE, status="preliminary"),
    ),
    judged("a woman of 60, an active pregnancy", WOMAN_OF_60, pregnancy()),
    judged("a woman of 60, active lactation", WOMAN_OF_60, lactation()),
    no(
        "a woman of 60, a pregnancy that is over",
        WOMAN_OF_60,
        pregnancy(clinical="resolved"),
        reason="not-applicable",
    ),
    no("a woman of 60, a negative test", WOMAN_OF_60, examined(NEGATIVE), reason="not-applicable"),
]

TESTS = [
    yes("serum test positive 28 days ago", examined(POSITIVE, ago(28))),
    unknown("stale", "serum test positive 29 days ago, nothing since", examined(POSITIVE, ago(29))),
    yes("serum test positive today", examined(POSITIVE, ago(0))),
    yes("urine test positive", examined(POSITIVE, test=URINE)),
    yes("a positive test, nothing covered", examined(POSITIVE), complete=NOTHING),
    no("serum test negative 28 days ago, all covered", examined(NEGATIVE, ago(28))),
    unknown("stale", "serum test negative 29 days ago, all covered", examined(NEGATIVE, ago(29))),
    no("urine test negative, all covered: one kind is enough here", examined(NEGATIVE, test=URINE)),
    no(
        "serum test negative, Condition and Observation covered",
        examined(NEGATIVE),
        complete=["Condition", "Observation"],
    ),
    unknown("not-covered", "serum test negative, nothing covered", examined(NEGATIVE), complete=NOTHING),
    unknown(
        "not-covered",
        "serum test negative, Condition not covered",
        examined(NEGATIVE),
        complete=["Observation"],
    ),
    unknown(
        "not-covered",
        "serum test negative, Observation not covered",
        examined(NEGATIVE),
        complete=["Condition"],
    ),
    unknown("no-data", "no test and no status, all covered"),
    no(
        "negative 20 days ago, and the reading of the inclusion asks for tests of 14 days: here it is 28",
        examined(NEGATIVE, ago(20)),
        readings={"pregnancy-test-days": 14},
    ),
    no(
        "urine positive 10 days ago, serum negative 5 days ago: the later decides",
        examined(POSITIVE, ago(10), URINE),
        examined(NEGATIVE),
    ),
    yes(
        "urine negative 10 days ago, serum positive 5 days ago",
        examined(NEGATIVE, ago(10), URINE),
        examined(POSITIVE),
    ),
    unknown(
        "conflict",
        "urine positive and serum negative on one day",
        examined(POSITIVE, test=URINE),
        examined(NEGATIVE),
    ),
    no("positive 60 days ago, negative 5 days ago", examined(POSITIVE, ago(60)), examined(NEGATIVE)),
    unknown(
        "stale",
        "a positive test dated tomorrow is not used, a negative one is old",
        examined(NEGATIVE, ago(40)),
        examined(POSITIVE, ahead(1)),
    ),
    *[
        yes(f"the result is {says}", examined(result))
        for says, result in (
            ("LA6576-8 (positive)", loinc("LA6576-8")),
            ("detected", code("snomed", "260373001")),
            ("阳性", "阳性"),
            ("(+)", "(+)"),
        )
    ],
    *[
        no(f"the result is {says}", examined(result))
        for says, result in (
            ("LA6577-6 (negative)", loinc("LA6577-6")),
            ("not detected", code("snomed", "260415000")),
            ("阴性", "阴性"),
            ("(-)", "(-)"),
            ("（－）, in full-width characters", "（－）"),
        )
    ],
    *[
        judged(f"the result is {says}", examined(result))
        for says, result in (
            ("indeterminate", code("snomed", "82334004")),
            ("弱阳性 (weakly positive)", "弱阳性"),
            ("±", "±"),
            ("'not negative', a text of no table", "not negative"),
        )
    ],
    yes(
        "hCG 120 IU/L, the laboratory's upper limit is 5",
        observation(HCG, "120", "[IU]/L", ago(5), range=("0", "5")),
    ),
    no(
        "hCG 2 IU/L, the laboratory's upper limit is 5",
        observation(HCG, "2", "[IU]/L", ago(5), range=("0", "5")),
    ),
    yes("hCG 120 IU/L, interpreted as H", observation(HCG, "120", "[IU]/L", ago(5), interpretation="H")),
    no(
        "hCG below 1.2 IU/L, the laboratory's upper limit is 5",
        observation(HCG, "1.2", "[IU]/L", ago(5), comparator="<", range=("0", "5")),
    ),
    judged(
        "hCG above 1.2 IU/L, the laboratory's upper limit is 5: it does not decide",
        observation(HCG, "1.2", "[IU]/L", ago(5), comparator=">", range=("0", "5")),
    ),
    judged("hCG 2 IU/L without a reference range", observation(HCG, "2", "[IU]/L", ago(5))),
    yes("a test whose specimen is not stated, positive", examined(POSITIVE, test=words("妊娠试验"))),
    *[
        yes(f"a positive test, status {status}", examined(POSITIVE, status=status))
        for status in ("amended", "corrected")
    ],
    judged("a positive test, preliminary", examined(POSITIVE, status="preliminary")),
    judged(
        "negative 10 days ago, preliminary positive 5 days ago",
        examined(NEGATIVE, ago(10)),
        examined(POSITIVE, status="preliminary"),
    ),
    judged(
        "positive 10 days ago, preliminary negative 5 days ago",
        examined(POSITIVE, ago(10)),
        examined(NEGATIVE, status="preliminary"),
    ),
    no(
        "negative 10 days ago, positive 5 days ago but entered in error",
        examined(NEGATIVE, ago(10)),
        examined(POSITIVE, status="entered-in-error"),
    ),
    no(
        "negative 10 days ago, positive 5 days ago but cancelled",
        examined(NEGATIVE, ago(10)),
        examined(POSITIVE, status="cancelled"),
    ),
    no("negative in 2026-11", examined(NEGATIVE, "2026-11")),
    yes("positive in 2026-11", examined(POSITIVE, "2026-11")),
    unknown("partial-date", "positive in 2026-10, which the window's first day cuts", examined(POSITIVE, "2026-10")),
    unknown("undated", "positive without a date", observation(SERUM, POSITIVE)),
    no("negative 10 days ago, the result of 5 days ago has no value", examined(NEGATIVE, ago(10)), examined(None)),
]

STATUSES = [
    yes("status pregnant 28 days ago", stated(PREGNANT, ago(28))),
    unknown("stale", "status pregnant 29 days ago", stated(PREGNANT, ago(29))),
    yes("status pregnant, as SNOMED 77386006", stated(code("snomed", "77386006"))),
    no("status not pregnant, all covered", stated(NOT_PREGNANT)),
    no("status not pregnant 28 days ago", stated(NOT_PREGNANT, ago(28))),
    unknown("stale", "status not pregnant 29 days ago", stated(NOT_PREGNANT, ago(29))),
    unknown("not-covered", "status not pregnant, nothing covered", stated(NOT_PREGNANT), complete=NOTHING),
    yes("test negative 10 days ago, status pregnant 5 days ago", examined(NEGATIVE, ago(10)), stated(PREGNANT)),
    no("status pregnant 10 days ago, test negative 5 days ago", stated(PREGNANT, ago(10)), examined(NEGATIVE)),
    no(
        "test positive 10 days ago, status not pregnant 5 days ago",
        examined(POSITIVE, ago(10)),
        stated(NOT_PREGNANT),
    ),
    yes(
        "status not pregnant 10 days ago, test positive 5 days ago",
        stated(NOT_PREGNANT, ago(10)),
        examined(POSITIVE),
    ),
]

PREGNANCIES = [
    yes("pregnancy, active, began 314 days ago", pregnancy(ago(314))),
    unknown("stale", "pregnancy, active, began 315 days ago, no test", pregnancy(ago(315))),
    no("pregnancy, active, began 315 days ago, test negative", pregnancy(ago(315)), examined(NEGATIVE)),
    yes("pregnancy without onset, recorded 314 days ago", condition(PREGNANCY, None, recorded=ago(314))),
    unknown(
        "stale",
        "pregnancy without onset, recorded 315 days ago",
        condition(PREGNANCY, None, recorded=ago(315)),
    ),
    unknown("stale", "pregnancy began 400 days ago, recorded yesterday", pregnancy(ago(400), recorded=ago(1))),
    unknown("undated", "pregnancy, active, without any date", condition(PREGNANCY, None)),
    yes("pregnancy without a clinical status, began 60 days ago", pregnancy(clinical=None)),
    yes("a pregnancy record, nothing covered", pregnancy(), complete=NOTHING),
    no("pregnancy resolved, test negative", pregnancy(clinical="resolved"), examined(NEGATIVE)),
    unknown("no-data", "pregnancy resolved, no test", pregnancy(clinical="resolved")),
    yes("pregnancy began 100 days ago, its end foreseen in 100 days", pregnancy(ago(100), abatement=ahead(100))),
    yes("pregnancy began 100 days ago, its end foreseen in 2027", pregnancy(ago(100), abatement="2027")),
    no("pregnancy abated 20 days ago, test negative", pregnancy(abatement=ago(20)), examined(NEGATIVE)),
    judged("pregnancy unconfirmed, no test", pregnancy(verification="unconfirmed")),
    no("pregnancy refuted, test negative", pregnancy(verification="refuted"), examined(NEGATIVE)),
    no(
        "pregnancy entered in error, test negative",
        pregnancy(verification="entered-in-error"),
        examined(NEGATIVE),
    ),
    *[
        yes(f"{name}, active", pregnancy(concept=code(system, one)))
        for name, system, one in (
            ("supervision of normal pregnancy (Z34.9)", "icd10", "Z34.9"),
            ("ectopic pregnancy (O00.9)", "icd10", "O00.9"),
            ("gestational diabetes (O24.4)", "icd10", "O24.4"),
            ("pregnancy confirmed (Z32.1)", "icd10", "Z32.1"),
            ("pregnant state (ICD-10-CM Z33.1)", "icd10cm", "Z33.1"),
            ("high risk pregnancy (ICD-10-CM O09.90)", "icd10cm", "O09.90"),
            ("weeks of gestation (ICD-10-CM Z3A.20)", "icd10cm", "Z3A.20"),
            ("pregnancy test positive (ICD-10-CM Z32.01)", "icd10cm", "Z32.01"),
            ("pregnant (SNOMED 77386006)", "snomed", "77386006"),
            ("urine pregnancy test positive (SNOMED 167256004)", "snomed", "167256004"),
        )
    ],
    yes("妊娠", pregnancy(concept=words("妊娠"))),
    judged("possible pregnancy (SNOMED 102874004)", pregnancy(concept=code("snomed", "102874004"))),
    no(
        "not pregnant as a finding, test negative",
        pregnancy(concept=code("snomed", "60001007")),
        examined(NEGATIVE),
    ),
]

LACTATIONS = [
    yes("lactation, active, began 364 days ago", lactation(ago(364))),
    no("lactation, active, began 365 days ago, test negative", lactation(ago(365)), examined(NEGATIVE)),
    yes("lactation, active, test negative: a test does not speak of it", lactation(), examined(NEGATIVE)),
    yes("lactation without onset, recorded 364 days ago", condition(LACTATION, None, recorded=ago(364))),
    no(
        "lactation without onset, recorded 365 days ago, test negative",
        condition(LACTATION, None, recorded=ago(365)),
        examined(NEGATIVE),
    ),
    unknown(
        "undated",
        "lactation, active, without any date, test negative",
        condition(LACTATION, None),
        examined(NEGATIVE),
    ),
    yes("lactation, active, its end foreseen in 2027, test negative", lactation(abatement="2027"), examined(NEGATIVE)),
    no("lactation resolved, test negative", lactation(clinical="resolved"), examined(NEGATIVE)),
    *[
        yes(f"{name}, active", lactation(concept=code(system, one)))
        for name, system, one in (
            ("care of a lactating mother (Z39.1)", "icd10", "Z39.1"),
            ("care of a lactating mother (ICD-10-CM Z39.1)", "icd10cm", "Z39.1"),
            ("disorder of lactation (O92.7)", "icd10", "O92.7"),
            ("finding of lactation (SNOMED 290122005)", "snomed", "290122005"),
            ("normal lactation (SNOMED 82374005)", "snomed", "82374005"),
            ("normal breast feeding (SNOMED 69840006)", "snomed", "69840006"),
        )
    ],
    yes("哺乳期", lactation(concept=words("哺乳期"))),
    yes("breastfeeding status: maternal breastfeeding", observation(loinc("63895-7"), LACTATION, on=ago(5))),
    no(
        "breast fed (SNOMED 169741004) speaks of an infant, test negative",
        lactation(concept=code("snomed", "169741004")),
        examined(NEGATIVE),
    ),
]

NAMES = [
    no(
        "a Condition with a local code and no name holds nothing open here, test negative",
        pregnancy(concept=NAMELESS),
        examined(NEGATIVE),
    ),
    unknown(
        "unmapped-code",
        "妊娠待排 (pregnancy to be ruled out), test negative",
        pregnancy(concept=words("妊娠待排")),
        examined(NEGATIVE),
    ),
    no(
        "妊娠待排, resolved, test negative",
        pregnancy(concept=words("妊娠待排"), clinical="resolved"),
        examined(NEGATIVE),
    ),
    no(
        "a Condition named low back pain, test negative",
        pregnancy(concept=words("low back pain")),
        examined(NEGATIVE),
    ),
]

ATTESTED = [
    no(
        "nothing covered, no test; a doctor said 3 days ago: no",
        attestation(ID, False, ago(3)),
        reason="attested",
        complete=NOTHING,
    ),
    no("no test; a doctor said 3 days ago: no", attestation(ID, False, ago(3)), reason="attested"),
    yes("no test; a doctor said 3 days ago: yes", attestation(ID, True, ago(3)), reason="attested"),
    unknown(
        "stale",
        "nothing covered, no test; a doctor said 31 days ago: no",
        attestation(ID, False, ago(31)),
        complete=NOTHING,
    ),
    no(
        "an old negative test; a doctor said 3 days ago: no",
        examined(NEGATIVE, ago(60)),
        attestation(ID, False, ago(3)),
        reason="attested",
    ),
    unknown(
        "conflict",
        "a positive test; a doctor said 3 days ago: no",
        examined(POSITIVE),
        attestation(ID, False, ago(3)),
    ),
    unknown("conflict", "lactation; a doctor said 3 days ago: no", lactation(), attestation(ID, False, ago(3))),
    judged(
        "a woman of 60, a positive test; the doctor's no is 31 days old",
        WOMAN_OF_60,
        examined(POSITIVE),
        attestation(ID, False, ago(31)),
    ),
    no(
        "a woman of 60, a positive test; the doctor says no",
        WOMAN_OF_60,
        examined(POSITIVE),
        attestation(ID, False, ago(3)),
        reason="attested",
    ),
]

ROWS = table(
    ID,
    "Pregnant or lactating",
    [*WHO, *TESTS, *STATUSES, *PREGNANCIES, *LACTATIONS, *NAMES, *ATTESTED],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_pregnant_or_lactating(row: Row) -> None:
    check(row)
