"""Units and numbers: the guide's vectors, every spelling there and back, comparators as sets of values.

The factors of `mappings/units.yaml` are checked against an arithmetic below: prefixes, molar mass, minutes.
"""

import re
import unicodedata
from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.fhir.elements import Quantity
from adapter.fhir.quantities import Number, conversion, normal_unit, number_of, plain, split_text
from adapter.fhir.systems import UCUM
from adapter.screen import shipped_tables
from tests.builders import Json, loinc, observation, quantity
from tests.laws.records import TODAY, answers, screening

UNITS = shipped_tables().units
SPELLINGS = [(canonical, spelling) for canonical, table in UNITS.items() for spelling in table]
UPCR, DAILY, ON = loinc("2890-2"), loinc("2889-4"), TODAY.isoformat()
CREATININE = Fraction("113.12")  # g/mol


def factor(unit: str, canonical: str) -> Fraction | None:
    """The factor of a unit as printed, None where it is refused."""
    found = conversion(Quantity(value=Decimal(1), unit=unit), canonical, UNITS)
    return found.factor if found else None


def proteinuria(*records: Json) -> tuple[str, str]:
    return answers(records)["inc-proteinuria"]


# --- the vectors of the guide

VECTORS = [
    ("1.0", "g/g", "1.000000", False),
    ("1000", "mg/g", "1.000000", False),
    ("1.0", "mg/mg", "1.000000", False),
    ("1001", "mg/g", "1.001000", True),
    ("100", "mg/mmol", "0.884017", False),
    ("113", "mg/mmol", "0.998939", False),
    ("113.1", "mg/mmol", "0.999823", False),
    ("113.12", "mg/mmol", "1.000000", False),
    ("113.2", "mg/mmol", "1.000707", True),
    ("114", "g/mol", "1.007779", True),
    ("0.113", "g/mmol", "0.998939", False),
]


@pytest.mark.parametrize(("value", "unit", "ratio", "above"), VECTORS)
def test_the_ratio_is_exact_and_one_is_not_above_one(value: str, unit: str, ratio: str, above: bool) -> None:
    found = factor(unit, "g/g")
    assert found is not None
    exact = Fraction(value) * found
    assert f"{Decimal(exact.numerator) / exact.denominator:.6f}" == ratio
    assert Number(exact, exact).above(Fraction(1)) is above


@pytest.mark.parametrize(("value", "unit", "ratio", "above"), VECTORS)
@pytest.mark.parametrize("how", ["unit", "ucum", "both", "text", "ratio"])
def test_the_vectors_through_the_program(value: str, unit: str, ratio: str, above: bool, how: str) -> None:
    over, _, under = unit.partition("/")
    values: dict[str, object] = {
        "unit": quantity(value, unit),
        "ucum": quantity(value, ucum=unit),
        "both": quantity(value, unit, ucum=unit),
        "text": f"{value} {unit}",
        "ratio": None,
    }
    parts = {"numerator": quantity(value, over), "denominator": quantity("1", under)}
    record = observation(UPCR, values[how], on=ON, **({"valueRatio": parts} if how == "ratio" else {}))
    low = observation(DAILY, "0.5", "g/d", on=ON)
    assert proteinuria(record, low) == (("yes", "above") if above else ("no", "not-above"))


FACTORS = {
    "g/g": {
        "g/g": "1", "mg/mg": "1", "mg/g": "1/1000", "ug/mg": "1/1000", "mg/mmol": "100/11312", "g/mol": "100/11312",
        "g/mmol": "100000/11312", "mg/mol": "1/113120", "mg/g{creat}": "1/1000", "mg/mmol{creat}": "100/11312",
        "g/g{creat}": "1", "{ratio}": None, "mg/{creat}": None,
    },
    "g/d": {
        "g/(24.h)": "1", "g/d": "1", "mg/(24.h)": "1/1000", "mg/d": "1/1000", "g/24h": "1", "mg/24h": "1/1000",
        "g/24小时": "1", "mg/24 HR": "1/1000", "g/24 h": "1", "g/24.h": "1", "mg/24.h": "1/1000", "g/{24.h}": "1",
        "g/{day}": "1", "g": "1", "mg": "1/1000", "mg/min": "36/25",
    },
    "g/L": {"g/L": "1", "mg/dL": "1/100", "mg/L": "1/1000"},
    "g/L creatinine": {"mg/dL": "1/100", "mmol/L": "11312/100000", "umol/L": "11312/100000000", "g/L": "1"},
    "L": {"L": "1", "mL": "1/1000"},
    "10*9/L": {"10*9/L": "1", "10*3/uL": "1"},
    "kg": {"kg": "1", "g": "1/1000", "[lb_av]": "45359237/100000000"},
    "[IU]": {"[IU]": "1", "[iU]": "1", "IU": "1", "MIU": "1000000"},
}  # fmt: skip
"""canonical unit -> spelling -> the guide's factor, None where it is refused"""


