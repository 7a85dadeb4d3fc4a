"""Older than 18 and at most 65 on the day of consent."""

import pytest

from tests.builders import Json, attestation, code, condition, consent, loinc, observation, patient
from tests.spec.table import Row, attestation_rows, check, label, table

CONSENTED = {"consent_date": "2026-11-20"}
EXACT = {**CONSENTED, "readings": {"age-bounds": "exact"}}
COMPLETED = {**CONSENTED, "readings": {"age-bounds": "completed-years"}}
OTHER_STUDY = "ResearchStudy/another"


def born(day: str | None) -> list[Json]:
    return [patient(born=day)]


def said(holds: bool) -> Json:
    return attestation("inc-age", holds, "2026-11-20")


def on(day: str) -> dict[str, str]:
    return {"consent_date": day}


rows = table(
    "inc-age",
    "Age at consent",
    [
        # both bounds, consent on 2026-11-20
        Row("36 years old", born("1990-05-01"), "yes", None, CONSENTED),
        Row("16 years old", born("2010-05-01"), "no", None, CONSENTED),
        Row("consent on the day before the 18th birthday", born("2008-11-21"), "no", None, CONSENTED),
        Row("consent on the 18th birthday", born("2008-11-20"), "no", None, CONSENTED),
        Row(
            "consent on the day after the 18th birthday",
            born("2008-11-19"),
            "unknown",
            "needs-judgement",
            CONSENTED,
        ),
        Row(
            "consent on the day before the 19th birthday",
            born("2007-11-21"),
            "unknown",
            "needs-judgement",
            CONSENTED,
        ),
        Row("consent on the 19th birthday", born("2007-11-20"), "yes", None, CONSENTED),
        Row("consent on the day before the 65th birthday", born("1961-11-21"), "yes", None, CONSENTED),
        Row("consent on the 65th birthday", born("1961-11-20"), "yes", None, CONSENTED),
        Row(
            "consent on the day after the 65th birthday",
            born("1961-11-19"),
            "unknown",
            "needs-judgement",
            CONSENTED,
        ),
        Row(
            "consent on the day before the 66th birthday",
            born("1960-11-21"),
            "unknown",
            "needs-judgement",
            CONSENTED,
        ),
        Row("consent on the 66th birthday", born("1960-11-20"), "no", None, CONSENTED),
        Row("80 years old", born("1946-01-01"), "no", None, CONSENTED),
        # the other options of age-bounds
        Row("exact: on the 18th birthday", born("2008-11-20"), "no", None, EXACT),
        Row("exact: on the day after the 18th birthday", born("2008-11-19"), "yes", None, EXACT),
        Row("exact: on the 65th birthday", born("1961-11-20"), "yes", None, EXACT),
        Row("exact: on the day after the 65th birthday", born("1961-11-19"), "no", None, EXACT),
        Row("completed years: on the day after the 18th birthday", born("2008-11-19"), "no", None, COMPLETED),
        Row("completed years: on the day before the 19th birthday", born("2007-11-21"), "no", None, COMPLETED),
        Row("completed years: on the 19th birthday", born("2007-11-20"), "yes", None, COMPLETED),
        Row("completed years: on the day after the 65th birthday", born("1961-11-19"), "yes", None, COMPLETED),
        Row("completed years: on the day before the 66th birthday", born("1960-11-21"), "yes", None, COMPLETED),
        Row("completed years: on the 66th birthday", born("1960-11-20"), "no", None, COMPLETED),
        # birth dates that are partial
        Row("born in 1990", born("1990"), "yes", None, CONSENTED),
        Row("born in February 1962", born("1962-02"), "yes", None, CONSENTED),
        Row("born in 2012", born("2012"), "no", None, CONSENTED),
        Row("born in 1950", born("1950"), "no", None, CONSENTED),
        Row("born in 2008", born("2008"), "unknown", "partial-date", CONSENTED),
        Row("born in 2007", born("2007"), "unknown", "partial-date", CONSENTED),
        Row("born in 1961", born("1961"), "unknown", "partial-date", CONSENTED),
        Row("born in 1960", born("1960"), "unknown", "partial-date", CONSENTED),
        Row("born in November 1961", born("1961-11"), "unknown", "partial-date", CONSENTED),
        Row("born in December 1961", born("1961-12"), "yes", None, CONSENTED),
        Row("born in January 1961", born("1961-01"), "unknown", "needs-judgement", CONSENTED),
        Row("born in December 2008", born("2008-12"), "no", None, CONSENTED),
        Row("no birth date", born(None), "unknown", "no-data", CONSENTED),
        Row(
            "no birth date, an age of 36 years among the Observations",
            [patient(born=None), observation(loinc("30525-0"), 36, "a", on="2026-11-20")],
            "unknown",
            "no-data",
            CONSENTED,
        ),
        Row(
            "no Patient resource",
            [condition(code("snomed", "68815009"), "2025-01-01")],
            "unknown",
            "no-data",
            {**CONSENTED, "no_patient": True},
        ),
        Row(
            "born on 1990-02-30, a day that does not exist",
            [patient(born="1990-02-30"), condition(code("snomed", "68815009"), "2025-01-01")],
            "unknown",
            "no-data",
            CONSENTED,
        ),
        # born on 29 February: the birthday of a common year is 1 March
        Row("born on 2008-02-29, consent on 2026-02-28", born("2008-02-29"), "no", None, on("2026-02-28")),
        Row("born on 2008-02-29, consent on 2026-03-01", born("2008-02-29"), "no", None, on("2026-03-01")),
        Row(
            "born on 2008-02-29, consent on 2026-03-02",
            born("2008-02-29"),
            "unknown",
            "needs-judgement",
            on("2026-03-02"),
        ),
        Row("born on 1960-02-29, consent on 2025-03-01", born("1960-02-29"), "yes", None, on("2025-03-01")),
        Row(
            "born on 1960-02-29, consent on 2025-03-02",
            born("1960-02-29"),
            "unknown",
            "needs-judgement",
            on("2025-03-02"),
        ),
        Row(
            "born on 1960-02-29, consent on 2026-02-28",
            born("1960-02-29"),
            "unknown",
            "needs-judgement",
            on("2026-02-28"),
        ),
        Row("born on 1960-02-29, consent on 2026-03-01", born("1960-02-29"), "no", None, on("2026-03-01")),
        # where the day of consent comes from
        Row("no consent: as if on the as-of date, the 19th birthday", born("2007-11-22"), "yes"),
        Row("no consent: the day before the 19th birthday", born("2007-11-23"), "unknown", "needs-judgement"),
        Row(
            "consent in the record, on the day before the 19th birthday",
            [*born("2007-11-20"), consent("2026-11-19")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "consent in the record, on the 19th birthday",
            [*born("2007-11-20"), consent("2026-11-20")],
            "yes",
        ),
        Row(
            "consent at 17:00 UTC: the next day in Shanghai, the 19th birthday",
            [*born("2007-11-20"), consent("2026-11-19T17:00:00Z")],
            "yes",
        ),
        Row(
            "two active consents, the later on the 19th birthday",
            [*born("2007-11-20"), consent("2026-11-10"), consent("2026-11-20")],
            "yes",
        ),
        Row(
            "consent in the record before the 19th birthday, withdrawn on it: the active one stands",
            [*born("2007-11-20"), consent("2026-11-10"), consent("2026-11-20", status="inactive")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "consent dated before the 19th birthday, verified on it",
            [*born("2007-11-20"), consent("2026-11-10", verified="2026-11-20")],
            "yes",
        ),
        Row(
            "consent of another study, before the 19th birthday",
            [*born("2007-11-20"), consent("2026-11-10", study=OTHER_STUDY)],
            "yes",
        ),
        Row(
            "consent for treatment, before the 19th birthday",
            [*born("2007-11-20"), consent("2026-11-10", scope="treatment")],
            "yes",
        ),
        Row(
            "consent still a draft, before the 19th birthday",
            [*born("2007-11-20"), consent("2026-11-10", status="draft")],
            "yes",
        ),
        Row(
            "consent in the record before the 19th birthday, another day given by the caller",
            [*born("2007-11-20"), consent("2026-11-10")],
            "yes",
            None,
            on("2026-11-20"),
        ),
        # attestation
        *attestation_rows("inc-age", "no-data", born(None)),
        Row(
            "attested, a week after the 65th birthday",
            [*born("1961-11-13"), said(True)],
            "yes",
            "attested",
            CONSENTED,
        ),
        Row("attested, but 16 years old", [*born("2010-05-01"), said(True)], "unknown", "conflict", CONSENTED),
        Row(
            "attested not, but 36 years old",
            [*born("1990-05-01"), said(False)],
            "unknown",
            "conflict",
            CONSENTED,
        ),
    ],
)


@pytest.mark.parametrize("row", rows, ids=label)
def test_age(row: Row) -> None:
    check(row)
