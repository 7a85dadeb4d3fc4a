"""At least four of the eleven ACR 1997 criteria: a documented count, or items that the record proves."""

from typing import Any

import pytest

from tests.builders import (
    Json,
    attestation,
    code,
    component,
    condition,
    instrument,
    loinc,
    observation,
    quantity,
    words,
)
from tests.spec.table import Row, attestation_rows, check, label, table

ITEMS = (
    "malar-rash",
    "discoid-rash",
    "photosensitivity",
    "oral-ulcers",
    "arthritis",
    "serositis",
    "renal-disorder",
    "neurologic-disorder",
    "hematologic-disorder",
    "immunologic-disorder",
    "antinuclear-antibody",
)
DOCUMENTED_ONLY = {"readings": {"acr-by-evidence": "documented-only"}}


def count(value: object, on: str | None = "2026-11-10", **how: Any) -> Json:
    return observation(instrument("acr-1997-count"), value, on=on, **how)


def item(name: str, holds: bool = True, on: str = "2020-05-01") -> Json:
    return observation(instrument(f"acr-1997-{name}"), holds, on=on)


def items(holding: int, denied: int = 0, on: str = "2020-05-01") -> list[Json]:
    """So many items that hold, in the order of the list, then so many that do not."""
    return [item(name, place < holding, on) for place, name in enumerate(ITEMS[: holding + denied])]


def three_and(*laboratory: Json) -> list[Json]:
    """Malar rash, discoid rash and photosensitivity are there; the laboratory may prove the fourth."""
    return [*items(3), *laboratory]


def protein(value: str, on: str) -> Json:
    return observation(loinc("2889-4"), value, "g/d", on=on)


def ratio(value: str, on: str) -> Json:
    return observation(loinc("2890-2"), value, "g/g", on=on)


def leukocytes(value: str, on: str, unit: str = "10*9/L") -> Json:
    return observation(loinc("6690-2"), value, unit, on=on)


def lymphocytes(value: str, on: str) -> Json:
    return observation(loinc("731-0"), value, "10*9/L", on=on)


def platelets(value: str, unit: str = "10*9/L") -> Json:
    return observation(loinc("777-3"), value, unit, on="2021-03-01")


def measured(number: str, **how: Any) -> Json:
    """A test of serum or urine, on 1 March 2021."""
    return observation(loinc(number), on="2021-03-01", **how)


def said(holds: bool) -> Json:
    return attestation("inc-acr-1997", holds, "2026-11-20")