@pytest.mark.parametrize(("canonical", "unit"), [(c, unit) for c, rows in FACTORS.items() for unit in rows])
def test_the_factor_is_the_guides(canonical: str, unit: str) -> None:
    told = FACTORS[canonical][unit]
    assert factor(unit, canonical) == (None if told is None else Fraction(told))


REFUSED = {
    "g/g": "mg/{creat} g mg % 1 mg/dL g/L mg/24h g/d mg/min mmol/mmol mg/umol{creat}x G/MOL MG/MMOL ratio + n/a",
    "g/d": "g/L mg/dL mg/mmol g/g g/12h mg/8h mg/h g/wk mL % 1 {score} G/D*",
    "g/L": "mmol/L g/d mg/g mg [IU]/L m[IU]/mL",
    "g/L creatinine": "mmol/d g/d mg/g [IU]/L ML mol",
    "L": "L/h mL/min mL/h g kg ML",
    "10*9/L": "10*12/L % g/L /[HPF] /[LPF] 10*9 {score}",
    "kg": "lb/in2 kg/m2 cm % a Cel [degF]",
    "mg": "tablet 片 mL mg/kg % puff MIU",
    "[IU]": "mg [IU]/L m[IU]/mL mIU/mL k[IU]/L tablet 10*6{cells}/kg",
}


@pytest.mark.parametrize(("canonical", "unit"), [(c, u) for c, units in REFUSED.items() for u in units.split()])
def test_a_unit_of_another_kind_is_refused_never_guessed(canonical: str, unit: str) -> None:
    assert factor(unit, canonical) is None


@pytest.mark.parametrize("unit", [None, "", " ", "mg/{creat}", "mg", "%", "mg/24h", "mg/dL", "？"])
def test_a_ratio_without_a_known_unit_answers_nothing(unit: str | None) -> None:
    for value in ("0.2", "1.5", "2400"):
        assert proteinuria(observation(UPCR, quantity(value, unit), on=ON)) == ("unknown", "unit-unresolved")
        text = observation(UPCR, f"{value} {unit or ''}".strip(), on=ON)
        assert proteinuria(text) == ("unknown", "unit-unresolved")


@pytest.mark.parametrize(
    ("unit", "ucum", "expected"),
    [
        ("mg/g", "mg/g", "yes"),
        ("mg/gCr", "mg/g{creat}", "yes"),
        ("mg/g", "1", "yes"),
        ("mg/g", "g/g", "unknown"),
        ("mg/mmol", "mg/g", "unknown"),
        ("mg/g", "mg/dL", "unknown"),
        ("克比克", "mg/g", "yes"),
    ],
)
def test_a_printed_unit_and_a_code_that_contradict_each_other_decide_nothing(
    unit: str, ucum: str, expected: str
) -> None:
    assert proteinuria(observation(UPCR, quantity("1200", unit, ucum=ucum), on=ON))[0] == expected


def test_a_code_of_another_system_is_no_ucum() -> None:
    foreign = {"value": Decimal(1200), "system": "http://hospital.example/units", "code": "mg/g"}
    assert proteinuria(observation(UPCR, foreign, on=ON)) == ("unknown", "unit-unresolved")


PAIRS = [
    ("150", "mg/dL", "100", "mg/dL", "yes"),
    ("100", "mg/dL", "100", "mg/dL", "unknown"),
    ("1.0", "g/L", "8.8", "mmol/L", "yes"),  # 1.0046 g/g
    ("1.0", "g/L", "8.9", "mmol/L", "unknown"),  # 0.9933 g/g
    ("1", "g/L", "8840", "umol/L", "yes"),
    ("1", "g/L", "8841", "umol/L", "unknown"),
]


@pytest.mark.parametrize(("protein", "unit", "creatinine", "by", "expected"), PAIRS)
def test_protein_over_creatinine_of_one_specimen(
    protein: str, unit: str, creatinine: str, by: str, expected: str
) -> None:
    urine = {"on": ON, "specimen": "Specimen/u1"}
    creatinine_code = loinc("14683-7" if "mol" in by else "2161-8")
    pair = (observation(loinc("2888-6"), protein, unit, **urine), observation(creatinine_code, creatinine, by, **urine))
    assert proteinuria(*pair)[0] == expected


