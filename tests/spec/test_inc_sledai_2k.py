"""SLEDAI-2K of at least 6: a documented total, or items that the record itself proves."""

from typing import Any

import pytest

from tests.builders import Json, attestation, code, instrument, loinc, observation, words
from tests.spec.table import Row, attestation_rows, check, label, table

ITEMS = (
    "seizure",
    "psychosis",
    "organic-brain-syndrome",
    "visual-disturbance",
    "cranial-nerve-disorder",
    "lupus-headache",
    "cva",
    "vasculitis",
    "arthritis",
    "myositis",
    "urinary-casts",
    "hematuria",
    "proteinuria",
    "pyuria",
    "rash",
    "alopecia",
    "mucosal-ulcers",
    "pleurisy",
    "pericarditis",
    "low-complement",
    "increased-dna-binding",
    "fever",
    "thrombocytopenia",
    "leukopenia",
)
DAY = "2026-11-10"
TEN_DAYS = {"readings": {"sledai-window": 10}}
RANDOMISED = {"randomisation_date": "2026-11-20"}


def total(value: object, on: str | None = DAY, **how: Any) -> Json:
    return observation(instrument("sledai-2k-total"), value, on=on, **how)


def item(name: str, holds: bool = True, on: str = DAY) -> Json:
    return observation(instrument(f"sledai-2k-{name}"), holds, on=on)


def items(*holding: str) -> list[Json]:
    return [item(name) for name in holding]


def assessed(*holding: str, but: tuple[str, ...] = ()) -> list[Json]:
    """Every item assessed, these hold; ``but`` are left out."""
    return [item(name, name in holding) for name in ITEMS if name not in but]


def measured(number: str, value: object = None, unit: str | None = None, on: str = DAY, **how: Any) -> Json:
    return observation(loinc(number), value, unit, on=on, **how)


def protein(value: str) -> Json:
    return measured("2889-4", value, "g/d")


def said(holds: bool) -> Json:
    return attestation("inc-sledai-2k", holds, "2026-11-20")


LOW_C3 = measured("4485-9", "0.5", "g/L", range=("0.9", "1.8"))