rows = table(
    "inc-acr-1997",
    "Four of eleven ACR 1997 criteria",
    [
        # a documented count
        Row("a count of 4", [count(4)], "yes"),
        Row("a count of 11", [count(11)], "yes"),
        Row("a count of 4, seven years ago", [count(4, "2019-03-01")], "yes"),
        Row("a count of 3", [count(3)], "no"),
        Row("a count of 0", [count(0)], "no"),
        Row("a count of 3, 90 days ago", [count(3, "2026-08-24")], "no"),
        Row("a count of 3, 91 days ago", [count(3, "2026-08-23")], "unknown", "stale"),
        Row("a count of 3 in 2026-09, within the 90 days", [count(3, "2026-09")], "no"),
        Row(
            "a count of 3 in 2026-08, which the first of the 90 days cuts",
            [count(3, "2026-08")],
            "unknown",
            "partial-date",
        ),
        Row("a count of 3 in 2026-07", [count(3, "2026-07")], "unknown", "stale"),
        Row(
            "a count of 3, 91 days ago, 120 allowed",
            [count(3, "2026-08-23")],
            "no",
            None,
            {"readings": {"acr-count-days": 120}},
        ),
        Row("a count of 3 now, of 5 in 2020", [count(3), count(5, "2020-01-10")], "yes"),
        Row("a count of 5 now, of 3 in 2020", [count(5), count(3, "2020-01-10")], "yes"),
        Row("a count of 12", [count(12)], "unknown", "conflict"),
        Row("counts of 12 and of 5", [count(12), count(5, "2026-11-12")], "unknown", "conflict"),
        Row("counts of 12 and of 3", [count(12), count(3, "2026-11-12")], "unknown", "conflict"),
        Row("counts of -1 and of 5: the impossible one is not the highest", [count(-1), count(5, "2026-11-12")], "yes"),
        Row(
            "counts of 3.5 and of 5: the impossible one is not the highest",
            [count(quantity("3.5")), count(5, "2026-11-12")],
            "yes",
        ),
        Row("a count of 5 as the text 5", [count("5")], "yes"),
        Row("a count of 5 as the text 5分", [count("5分")], "unknown", "unit-unresolved"),
        Row("a count of less than 4", [count(quantity(4, comparator="<"))], "no"),
        Row("a count of at most 3", [count(quantity(3, comparator="<="))], "no"),
        Row("a count of less than 5", [count(quantity(5, comparator="<"))], "unknown", "needs-judgement"),
        Row("a count of more than 3: whole numbers begin at 4", [count(quantity(3, comparator=">"))], "yes"),
        Row("a count of at least 4", [count(quantity(4, comparator=">="))], "yes"),
        Row("a count of more than 2", [count(quantity(2, comparator=">"))], "unknown", "needs-judgement"),
        Row("a count of 5, preliminary", [count(5, status="preliminary")], "unknown", "needs-judgement"),
        Row("a count of 5, amended", [count(5, status="amended")], "yes"),
        Row("a count of 5, corrected", [count(5, status="corrected")], "yes"),
        Row("a count of 5, cancelled", [count(5, status="cancelled")], "unknown", "no-data"),
        Row("a count of 5, entered in error", [count(5, status="entered-in-error")], "unknown", "no-data"),
        Row("a count of 5, without a status", [count(5, status=None)], "unknown", "needs-judgement"),
        # when
        Row("a count of 4 today, randomisation not known", [count(4, "2026-11-22")], "yes"),
        Row("a count of 4 tomorrow", [count(4, "2026-11-23")], "unknown", "no-data"),
        Row(
            "a count of 4 on the day before randomisation",
            [count(4, "2026-11-19")],
            "yes",
            None,
            {"randomisation_date": "2026-11-20"},
        ),
        Row(
            "a count of 4 on the day of randomisation",
            [count(4, "2026-11-20")],
            "unknown",
            "no-data",
            {"randomisation_date": "2026-11-20"},
        ),
        Row(
            "a count of 4 after randomisation",
            [count(4, "2026-11-21")],
            "unknown",
            "no-data",
            {"randomisation_date": "2026-11-20"},
        ),
        Row(
            "a count of 4 today, randomisation next week",
            [count(4, "2026-11-22")],
            "yes",
            None,
            {"randomisation_date": "2026-11-29"},
        ),
        Row("a count of 5 some time in 2019", [count(5, "2019")], "yes"),
        Row("a count of 5 some time this month", [count(5, "2026-11")], "yes"),
        Row(
            "a count of 5 some time in the month of randomisation",
            [count(5, "2026-11")],
            "unknown",
            "partial-date",
            {"randomisation_date": "2026-11-15"},
        ),
        Row("a count of 5 without any date", [count(5, None)], "unknown", "undated"),
        Row(
            "a count of 5 without a date, reported on 2026-11-01",
            [count(5, None, issued="2026-11-01T08:00:00+08:00")],
            "yes",
        ),
        Row(
            "a count of 3, later a preliminary one of 5",
            [count(3), count(5, "2026-11-12", status="preliminary")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "a count of 5 as component of a panel",
            [observation(words("panel"), on="2026-11-10", components=[component(instrument("acr-1997-count"), 5)])],
            "yes",
        ),
        Row("a count of 12, four items", [count(12), *items(4)], "unknown", "conflict"),
        # items by their own codes
        Row(
            "four items as components of a panel",
            [
                observation(
                    words("panel"),
                    on="2026-11-10",
                    components=[component(instrument(f"acr-1997-{name}"), True) for name in ITEMS[:4]],
                )
            ],
            "yes",
        ),
        Row("four items", items(4), "yes"),
        Row("three items", items(3), "unknown", "no-data"),
        Row(
            "three items, two of them the same",
            [*items(2), item("malar-rash", on="2021-05-01")],
            "unknown",
            "no-data",
        ),
        Row("four items, only a documented count allowed", items(4), "unknown", "no-data", DOCUMENTED_ONLY),
        Row("a count of 4, only a documented count allowed", [count(4)], "yes", None, DOCUMENTED_ONLY),
        Row("a count of 3 now, four items", [count(3), *items(4)], "unknown", "conflict"),
        Row("a count of 3 now, three items", [count(3), *items(3)], "no"),
        Row("a count of 3 last year, four items", [count(3, "2025-11-10"), *items(4)], "yes"),
        Row("a count of 3 last year, three items", [count(3, "2025-11-10"), *items(3)], "unknown", "stale"),
        Row("all eleven assessed, three hold", items(3, 8), "no"),
        Row("all eleven assessed, none holds", items(0, 11), "no"),
        Row("all eleven assessed, four hold", items(4, 7), "yes"),
        Row("ten assessed, three hold", items(3, 7), "unknown", "no-data"),
        Row(
            "four items, one of them on the day of randomisation",
            [*items(3), item("oral-ulcers", on="2026-11-20")],
            "unknown",
            "no-data",
            {"randomisation_date": "2026-11-20"},
        ),
        Row("four items, all tomorrow", items(4, on="2026-11-23"), "unknown", "no-data"),
        # renal, by the laboratory
        Row(
            "three items, and 0.6 g/d of urine protein on two dates",
            three_and(protein("0.6", "2021-01-05"), protein("0.6", "2021-02-05")),
            "yes",
        ),
        Row(
            "three items, and 0.6 g/d of urine protein on one date",
            three_and(protein("0.6", "2021-01-05")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, and two results above 0.5 g/d on the same date",
            three_and(protein("0.6", "2021-01-05"), protein("0.7", "2021-01-05")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, and 0.6 g/d of urine protein in 2021 and in 2021-03: it may be one date",
            three_and(protein("0.6", "2021"), protein("0.6", "2021-03")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, and 0.5 g/d of urine protein on two dates",
            three_and(protein("0.5", "2021-01-05"), protein("0.5", "2021-02-05")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, and a UPCR of 0.6 g/g on two dates",
            three_and(ratio("0.6", "2021-01-05"), ratio("0.6", "2021-02-05")),
            "yes",
        ),
        Row(
            "three items, and a UPCR of 0.5 g/g on two dates",
            three_and(ratio("0.5", "2021-01-05"), ratio("0.5", "2021-02-05")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, 0.6 g/d on one date, a UPCR of 0.6 g/g on another",
            three_and(protein("0.6", "2021-01-05"), ratio("0.6", "2021-02-05")),
            "yes",
        ),
        Row(
            "three items, 0.6 g/d on two dates, the second that of randomisation",
            three_and(protein("0.6", "2021-01-05"), protein("0.6", "2026-11-20")),
            "unknown",
            "no-data",
            {"randomisation_date": "2026-11-20"},
        ),
        Row("three items, and red cell casts", three_and(measured("5807-3", value=2, unit="/[LPF]")), "yes"),
        Row(
            "three items, and 3 red cell casts, without a unit", three_and(measured("5807-3", value=quantity(3))), "yes"
        ),
        Row(
            "three items, and 3 red cell casts /低倍视野",
            three_and(measured("5807-3", value=3, unit="/低倍视野")),
            "yes",
        ),
        Row("three items, and 3 red cell casts /低倍", three_and(measured("5807-3", value=3, unit="/低倍")), "yes"),
        Row("three items, and granular casts", three_and(measured("5793-5", value=1, unit="/[LPF]")), "yes"),
        Row(
            "three items, and mixed cellular casts",
            three_and(measured("38995-7", value=1, unit="/[LPF]")),
            "yes",
        ),
        Row("three items, red cell casts 阳性", three_and(measured("5807-3", value="阳性")), "yes"),
        Row(
            "three items, no red cell casts",
            three_and(measured("5807-3", value=0, unit="/[LPF]")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, hyaline casts",
            three_and(measured("5796-8", value=4, unit="/[LPF]")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, white cell casts",
            three_and(measured("5820-6", value=4, unit="/[LPF]")),
            "unknown",
            "no-data",
        ),
        # hematologic, by the laboratory
        Row(
            "three items, leukocytes 3.9 on two dates",
            three_and(leukocytes("3.9", "2021-01-05"), leukocytes("3.9", "2021-02-05")),
            "yes",
        ),
        Row(
            "three items, leukocytes 3.9 in 10*3/uL on two dates",
            three_and(leukocytes("3.9", "2021-01-05", "10*3/uL"), leukocytes("3.9", "2021-02-05", "10*3/uL")),
            "yes",
        ),
        Row(
            "three items, leukocytes 3.9 on one date",
            three_and(leukocytes("3.9", "2021-01-05")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, leukocytes 3.9 in 2021-01 and on 2021-01-15: it may be one date",
            three_and(leukocytes("3.9", "2021-01"), leukocytes("3.9", "2021-01-15")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, leukocytes 3.9 in 2021-01 and on 2021-02-15: two dates",
            three_and(leukocytes("3.9", "2021-01"), leukocytes("3.9", "2021-02-15")),
            "yes",
        ),
        Row(
            "three items, leukocytes 4.0 on two dates",
            three_and(leukocytes("4.0", "2021-01-05"), leukocytes("4.0", "2021-02-05")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, lymphocytes 1.4 on two dates",
            three_and(lymphocytes("1.4", "2021-01-05"), lymphocytes("1.4", "2021-02-05")),
            "yes",
        ),
        Row(
            "three items, lymphocytes 1.5 on two dates",
            three_and(lymphocytes("1.5", "2021-01-05"), lymphocytes("1.5", "2021-02-05")),
            "unknown",
            "no-data",
        ),
        Row("three items, platelets 99", three_and(platelets("99")), "yes"),
        Row("three items, platelets 100", three_and(platelets("100")), "unknown", "no-data"),
        Row(
            "three items, platelets 90, years later 200",
            three_and(platelets("90"), observation(loinc("777-3"), 200, "10*9/L", on="2026-03-01")),
            "yes",
        ),
        # immunologic and antinuclear antibody, by the laboratory
        Row("three items, anti-dsDNA POS", three_and(measured("31348-6", interpretation="POS")), "yes"),
        Row("three items, anti-dsDNA A", three_and(measured("5130-0", interpretation="A")), "yes"),
        Row("three items, anti-dsDNA H", three_and(measured("5130-0", interpretation="H")), "yes"),
        Row("three items, anti-dsDNA HH", three_and(measured("5130-0", interpretation="HH")), "yes"),
        Row("three items, anti-dsDNA L", three_and(measured("5130-0", interpretation="L")), "unknown", "no-data"),
        Row(
            "three items, anti-dsDNA N",
            three_and(measured("5130-0", interpretation="N")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, anti-dsDNA NEG",
            three_and(measured("31348-6", interpretation="NEG")),
            "unknown",
            "no-data",
        ),
        Row(
            "three items, anti-dsDNA Positive, coded",
            three_and(measured("31348-6", value=code("loinc", "LA6576-8"))),
            "yes",
        ),
        Row("three items, anti-dsDNA 阳性", three_and(measured("31348-6", value="阳性")), "yes"),
        Row("three items, anti-dsDNA 阴性", three_and(measured("31348-6", value="阴性")), "unknown", "no-data"),
        Row(
            "three items, anti-dsDNA 101, laboratory's limit 100",
            three_and(measured("5130-0", value=101, unit="[IU]/mL", range=(None, 100))),
            "yes",
        ),
        Row(
            "three items, anti-dsDNA 100, laboratory's limit 100",
            three_and(measured("5130-0", value=100, unit="[IU]/mL", range=(None, 100))),
            "unknown",
            "no-data",
        ),
        Row("three items, anti-Sm POS", three_and(measured("11090-8", interpretation="POS")), "yes"),
        Row("three items, anticardiolipin IgG H", three_and(measured("3181-5", interpretation="H")), "yes"),
        Row("three items, lupus anticoagulant 阳性", three_and(measured("3281-3", value="阳性")), "yes"),
        Row("three items, ANA POS", three_and(measured("8061-4", interpretation="POS")), "yes"),
        Row(
            "three items, ANA titre 1:320, interpreted A",
            three_and(measured("5048-4", value="1:320", interpretation="A")),
            "yes",
        ),
        Row("three items, ANA negative", three_and(measured("8061-4", value="negative")), "unknown", "no-data"),
        Row(
            "two items, anti-dsDNA and anti-Sm positive: one item of the eleven",
            [*items(2), measured("31348-6", interpretation="POS"), measured("11090-8", interpretation="POS")],
            "unknown",
            "no-data",
        ),
        Row(
            "two items, anti-dsDNA and ANA positive",
            [*items(2), measured("31348-6", interpretation="POS"), measured("8061-4", interpretation="POS")],
            "yes",
        ),
        # candidates
        Row(
            "three items, a Condition thrombocytopenia",
            three_and(condition(code("snomed", "302215000"), "2021-01-01")),
            "unknown",
            "no-data",
        ),
        Row(
            "Conditions that could be four items",
            [
                condition(code("snomed", number), "2021-01-01")
                for number in ("200938002", "90128006", "26284000", "3723001", "91175000")
            ],
            "unknown",
            "no-data",
        ),
        Row("a diagnosis of SLE", [condition(code("snomed", "55464009"), "2021-01-01")], "unknown", "no-data"),
        Row("nothing", [], "unknown", "no-data"),
        Row("nothing, everything read", [], "unknown", "no-data", {"complete": "all"}),
        # attestation
        *attestation_rows("inc-acr-1997", "no-data"),
        Row("attested, a count of 3 now", [said(True), count(3)], "unknown", "conflict"),
        Row("attested, a count of 3 last year", [said(True), count(3, "2025-11-10")], "yes", "attested"),
        Row("attested that it does not hold, a count of 5", [said(False), count(5)], "unknown", "conflict"),
    ],
)


@pytest.mark.parametrize("row", rows, ids=label)
def test_acr_1997(row: Row) -> None:
    check(row)
