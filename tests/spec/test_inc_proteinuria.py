"""Urine protein above 1.0 g/g of creatinine, or above 1.0 g in 24 hours: units, windows, results."""

from typing import Any

import pytest

from tests.builders import Json, attestation, code, component, loinc, observation, quantity, words
from tests.spec.table import Row, attestation_rows, check, label, table

DAY = "2026-11-10"
ONE_TEST = {"readings": {"one-test-suffices": "yes"}}
RANDOMISED = {"randomisation_date": "2026-11-01"}


def upcr(value: object, unit: str | None = "g/g", on: str | tuple[str, str] | None = DAY, **how: Any) -> Json:
    return observation(loinc("2890-2"), value, unit, on=on, **how)


def daily(value: object, unit: str | None = "g/d", on: str | tuple[str, str] | None = DAY, **how: Any) -> Json:
    return observation(loinc("2889-4"), value, unit, on=on, **how)


def other(number: str, value: object, unit: str | None = None, on: str = DAY, **how: Any) -> Json:
    return observation(loinc(number), value, unit, on=on, **how)


def named(name: str, value: object, unit: str, on: str = DAY) -> Json:
    return observation(words(name), value, unit, on=on)


def said(holds: bool) -> Json:
    return attestation("inc-proteinuria", holds, "2026-11-20")


LITTLE = daily("0.4")  # the other test, in time and not above: only the UPCR is in question
LITTLE_RATIO = upcr("0.4")


def ratio_in(value: str, unit: str, truth: str, reason: str | None = None) -> Row:
    return Row(f"UPCR {value} {unit}, 0.4 g/d", [upcr(value, unit), LITTLE], truth, reason)


def daily_in(value: str, unit: str, truth: str, reason: str | None = None) -> Row:
    return Row(f"24-hour protein {value} {unit}, UPCR 0.4 g/g", [daily(value, unit), LITTLE_RATIO], truth, reason)


def compared(comparator: str, value: str, truth: str, reason: str | None = None) -> Row:
    words = f"UPCR {comparator} {value} g/g, 0.4 g/d"
    return Row(words, [upcr(value, comparator=comparator), LITTLE], truth, reason)