rows = table(
    "inc-sledai-2k",
    "SLEDAI-2K of at least 6",
    [
        # a documented total
        Row("a total of 6", [total(6)], "yes"),
        Row("a total of 5", [total(5)], "no"),
        Row("a total of 0", [total(0)], "no"),
        Row("a total of 105", [total(105)], "yes"),
        Row("a total of 8, as a quantity in {score}", [total(8, unit="{score}")], "yes"),
        Row("a total of 6, 30 days ago", [total(6, "2026-10-23")], "yes"),
        Row("a total of 6, 31 days ago", [total(6, "2026-10-22")], "unknown", "stale"),
        Row("a total of 5, 30 days ago", [total(5, "2026-10-23")], "no"),
        Row("a total of 5, 31 days ago", [total(5, "2026-10-22")], "unknown", "stale"),
        Row("a total of 6 today", [total(6, "2026-11-22")], "yes"),
        Row("a total of 6 tomorrow", [total(6, "2026-11-23")], "unknown", "no-data"),
        Row("ten days allowed: a total of 6, 10 days ago", [total(6, "2026-11-12")], "yes", None, TEN_DAYS),
        Row(
            "ten days allowed: a total of 6, 11 days ago",
            [total(6, "2026-11-11")],
            "unknown",
            "stale",
            TEN_DAYS,
        ),
        Row("a total of 6 on the day of randomisation", [total(6, "2026-11-20")], "yes", None, RANDOMISED),
        Row("a total of 6 after randomisation", [total(6, "2026-11-21")], "unknown", "no-data", RANDOMISED),
        Row("a total of 6, 30 days before randomisation", [total(6, "2026-10-21")], "yes", None, RANDOMISED),
        Row(
            "a total of 6, 31 days before randomisation",
            [total(6, "2026-10-20")],
            "unknown",
            "stale",
            RANDOMISED,
        ),
        Row(
            "a total of 4 before randomisation, of 8 after it",
            [total(4, "2026-11-10"), total(8, "2026-11-21")],
            "no",
            None,
            RANDOMISED,
        ),
        Row(
            "a total of 6, 31 days before a randomisation to come",
            [total(6, "2026-11-09")],
            "unknown",
            "stale",
            {"randomisation_date": "2026-12-10"},
        ),
        # several totals
        Row("a total of 8, later of 5", [total(8, "2026-11-01"), total(5, "2026-11-15")], "no"),
        Row("a total of 5, later of 8", [total(5, "2026-11-01"), total(8, "2026-11-15")], "yes"),
        Row("totals of 8 and of 5 on one day", [total(8), total(5)], "unknown", "conflict"),
        Row("totals of 4 and of 5 on one day", [total(4), total(5)], "no"),
        Row(
            "a total of 8, later one without a value",
            [total(8), total(None, "2026-11-15", absent="not-performed")],
            "yes",
        ),
        # impossible totals, statuses, dates
        Row("a total of 106", [total(106)], "unknown", "conflict"),
        Row("a total of -1", [total(-1)], "unknown", "conflict"),
        Row("a total of 6.5", [total("6.5", unit="{score}")], "unknown", "conflict"),
        Row("a total of at least 5", [total(5, unit="{score}", comparator=">=")], "unknown", "needs-judgement"),
        Row("a total of 12 as the text 12", [total("12")], "yes"),
        Row("a total of 12 as the text 12分", [total("12分")], "unknown", "unit-unresolved"),
        Row("a total of 12 as the text 12 points", [total("12 points")], "unknown", "unit-unresolved"),
        Row("a total as the text high activity", [total("high activity")], "unknown", "needs-judgement"),
        Row("a total of less than 6", [total(6, unit="{score}", comparator="<")], "no"),
        Row("a total of at most 5", [total(5, unit="{score}", comparator="<=")], "no"),
        Row("a total of less than 7", [total(7, unit="{score}", comparator="<")], "unknown", "needs-judgement"),
        Row("a total of at most 6", [total(6, unit="{score}", comparator="<=")], "unknown", "needs-judgement"),
        Row("a total of more than 5: whole numbers begin at 6", [total(5, unit="{score}", comparator=">")], "yes"),
        Row("a total of at least 6", [total(6, unit="{score}", comparator=">=")], "yes"),
        Row("a total of more than 4", [total(4, unit="{score}", comparator=">")], "unknown", "needs-judgement"),
        Row("a total of 8, preliminary", [total(8, status="preliminary")], "unknown", "needs-judgement"),
        Row(
            "a total of 4, later a preliminary one of 8",
            [total(4, "2026-11-01"), total(8, status="preliminary")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "a total of 8, later a preliminary one of 4",
            [total(8, "2026-11-01"), total(4, status="preliminary")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "a total of 4, later a preliminary one of 3",
            [total(4, "2026-11-01"), total(3, status="preliminary")],
            "no",
        ),
        Row(
            "a preliminary total of 4, later a final one of 8",
            [total(4, "2026-11-01", status="preliminary"), total(8)],
            "yes",
        ),
        Row("a total of 8, entered in error", [total(8, status="entered-in-error")], "unknown", "no-data"),
        Row("a total of 8, some time this month", [total(8, "2026-11")], "yes"),
        Row("a total of 8, some time last month", [total(8, "2026-10")], "unknown", "partial-date"),
        Row("a total of 8, some time in September", [total(8, "2026-09")], "unknown", "stale"),
        Row(
            "a total of 8, and one of 4 some time this month",
            [total(8), total(4, "2026-11")],
            "unknown",
            "partial-date",
        ),
        Row("a total of 8 without any date", [total(8, None)], "unknown", "undated"),
        Row(
            "a total of 8 without a date, reported on 2026-10-01",
            [total(8, None, issued="2026-10-01T08:00:00+08:00")],
            "unknown",
            "stale",
        ),
        Row(
            "a total of 8 without a date, reported on 2026-11-10",
            [total(8, None, issued="2026-11-10T08:00:00+08:00")],
            "unknown",
            "undated",
        ),
        # items by their own codes
        Row("seizure (8)", items("seizure"), "yes"),
        Row("arthritis (4) and rash (2)", items("arthritis", "rash"), "yes"),
        Row("arthritis (4) and fever (1)", items("arthritis", "fever"), "unknown", "no-data"),
        Row("seizure (8), 30 days ago", [item("seizure", on="2026-10-23")], "yes"),
        Row("seizure (8), 31 days ago", [item("seizure", on="2026-10-22")], "unknown", "no-data"),
        Row("a total of 4, seizure (8)", [total(4), *items("seizure")], "unknown", "conflict"),
        Row("a total of 4, arthritis (4)", [total(4), *items("arthritis")], "no"),
        Row(
            "a preliminary total of 8, seizure (8): it would not change the answer",
            [total(8, status="preliminary"), *items("seizure")],
            "yes",
        ),
        Row(
            "a preliminary total of 4, seizure (8): it would contradict it",
            [total(4, status="preliminary"), *items("seizure")],
            "unknown",
            "needs-judgement",
        ),
        Row("an older total of 4, seizure (8)", [total(4, "2026-10-01"), *items("seizure")], "yes"),
        Row(
            "an older total of 8, arthritis (4)",
            [total(8, "2026-10-01"), *items("arthritis")],
            "unknown",
            "stale",
        ),
        Row("all 24 assessed, arthritis (4) and fever (1) hold", assessed("arthritis", "fever"), "no"),
        Row("all 24 assessed, none holds", assessed(), "no"),
        Row("all 24 assessed, arthritis (4) and rash (2) hold", assessed("arthritis", "rash"), "yes"),
        Row("all but psychosis assessed, none holds", assessed(but=("psychosis",)), "unknown", "no-data"),
        Row(
            "all 24 assessed and none holds, but rash two months ago",
            [*assessed(but=("rash",)), item("rash", False, "2026-09-01")],
            "unknown",
            "no-data",
        ),
        Row(
            "seizure (8), later none",
            [item("seizure", on="2026-11-01"), item("seizure", False, "2026-11-15")],
            "unknown",
            "no-data",
        ),
        Row("no seizure, later seizure (8)", [item("seizure", False, "2026-11-01"), item("seizure")], "yes"),
        # items by the laboratory
        Row(
            "0.8 g/d of protein, later 0.3 g/d, low C3 (2)",
            [measured("2889-4", "0.8", "g/d", on="2026-11-01"), protein("0.3"), LOW_C3],
            "unknown",
            "no-data",
        ),
        Row("0.6 g/d of protein (4), low C3 (2)", [protein("0.6"), LOW_C3], "yes"),
        Row("0.5 g/d of protein, low C3 (2)", [protein("0.5"), LOW_C3], "unknown", "no-data"),
        Row("UPCR 0.6 g/g (4), low C3 (2)", [measured("2890-2", "0.6", "g/g"), LOW_C3], "yes"),
        Row("UPCR 0.5 g/g, low C3 (2)", [measured("2890-2", "0.5", "g/g"), LOW_C3], "unknown", "no-data"),
        Row(
            "UPCR 0.6 g/g, low C3 (2), the UPCR ignored",
            [measured("2890-2", "0.6", "g/g"), LOW_C3],
            "unknown",
            "no-data",
            {"readings": {"sledai-upcr": "ignored"}},
        ),
        Row("red cell casts (4), low C3 (2)", [measured("5807-3", 2, "/[LPF]"), LOW_C3], "yes"),
        Row("no red cell casts, low C3 (2)", [measured("5807-3", 0, "/[LPF]"), LOW_C3], "unknown", "no-data"),
        Row("hyaline casts, low C3 (2)", [measured("5796-8", 5, "/[LPF]"), LOW_C3], "unknown", "no-data"),
        Row(
            "arthritis (4), C3 interpreted L (2)",
            [*items("arthritis"), measured("4485-9", interpretation="L")],
            "yes",
        ),
        Row(
            "arthritis (4), C4 interpreted L (2)",
            [*items("arthritis"), measured("4498-2", interpretation="L")],
            "yes",
        ),
        Row(
            "arthritis (4), CH50 below the laboratory's range (2)",
            [*items("arthritis"), measured("4532-8", 20, "U/mL", range=(31, 60))],
            "yes",
        ),
        Row(
            "arthritis (4), C3 at the laboratory's lower limit",
            [*items("arthritis"), measured("4485-9", "0.9", "g/L", range=("0.9", "1.8"))],
            "unknown",
            "no-data",
        ),
        Row(
            "arthritis (4), C3 0.5 g/L without the laboratory's range",
            [*items("arthritis"), measured("4485-9", "0.5", "g/L")],
            "unknown",
            "no-data",
        ),
        Row(
            "arthritis (4), low C3 (2) 31 days ago",
            [*items("arthritis"), measured("4485-9", on="2026-10-22", interpretation="L")],
            "unknown",
            "no-data",
        ),
        Row(
            "arthritis (4), low C3 and low C4: one item (2)",
            [
                *items("arthritis"),
                measured("4485-9", interpretation="L"),
                measured("4498-2", interpretation="L"),
            ],
            "yes",
        ),
        Row(
            "rash (2), low C3 and low C4: one item (2)",
            [*items("rash"), measured("4485-9", interpretation="L"), measured("4498-2", interpretation="L")],
            "unknown",
            "no-data",
        ),
        Row(
            "arthritis (4), anti-dsDNA H (2)",
            [*items("arthritis"), measured("5130-0", interpretation="H")],
            "yes",
        ),
        Row(
            "arthritis (4), anti-dsDNA above the laboratory's range (2)",
            [*items("arthritis"), measured("5130-0", 101, "[IU]/mL", range=(None, 100))],
            "yes",
        ),
        Row(
            "arthritis (4), anti-dsDNA within the laboratory's range",
            [*items("arthritis"), measured("5130-0", 100, "[IU]/mL", range=(None, 100))],
            "unknown",
            "no-data",
        ),
        Row(
            "arthritis (4), leukopenia (1), platelets 99 (1)",
            [*items("arthritis", "leukopenia"), measured("777-3", 99, "10*9/L")],
            "yes",
        ),
        Row(
            "arthritis (4), leukopenia (1), platelets 100",
            [*items("arthritis", "leukopenia"), measured("777-3", 100, "10*9/L")],
            "unknown",
            "no-data",
        ),
        # what needs a person
        Row(
            "rash (2), 20 red cells per field: a person must exclude stones and infection",
            [*items("rash"), measured("13945-1", 20, "/[HPF]")],
            "unknown",
            "no-data",
        ),
        Row(
            "rash (2), 20 white cells per field",
            [*items("rash"), measured("5821-4", 20, "/[HPF]")],
            "unknown",
            "no-data",
        ),
        Row(
            "arthritis (4), fever (1), leukocytes 2.5",
            [*items("arthritis", "fever"), measured("6690-2", "2.5", "10*9/L")],
            "unknown",
            "no-data",
        ),
        Row(
            "arthritis (4), leukopenia (1), 39 degrees",
            [*items("arthritis", "leukopenia"), measured("8310-5", 39, "Cel")],
            "unknown",
            "no-data",
        ),
        # other instruments
        Row("SELENA-SLEDAI of 12", [observation(words("SELENA-SLEDAI"), 12, on=DAY)], "unknown", "no-data"),
        Row("SLEDAI of 12", [observation(words("SLEDAI"), 12, on=DAY)], "unknown", "no-data"),
        Row(
            "a local code for SELENA-SLEDAI of 12",
            [observation(code("local", "S12", "SELENA-SLEDAI score"), 12, on=DAY)],
            "unknown",
            "no-data",
        ),
        Row("the damage index (LOINC 64392-4) of 8", [measured("64392-4", 8)], "unknown", "no-data"),
        Row("the arthritis index SDAI (LOINC 75843-3) of 30", [measured("75843-3", 30)], "unknown", "no-data"),
        Row("nothing", [], "unknown", "no-data"),
        Row("nothing, everything read", [], "unknown", "no-data", {"complete": "all"}),
        # attestation
        *attestation_rows("inc-sledai-2k", "no-data"),
        Row("attested, an older total of 8", [said(True), total(8, "2026-10-01")], "yes", "attested"),
        Row("attested, a total of 4", [said(True), total(4)], "unknown", "conflict"),
        Row("attested that it does not hold, a total of 8", [said(False), total(8)], "unknown", "conflict"),
    ],
)


@pytest.mark.parametrize("row", rows, ids=label)
def test_sledai_2k(row: Row) -> None:
    check(row)