@pytest.mark.parametrize(
    ("protein", "unit", "volume", "by", "expected"),
    [("0.51", "g/L", "2", "L", "yes"), ("0.5", "g/L", "2", "L", "unknown"), ("51", "mg/dL", "2000", "mL", "yes"),
     ("100", "mg/dL", "1000", "mL", "unknown"), ("100.1", "mg/dL", "1000", "mL", "yes")],
)  # fmt: skip
def test_concentration_times_volume_of_24_hours(protein: str, unit: str, volume: str, by: str, expected: str) -> None:
    urine = {"on": ON, "specimen": "Specimen/u1"}
    parts = (observation(loinc("21482-5"), protein, unit, **urine), observation(loinc("3167-4"), volume, by, **urine))
    assert proteinuria(*parts)[0] == expected


@pytest.mark.parametrize(("value", "unit"), [("1.01", "g"), ("1001", "mg"), ("0.7", "mg/min"), ("1.01", "g/24 h")])
def test_a_24_hour_total_may_come_as_a_mass_or_a_rate(value: str, unit: str) -> None:
    assert proteinuria(observation(DAILY, value, unit, on=ON)) == ("yes", "above")


def test_the_formula_stands_in_the_evidence() -> None:
    verdict = next(
        v
        for v in screening([observation(UPCR, "200", "mg/mmol", on=ON, id="o1")]).criteria
        if v.criterion.id == "inc-proteinuria"
    )
    (evidence,) = verdict.finding.evidence
    assert (evidence.reference, evidence.value) == ("Observation/o1", "200 mg/mmol")
    assert evidence.formula is not None and "113.12" in evidence.formula
    assert "1.768" in evidence.used


# --- every spelling

GRAMS = {"kg": 3, "g": 0, "gm": 0, "克": 0, "mg": -3, "毫克": -3, "ug": -6, "μg": -6, "mcg": -6, "ng": -9}
MOLES = {"mol": 0, "mmol": -3, "umol": -6, "μmol": -6, "mcmol": -6, "nmol": -9}
LITRES = {
    "l": 0, "升": 0, "dl": -1, "分升": -1, "100ml": -1, "%": -1, "cl": -2, "ml": -3, "毫升": -3, "cc": -3, "cm3": -3,
    "m3": 3, "ul": -6, "μl": -6, "mcl": -6, "mm3": -6, "cumm": -6, "cmm": -6, "nl": -9, "liter": 0, "liters": 0,
    "litre": 0, "litres": 0,
}  # fmt: skip
DAY = ("d", "day", "日", "天", "24h", "24hr", "24hrs", "24hour", "24hours", "24小时", "24时", "(24h)")
COUNTS = {"": 0, "#": 0, "个": 0, "cell": 0, "cells": 0, "k": 3, "thou": 3, "thous": 3, "thousand": 3, "thousands": 3,
          "g": 9, "gpt": 9, "giga": 9}  # fmt: skip


def _ten(power: int) -> Fraction:
    return Fraction(10) ** power


def _plain_unit(spelling: str) -> str:
    """A spelling without annotations and words that say of what it is."""
    for words in ("creatinine", "creat", "crea", "cr", "肌酐", "尿"):
        spelling = re.sub(rf"(?<=[a-zA-Z])[.·]?{words}$|\{{{words}\}}$|(?<=h|时){words}$", "", spelling, flags=re.I)
    return spelling.replace("{24.h}", "24h").replace("{24h}", "24h").replace("(24.h)", "24h").replace("24.h", "24h")


def _mass(text: str) -> Fraction:
    return _ten(GRAMS[text if text in GRAMS else text.lower()])


COUNTED = ("[IU]/mL", "{copies}/mL", "/[LPF]")  # asked for only as more than none


