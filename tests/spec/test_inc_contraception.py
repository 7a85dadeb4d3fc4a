"""The fertile agree to effective contraception: an agreement is attested; who is not fertile needs none."""

from typing import Any

import pytest

from tests.builders import (
    BASE,
    Json,
    attestation,
    code,
    condition,
    observation,
    patient,
    procedure,
    statement,
    words,
)
from tests.spec.table import Row, attestation_rows, check, label, table

WOMAN = patient()
MAN = patient("male", "1985-03-01")
EXEMPT = "not-applicable"
TO_FIFTY = {"readings": {"childbearing-age": "15-50"}}


def status_of(system: str, value: str, who: Json = WOMAN) -> list[Json]:
    return [who, condition(code(system, value), "2020-01-01")]


def operated(value: str, who: Json = WOMAN, on: str | None = "2020-01-01", **how: Any) -> list[Json]:
    return [who, procedure(code("snomed", value), on, **how)]


def said(holds: bool) -> Json:
    return attestation("inc-contraception", holds, "2026-11-20")


rows = table(
    "inc-contraception",
    "Agreement to contraception",
    [
        # nothing is known
        Row("a woman of 36, nothing recorded", [WOMAN], "unknown", "no-data"),
        Row("a man of 41, nothing recorded", [MAN], "unknown", "no-data"),
        Row("a man of 41, nothing recorded, everything read", [MAN], "unknown", "no-data", {"complete": "all"}),
        Row("gender not recorded", [patient(None)], "unknown", "no-data"),
        Row(
            "no Patient resource",
            [condition(code("snomed", "68815009"), "2025-01-01")],
            "unknown",
            "no-data",
            {"no_patient": True},
        ),
        # not fertile
        Row("hysterectomy", operated("236886002"), "yes", EXEMPT),
        Row("history of hysterectomy", status_of("snomed", "161800001"), "yes", EXEMPT),
        Row("absence of cervix and uterus, Z90.710", status_of("icd10cm", "Z90.710"), "yes", EXEMPT),
        Row("Procedure 子宫切除术", [WOMAN, procedure(words("子宫切除术"), "2020-01-01")], "yes", EXEMPT),
        Row("bilateral oophorectomy", operated("76876009"), "yes", EXEMPT),
        Row("bilateral tubal ligation", operated("287664005"), "yes", EXEMPT),
        Row("history of tubal ligation", status_of("snomed", "267020005"), "yes", EXEMPT),
        Row("tubal ligation status, Z98.51", status_of("icd10cm", "Z98.51"), "yes", EXEMPT),
        Row("a man after vasectomy", operated("399141000", MAN), "yes", EXEMPT),
        Row("a man, vasectomy status, Z98.52", status_of("icd10cm", "Z98.52", MAN), "yes", EXEMPT),
        Row("menopause", status_of("snomed", "76498008"), "yes", EXEMPT),
        Row("menopausal state, Z78.0", status_of("icd10cm", "Z78.0"), "yes", EXEMPT),
        Row(
            "hysterectomy under way",
            operated("236886002", on="2026-11-22", status="in-progress"),
            "yes",
            EXEMPT,
        ),
        Row("hysterectomy not done", operated("236886002", status="not-done"), "unknown", "no-data"),
        Row("hysterectomy in preparation", operated("236886002", status="preparation"), "unknown", "no-data"),
        Row(
            "hysterectomy entered in error",
            operated("236886002", status="entered-in-error"),
            "unknown",
            "no-data",
        ),
        Row("hysterectomy on hold", operated("236886002", status="on-hold"), "unknown", "needs-judgement"),
        Row("hysterectomy tomorrow", operated("236886002", on="2026-11-23"), "unknown", "no-data"),
        Row("hysterectomy some time in 2020", operated("236886002", on="2020"), "yes", EXEMPT),
        Row(
            "menopause refuted",
            [WOMAN, condition(code("snomed", "76498008"), "2020-01-01", verification="refuted")],
            "unknown",
            "no-data",
        ),
        Row(
            "menopause provisional",
            [WOMAN, condition(code("snomed", "76498008"), "2020-01-01", verification="provisional")],
            "unknown",
            "needs-judgement",
        ),
        # above the childbearing age
        Row("a woman of 55", [patient(born="1970-11-23")], "unknown", "no-data"),
        Row("a woman of 56 today", [patient(born="1970-11-22")], "yes", EXEMPT),
        Row("a woman of 14", [patient(born="2011-11-23")], "unknown", "no-data"),
        Row("a man of 60", [patient("male", "1966-01-01")], "unknown", "no-data"),
        Row("gender other, 56", [patient("other", "1970-11-22")], "yes", EXEMPT),
        Row("gender unknown, 56", [patient("unknown", "1970-11-22")], "yes", EXEMPT),
        Row("gender not recorded, 56", [patient(None, "1970-11-22")], "unknown", "no-data"),
        Row("a woman without a birth date", [patient(born=None)], "unknown", "no-data"),
        Row("a woman born in 1960", [patient(born="1960")], "yes", EXEMPT),
        Row("a woman of 51", [patient(born="1975-11-22")], "unknown", "no-data"),
        Row("childbearing age to 50: a woman of 51", [patient(born="1975-11-22")], "yes", EXEMPT, TO_FIFTY),
        Row("childbearing age to 50: a woman of 50", [patient(born="1975-11-23")], "unknown", "no-data", TO_FIFTY),
        # doubt, and what is no agreement
        Row("a woman, infertile", status_of("snomed", "8619003"), "unknown", "needs-judgement"),
        Row("a man, infertile", status_of("snomed", "8619003", MAN), "unknown", "needs-judgement"),
        Row(
            "a contraceptive drug",
            [WOMAN, statement(code("atc", "G03AA07"), ("2026-01-01", None))],
            "unknown",
            "no-data",
        ),
        Row("uses contraception", status_of("snomed", "762650003"), "unknown", "no-data"),
        Row(
            "an Observation: uses contraception",
            [WOMAN, observation(words("contraception"), "yes", on="2026-11-20")],
            "unknown",
            "no-data",
        ),
        # attestation
        *attestation_rows("inc-contraception", "no-data"),
        Row(
            "attested under the code system's address with a slash at its end",
            [WOMAN, observation(code(f"{BASE}/CodeSystem/attestation/", "inc-contraception"), True, on="2026-11-20")],
            "yes",
            "attested",
        ),
        Row("a man who agreed", [MAN, said(True)], "yes", "attested"),
        Row("a man who did not agree", [MAN, said(False)], "no", "attested"),
        Row("infertile, and agreed", [*status_of("snomed", "8619003"), said(True)], "yes", "attested"),
        Row("not agreed, but after hysterectomy", [*operated("236886002"), said(False)], "unknown", "conflict"),
    ],
)


@pytest.mark.parametrize("row", rows, ids=label)
def test_contraception(row: Row) -> None:
    check(row)
