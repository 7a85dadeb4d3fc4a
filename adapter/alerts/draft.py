"""What draft orders would change, if they were carried out today. Nothing of it is stored. Pure.

An order alone proves no exposure. So a drug counts as given once today, which says until when it would exclude, and as
taken from today on, which says what it does to a dose; a procedure counts as done today.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from adapter.alerts.call import CallError
from adapter.alerts.card import Lost
from adapter.eligibility.screening import Screening, Verdict
from adapter.facts.collect import Collector, with_facts
from adapter.facts.model import Fact, PatientRecord
from adapter.facts.vocabulary import Vocabulary
from adapter.fhir.dates import day_text
from adapter.fhir.decode import Limits
from adapter.sources.events import Event, Record
from adapter.sources.resources import Where, resource_events

MOST = 100
"""Draft orders of one call that are looked at."""
_DRUG = ("medicationCodeableConcept", "medicationReference", "contained")
_WHERE = Where("", Limits())


class _Entry(msgspec.Struct, frozen=True):
    resource: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)


class _Orders(msgspec.Struct, frozen=True, rename={"type_": "resourceType"}):
    type_: str = ""
    entry: tuple[_Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft order as the facts that it would make, in each way in which it may be carried out."""

    ways: tuple[tuple[Fact, ...], ...]


def read_orders(
    data: msgspec.Raw, selections: Collection[str], patient: str, today: int, words: Vocabulary
) -> list[Draft]:
    """The draft orders of a Bundle, those selected where any is. Raises CallError for what is no Bundle."""
    try:
        orders = msgspec.json.decode(data, type=_Orders)
    except (ValueError, RecursionError):
        raise CallError(400, "context.draftOrders must be a Bundle of draft orders") from None
    if orders.type_ != "Bundle":
        raise CallError(400, "context.draftOrders must be a Bundle")
    resources = [entry.resource for entry in orders.entry[:MOST]]
    drugs = [event for one in resources if _text(one, "resourceType") == "Medication" for event in _events(one)]
    named = ((f"{_text(one, 'resourceType')}/{_text(one, 'id')}", one) for one in resources)
    wanted = [one for key, one in named if not selections or key in selections]
    drafts = ([_facts(way, drugs, words) for way in _ways(one, patient, today)] for one in wanted)
    return [Draft(tuple(ways)) for ways in drafts if any(ways)]


def lost(before: Screening, draft: Draft, again: Callable[[PatientRecord], Screening]) -> list[Lost]:
    """The criteria that speak against the patient after the order, and did not before. `again` screens a record."""
    found: dict[str, Lost] = {}
    for facts in draft.ways:
        after = again(with_facts(before.record, facts))
        for was, verdict in zip(before.criteria, after.criteria, strict=True):
            if verdict.against and not was.against:
                through = None if verdict.changes_on is None else verdict.changes_on - 1
                found.setdefault(verdict.criterion.id, Lost(_label(verdict, facts), verdict, through))
    return list(found.values())


def _label(verdict: Verdict, facts: tuple[Fact, ...]) -> str:
    """The drug or procedure by the fact that decided."""
    decided = {evidence.fact for evidence in verdict.finding.evidence}
    return next((fact.label for fact in facts if fact.name in decided), facts[0].label if facts else "This order")


def _facts(record: Mapping[str, msgspec.Raw], drugs: list[Event], words: Vocabulary) -> tuple[Fact, ...]:
    collector = Collector(words)
    collector.take([*drugs, *(event for event in _events(record) if isinstance(event, Record))])
    found = next(iter(collector.rest()), None)
    return tuple(fact for facts in found.facts.values() for fact in facts) if found else ()


def _ways(order: Mapping[str, msgspec.Raw], patient: str, today: int) -> Iterator[dict[str, msgspec.Raw]]:
    """The records that an order would leave; none for orders that leave none that a criterion reads."""
    day = day_text(today)
    subject = {"id": _raw(_text(order, "id") or "draft"), "subject": _raw({"reference": patient})}
    match _text(order, "resourceType"):
        case "MedicationRequest":
            drug = {name: order[name] for name in _DRUG if name in order}
            dosage = {"dosage": order["dosageInstruction"]} if "dosageInstruction" in order else {}
            yield {**_record("MedicationAdministration", "completed", {"effectiveDateTime": day}), **subject, **drug}
            period = {"effectivePeriod": {"start": day}}
            yield {**_record("MedicationStatement", "active", period), **subject, **drug, **dosage}
            if "medicationCodeableConcept" in order:
                yield _vaccine(order, order["medicationCodeableConcept"], patient, day)
        case "ServiceRequest" if "code" in order:
            yield {**_record("Procedure", "completed", {"performedDateTime": day}), **subject, "code": order["code"]}
            yield _vaccine(order, order["code"], patient, day)


def _vaccine(order: Mapping[str, msgspec.Raw], code: msgspec.Raw, patient: str, day: str) -> dict[str, msgspec.Raw]:
    """What is ordered may be a vaccine; a code that is none makes no fact."""
    given = _record("Immunization", "completed", {"occurrenceDateTime": day, "patient": {"reference": patient}})
    return {**given, "id": _raw(_text(order, "id") or "draft"), "vaccineCode": code}


def _record(type_: str, status: str, when: Mapping[str, object]) -> dict[str, msgspec.Raw]:
    return {name: _raw(value) for name, value in {"resourceType": type_, "status": status, **when}.items()}


def _events(resource: Mapping[str, msgspec.Raw]) -> list[Event]:
    return resource_events(msgspec.json.encode(resource), _WHERE) or []


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _text(resource: Mapping[str, msgspec.Raw], name: str) -> str:
    """A string element, empty where it is something else."""
    try:
        return msgspec.json.decode(resource.get(name, b'""'), type=str)
    except msgspec.MsgspecError:
        return ""