def reckoned(canonical: str, spelling: str) -> Fraction:
    """The factor of a spelling by arithmetic."""
    if canonical in COUNTED:
        return Fraction(1000 if spelling.startswith("k") else 1)
    over, _, under = _plain_unit(spelling).partition("/")
    if canonical == "g/g":
        creatinine = _ten(MOLES[under]) * CREATININE if under in MOLES else _mass(under)
        return _mass(over) / creatinine
    if canonical == "g/d":
        under = under.replace("{day}", "day").lower()
        assert not under or under in DAY or under in ("min", "分"), spelling
        return _mass(over) * (1440 if under in ("min", "分") else 1)
    if canonical in ("g/L", "g/L creatinine"):
        if over.endswith("%"):
            return _mass(over[:-1]) / _ten(-1)
        amount = _ten(MOLES[over]) * CREATININE if over in MOLES else _mass(over)
        return amount / _ten(LITRES[under.lower()])
    if canonical == "L":
        assert not under or under.lower() in DAY, spelling
        return _ten(LITRES[over.lower()])
    return _cells(over, under) if canonical == "10*9/L" else _single(canonical, spelling)


def _cells(over: str, under: str) -> Fraction:
    over = re.sub(r"^[x×*](?=10)", "", over.lower()).strip("{}")
    ten = re.fullmatch(r"10(?:\*\*|\*|\^|e\+?)?(\d)", over)
    return _ten((int(ten[1]) if ten else COUNTS[over]) - LITRES[under.lower()] - 9)


SINGLE = {
    "kg": {"kg": 1, "kgs": 1, "kilogram": 1, "kilograms": 1, "千克": 1, "公斤": 1,
           "g": "1/1000", "gm": "1/1000", "gram": "1/1000", "grams": "1/1000", "克": "1/1000", "磅": "0.45359237",
           "lb": "0.45359237", "lbs": "0.45359237", "pound": "0.45359237", "pounds": "0.45359237"},
    "mg": {"mg": 1, "mgs": 1, "milligram": 1, "milligrams": 1, "毫克": 1, "g": 1000, "gm": 1000, "gram": 1000,
           "grams": 1000, "克": 1000, "ug": "1/1000", "μg": "1/1000", "mcg": "1/1000", "microgram": "1/1000",
           "micrograms": "1/1000", "微克": "1/1000", "ng": "1/1000000", "纳克": "1/1000000", "kg": 1000000},
}  # fmt: skip
ACTIVITY = {"": 1, "k": 1000, "千": 1000, "万": 10**4, "百万": 10**6, "m": 10**6, "million": 10**6, "10*3": 10**3,
            "10*4": 10**4, "10*6": 10**6, "10^6": 10**6, "106": 10**6, "×10^6": 10**6}  # fmt: skip


def _single(canonical: str, spelling: str) -> Fraction:
    if canonical in SINGLE:
        text = re.sub(r"[\[\]]|_av", "", spelling).rstrip(".").lower()
        return Fraction(SINGLE[canonical][text])
    text = re.sub(r"\[USP'U\]$", "u", spelling).lower()
    times = re.sub(r"\.?(\[iu\]|i\.u\.|iu|units?|国际单位|单位|u)$", "", text)
    return Fraction(ACTIVITY[times])


@pytest.mark.parametrize("canonical", UNITS)
def test_the_factor_of_a_spelling_is_what_its_prefixes_say(canonical: str) -> None:
    for spelling in UNITS[canonical]:
        assert UNITS[canonical][spelling].factor == reckoned(canonical, spelling)


@pytest.mark.parametrize("canonical", UNITS)
def test_a_spelling_is_in_the_form_in_which_it_is_looked_up(canonical: str) -> None:
    for spelling in UNITS[canonical]:
        assert normal_unit(spelling) == spelling
        assert normal_unit(normal_unit(spelling)) == normal_unit(spelling)


@given(st.sampled_from(SPELLINGS), st.decimals("0.0001", "100000", places=4))
def test_there_and_back_is_the_same_number(which: tuple[str, str], value: Decimal) -> None:
    canonical, spelling = which
    number = number_of(value, None)
    found = factor(spelling, canonical)
    assert number is not None and found is not None and found > 0
    assert number.scaled(found).scaled(1 / found) == number
    assert number.scaled(found).exact() == Fraction(value) * reckoned(canonical, spelling)


@given(st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS), st.decimals("0.0001", "100000", places=4))
def test_two_spellings_of_one_amount_agree_on_every_bound(
    one: tuple[str, str], other: tuple[str, str], value: Decimal
) -> None:
    canonical = one[0]
    spellings = (one[1], other[1] if other[0] == canonical else canonical_spelling(canonical))
    first, second = (UNITS[canonical][spelling].factor for spelling in spellings)
    amount = Fraction(value)
    same = amount * first / second  # the amount in the second spelling
    for bound in (amount * first, amount * first * Fraction(999, 1000), amount * first * Fraction(1001, 1000)):
        numbers = (Number(amount, amount).scaled(first), Number(same, same).scaled(second))
        assert len({number.above(bound) for number in numbers}) == 1


