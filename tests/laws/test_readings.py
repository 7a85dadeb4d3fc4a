"""Readings: an option changes the verdicts that rest on it, and nothing else."""

import functools
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.assignment.arms import load_arms
from adapter.errors import UsageError
from tests.builders import (
    Json,
    administration,
    attestation,
    code,
    dosage,
    instrument,
    loinc,
    observation,
    patient,
    statement,
)
from tests.laws.records import ROOT, TODAY, ago, answers, cohort, pool, screening, trial

FOLDER = ROOT / "mappings" / "trials" / "ln-msc-il2"
SHIPPED = {entry["id"]: entry for entry in yaml.safe_load((FOLDER / "readings.yaml").read_text(encoding="utf-8"))}
OF_DOSES = {name for arm in load_arms(trial()).all for name in arm.treatment.readings}
ENTRIES = {name: entry for name, entry in SHIPPED.items() if name not in OF_DOSES}
IN_FORCE: dict[str, str | int] = {name: entry["in-force"] for name, entry in ENTRIES.items()}


@dataclass(frozen=True)
class Case:
    """A record on which an option decides: the answer under the reading in force, and under the option."""

    reading: str
    option: str | int
    criterion: str
    records: tuple[Json, ...]
    before: tuple[str, str]
    after: tuple[str, str]
    options: dict[str, Any] = field(default_factory=dict)


RITUXIMAB, MMF = code("atc", "L01FA01"), code("atc", "L04AA06")


def upcr(value: str, on: str) -> Json:
    return observation(loinc("2890-2"), value, "g/g", on=on)


def daily(value: str, on: str) -> Json:
    return observation(loinc("2889-4"), value, "g/d", on=on)


def total(name: str, value: int, on: str) -> Json:
    return observation(instrument(name), value, on=on)


def taken(dose: str, start: str, end: str | None = None) -> Json:
    return statement(MMF, (start, end), status="completed" if end else "active", dosage=dosage(dose))


def test_of(kind: str, on: str, result: str = "阴性") -> Json:
    return observation(loinc({"urine": "2106-3", "serum": "2118-8"}[kind]), result, on=on)


test_of.__test__ = False  # type: ignore[attr-defined]

TESTS = (test_of("urine", ago(40)), test_of("serum", ago(20)))
ITEMS = tuple(observation(instrument(f"acr-1997-{item}"), True, on=ago(200)) for item in
              ("malar-rash", "oral-ulcers", "arthritis", "serositis"))  # fmt: skip
CASTS_AND_UPCR = (upcr("0.8", ago(5)), observation(instrument("sledai-2k-arthritis"), True, on=ago(5)))
BORN_18, BORN_65 = patient(born="2008-05-01"), patient(born="1961-05-01")

OPEN, NOT_DONE = ("unknown", "needs-judgement"), ("unknown", "no-data")
IN, OUT = ("yes", "within-bounds"), ("no", "outside-bounds")

