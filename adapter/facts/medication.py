"""The four medication types -> facts: exposures, orders, and doses for the dose timeline. FHIR R4 medications
module.
"""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from adapter.facts.dosage import dosages_of, dose_of, routes_of
from adapter.facts.indication import meanings
from adapter.facts.model import Dose, Fact, Reason, Source, Use
from adapter.facts.vocabulary import (
    DOUBT,
    Item,
    Vocabulary,
    doubt_of,
    nameless,
    retracted,
    status_of,
    version_of,
)
from adapter.fhir.dates import When
from adapter.fhir.elements import (
    CodeableConcept,
    Dosage,
    MedicationAdministration,
    MedicationDispense,
    MedicationRequest,
    MedicationStatement,
    Period,
    Quantity,
)
from adapter.fhir.references import key_of

MedicationRecord = MedicationAdministration | MedicationStatement | MedicationDispense | MedicationRequest

_USED = {
    "MedicationAdministration": {"completed", "in-progress", "stopped"},
    "MedicationStatement": {"active", "completed", "stopped"},
    "MedicationDispense": {"completed"},
    "MedicationRequest": {"active", "completed", "stopped"},
}
_OPEN = {"on-hold", "unknown"}
_ORDERS = {"order", "original-order", "reflex-order", "filler-order", "instance-order", "unknown"}
_DAYS = {
    "d": 1,
    "day": 1,
    "days": 1,
    "天": 1,
    "日": 1,
    "wk": 7,
    "week": 7,
    "weeks": 7,
    "周": 7,
    "mo": 30,
    "month": 30,
}


class _Taken(msgspec.Struct, frozen=True, gc=False):
    """When a drug was taken, handed over or ordered, where that stood, and the dosage lines of that time."""

    when: When
    path: str
    lines: tuple[Dosage, ...] = ()


def medication_facts(
    record: MedicationRecord, concept: CodeableConcept, reference: str, vocabulary: Vocabulary
) -> Iterator[Item]:
    """What was given, taken, handed over or ordered; `concept` is the medication, its reference already followed."""
    type_ = type(record).__name__
    parts = _parts(record, vocabulary)
    meaning = vocabulary.terminology.meaning(type_, concept)
    matches = meaning.relevant
    status = status_of(record.status)
    if not matches and not meaning.nameless:
        return
    if status == "entered-in-error":
        yield retracted(reference)
    if status not in _USED[type_] | _OPEN or _is_no_order(record):
        return
    routes = routes_of(record, vocabulary)
    if routes.topical:
        return
    order = type_ == "MedicationRequest"
    doubt = doubt_of(Reason.NEEDS_JUDGEMENT if status in _OPEN else None, Reason.ORDERED_ONLY if order else None)
    name = vocabulary.terminology.label(concept)
    for part in parts:
        source = Source(reference, version_of(record), part.path, part.when.text or name)
        use = Use(
            dose=_dose(record, part.lines, concept, routes.text, vocabulary),
            order=order,
            supply=type_ == "MedicationDispense",
            intravenous=routes.intravenous,
            indications=() if isinstance(record, MedicationDispense) else meanings(record.reason_code, vocabulary),
            because=_because(record),
            ongoing=status == "active",
        )
        if meaning.nameless:
            yield nameless(type_, part.when, source, None if order else doubt, use=use)
        for match in matches:
            both = doubt_of(DOUBT.get(match.grade), doubt)
            yield Fact(match.fact.name, type_, match.grade, part.when, name, source, both, use=use)


def _is_no_order(record: MedicationRecord) -> bool:
    if not isinstance(record, MedicationRequest):
        return False
    return bool(record.do_not_perform) or status_of(record.intent) not in _ORDERS


def _because(record: MedicationRecord) -> tuple[str, ...]:
    if isinstance(record, MedicationDispense):
        return ()
    return tuple(filter(None, (key_of(reason) for reason in record.reason_reference or ())))


def _dose(
    record: MedicationRecord, lines: tuple[Dosage, ...], concept: CodeableConcept, route: str, vocabulary: Vocabulary
) -> Dose:
    codes = vocabulary.terminology.codes(concept) or vocabulary.terminology.text_codes(concept.text)
    ingredient = ingredient_of(codes, vocabulary) or vocabulary.terminology.label(concept)
    return dose_of(record, lines, ingredient, route, vocabulary)


