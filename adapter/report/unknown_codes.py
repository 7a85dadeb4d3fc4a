"""Codes and units met in the records that no table knows, ranked by how many decisions they could change."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from adapter.eligibility.parts import facts_of
from adapter.eligibility.trial import Trial
from adapter.fhir import elements as fhir
from adapter.fhir.concepts import readable_name
from adapter.fhir.elements import (
    MEDICATION_TYPES,
    CodeableConcept,
    Coding,
    Measured,
    Medication,
    Observation,
    Quantity,
    Resource,
)
from adapter.fhir.quantities import conversion
from adapter.fhir.references import contained_medication, key_of
from adapter.fhir.terminology import Grade
from adapter.report.text import Page, clean, number, wrapped
from adapter.sources.events import Event, Record

_NAMELESS = frozenset({"Condition", "Procedure", "Immunization", *MEDICATION_TYPES})
_TOLD = 40


@dataclass(frozen=True, slots=True)
class Unknown:
    """A code, text or unit that no table knows.

    `criteria`: those that it could change. `blocking`: those that it stands in the way of already, and `why`.
    """

    kind: str
    type: str
    system: str
    code: str
    name: str
    criteria: tuple[str, ...]
    blocking: tuple[str, ...] = ()
    why: str = ""


@dataclass(slots=True)
class Met:
    """How often something was met."""

    resources: int = 0
    patients: set[str] = field(default_factory=set)


Found = list[tuple[Unknown, Met]]


def unknown_codes(events: Iterable[Event], trial: Trial) -> Found:
    """What no table knows: first what stands in the way, then by how many patients and criteria it could change."""
    search = _Search(trial)
    for event in events:
        if isinstance(event, Record):
            search.take(event)
    search.follow()
    return sorted(search.met.items(), key=_rank)


def _rank(found: tuple[Unknown, Met]) -> tuple[int, int, int, str, str, str]:
    unknown, met = found
    patients = len(met.patients)
    return (
        -patients * len(unknown.blocking), -patients * len(unknown.criteria), -met.resources,
        unknown.type, unknown.system, f"{unknown.code} {unknown.name}",
    )  # fmt: skip


@dataclass(slots=True)
class _Search:
    """Looks at one record after the other; a medication reference waits until its Medication is known."""

    trial: Trial
    met: dict[Unknown, Met] = field(default_factory=dict)
    _drugs: dict[str, CodeableConcept] = field(default_factory=dict)
    _waiting: list[tuple[str, str, str]] = field(default_factory=list)
    _criteria: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _told: dict[tuple[str, CodeableConcept], Unknown | None] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        resource, subject = record.resource, record.subject or record.reference
        if isinstance(resource, Medication):
            for key in (record.reference, *record.also):
                self._drugs[key] = resource.code or CodeableConcept()
            return
        for concept in concepts_of(resource):
            self._place(record.type, concept, subject)
        reference = getattr(resource, "medication_reference", None)
        if reference is not None and getattr(resource, "medication_codeable_concept", None) is None:
            inner = contained_medication(resource, reference.reference or "")
            if inner is not None:
                self._place(record.type, inner.code or CodeableConcept(), subject)
            elif (drug := key_of(reference)) is not None:
                self._waiting.append((record.type, drug, subject))
        if isinstance(resource, Observation):
            self._units(resource, subject)

    def follow(self) -> None:
        """The medication references, once every Medication was read."""
        for type_, key, subject in self._waiting:
            if key in self._drugs:
                self._place(type_, self._drugs[key], subject)

    def _place(self, type_: str, concept: CodeableConcept, subject: str) -> None:
        unknown = self._unknown(type_, concept)
        if unknown is not None:
            self._note(unknown, subject)

    def _unknown(self, type_: str, concept: CodeableConcept) -> Unknown | None:
        """The concept as the table shows it; None where a table places it, or there is nothing to place."""
        key = (type_, concept)
        if key not in self._told:
            self._told[key] = self._described(type_, concept)
        return self._told[key]

    def _described(self, type_: str, concept: CodeableConcept) -> Unknown | None:
        terminology = self.trial.tables.terminology
        placed = any(map(terminology.place_known, terminology.codes(concept))) or terminology.text_codes(concept.text)
        if placed or not (concept.coding or concept.text):
            return None
        meaning = terminology.meaning(type_, concept)
        coding = next((one for one in concept.coding or () if one.code), Coding())
        nameless = meaning.nameless and type_ in _NAMELESS
        terms = sorted({match.term for match in meaning.matches})
        facts = {match.fact.name for match in meaning.matches}
        blocking = self._of_type(type_) if nameless else self._of_facts(facts)
        why = "without a name" if nameless else ", ".join(terms)
        name = readable_name(concept)
        system, code = coding.system or "", coding.code or ""
        return Unknown("code", type_, system, code, name, self._of_type(type_), blocking, why)

    def _units(self, observation: Observation, subject: str) -> None:
        """Units that a fact with a canonical unit cannot use: its result is `unit-unresolved` now."""
        units = self.trial.tables.units
        parts: tuple[Observation | Measured, ...] = (observation, *(observation.component or ()))
        for valued in parts:
            quantity = valued.value_quantity
            if valued.code is None or quantity is None or quantity.value is None:
                continue
            for match in self.trial.tables.terminology.meaning("Observation", valued.code).matches:
                unit, proves = match.fact.unit, match.grade in (Grade.COUNTS, Grade.BROAD, Grade.REVIEW)
                if unit is not None and unit in units and proves and conversion(quantity, unit, units) is None:
                    self._note(self._unit(quantity, match.fact.name, unit), subject)

    def _unit(self, quantity: Quantity, fact: str, canonical: str) -> Unknown:
        written = quantity.unit or quantity.code or "(no unit)"
        concerned = self._of_facts({fact})
        return Unknown("unit", "Observation", fact, written, f"wanted {canonical}", concerned, concerned, "no factor")

    def _note(self, unknown: Unknown, subject: str) -> None:
        met = self.met.setdefault(unknown, Met())
        met.resources += 1
        met.patients.add(subject)

    def _of_type(self, type_: str) -> tuple[str, ...]:
        """The criteria that a record of this type could prove."""
        if type_ not in self._criteria:
            specs = self.trial.tables.terminology.specs
            facts = {spec.name for spec in specs if type_ in spec.sources}
            self._criteria[type_] = self._of_facts(facts)
        return self._criteria[type_]

    def _of_facts(self, facts: set[str]) -> tuple[str, ...]:
        return tuple(c.id for c in self.trial.criteria if facts & facts_of(c, self.trial))


def concepts_of(resource: Resource) -> Iterator[CodeableConcept]:
    """The concepts that say what a resource is about."""
    match resource:
        case fhir.Observation():
            yield from filter(None, (resource.code, *(part.code for part in resource.component or ())))
        case fhir.Condition() | fhir.Procedure() | fhir.ServiceRequest():
            yield from filter(None, (resource.code,))
        case fhir.Immunization():
            yield from filter(None, (resource.vaccine_code,))
        case fhir.ImmunizationRecommendation():
            yield from (code for row in resource.recommendation or () for code in row.vaccine_code or ())
        case fhir.Appointment():
            yield from (*(resource.service_type or ()), *(resource.reason_code or ()))
        case fhir.Encounter():
            yield from (CodeableConcept(coding=(one,)) for one in (resource.encounter_class,) if one)
        case _:
            yield from filter(None, (getattr(resource, "medication_codeable_concept", None),))


def as_json(found: Found) -> Iterator[bytes]:
    """Everything that was found, as one JSON array."""
    rows = [
        {
            "kind": unknown.kind, "type": unknown.type, "system": unknown.system, "code": unknown.code,
            "name": unknown.name, "patients": len(met.patients), "resources": met.resources,
            "criteria": list(unknown.criteria), "in_the_way_of": list(unknown.blocking), "why": unknown.why,
        }
        for unknown, met in found
    ]  # fmt: skip
    yield msgspec.json.format(msgspec.json.encode(rows), indent=1)
    yield b"\n"


def as_text(found: Found, page: Page) -> Iterator[str]:
    """The first forty as a table."""
    if not found:
        yield "Every code and unit that was met stands in a table."
        return
    blocking = sum(bool(unknown.blocking) for unknown, _ in found)
    told = (
        f"{number(len(found), 'code or unit', 'codes and units')} that no table knows; {blocking} stand in the way now."
    )
    yield from wrapped(told, page.width)
    yield ""
    for unknown, met in found[:_TOLD]:
        yield from _entry(unknown, met, page)
    if len(found) > _TOLD:
        yield f"... {len(found) - _TOLD} more; --format json lists them all"
    yield ""
    yield from wrapped("docs/how-to/add-a-sites-codes.md tells how a ConceptMap gives them a meaning.", page.width)


def _entry(unknown: Unknown, met: Met, page: Page) -> Iterator[str]:
    code = " ".join(part for part in (unknown.system, unknown.code) if part) or "(no code)"
    name = f' "{clean(unknown.name)}"' if unknown.name and unknown.kind == "code" else ""
    wanted = f", {unknown.name}" if unknown.kind == "unit" else ""
    yield from wrapped(f"{unknown.type} {unknown.kind} {code}{name}{wanted}", page.width, 0, 4)
    counted = f"{number(len(met.patients), 'patient')}, {number(met.resources, 'record')}"
    if unknown.blocking:
        yield from wrapped(f"{counted}; in the way ({unknown.why}) of {', '.join(unknown.blocking)}", page.width, 4, 2)
    else:
        yield from wrapped(
            f"{counted}; could prove {number(len(unknown.criteria), 'criterion', 'criteria')}", page.width, 4, 2
        )
