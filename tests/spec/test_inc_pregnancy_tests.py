"""A woman of childbearing age has a negative pregnancy test in urine and one in serum."""

from typing import Any

import pytest

from tests.builders import (
    Json,
    Number,
    attestation,
    code,
    condition,
    loinc,
    observation,
    patient,
    procedure,
    words,
)
from tests.spec.table import Row, attestation_rows, check, label, table

DAY = "2026-11-10"
EXEMPT = "not-applicable"
TWELVE_TO_FIFTY = {"readings": {"childbearing-age": "12-50"}}
FORTNIGHT = {"readings": {"pregnancy-test-days": 14}}
RANDOMISED = {"randomisation_date": "2026-11-20"}

URINE_HCG, SERUM_HCG, SERUM_AMOUNT = "2106-3", "2118-8", "21198-7"


def urine(value: object = "negative", on: str | None = DAY, **how: Any) -> Json:
    return observation(loinc(URINE_HCG), value, on=on, **how)


def serum(value: object = "negative", on: str | None = DAY, **how: Any) -> Json:
    return observation(loinc(SERUM_HCG), value, on=on, **how)


def amount(
    value: Number,
    range: tuple[Number | None, Number | None] | None = None,
    on: str = DAY,
    **how: Any,
) -> Json:
    return observation(loinc(SERUM_AMOUNT), value, "m[IU]/mL", on=on, range=range, **how)


def interpreted(value: str) -> Json:
    return urine(None, interpretation=value)


def answered(system: str, value: str) -> Json:
    return urine(code(system, value))


def said(holds: bool) -> Json:
    return attestation("inc-pregnancy-tests", holds, "2026-11-20")


NEGATIVE = [urine(), serum()]