CASES = [
    Case("after-anchor", "ignored", "exc-b-cell-depletion", (administration(RITUXIMAB, ago(3)),),
         ("yes", "within-window"), ("no", "outside-window"), {"screening_date": TODAY - timedelta(10)}),
    Case("age-bounds", "exact", "inc-age", (BORN_18,), OPEN, IN),
    Case("age-bounds", "exact", "inc-age", (BORN_65,), OPEN, OUT),
    Case("age-bounds", "completed-years", "inc-age", (BORN_18,), OPEN, OUT),
    Case("age-bounds", "completed-years", "inc-age", (BORN_65,), OPEN, IN),
    Case("acr-by-evidence", "documented-only", "inc-acr-1997", ITEMS, ("yes", "proved-items"), ("unknown", "no-data")),
    Case("acr-count-days", 120, "inc-acr-1997", (total("acr-1997-count", 3, ago(100)),),
         ("unknown", "stale"), ("no", "documented")),
    Case("acr-count-days", 30, "inc-acr-1997", (total("acr-1997-count", 3, ago(60)),),
         ("no", "documented"), ("unknown", "stale")),
    Case("sledai-window", 10, "inc-sledai-2k", (total("sledai-2k-total", 8, ago(20)),),
         ("yes", "documented"), ("unknown", "stale")),
    Case("sledai-window", 60, "inc-sledai-2k", (total("sledai-2k-total", 8, ago(45)),),
         ("unknown", "stale"), ("yes", "documented")),
    Case("sledai-upcr", "ignored", "inc-sledai-2k", CASTS_AND_UPCR, ("yes", "proved-items"), ("unknown", "no-data")),
    Case("proteinuria-days", 60, "inc-proteinuria", (upcr("1.5", ago(40)),), ("unknown", "stale"), ("yes", "above")),
    Case("proteinuria-days", 7, "inc-proteinuria", (upcr("1.5", ago(10)),), ("yes", "above"), ("unknown", "stale")),
    Case("one-test-suffices", "yes", "inc-proteinuria", (upcr("0.5", ago(5)),), NOT_DONE, ("no", "not-above")),
    Case("one-test-suffices", "yes", "inc-proteinuria", (daily("0.5", ago(5)),), NOT_DONE, ("no", "not-above")),
    Case("childbearing-age", "15-49", "inc-contraception", (patient(born="1974-01-01"),),
         ("unknown", "no-data"), ("yes", "not-applicable")),
    Case("childbearing-age", "40-55", "inc-pregnancy-tests", (), NOT_DONE, ("yes", "not-applicable")),
    Case("childbearing-age", "40-55", "exc-pregnant-or-lactating", (), NOT_DONE, ("no", "not-applicable")),
    Case("pregnancy-test-days", 45, "inc-pregnancy-tests", TESTS, ("unknown", "stale"), ("yes", "negative")),
    Case("pregnancy-test-days", 45, "inc-pregnancy-tests", (test_of("urine", ago(40), "阳性"), TESTS[1]),
         ("unknown", "stale"), ("no", "positive")),
    Case("attestation-days", 60, "exc-severe-organ-disease", (attestation("exc-severe-organ-disease", True, ago(45)),),
         ("no", "no-record"), ("yes", "attested")),
    Case("attestation-days", 5, "inc-contraception", (attestation("inc-contraception", True, ago(6)),),
         ("yes", "attested"), ("unknown", "stale")),
    Case("unstable-dose", "ignore-start-stop", "exc-unstable-immunosuppressant", (taken("1000", ago(40)),),
         ("yes", "changed"), ("no", "constant")),
    Case("unstable-dose", 20, "exc-unstable-immunosuppressant",
         (taken("1000", ago(300), ago(41)), taken("1100", ago(40))), ("yes", "changed"), ("no", "constant")),
    Case("refill-gap-days", 7, "exc-unstable-immunosuppressant",
         (taken("1000", ago(300), ago(50)), taken("1000", ago(39))), ("no", "constant"), ("yes", "changed")),
    Case("refill-gap-days", 30, "exc-unstable-immunosuppressant",
         (taken("1000", ago(300), ago(60)), taken("1000", ago(39))), ("yes", "changed"), ("no", "constant")),
]  # fmt: skip


def name_of(case: Case) -> str:
    return f"{case.reading}={case.option} {case.criterion}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_option_decides(case: Case) -> None:
    under = {case.reading: case.option}
    assert answers(case.records, **case.options)[case.criterion] == case.before
    assert answers(case.records, readings=under, **case.options)[case.criterion] == case.after


def changed(
    records: tuple[Json, ...], under: dict[str, str | int], **options: Any
) -> dict[str, tuple[set[str], set[str]]]:
    """The criteria that an option answers differently, with the readings that both answers name."""
    before, after = (screening(records, readings=readings, **options) for readings in (None, under))
    return {
        one.criterion.id: (set(one.readings), set(other.readings))
        for one, other in zip(before.criteria, after.criteria, strict=True)
        if one.to_dict() != other.to_dict()
    }


@functools.cache
def naming(reading: str) -> set[str]:
    """The criteria that name a reading: in their own words, by their instrument, or as every attestation does."""
    if reading == "attestation-days":
        return {criterion["id"] for criterion in CRITERIA}
    return {one["id"] for one in CRITERIA if reading in readings_of(one["holds"])}


CRITERIA = yaml.safe_load((FOLDER / "criteria.yaml").read_text(encoding="utf-8"))["criteria"]
_PLAIN = {"reading", "one-suffices", "childbearing-age", "by-evidence"}