def canonical_spelling(canonical: str) -> str:
    """A spelling with the factor 1."""
    return next(spelling for spelling, row in UNITS[canonical].items() if row.factor == 1)


@pytest.mark.parametrize("canonical", UNITS)
def test_width_and_blanks_do_not_matter_and_case_does_where_the_table_does_not_say(canonical: str) -> None:
    for spelling in UNITS[canonical]:
        wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in spelling)
        spaced = f" {spelling.replace('/', ' / ')}\u3000"
        for text in (wide, spaced, unicodedata.normalize("NFD", spelling)):
            assert factor(text, canonical) == factor(spelling, canonical)
        swapped = spelling.swapcase()
        if swapped not in UNITS[canonical]:
            assert factor(swapped, canonical) is None


@pytest.mark.parametrize("canonical", UNITS)
def test_a_code_is_read_like_a_printed_unit_but_only_of_ucum(canonical: str) -> None:
    for spelling in UNITS[canonical]:
        told = UNITS[canonical][spelling]
        assert conversion(Quantity(value=Decimal(1), code=spelling, system=UCUM), canonical, UNITS) == told
        foreign = Quantity(value=Decimal(1), code=spelling, system="http://hospital.example/units")
        assert conversion(foreign, canonical, UNITS) is None


@pytest.mark.parametrize("canonical", UNITS)
def test_more_than_a_prefix_tells_its_formula(canonical: str) -> None:
    for spelling in UNITS[canonical]:
        row = UNITS[canonical][spelling]
        prefix = {*str(row.factor.numerator), *str(row.factor.denominator)} <= set("10")
        jin = row.factor == Fraction(1, 2)
        assert (row.formula is None) == (prefix or jin)


@pytest.mark.parametrize(("canonical", "fact"), [("g/g", UPCR), ("g/d", DAILY)])
def test_every_spelling_through_the_program(canonical: str, fact: Json) -> None:
    other = observation(DAILY if fact is UPCR else UPCR, "0.5", "g/d" if fact is UPCR else "g/g", on=ON)
    for spelling, row in UNITS[canonical].items():
        above = plain_exactly(Fraction(1001, 1000) / row.factor, up=True)
        below = plain_exactly(Fraction(999, 1000) / row.factor, up=False)
        assert proteinuria(observation(fact, above, spelling, on=ON), other) == ("yes", "above"), spelling
        assert proteinuria(observation(fact, below, spelling, on=ON), other) == ("no", "not-above"), spelling