def ingredient_of(codes: tuple[tuple[str, str], ...], vocabulary: Vocabulary) -> str:
    """The ingredient that a drug code means by `ingredients.json`; else the code itself."""
    found = sorted(
        {vocabulary.terminology.ingredients[code] for code in codes if code in vocabulary.terminology.ingredients}
    )
    return found[0] if found else min((code for _, code in codes), default="")


def _parts(record: MedicationRecord, vocabulary: Vocabulary) -> list[_Taken]:
    """The times of one record: dosage lines with periods of their own follow each other, others hold at once."""
    lines = () if isinstance(record, MedicationAdministration) else dosages_of(record)
    groups: dict[tuple[str | None, str | None], list[Dosage]] = {}
    for line in lines:
        period = _bounds(line)
        groups.setdefault((period.start, period.end) if period else (None, None), []).append(line)
    if len(groups) < 2 or (None, None) in groups or isinstance(record, MedicationDispense):
        return [replace(_taken(record, vocabulary), lines=lines)]
    parts = []
    for (start, end), group in groups.items():
        path = f"{_lines_path(record)}[{lines.index(group[0])}].timing.repeat.boundsPeriod"
        when = vocabulary.calendar.during(Period(start, end), path)
        parts += [_Taken(when, path, tuple(group))] if when else []
    return parts


def _lines_path(record: MedicationRecord) -> str:
    return "dosage" if isinstance(record, MedicationStatement) else "dosageInstruction"


def _taken(record: MedicationRecord, vocabulary: Vocabulary) -> _Taken:
    calendar = vocabulary.calendar
    if isinstance(record, MedicationDispense):
        if not record.when_handed_over:
            return _Taken(When(dated=False), "whenHandedOver")
        days = _supply_days(record.days_supply)
        return _Taken(calendar.supply(record.when_handed_over, days, "whenHandedOver"), "whenHandedOver")
    if isinstance(record, MedicationRequest):
        return _ordered(record, vocabulary)
    if record.effective_date_time:
        return _Taken(calendar.at(record.effective_date_time, "effectiveDateTime"), "effectiveDateTime")
    stretch = calendar.during(record.effective_period, "effectivePeriod") if record.effective_period else None
    if stretch:
        return _Taken(stretch, "effectivePeriod")
    asserted = record.date_asserted if isinstance(record, MedicationStatement) else None
    return _Taken(When(dated=False, bound=calendar.bound([(asserted, "dateAsserted")])), "effective[x]")


def _supply_days(quantity: Quantity | None) -> int:
    """daysSupply in days; a unit that is not a time counts as the one day of the hand-over."""
    if quantity is None or quantity.value is None or quantity.value <= 0:
        return 1
    unit = (quantity.code or quantity.unit or "d").strip().lower()
    return min(int(quantity.value) * _DAYS[unit], 3660) if unit in _DAYS else 1


def _ordered(request: MedicationRequest, vocabulary: Vocabulary) -> _Taken:
    """An order is placed by its dosage's boundsPeriod, else by authoredOn."""
    periods = [period for dosage in request.dosage_instruction or () if (period := _bounds(dosage))]
    path = "dosageInstruction.timing.repeat.boundsPeriod"
    stretches = [stretch for period in periods if (stretch := vocabulary.calendar.during(period, path))]
    if stretches:
        return _Taken(_joined(stretches), path)
    if request.authored_on:
        return _Taken(vocabulary.calendar.at(request.authored_on, "authoredOn"), "authoredOn")
    return _Taken(When(dated=False), "authoredOn")


def _bounds(dosage: Dosage) -> Period | None:
    repeat = dosage.timing.repeat if dosage.timing else None
    return repeat.bounds_period if repeat else None


def _joined(stretches: list[When]) -> When:
    """From the first start to the last end of several dosages of one order."""
    first = min(stretches, key=lambda s: (s.first_lo, s.first_hi))
    last = max(stretches, key=lambda s: (s.last_hi, s.last_lo))
    return When(
        first.first_lo, first.first_hi, last.last_lo, last.last_hi, stretch=True, open=last.open, text=first.text
    )  # fmt: skip