def readings_of(value: Any) -> set[str]:
    """The readings named in a predicate of criteria.yaml."""
    if isinstance(value, list):
        return set[str]().union(*map(readings_of, value))
    if not isinstance(value, dict):
        return set()
    found = {one for key, one in value.items() if key in _PLAIN and isinstance(one, str)}
    if value.get("before", "as-of") != "as-of":
        found.add("after-anchor")
    if "instrument" in value:
        path = ROOT / "mappings" / "instruments" / f"{value['instrument']}.yaml"
        found |= readings_of(yaml.safe_load(path.read_text(encoding="utf-8"))["items"])
    return found.union(*map(readings_of, value.values()))


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_option_changes_the_criteria_that_name_it_and_nothing_else(case: Case) -> None:
    found = changed(case.records, {case.reading: case.option}, **case.options)
    assert case.criterion in found
    assert found.keys() <= naming(case.reading)
    for before, after in found.values():
        assert case.reading in before & after


def options_of(entry: dict[str, Any]) -> list[str | int]:
    """Every named option of a reading but the one in force, and some numbers where it takes numbers."""
    named = [option for option in entry["options"] if option not in ("days", "percent", "range")]
    numbers: list[str | int] = [0, 10, 25, 180] if {"days", "percent"} & entry["options"].keys() else []
    ranges: list[str | int] = ["15-49", "30-40", "12-60"] if "range" in entry["options"] else []
    return [option for option in (*named, *numbers, *ranges) if str(option) != str(entry["in-force"])]


EVERY_OPTION = [(name, option) for name, entry in ENTRIES.items() for option in options_of(entry)]


@pytest.mark.parametrize(("reading", "option"), EVERY_OPTION)
def test_no_patient_of_the_cohort_is_answered_differently_by_criteria_that_do_not_name_it(
    reading: str, option: str | int
) -> None:
    for resources in cohort().values():
        for anchors in ({}, {"screening_date": TODAY.replace(day=2), "randomisation_date": TODAY.replace(day=15)}):
            found = changed(resources, {reading: option}, **anchors)
            assert found.keys() <= naming(reading)
            assert all(reading in before | after for before, after in found.values())


@given(st.integers(0, 2**32).map(random.Random), st.sampled_from(EVERY_OPTION), st.integers(0, 40))
@settings(max_examples=150)
def test_any_record_is_answered_differently_only_by_criteria_that_name_it(
    chance: random.Random, which: tuple[str, str | int], back: int
) -> None:
    reading, option = which
    records = tuple(chance.sample(pool(), 30))
    found = changed(records, {reading: option}, screening_date=TODAY - timedelta(back))
    assert found.keys() <= naming(reading)
    assert all(reading in before | after for before, after in found.values())


@given(st.integers(0, 2**32).map(random.Random))
@settings(max_examples=30)
def test_saying_what_is_in_force_anyhow_changes_nothing(chance: random.Random) -> None:
    assert changed(tuple(chance.sample(pool(), 30)), dict(IN_FORCE)) == {}


def test_every_reading_and_every_named_option_has_a_case() -> None:
    assert {case.reading for case in CASES} == ENTRIES.keys()
    told = {(case.reading, str(case.option)) for case in CASES}
    open_ended = {"days", "percent", "range"}
    for name, entry in ENTRIES.items():
        named = {str(option) for option in entry["options"]} - open_ended - {str(entry["in-force"])}
        assert {(name, option) for option in named} <= told


def test_every_reading_is_named_by_some_criterion_or_else_by_an_arm() -> None:
    assert all(naming(reading) for reading in ENTRIES)
    assert SHIPPED.keys() - ENTRIES.keys() == OF_DOSES
    assert not any(naming(reading) for reading in OF_DOSES)


def test_what_the_protocol_does_not_say_of_a_dose_has_no_default() -> None:
    assert {name for name, entry in SHIPPED.items() if entry["in-force"] is None} == {
        "msc-infusions", "il2-courses", "il2-interval",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reading", "option"),
    [("age-bounds", "strict"), ("proteinuria-days", "a month"), ("proteinuria-days", "-1"), ("childbearing-age", "15"),
     ("unstable-dose", "some"), ("after-anchor", 1), ("sledai-window", "days")],
)  # fmt: skip
def test_an_option_that_is_none_is_refused_with_those_there_are(reading: str, option: str | int) -> None:
    with pytest.raises(UsageError, match=reading):
        trial({reading: option})


def test_a_reading_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="proteinuria-days"):
        trial({"proteinuria-day": 28})