rows = table(
    "inc-proteinuria",
    "Proteinuria above 1.0 g/g or 1.0 g in 24 hours",
    [
        # the units of a ratio; 113.12 g of creatinine are one mole
        ratio_in("1.0", "g/g", "no"),
        ratio_in("1.01", "g/g", "yes"),
        ratio_in("1.0000001", "g/g", "yes"),
        ratio_in("1.0", "mg/mg", "no"),
        ratio_in("1.2", "mg/mg", "yes"),
        ratio_in("1000", "mg/g", "no"),
        ratio_in("1001", "mg/g", "yes"),
        ratio_in("1000", "ug/mg", "no"),
        ratio_in("1001", "ug/mg", "yes"),
        ratio_in("100", "mg/mmol", "no"),
        ratio_in("113", "mg/mmol", "no"),
        ratio_in("113.1", "mg/mmol", "no"),
        ratio_in("113.12", "mg/mmol", "no"),
        ratio_in("113.13", "mg/mmol", "yes"),
        ratio_in("113.2", "mg/mmol", "yes"),
        ratio_in("113.12", "g/mol", "no"),
        ratio_in("114", "g/mol", "yes"),
        ratio_in("0.113", "g/mmol", "no"),
        ratio_in("0.114", "g/mmol", "yes"),
        ratio_in("113120", "mg/mol", "no"),
        ratio_in("113121", "mg/mol", "yes"),
        ratio_in("1001", "mg/g{creat}", "yes"),
        ratio_in("114", "mg/mmol{creat}", "yes"),
        ratio_in("1.0", "g/g{creat}", "no"),
        ratio_in("1001", "ｍｇ／ｇ", "yes"),
        ratio_in("1001", " mg/g ", "yes"),
        ratio_in("1001", "Mg/g", "unknown", "unit-unresolved"),
        ratio_in("1001", "mg/{creat}", "unknown", "unit-unresolved"),
        ratio_in("1001", "mg/xyz", "unknown", "unit-unresolved"),
        ratio_in("2", "g/L", "unknown", "unit-unresolved"),
        ratio_in("2", "g/d", "unknown", "unit-unresolved"),
        Row("UPCR 2 without a unit, 0.4 g/d", [upcr(quantity(2)), LITTLE], "unknown", "unit-unresolved"),
        Row(
            "UPCR 2000 without a unit: its size does not tell",
            [upcr(quantity(2000))],
            "unknown",
            "unit-unresolved",
        ),
        Row("UPCR 2 as a bare integer, 0.4 g/d", [upcr(2, None), LITTLE], "unknown", "unit-unresolved"),
        Row("UPCR 1001, unit only as the UCUM code mg/g", [upcr("1001", None, ucum="mg/g"), LITTLE], "yes"),
        Row("UPCR 1001 mg/g in both unit and UCUM code", [upcr("1001", "mg/g", ucum="mg/g"), LITTLE], "yes"),
        # the units of a day's protein
        daily_in("1.0", "g/d", "no"),
        daily_in("1.01", "g/d", "yes"),
        daily_in("1.2", "g/(24.h)", "yes"),
        daily_in("1.2", "g/24h", "yes"),
        daily_in("1.2", "g/24 h", "yes"),
        daily_in("1.2", "g/24小时", "yes"),
        daily_in("1000", "mg/d", "no"),
        daily_in("1001", "mg/d", "yes"),
        daily_in("1200", "mg/(24.h)", "yes"),
        daily_in("1200", "mg/24h", "yes"),
        daily_in("1200", "mg/24 HR", "yes"),
        daily_in("1.2", "g/24.h", "yes"),
        daily_in("1.2", "g/{24.h}", "yes"),
        daily_in("1.2", "g/{day}", "yes"),
        daily_in("1.2", "g", "yes"),
        daily_in("1.0", "g", "no"),
        daily_in("1200", "mg", "yes"),
        daily_in("0.7", "mg/min", "yes"),
        daily_in("0.6", "mg/min", "no"),
        daily_in("1.2", "g/L", "unknown", "unit-unresolved"),
        Row(
            "24-hour protein 1200 without a unit, UPCR 0.4 g/g",
            [daily(quantity(1200)), LITTLE_RATIO],
            "unknown",
            "unit-unresolved",
        ),
        # one or the other, one and the other
        Row("UPCR 1.2 g/g alone", [upcr("1.2")], "yes"),
        Row("1.2 g/d alone", [daily("1.2")], "yes"),
        Row("UPCR 1.2 g/g, 0.4 g/d", [upcr("1.2"), LITTLE], "yes"),
        Row("UPCR 0.4 g/g, 1.2 g/d", [LITTLE_RATIO, daily("1.2")], "yes"),
        Row("UPCR 0.4 g/g, 0.4 g/d", [LITTLE_RATIO, LITTLE], "no"),
        Row("UPCR 0.4 g/g alone", [LITTLE_RATIO], "unknown", "no-data"),
        Row("0.4 g/d alone", [LITTLE], "unknown", "no-data"),
        Row("one test suffices: UPCR 0.4 g/g alone", [LITTLE_RATIO], "no", None, ONE_TEST),
        Row("one test suffices: 0.4 g/d alone", [LITTLE], "no", None, ONE_TEST),
        Row("one test suffices: nothing", [], "unknown", "no-data", ONE_TEST),
        Row("UPCR without a unit, but 1.2 g/d", [upcr(quantity(2)), daily("1.2")], "yes"),
        Row(
            "UPCR 1.2 g/g, no red cells in the urine",
            [upcr("1.2"), other("13945-1", 0, "/[HPF]")],
            "yes",
        ),
        Row("nothing", [], "unknown", "no-data"),
        Row("nothing, everything read", [], "unknown", "no-data", {"complete": "all"}),
        # the window
        Row("UPCR 1.2 g/g, 28 days ago", [upcr("1.2", on="2026-10-25")], "yes"),
        Row("UPCR 1.2 g/g, 29 days ago", [upcr("1.2", on="2026-10-24")], "unknown", "stale"),
        Row("1.2 g/d, 28 days ago", [daily("1.2", on="2026-10-25")], "yes"),
        Row("1.2 g/d, 29 days ago", [daily("1.2", on="2026-10-24")], "unknown", "stale"),
        Row("UPCR 1.2 g/g today", [upcr("1.2", on="2026-11-22")], "yes"),
        Row("UPCR 1.2 g/g tomorrow", [upcr("1.2", on="2026-11-23")], "unknown", "no-data"),
        Row(
            "UPCR 1.2 g/g at 16:30 UTC: tomorrow in Shanghai",
            [upcr("1.2", on="2026-11-22T16:30:00Z")],
            "unknown",
            "no-data",
        ),
        Row(
            "UPCR 1.2 g/g at 15:30 UTC: still today in Shanghai",
            [upcr("1.2", on="2026-11-22T15:30:00Z")],
            "yes",
        ),
        Row(
            "UPCR 1.2 g/g, 29 days ago in UTC, 28 in Shanghai",
            [upcr("1.2", on="2026-10-24T16:30:00Z")],
            "yes",
        ),
        Row(
            "56 days allowed: UPCR 1.2 g/g, 56 days ago",
            [upcr("1.2", on="2026-09-27")],
            "yes",
            None,
            {"readings": {"proteinuria-days": 56}},
        ),
        Row(
            "56 days allowed: UPCR 1.2 g/g, 57 days ago",
            [upcr("1.2", on="2026-09-26")],
            "unknown",
            "stale",
            {"readings": {"proteinuria-days": 56}},
        ),
        Row(
            "UPCR 0.4 g/g in time, 1.2 g/d 29 days ago",
            [LITTLE_RATIO, daily("1.2", on="2026-10-24")],
            "unknown",
            "stale",
        ),
        Row(
            "both old and neither above",
            [upcr("0.4", on="2026-10-01"), daily("0.4", on="2026-10-01")],
            "unknown",
            "stale",
        ),
        Row(
            "before randomisation: UPCR 1.2 g/g, 28 days",
            [upcr("1.2", on="2026-10-04")],
            "yes",
            None,
            RANDOMISED,
        ),
        Row(
            "before randomisation: UPCR 1.2 g/g, 29 days",
            [upcr("1.2", on="2026-10-03")],
            "unknown",
            "stale",
            RANDOMISED,
        ),
        Row(
            "on the day of randomisation: UPCR 1.2 g/g",
            [upcr("1.2", on="2026-11-01")],
            "yes",
            None,
            RANDOMISED,
        ),
        Row(
            "after randomisation: UPCR 1.2 g/g",
            [upcr("1.2", on="2026-11-02")],
            "unknown",
            "no-data",
            RANDOMISED,
        ),
        Row(
            "UPCR 1.2 g/g before randomisation, 0.4 g/g after it",
            [upcr("1.2", on="2026-10-20"), upcr("0.4", on="2026-11-10")],
            "yes",
            None,
            RANDOMISED,
        ),
        Row(
            "randomisation to come: UPCR 1.2 g/g, 28 days before today",
            [upcr("1.2", on="2026-10-25")],
            "yes",
            None,
            {"randomisation_date": "2026-12-01"},
        ),
        Row(
            "a collection that ended 28 days ago: 1.2 g/d",
            [daily("1.2", on=("2026-10-24", "2026-10-25"))],
            "yes",
        ),
        Row(
            "a collection that ended 29 days ago: 1.2 g/d",
            [daily("1.2", on=("2026-10-23", "2026-10-24"))],
            "unknown",
            "stale",
        ),
        # the latest decides
        Row("UPCR 1.5 g/g, later 0.5 g/g; 0.4 g/d", [upcr("1.5", on="2026-11-01"), upcr("0.5"), LITTLE], "no"),
        Row("UPCR 0.5 g/g, later 1.5 g/g; 0.4 g/d", [upcr("0.5", on="2026-11-01"), upcr("1.5"), LITTLE], "yes"),
        Row(
            "UPCR 1.5 g/g in May, 0.5 g/g now; 0.4 g/d",
            [upcr("1.5", on="2026-05-01"), upcr("0.5"), LITTLE],
            "no",
        ),
        Row(
            "UPCR 0.9 and 1.1 g/g on one day; 0.4 g/d",
            [upcr("0.9"), upcr("1.1"), LITTLE],
            "unknown",
            "conflict",
        ),
        Row(
            "UPCR 0.9 g/g in the morning, 1.1 g/g at noon; 0.4 g/d",
            [
                upcr("0.9", on="2026-11-10T08:00:00+08:00"),
                upcr("1.1", on="2026-11-10T12:00:00+08:00"),
                LITTLE,
            ],
            "unknown",
            "conflict",
        ),
        Row("UPCR 1.1 and 1.2 g/g on one day; 0.4 g/d", [upcr("1.1"), upcr("1.2"), LITTLE], "yes"),
        Row(
            "UPCR 0.9 g/g and 1000 mg/g on one day; 0.4 g/d",
            [upcr("0.9"), upcr("1000", "mg/g"), LITTLE],
            "no",
        ),
        Row("UPCR 0.9 and 1.1 g/g on one day, but 1.2 g/d", [upcr("0.9"), upcr("1.1"), daily("1.2")], "yes"),
        Row(
            "UPCR 1.5 g/g, later one without a unit; 0.4 g/d",
            [upcr("1.5", on="2026-11-01"), upcr(quantity("0.5")), LITTLE],
            "unknown",
            "unit-unresolved",
        ),
        Row(
            "UPCR without a unit, later 1.5 g/g; 0.4 g/d",
            [upcr(quantity("0.5"), on="2026-11-01"), upcr("1.5"), LITTLE],
            "yes",
        ),
        Row(
            "UPCR 1.5 g/g, later one not performed; 0.4 g/d",
            [upcr("1.5", on="2026-11-01"), upcr(None, absent="not-performed"), LITTLE],
            "yes",
        ),
        Row(
            "UPCR 0.5 g/g, later only the word high without a number; 0.4 g/d",
            [upcr("0.5", on="2026-11-17"), upcr(None, on="2026-11-19", interpretation="H"), LITTLE],
            "no",
        ),
        Row(
            "UPCR 1.5 g/g, later only the word normal without a number",
            [upcr("1.5", on="2026-11-17"), upcr(None, on="2026-11-19", interpretation="N")],
            "yes",
        ),
        Row("UPCR not performed", [upcr(None, absent="not-performed")], "unknown", "no-data"),
        # comparators
        compared(">", "1.0", "yes"),
        compared(">", "1.5", "yes"),
        compared(">=", "1.01", "yes"),
        compared(">=", "1.0", "unknown", "needs-judgement"),
        compared(">", "0.8", "unknown", "needs-judgement"),
        compared("<", "1.5", "unknown", "needs-judgement"),
        compared("<", "1.0", "no"),
        compared("<=", "1.0", "no"),
        compared("<", "0.1", "no"),
        Row(
            "UPCR 0.5 g/g, later < 1.5 g/g; 0.4 g/d",
            [upcr("0.5", on="2026-11-01"), upcr("1.5", comparator="<"), LITTLE],
            "unknown",
            "needs-judgement",
        ),
        # values in words
        Row("UPCR as the text 1.5 g/g, 0.4 g/d", [upcr("1.5 g/g", None), LITTLE], "yes"),
        Row("UPCR as the text 900 mg/g, 0.4 g/d", [upcr("900 mg/g", None), LITTLE], "no"),
        Row("UPCR as the text 1.5, 0.4 g/d", [upcr("1.5", None), LITTLE], "unknown", "unit-unresolved"),
        Row(
            "UPCR as the text about 1.5 g/g, 0.4 g/d",
            [upcr("about 1.5 g/g", None), LITTLE],
            "unknown",
            "unit-unresolved",
        ),
        Row("UPCR as the text １．５ｇ／ｇ, 0.4 g/d", [upcr("１．５ｇ／ｇ", None), LITTLE], "yes"),
        Row("UPCR as the text >1.5 g/g, 0.4 g/d", [upcr(">1.5 g/g", None), LITTLE], "unknown", "unit-unresolved"),
        Row(
            "UPCR as the text see report, 0.4 g/d",
            [upcr("see report", None), LITTLE],
            "unknown",
            "needs-judgement",
        ),
        # tests that are none, and further ones that are
        Row("UPCR under LOINC 34366-5, 120 mg/mmol", [other("34366-5", 120, "mg/mmol")], "yes"),
        Row("UPCR of a 24-hour urine, LOINC 13801-6, 1.2 g/g", [other("13801-6", "1.2", "g/g")], "yes"),
        Row("UPCR of a 24-hour urine, LOINC 40486-3, 1.2 g/g", [other("40486-3", "1.2", "g/g")], "yes"),
        Row(
            "UPCR of a 12-hour urine, LOINC 60678-0, 1.5 g/g",
            [other("60678-0", "1.5", "g/g")],
            "unknown",
            "no-data",
        ),
        Row(
            "12-hour protein, LOINC 26801-1, 1.5 g",
            [other("26801-1", "1.5", "g/(12.h)")],
            "unknown",
            "no-data",
        ),
        Row("18-hour protein, LOINC 58992-9, 1.5 g", [other("58992-9", "1.5", "g")], "unknown", "no-data"),
        Row(
            "protein of a collection of unknown length, LOINC 32551-4, 1.5 g",
            [other("32551-4", "1.5", "g")],
            "unknown",
            "needs-judgement",
        ),
        Row("albumin ratio, LOINC 9318-7, 1500 mg/g", [other("9318-7", 1500, "mg/g")], "unknown", "no-data"),
        Row("albumin ratio, LOINC 14959-1, 1500 mg/g", [other("14959-1", 1500, "mg/g")], "unknown", "no-data"),
        Row(
            "albumin ratio, LOINC 32294-1, 170 mg/mmol",
            [other("32294-1", 170, "mg/mmol")],
            "unknown",
            "no-data",
        ),
        Row("dipstick 3+", [other("20454-5", "3+")], "unknown", "no-data"),
        Row("dipstick 300 mg/dL", [other("5804-0", 300, "mg/dL")], "unknown", "no-data"),
        Row(
            "2890-2 as a code of another system, 1.5 g/g",
            [observation(code("local", "2890-2"), "1.5", "g/g", on=DAY)],
            "unknown",
            "no-data",
        ),
        Row(
            "UPCR under the OID of LOINC, 1.5 g/g",
            [observation(code("urn:oid:2.16.840.1.113883.6.1", "2890-2"), "1.5", "g/g", on=DAY)],
            "yes",
        ),
        # names in place of codes
        Row("尿蛋白/肌酐比值 1200 mg/g", [named("尿蛋白/肌酐比值", "1200", "mg/g")], "yes"),
        Row("24小时尿蛋白定量 1.2 g/24h", [named("24小时尿蛋白定量", "1.2", "g/24h")], "yes"),
        Row(
            "Urine protein/creatinine ratio 1.2 mg/mg",
            [named("Urine protein/creatinine ratio", "1.2", "mg/mg")],
            "yes",
        ),
        Row("尿白蛋白/肌酐比值 1200 mg/g", [named("尿白蛋白/肌酐比值", "1200", "mg/g")], "unknown", "no-data"),
        Row(
            "UPCR 0.4 g/g, 0.4 g/d, later 1.5 g/g under a name that no table has: UPCR, ward meter",
            [LITTLE_RATIO, LITTLE, named("UPCR, ward meter", "1.5", "g/g", on="2026-11-15")],
            "unknown",
            "unmapped-code",
        ),
        Row(
            "UPCR 0.4 g/g, 0.4 g/d, earlier 1.5 g/g under a name that no table has",
            [LITTLE_RATIO, LITTLE, named("UPCR, ward meter", "1.5", "g/g", on="2026-10-20")],
            "no",
        ),
        Row(
            "UPCR 0.4 g/g, 0.4 g/d, later 1500 mg/g under the name microalbumin/creatinine, ward meter",
            [
                LITTLE_RATIO,
                LITTLE,
                named("microalbumin/creatinine, ward meter", 1500, "mg/g", on="2026-11-15"),
            ],
            "no",
        ),
        # computed from one specimen
        Row(
            "protein 150 mg/dL and creatinine 100 mg/dL of one specimen",
            [
                other("2888-6", 150, "mg/dL", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", specimen="Specimen/s1"),
            ],
            "yes",
        ),
        Row(
            "protein 150 mg/dL and creatinine 100 mg/dL at the same minute",
            [
                other("2888-6", 150, "mg/dL", on="2026-11-10T08:00:00+08:00"),
                other("2161-8", 100, "mg/dL", on="2026-11-10T08:00:00+08:00"),
            ],
            "yes",
        ),
        Row(
            "protein 150 mg/dL at 08:00 in Shanghai and creatinine 100 mg/dL at 00:00 UTC: the same moment",
            [
                other("2888-6", 150, "mg/dL", on="2026-11-10T08:00:00+08:00"),
                other("2161-8", 100, "mg/dL", on="2026-11-10T00:00:00Z"),
            ],
            "yes",
        ),
        Row(
            "protein 1500 mg/L at 08:00 in Shanghai and creatinine 10 mmol/L at 00:00 UTC: 1.326 g/g",
            [
                other("2888-6", 1500, "mg/L", on="2026-11-20T08:00:00+08:00"),
                other("2161-8", 10, "mmol/L", on="2026-11-20T00:00:00Z"),
            ],
            "yes",
        ),
        Row(
            "protein 150 mg/dL at 08:00 in Shanghai and creatinine 100 mg/dL at 08:00 UTC: eight hours apart",
            [
                other("2888-6", 150, "mg/dL", on="2026-11-10T08:00:00+08:00"),
                other("2161-8", 100, "mg/dL", on="2026-11-10T08:00:00Z"),
            ],
            "unknown",
            "no-data",
        ),
        Row(
            "protein 150 mg/dL of a named specimen, creatinine 100 mg/dL at the same minute without one",
            [
                other("2888-6", 150, "mg/dL", on="2026-11-10T08:00:00+08:00", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", on="2026-11-10T08:00:00+08:00"),
            ],
            "yes",
        ),
        Row(
            "protein 150 mg/dL and creatinine 100 mg/dL at the same minute, of two named specimens",
            [
                other("2888-6", 150, "mg/dL", on="2026-11-10T08:00:00+08:00", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", on="2026-11-10T08:00:00+08:00", specimen="Specimen/s2"),
            ],
            "unknown",
            "no-data",
        ),
        Row(
            "protein 150 mg/dL and creatinine 100 mg/dL of two specimens",
            [
                other("2888-6", 150, "mg/dL", on="2026-11-10T08:00:00+08:00", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", on="2026-11-11T08:00:00+08:00", specimen="Specimen/s2"),
            ],
            "unknown",
            "no-data",
        ),
        Row(
            "protein 100 mg/dL and creatinine 100 mg/dL of one specimen, 0.4 g/d",
            [
                other("2888-6", 100, "mg/dL", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", specimen="Specimen/s1"),
                LITTLE,
            ],
            "no",
        ),
        Row(
            "protein 1.1312 g/L and creatinine 10 mmol/L of one specimen: 1 g/g, 0.4 g/d",
            [
                other("2888-6", "1.1312", "g/L", specimen="Specimen/s1"),
                other("14683-7", 10, "mmol/L", specimen="Specimen/s1"),
                LITTLE,
            ],
            "no",
        ),
        Row(
            "protein 1.1313 g/L and creatinine 10 mmol/L of one specimen",
            [
                other("2888-6", "1.1313", "g/L", specimen="Specimen/s1"),
                other("14683-7", 10, "mmol/L", specimen="Specimen/s1"),
            ],
            "yes",
        ),
        Row(
            "protein 150 mg/dL, creatinine without a unit, of one specimen, 0.4 g/d",
            [
                other("2888-6", 150, "mg/dL", specimen="Specimen/s1"),
                other("2161-8", quantity(100), specimen="Specimen/s1"),
                LITTLE,
            ],
            "unknown",
            "unit-unresolved",
        ),
        Row(
            "preliminary protein 150 mg/dL, creatinine 100 mg/dL, of one specimen",
            [
                other("2888-6", 150, "mg/dL", status="preliminary", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", specimen="Specimen/s1"),
            ],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "protein 150 mg/dL, creatinine entered in error, of one specimen",
            [
                other("2888-6", 150, "mg/dL", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", status="entered-in-error", specimen="Specimen/s1"),
            ],
            "unknown",
            "no-data",
        ),
        Row(
            "protein < 10 mg/dL, creatinine 100 mg/dL, of one specimen, 0.4 g/d",
            [
                other("2888-6", 10, "mg/dL", comparator="<", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", specimen="Specimen/s1"),
                LITTLE,
            ],
            "no",
        ),
        Row(
            "protein 200 mg/dL, creatinine < 100 mg/dL, of one specimen: above 2 g/g",
            [
                other("2888-6", 200, "mg/dL", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", comparator="<", specimen="Specimen/s1"),
            ],
            "yes",
        ),
        Row(
            "protein 200 mg/dL, creatinine > 100 mg/dL, of one specimen: below 2 g/g",
            [
                other("2888-6", 200, "mg/dL", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", comparator=">", specimen="Specimen/s1"),
            ],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "computed 1.5 g/g and measured 0.5 g/g on one day; 0.4 g/d",
            [
                other("2888-6", 150, "mg/dL", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", specimen="Specimen/s1"),
                upcr("0.5"),
                LITTLE,
            ],
            "unknown",
            "conflict",
        ),
        Row(
            "computed 1.5 g/g, later measured 0.5 g/g; 0.4 g/d",
            [
                other("2888-6", 150, "mg/dL", on="2026-11-05", specimen="Specimen/s1"),
                other("2161-8", 100, "mg/dL", on="2026-11-05", specimen="Specimen/s1"),
                upcr("0.5"),
                LITTLE,
            ],
            "no",
        ),
        Row(
            "0.6 g/L in 2 L of one 24-hour urine: 1.2 g",
            [
                other("21482-5", "0.6", "g/L", specimen="Specimen/s1"),
                other("3167-4", 2, "L", specimen="Specimen/s1"),
            ],
            "yes",
        ),
        Row(
            "50 mg/dL in 2000 mL of one 24-hour urine: 1.0 g; UPCR 0.4 g/g",
            [
                other("21482-5", 50, "mg/dL", specimen="Specimen/s1"),
                other("3167-4", 2000, "mL", specimen="Specimen/s1"),
                LITTLE_RATIO,
            ],
            "no",
        ),
        Row("protein 150 mg/dL alone", [other("2888-6", 150, "mg/dL")], "unknown", "no-data"),
        Row(
            "a panel with a UPCR of 1.5 g/g as component",
            [observation(words("urine panel"), on=DAY, components=[component(loinc("2890-2"), "1.5", "g/g")])],
            "yes",
        ),
        Row(
            "a preliminary panel with a UPCR of 1.5 g/g",
            [
                observation(
                    words("urine panel"),
                    on=DAY,
                    status="preliminary",
                    components=[component(loinc("2890-2"), "1.5", "g/g")],
                )
            ],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "a panel of 29 days ago with a UPCR of 1.5 g/g",
            [
                observation(
                    words("urine panel"),
                    on="2026-10-24",
                    components=[component(loinc("2890-2"), "1.5", "g/g")],
                )
            ],
            "unknown",
            "stale",
        ),
        Row(
            "a panel with protein 150 mg/dL and creatinine 100 mg/dL",
            [
                observation(
                    words("urine panel"),
                    on="2026-11-10T08:00:00+08:00",
                    components=[
                        component(loinc("2888-6"), 150, "mg/dL"),
                        component(loinc("2161-8"), 100, "mg/dL"),
                    ],
                )
            ],
            "yes",
        ),
        # statuses
        Row("UPCR 1.5 g/g, amended", [upcr("1.5", status="amended")], "yes"),
        Row("UPCR 1.5 g/g, corrected", [upcr("1.5", status="corrected")], "yes"),
        Row("UPCR 1.5 g/g, preliminary", [upcr("1.5", status="preliminary")], "unknown", "needs-judgement"),
        Row("UPCR 1.5 g/g, status unknown", [upcr("1.5", status="unknown")], "unknown", "needs-judgement"),
        Row("UPCR 1.5 g/g, without a status", [upcr("1.5", status=None)], "unknown", "needs-judgement"),
        Row("UPCR 1.5 g/g, registered", [upcr("1.5", status="registered")], "unknown", "no-data"),
        Row("UPCR 1.5 g/g, cancelled", [upcr("1.5", status="cancelled")], "unknown", "no-data"),
        Row("UPCR 1.5 g/g, entered in error", [upcr("1.5", status="entered-in-error")], "unknown", "no-data"),
        Row(
            "UPCR 0.5 g/g, later 1.5 g/g entered in error; 0.4 g/d",
            [upcr("0.5", on="2026-11-01"), upcr("1.5", status="entered-in-error"), LITTLE],
            "no",
        ),
        Row(
            "UPCR 1.5 g/g, later a preliminary 0.5 g/g",
            [upcr("1.5", on="2026-11-01"), upcr("0.5", status="preliminary")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "UPCR 0.5 g/g, later a preliminary 1.5 g/g; 0.4 g/d",
            [upcr("0.5", on="2026-11-01"), upcr("1.5", status="preliminary"), LITTLE],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "UPCR 1.5 g/g, later a preliminary 1.6 g/g",
            [upcr("1.5", on="2026-11-01"), upcr("1.6", status="preliminary")],
            "yes",
        ),
        Row(
            "UPCR preliminary 0.5 g/g, later a final 1.5 g/g",
            [upcr("0.5", on="2026-11-01", status="preliminary"), upcr("1.5")],
            "yes",
        ),
        Row("UPCR preliminary 0.5 g/g, but 1.2 g/d", [upcr("0.5", status="preliminary"), daily("1.2")], "yes"),
        # dates that are partial or missing
        Row("UPCR 1.5 g/g, some time this month", [upcr("1.5", on="2026-11")], "yes"),
        Row("UPCR 1.5 g/g, some time last month", [upcr("1.5", on="2026-10")], "unknown", "partial-date"),
        Row("UPCR 1.5 g/g, some time in September", [upcr("1.5", on="2026-09")], "unknown", "stale"),
        Row("UPCR 1.5 g/g, some time this year", [upcr("1.5", on="2026")], "unknown", "partial-date"),
        Row(
            "UPCR 1.5 g/g on 10 November, 0.5 g/g some time this month; 0.4 g/d",
            [upcr("1.5"), upcr("0.5", on="2026-11"), LITTLE],
            "unknown",
            "partial-date",
        ),
        Row(
            "UPCR 0.5 g/g on 10 November, 1.5 g/g some time in October; 0.4 g/d",
            [upcr("0.5"), upcr("1.5", on="2026-10"), LITTLE],
            "no",
        ),
        Row(
            "UPCR 0.4 g/g, 1.2 g/d some time last month",
            [LITTLE_RATIO, daily("1.2", on="2026-10")],
            "unknown",
            "partial-date",
        ),
        Row("UPCR 0.5 g/g without any date, 0.4 g/d", [upcr("0.5", on=None), LITTLE], "unknown", "undated"),
        Row("UPCR 1.5 g/g without any date", [upcr("1.5", on=None)], "unknown", "undated"),
        Row(
            "UPCR 1.5 g/g without a date, reported on 2026-11-10",
            [upcr("1.5", on=None, issued="2026-11-10T08:00:00+08:00")],
            "unknown",
            "undated",
        ),
        Row(
            "UPCR 1.5 g/g without a date, reported on 2026-10-24",
            [upcr("1.5", on=None, issued="2026-10-24T08:00:00+08:00")],
            "unknown",
            "stale",
        ),
        Row(
            "UPCR 1.5 g/g on 10 November, 0.5 g/g without a date, reported on 2026-11-15",
            [upcr("1.5"), upcr("0.5", on=None, issued="2026-11-15T08:00:00+08:00")],
            "unknown",
            "undated",
        ),
        Row(
            "UPCR 1.5 g/g on 10 November, 0.5 g/g without a date, reported on 2026-11-05",
            [upcr("1.5"), upcr("0.5", on=None, issued="2026-11-05T08:00:00+08:00")],
            "yes",
        ),
        Row(
            "UPCR 1.5 g/g on 2026-02-30, a day that does not exist",
            [upcr("1.5", on="2026-02-30")],
            "unknown",
            "no-data",
        ),
        # attestation
        *attestation_rows("inc-proteinuria", "no-data"),
        Row("attested, UPCR without a unit", [said(True), upcr(quantity(2))], "yes", "attested"),
        Row(
            "attested, both measured and neither above",
            [said(True), LITTLE, LITTLE_RATIO],
            "unknown",
            "conflict",
        ),
        Row("attested that it does not hold, UPCR 1.5 g/g", [said(False), upcr("1.5")], "unknown", "conflict"),
        Row(
            "attested that it does not hold, UPCR 0.4 g/g alone",
            [said(False), LITTLE_RATIO],
            "no",
            "attested",
        ),
    ],
)


@pytest.mark.parametrize("row", rows, ids=label)
def test_proteinuria(row: Row) -> None:
    check(row)
