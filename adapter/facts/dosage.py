"""Dosage -> total daily dose and route. FHIR R4 Dosage and Timing; free text is never read as a dose."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import msgspec

from adapter.facts.model import Dose
from adapter.facts.vocabulary import Vocabulary
from adapter.fhir.concepts import label, normal_text
from adapter.fhir.elements import (
    CodeableConcept,
    Dosage,
    MedicationAdministration,
    MedicationDispense,
    MedicationRequest,
    MedicationStatement,
    Quantity,
    Repeat,
    Timing,
)
from adapter.fhir.quantities import conversion, exact

MASS = "mg"
_PER_DAY = {"d": Fraction(1), "h": Fraction(24), "wk": Fraction(1, 7), "min": Fraction(1440)}


class Routes(msgspec.Struct, frozen=True, gc=False):
    """The routes of one record: `intravenous` is None where none is known; `text` names them for comparison."""

    topical: bool
    intravenous: bool | None
    text: str


def routes_of(
    record: MedicationAdministration | MedicationStatement | MedicationDispense | MedicationRequest,
    vocabulary: Vocabulary,
) -> Routes:
    """All stated routes of a record."""
    stated = [route for route in _routes(record) if route and label(route)]
    member = vocabulary.terminology.member
    intravenous = any(member("route-intravenous", route) for route in stated)
    other = any(member(name, route) for name in ("route-other", "route-topical") for route in stated)
    named = sorted({_route_name(route, vocabulary) for route in stated})
    return Routes(
        topical=bool(stated) and all(member("route-topical", route) for route in stated),
        intravenous=intravenous if intravenous or other else None,
        text=", ".join(named),
    )


def _routes(
    record: MedicationAdministration | MedicationStatement | MedicationDispense | MedicationRequest,
) -> Iterable[CodeableConcept | None]:
    if isinstance(record, MedicationAdministration):
        return (record.dosage.route or _as_text(record.dosage.text),) if record.dosage else ()
    return tuple(dosage.route or _as_text(dosage.text) for dosage in dosages_of(record))


def _as_text(text: str | None) -> CodeableConcept | None:
    """A dosage text can be a route (静滴) when nothing is coded; anything else in it is not read."""
    return CodeableConcept(text=text) if text and len(text) <= 12 else None


def _route_name(route: CodeableConcept, vocabulary: Vocabulary) -> str:
    codes = vocabulary.terminology.codes(route) or vocabulary.terminology.text_codes(route.text)
    if vocabulary.terminology.member("route-intravenous", route):
        return "intravenous"
    return vocabulary.terminology.route_name(codes) or normal_text(label(route))


def dosages_of(record: MedicationStatement | MedicationDispense | MedicationRequest) -> tuple[Dosage, ...]:
    """The dosage lines of a record."""
    lines = record.dosage if isinstance(record, MedicationStatement) else record.dosage_instruction
    return lines or ()


def dose_of(
    record: MedicationAdministration | MedicationStatement | MedicationDispense | MedicationRequest,
    lines: tuple[Dosage, ...],
    ingredient: str,
    route: str,
    vocabulary: Vocabulary,
) -> Dose:
    """The dose of a record; `daily` is None unless every dosage line states quantity and rate exactly."""
    if isinstance(record, MedicationAdministration):
        single = _mass(record.dosage.dose if record.dosage else None, vocabulary)
        return Dose(ingredient, route, unit=MASS, single=single)
    rates = [_daily(line, vocabulary) for line in lines]
    known = [rate for rate in rates if rate is not None]
    daily = sum(known, Fraction(0)) if known and len(known) == len(rates) else None
    times = [_times_per_day(line.timing, vocabulary) for line in lines]
    pulsed = any(rate is not None and rate < Fraction(1, 2) for rate in times)
    return Dose(ingredient, route, daily=daily, unit=MASS, pulsed=pulsed)


def _daily(line: Dosage, vocabulary: Vocabulary) -> Fraction | None:
    doses = [row.dose_quantity for row in line.dose_and_rate or () if row.dose_quantity]
    if len(doses) != 1 or line.as_needed_boolean or line.as_needed_codeable_concept:
        return None
    mass, rate = _mass(doses[0], vocabulary), _times_per_day(line.timing, vocabulary)
    return None if mass is None or rate is None else mass * rate


def _mass(quantity: Quantity | None, vocabulary: Vocabulary) -> Fraction | None:
    """Milligrams, exactly; tablets and other units give none."""
    if quantity is None or quantity.value is None or quantity.comparator:
        return None
    found = conversion(quantity, MASS, vocabulary.units)
    return exact(quantity.value) * found.factor if found else None


def _times_per_day(timing: Timing | None, vocabulary: Vocabulary) -> Fraction | None:
    if timing is None:
        return None
    if timing.repeat and (rate := _repeat_rate(timing.repeat)):
        return rate
    return _coded_rate(timing.code, vocabulary) if timing.code else None


def _repeat_rate(repeat: Repeat) -> Fraction | None:
    """Times per day of Timing.repeat; a range (frequencyMax, periodMax) has no one rate."""
    if repeat.frequency_max or repeat.period_max:
        return None
    if repeat.period and repeat.period_unit in _PER_DAY:
        daily = _rate(repeat.frequency or 1, repeat.period, repeat.period_unit)
        return daily * len(repeat.day_of_week) / 7 if repeat.day_of_week and repeat.period_unit == "d" else daily
    times = repeat.time_of_day or repeat.when
    return Fraction(len(times)) if times and not repeat.day_of_week else None


@lru_cache(maxsize=1024)
def _rate(frequency: int, period: Decimal, unit: str) -> Fraction:
    return Fraction(frequency) / Fraction(period) * _PER_DAY[unit]


def _coded_rate(code: CodeableConcept, vocabulary: Vocabulary) -> Fraction | None:
    rates = vocabulary.terminology.frequencies
    keys = [key for coding in code.coding or () for key in vocabulary.terminology.systems.codes(coding)]
    found = {rates[key] for key in keys if key in rates} or {
        rates[t] for t in (normal_text(code.text or ""),) if t in rates
    }
    return Fraction(next(iter(found))) if len(found) == 1 else None