rows = table(
    "inc-pregnancy-tests",
    "Pregnancy tests in urine and serum",
    [
        # both tests
        Row("urine and serum negative", NEGATIVE, "yes"),
        Row("urine positive, serum negative", [urine("positive"), serum()], "no"),
        Row("urine negative, serum positive", [urine(), serum("positive")], "no"),
        Row("urine positive alone", [urine("positive")], "no"),
        Row("serum positive alone", [serum("positive")], "no"),
        Row("urine negative alone", [urine()], "unknown", "no-data"),
        Row("serum negative alone", [serum()], "unknown", "no-data"),
        Row("no test", [], "unknown", "no-data"),
        Row("no test, everything read", [], "unknown", "no-data", {"complete": "all"}),
        Row(
            "urine positive, later negative; serum negative",
            [urine("positive", "2026-11-01"), *NEGATIVE],
            "yes",
        ),
        Row(
            "urine negative, later positive; serum negative",
            [urine("negative", "2026-11-01"), urine("positive"), serum()],
            "no",
        ),
        Row(
            "urine negative and positive on one day; serum negative",
            [urine(), urine("positive"), serum()],
            "unknown",
            "conflict",
        ),
        Row(
            "urine not done, earlier negative; serum negative",
            [urine("negative", "2026-11-01"), urine(None, absent="not-performed"), serum()],
            "yes",
        ),
        Row(
            "urine not done; serum negative",
            [urine(None, absent="not-performed"), serum()],
            "unknown",
            "no-data",
        ),
        # other codes of the two kinds
        Row(
            "urine by rapid immunoassay, serum beta-hCG, both negative",
            [
                observation(loinc("80384-1"), "negative", on=DAY),
                observation(loinc("2110-5"), "negative", on=DAY),
            ],
            "yes",
        ),
        Row(
            "urine beta-hCG, serum by rapid immunoassay, both negative",
            [
                observation(loinc("2112-1"), "negative", on=DAY),
                observation(loinc("80385-8"), "negative", on=DAY),
            ],
            "yes",
        ),
        Row(
            "2106-3 as a code of the race system, serum negative",
            [
                observation(code("urn:oid:2.16.840.1.113883.6.238", "2106-3", "White"), "negative", on=DAY),
                serum(),
            ],
            "unknown",
            "no-data",
        ),
        Row(
            "pregnancy status: not pregnant, and no test",
            [observation(loinc("82810-3"), code("loinc", "LA26683-5"), on=DAY)],
            "unknown",
            "no-data",
        ),
        Row(
            "尿妊娠试验 阴性, 血清妊娠试验 阴性",
            [
                observation(words("尿妊娠试验"), "阴性", on=DAY),
                observation(words("血清妊娠试验"), "阴性", on=DAY),
            ],
            "yes",
        ),
        Row(
            "urine negative, and a positive test without a specimen",
            [*NEGATIVE, observation(words("pregnancy test"), "positive", on="2026-11-15")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "both negative, pregnancy status pregnant: a status is no test",
            [*NEGATIVE, observation(loinc("82810-3"), code("loinc", "LA15173-0"), on="2026-11-15")],
            "yes",
        ),
        Row(
            "serum negative and positive on one day, by two tests",
            [urine(), serum(), observation(loinc("2110-5"), "positive", on=DAY)],
            "unknown",
            "conflict",
        ),
        # the window
        Row("both negative, 28 days ago", [urine(on="2026-10-25"), serum(on="2026-10-25")], "yes"),
        Row("urine negative 29 days ago, serum in time", [urine(on="2026-10-24"), serum()], "unknown", "stale"),
        Row("serum negative 29 days ago, urine in time", [urine(), serum(on="2026-10-24")], "unknown", "stale"),
        Row("urine positive, 28 days ago", [urine("positive", "2026-10-25"), serum()], "no"),
        Row(
            "urine positive 29 days ago, serum negative",
            [urine("positive", "2026-10-24"), serum()],
            "unknown",
            "stale",
        ),
        Row("both negative today", [urine(on="2026-11-22"), serum(on="2026-11-22")], "yes"),
        Row("urine negative tomorrow, serum negative", [urine(on="2026-11-23"), serum()], "unknown", "no-data"),
        Row(
            "14 days allowed: both 14 days ago",
            [urine(on="2026-11-08"), serum(on="2026-11-08")],
            "yes",
            None,
            FORTNIGHT,
        ),
        Row(
            "14 days allowed: urine 15 days ago",
            [urine(on="2026-11-07"), serum()],
            "unknown",
            "stale",
            FORTNIGHT,
        ),
        Row(
            "both negative, urine positive after randomisation",
            [*NEGATIVE, urine("positive", "2026-11-21")],
            "yes",
            None,
            RANDOMISED,
        ),
        Row(
            "serum only after randomisation",
            [urine(), serum(on="2026-11-21")],
            "unknown",
            "no-data",
            RANDOMISED,
        ),
        Row(
            "both negative, 28 days before randomisation",
            [urine(on="2026-10-23"), serum(on="2026-10-23")],
            "yes",
            None,
            RANDOMISED,
        ),
        # how a negative result is written (serum negative throughout)
        Row("urine: 阴性", [urine("阴性"), serum()], "yes"),
        Row("urine: (-)", [urine("(-)"), serum()], "yes"),
        Row("urine: （－）, in full width", [urine("（－）"), serum()], "yes"),
        Row("urine: Neg", [urine("Neg"), serum()], "yes"),
        Row("urine: Not detected", [urine("Not detected"), serum()], "yes"),
        Row("urine: NEG", [interpreted("NEG"), serum()], "yes"),
        Row("urine: ND", [interpreted("ND"), serum()], "yes"),
        Row("urine: SNOMED 260385009 negative", [answered("snomed", "260385009"), serum()], "yes"),
        Row("urine: SNOMED 260415000 not detected", [answered("snomed", "260415000"), serum()], "yes"),
        Row("urine: LOINC LA6577-6 negative", [answered("loinc", "LA6577-6"), serum()], "yes"),
        Row("urine: LOINC LA11883-8 not detected", [answered("loinc", "LA11883-8"), serum()], "yes"),
        # a positive one
        Row("urine: 阳性", [urine("阳性"), serum()], "no"),
        Row("urine: (+)", [urine("(+)"), serum()], "no"),
        Row("urine: pos", [urine("pos"), serum()], "no"),
        Row("urine: POS", [interpreted("POS"), serum()], "no"),
        Row("urine: DET", [interpreted("DET"), serum()], "no"),
        Row("urine: SNOMED 10828004 positive", [answered("snomed", "10828004"), serum()], "no"),
        Row("urine: SNOMED 260373001 detected", [answered("snomed", "260373001"), serum()], "no"),
        Row("urine: LOINC LA6576-8 positive", [answered("loinc", "LA6576-8"), serum()], "no"),
        Row("urine: LOINC LA11882-0 detected", [answered("loinc", "LA11882-0"), serum()], "no"),
        # one that needs a person
        Row("urine: 弱阳性", [urine("弱阳性"), serum()], "unknown", "needs-judgement"),
        Row("urine: ±", [urine("±"), serum()], "unknown", "needs-judgement"),
        Row("urine: IND", [interpreted("IND"), serum()], "unknown", "needs-judgement"),
        Row("urine: E", [interpreted("E"), serum()], "unknown", "needs-judgement"),
        Row(
            "urine: SNOMED 82334004 indeterminate",
            [answered("snomed", "82334004"), serum()],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "urine: SNOMED 419984006 inconclusive",
            [answered("snomed", "419984006"), serum()],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "urine: LOINC LA11884-6 indeterminate",
            [answered("loinc", "LA11884-6"), serum()],
            "unknown",
            "needs-judgement",
        ),
        Row("urine: not negative", [urine("not negative"), serum()], "unknown", "needs-judgement"),
        Row("urine indeterminate, serum positive", [urine("±"), serum("positive")], "no"),
        Row(
            "urine negative, later indeterminate; serum negative",
            [urine("negative", "2026-11-01"), urine("±"), serum()],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "two tests without a specimen, both negative",
            [
                observation(words("pregnancy test"), "negative", on=DAY),
                observation(words("pregnancy test"), "negative", on="2026-11-12"),
            ],
            "unknown",
            "needs-judgement",
        ),
        # a name that no table has
        Row(
            "尿HCG半定量 阳性 (a urine hCG that no table knows, positive)",
            [observation(words("尿HCG半定量"), "阳性", on="2026-11-19")],
            "unknown",
            "unmapped-code",
        ),
        Row(
            "尿HCG半定量 阴性, serum negative",
            [observation(words("尿HCG半定量"), "阴性", on="2026-11-19"), serum()],
            "unknown",
            "unmapped-code",
        ),
        # an amount of hCG in serum
        Row("serum hCG 2, laboratory's limit 5; urine negative", [urine(), amount(2, (None, 5))], "yes"),
        Row("serum hCG 5, laboratory's limit 5; urine negative", [urine(), amount(5, (None, 5))], "yes"),
        Row("serum hCG 6, laboratory's limit 5; urine negative", [urine(), amount(6, (None, 5))], "no"),
        Row(
            "serum hCG < 1, laboratory's limit 5; urine negative",
            [urine(), amount(1, (None, 5), comparator="<")],
            "yes",
        ),
        Row(
            "serum hCG > 1, laboratory's limit 5; urine negative",
            [urine(), amount(1, (None, 5), comparator=">")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "serum hCG 5000, only a lower limit of 0; urine negative",
            [urine(), amount(5000, (0, None))],
            "unknown",
            "needs-judgement",
        ),
        Row("serum hCG 2 without a limit; urine negative", [urine(), amount(2)], "unknown", "needs-judgement"),
        Row(
            "serum hCG 5000 without a limit; urine negative",
            [urine(), amount(5000)],
            "unknown",
            "needs-judgement",
        ),
        Row("serum hCG 60, interpreted H; urine negative", [urine(), amount(60, interpretation="H")], "no"),
        # statuses and dates
        Row(
            "urine negative, preliminary; serum negative",
            [urine(status="preliminary"), serum()],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "both negative, later urine positive, preliminary",
            [*NEGATIVE, urine("positive", "2026-11-15", status="preliminary")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "both negative, later urine negative, preliminary",
            [*NEGATIVE, urine("negative", "2026-11-15", status="preliminary")],
            "yes",
        ),
        Row(
            "urine positive alone, preliminary",
            [urine("positive", status="preliminary")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "both negative, urine positive entered in error",
            [*NEGATIVE, urine("positive", "2026-11-15", status="entered-in-error")],
            "yes",
        ),
        Row("both corrected, negative", [urine(status="corrected"), serum(status="corrected")], "yes"),
        Row("both negative, some time this month", [urine(on="2026-11"), serum(on="2026-11")], "yes"),
        Row(
            "urine negative, some time last month; serum negative",
            [urine(on="2026-10"), serum()],
            "unknown",
            "partial-date",
        ),
        Row("urine negative without any date; serum negative", [urine(on=None), serum()], "unknown", "undated"),
        Row(
            "both negative, urine positive some time this month",
            [*NEGATIVE, urine("positive", "2026-11")],
            "unknown",
            "partial-date",
        ),
        # who needs them
        Row("a man", [patient("male")], "yes", EXEMPT),
        Row("a man, a positive test notwithstanding", [patient("male"), urine("positive")], "yes", EXEMPT),
        Row("a woman of 14", [patient(born="2011-11-23")], "yes", EXEMPT),
        Row("a woman of 15 today, no test", [patient(born="2011-11-22")], "unknown", "no-data"),
        Row("a woman of 55, no test", [patient(born="1970-11-23")], "unknown", "no-data"),
        Row("a woman of 56 today", [patient(born="1970-11-22")], "yes", EXEMPT),
        Row(
            "a woman of 56 today, urine positive",
            [patient(born="1970-11-22"), urine("positive")],
            "yes",
            EXEMPT,
        ),
        Row("childbearing age 12 to 50: a woman of 51", [patient(born="1975-11-22")], "yes", EXEMPT, TWELVE_TO_FIFTY),
        Row(
            "childbearing age 12 to 50: a woman of 50",
            [patient(born="1975-11-23")],
            "unknown",
            "no-data",
            TWELVE_TO_FIFTY,
        ),
        Row(
            "childbearing age 12 to 50: a girl of 12",
            [patient(born="2014-11-22")],
            "unknown",
            "no-data",
            TWELVE_TO_FIFTY,
        ),
        Row("childbearing age 12 to 50: a girl of 11", [patient(born="2014-11-23")], "yes", EXEMPT, TWELVE_TO_FIFTY),
        Row("hysterectomy", [procedure(code("snomed", "236886002"), "2020-01-01")], "yes", EXEMPT),
        Row("history of hysterectomy", [condition(code("snomed", "161800001"), "2020-01-01")], "yes", EXEMPT),
        Row("bilateral oophorectomy", [procedure(code("snomed", "76876009"), "2020-01-01")], "yes", EXEMPT),
        Row("menopause", [condition(code("snomed", "76498008"), "2020-01-01")], "yes", EXEMPT),
        Row("tubal ligation", [procedure(code("snomed", "287664005"), "2020-01-01")], "unknown", "no-data"),
        Row(
            "tubal ligation status, Z98.51",
            [condition(code("icd10cm", "Z98.51"), "2020-01-01")],
            "unknown",
            "no-data",
        ),
        Row("hysterectomy tomorrow", [procedure(code("snomed", "236886002"), "2026-11-23")], "unknown", "no-data"),
        Row(
            "a hysterectomy under a name that no table has",
            [procedure(words("s/p hysterectomy elsewhere, 2019"), "2019-01-01")],
            "unknown",
            "no-data",
        ),
        Row("infertile", [condition(code("snomed", "8619003"), "2020-01-01")], "unknown", "no-data"),
        Row(
            "hysterectomy not done",
            [procedure(code("snomed", "236886002"), "2020-01-01", status="not-done")],
            "unknown",
            "no-data",
        ),
        Row("gender other, no test", [patient("other")], "unknown", "no-data"),
        Row("gender other, both negative", [patient("other"), *NEGATIVE], "yes"),
        Row("gender other, 56", [patient("other", "1970-11-22")], "yes", EXEMPT),
        Row("gender unknown, urine positive", [patient("unknown"), urine("positive")], "no"),
        Row("gender not recorded, no test", [patient(None)], "unknown", "no-data"),
        Row("gender not recorded, both negative", [patient(None), *NEGATIVE], "yes"),
        Row(
            "gender not recorded, urine positive",
            [patient(None), urine("positive"), serum()],
            "unknown",
            "no-data",
        ),
        Row("gender not recorded, urine negative alone", [patient(None), urine()], "unknown", "no-data"),
        Row("gender not recorded, 60 years old", [patient(None, "1966-01-01")], "unknown", "no-data"),
        Row("a woman without a birth date, no test", [patient(born=None)], "unknown", "no-data"),
        Row("a woman without a birth date, both negative", [patient(born=None), *NEGATIVE], "yes"),
        Row("a woman born in 1970, 55 or 56, both negative", [patient(born="1970"), *NEGATIVE], "yes"),
        # attestation
        *attestation_rows("inc-pregnancy-tests", "no-data"),
        Row("attested, urine negative alone", [urine(), said(True)], "yes", "attested"),
        Row("attested, urine positive", [urine("positive"), said(True)], "unknown", "conflict"),
        Row("attested that it does not hold, both negative", [*NEGATIVE, said(False)], "unknown", "conflict"),
    ],
)


@pytest.mark.parametrize("row", rows, ids=label)
def test_pregnancy_tests(row: Row) -> None:
    check(row)