def plain_exactly(value: Fraction, *, up: bool) -> Decimal:
    """A decimal at most a hundred-thousandth of the value beside it, on the wanted side."""
    steps = 10**8
    whole = value * steps
    return Decimal(-(-whole.numerator // whole.denominator) if up else whole.numerator // whole.denominator) / steps


# --- comparators are sets of values

small = st.decimals("-5", "5", places=2)
comparators = st.sampled_from([None, "<", "<=", ">", ">="])


def allows(number: Decimal, comparator: str | None, value: Fraction) -> bool:
    """Whether a result may mean this value."""
    exact = Fraction(number)
    match comparator:
        case "<":
            return value < exact
        case "<=":
            return value <= exact
        case ">":
            return value > exact
        case ">=":
            return value >= exact
    return value == exact


def members(number: Decimal, comparator: str | None, bound: Fraction) -> list[Fraction]:
    """Values that the result allows, among all that could tell it from another answer."""
    step = Fraction(1, 1000)
    points = [Fraction(number), bound, Fraction(-1000), Fraction(1000)]
    return [p + n * step for p in points for n in (-1, 0, 1) if allows(number, comparator, p + n * step)]


@given(small, comparators, small)
def test_above_and_below_hold_when_they_hold_of_every_member(
    value: Decimal, comparator: str | None, limit: Decimal
) -> None:
    number, bound = number_of(value, comparator), Fraction(limit)
    assert number is not None
    above = {member > bound for member in members(value, comparator, bound)}
    below = {member < bound for member in members(value, comparator, bound)}
    assert number.above(bound) is (None if len(above) > 1 else above.pop())
    assert number.below(bound) is (None if len(below) > 1 else below.pop())


@given(small, comparators, small, st.fractions("1/1000", "1000"))
def test_a_positive_factor_changes_no_answer(
    value: Decimal, comparator: str | None, limit: Decimal, times: Fraction
) -> None:
    number, bound = number_of(value, comparator), Fraction(limit)
    assert number is not None
    assert number.scaled(times).above(bound * times) is number.above(bound)
    assert number.scaled(times).below(bound * times) is number.below(bound)


amounts = st.decimals("0", "5", places=2)


@given(amounts, comparators, st.decimals("0.01", "5", places=2), comparators, amounts)
def test_a_ratio_is_decided_only_as_every_quotient_is(
    value: Decimal, comparator: str | None, divisor: Decimal, by: str | None, limit: Decimal
) -> None:
    over, under, bound = number_of(value, comparator), number_of(divisor, by), Fraction(limit)
    assert over is not None and under is not None
    ratio = over.over(under)
    tops = [top for top in members(value, comparator, bound * Fraction(divisor)) if top >= 0]
    bottoms = [bottom for bottom in members(divisor, by, Fraction(0)) if bottom > 0]
    quotients = {top / bottom > bound for top in tops for bottom in bottoms}
    told = ratio.above(bound) if ratio else None
    assert told is None or quotients == {told}
    if comparator is None and by is None:
        assert told is (Fraction(value) / Fraction(divisor) > bound)


@pytest.mark.parametrize("divisor", ["0", "-1"])
def test_nothing_is_divided_by_zero_or_less(divisor: str) -> None:
    exact = number_of(Decimal(divisor), None)
    assert exact is not None and Number(Fraction(1), Fraction(1)).over(exact) is None


@pytest.mark.parametrize("comparator", ["~", "ad", "=", "≥", "<>", "between"])
def test_a_comparator_that_r4_does_not_know_is_no_number(comparator: str) -> None:
    assert number_of(Decimal(1), comparator) is None


ANSWERS = [
    ("1.0", ">", "yes"), ("1.0", ">=", "unknown"), ("1.0", "<", "no"), ("1.0", "<=", "no"), ("1.0", None, "no"),
    ("1.01", ">=", "yes"), ("0.9", ">", "unknown"), ("1.5", "<", "unknown"), ("0.5", "<", "no"), ("0.99", "<=", "no"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "comparator", "expected"), ANSWERS)
def test_a_comparator_decides_only_when_all_its_values_do(value: str, comparator: str | None, expected: str) -> None:
    low = observation(DAILY, "0.5", "g/d", on=ON)
    whole = observation(UPCR, quantity(value, "g/g", comparator=comparator), on=ON)
    milli = observation(UPCR, quantity(Decimal(value) * 1000, "mg/g", comparator=comparator), on=ON)
    for record in (whole, milli):
        answer = proteinuria(record, low)
        assert answer == (expected, {"yes": "above", "no": "not-above", "unknown": "needs-judgement"}[expected])


@pytest.mark.parametrize("comparator", ["<", "<=", ">", ">=", "≤", "≥"])
def test_a_text_with_a_comparator_is_not_exactly_a_number_and_a_unit(comparator: str) -> None:
    for value in ("0.1", "3.0"):
        record = observation(UPCR, f"{comparator}{value} g/g", on=ON)
        assert proteinuria(record) == ("unknown", "unit-unresolved")


@given(st.decimals("0", "99999", places=3), comparators, st.sampled_from(["g/g", "mg/mmol", "", "毫克/克"]))
def test_a_text_of_number_and_unit_is_split_as_it_was_written(
    value: Decimal, comparator: str | None, unit: str
) -> None:
    for blank, prefix in product(("", " "), ("", " ")):
        assert split_text(f"{prefix}{comparator or ''}{blank}{value}{blank}{unit} ") == (value, comparator, unit)


@pytest.mark.parametrize("text", ["", "1,5 g/g", "1.5.1", "about 1 g/g", "1-2 g/g", "NaN", "++", "1e9", "١٢"])
def test_what_is_not_exactly_a_number_and_a_unit_is_not_read_as_one(text: str) -> None:
    low = observation(DAILY, "0.5", "g/d", on=ON)
    assert proteinuria(observation(UPCR, text or " ", on=ON), low)[0] == "unknown"


@given(st.fractions("1/100000", "100000"))
def test_what_is_printed_is_the_number_to_six_figures(value: Fraction) -> None:
    printed = Fraction(plain(value))
    assert abs(printed - value) <= value / 100000
    assert plain(printed) == plain(value)
