"""One resource's bytes -> events: a record with its reference and its patient, or the issue that says why not."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from adapter.errors import Issue, UnreadableError
from adapter.fhir.decode import Limits, decode
from adapter.fhir.elements import READ, Appointment, Identifier, Patient, Reference, Resource
from adapter.fhir.references import contained_patient, identifier_key, key_of, key_of_text
from adapter.sources.events import Event, Noticed, Record, SamePatient, Unreadable
from adapter.sources.salvage import Told, members, told

_BY_PATIENT = ("Immunization", "ImmunizationRecommendation", "Consent")
_SUBJECT = {
    kind: "patient" if kind in _BY_PATIENT else "subject"
    for kind in READ.keys() - {"Patient", "Medication", "Appointment", "ResearchSubject"}
} | {"ResearchSubject": "individual"}
"""The element that names the patient."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where a resource stands: the file, and what its Bundle says of it.

    `names` are the patients that the Bundle's entries define under a `urn:` fullUrl; `subject` is the one patient of a
    searchset and `type` what was searched for: they are meant by an entry that does not even tell its own.
    """

    file: str
    limits: Limits
    names: Mapping[str, str] = field(default_factory=dict)
    subject: str | None = None
    type: str | None = None


class _Names(msgspec.Struct, frozen=True, gc=False):
    identifier: tuple[Identifier, ...] | None = None


_read_names = msgspec.json.Decoder(_Names).decode


def resource_events(data: bytes, where: Where, line: int = 0, full_url: str | None = None) -> list[Event] | None:
    """What one resource yields: nothing for a foreign type, else a Record or what is wrong; None if it is a Bundle."""
    try:
        kind, resource, repairs = decode(data, where.limits)
    except UnreadableError as fault:
        return None if _was_bundle(data) else [unreadable(data, fault, where, line, full_url)]
    if resource is None:
        return None if kind == "Bundle" else []
    if resource.id:
        reference = f"{kind}/{resource.id}"
        also = () if full_url is None or full_url.endswith(reference) else _also(reference, full_url)
    else:
        reference = full_url or _named_by_content(kind, data)
        also = _also(reference, reference)
    path = _SUBJECT.get(kind)
    if path is None:
        events = _special(resource, data, reference, where, line, also)
    else:
        subject: Reference | None = getattr(resource, path)
        key = key_of_text(subject.reference) if subject is not None and subject.reference else ""
        if key.startswith("Patient/"):  # the way of nearly every record
            events = [Record(kind, resource, reference, key, also)]
        else:
            events = [_record(kind, resource, reference, subject, where, line, also)]
    if repairs:
        whose = next((e.reference if kind == "Patient" else e.subject for e in events if isinstance(e, Record)), None)
        for at, problem in repairs:
            issue = Issue("note", reference, at, problem, where.file, line)
            events.append(Noticed(issue, whose) if whose else issue)
    return events


def _was_bundle(data: bytes) -> bool:
    """Whether broken JSON was meant to be a Bundle."""
    parts, _ = members(data) if b'"Bundle"' in data else ({}, -1)
    return "resourceType" in parts and parts["resourceType"].data == b'"Bundle"'


def unreadable(
    data: bytes, fault: UnreadableError, where: Where, line: int = 0, full_url: str | None = None
) -> Unreadable:
    """The event for a text that is no readable resource, with all that can be told of it."""
    return told_unreadable(told(data), fault, where, line, full_url)


def told_unreadable(
    it: Told, fault: UnreadableError, where: Where, line: int = 0, full_url: str | None = None
) -> Unreadable:
    """The same from what was told already."""
    reference = f"{it.type}/{it.id}" if it.type and it.id else full_url or it.type or ""
    subject = it.subject
    if it.type == "Patient" and subject is None and full_url:
        subject = key_of_text(full_url)
    subject = where.names.get(subject, subject) if subject else where.subject
    issue = Issue("error", reference, fault.path, fault.problem, where.file, line)
    return Unreadable(issue, it.type or where.type, None if it.type == "Medication" else subject)


def _named_by_content(kind: str, data: bytes) -> str:
    """A name for a resource without id and fullUrl that does not depend on where it stands."""
    return f"{kind}/sha256-{hashlib.sha256(data).hexdigest()[:16]}"


def _also(reference: str, full_url: str) -> tuple[str, ...]:
    """Another name of the resource: its fullUrl, as references to it are normalised."""
    key = key_of_text(full_url)
    return () if key == reference else (key,)


def _special(
    resource: Resource, data: bytes, reference: str, where: Where, line: int, also: tuple[str, ...]
) -> list[Event]:
    """The types whose patient is not simply their subject."""
    if isinstance(resource, Patient):
        return _patient(resource, reference, where, also)
    if isinstance(resource, Appointment):
        return _appointment(resource, reference, where, line, also)
    return [Record("Medication", resource, reference, None, (*also, *_identifiers(data)))]


def _record(
    kind: str,
    resource: Resource,
    reference: str,
    subject: Reference | None,
    where: Where,
    line: int,
    also: tuple[str, ...],
) -> Record | Issue:
    issue = Issue("error", reference, _SUBJECT[kind], "", where.file, line)
    key_or_issue = _subject(subject, resource, issue, where)
    if isinstance(key_or_issue, Issue):
        return key_or_issue
    return Record(kind, resource, reference, key_or_issue, also)


def _patient(patient: Patient, reference: str, where: Where, also: tuple[str, ...]) -> list[Event]:
    identifiers = filter(None, map(identifier_key, patient.identifier or ()))
    events: list[Event] = [
        Record("Patient", patient, reference, reference, tuple(dict.fromkeys((*also, *identifiers))))
    ]
    for link in patient.link or ():
        other = key_of(link.other) if link.other else None
        if other is None:
            continue
        other = where.names.get(other, other)
        if link.type == "replaced-by":
            events.append(SamePatient(reference, other))
        elif link.type == "replaces":
            events.append(SamePatient(other, reference))
    return events


def _appointment(
    appointment: Appointment, reference: str, where: Where, line: int, also: tuple[str, ...]
) -> list[Event]:
    """An appointment belongs to every patient who takes part; the others who do are no subjects."""
    found: dict[str, None] = {}
    for participant in appointment.participant or ():
        key = _patient_key(participant.actor, where) if participant.actor else None
        if key:
            found[key] = None
    if not found:
        problem = "no participant is a patient"
        return [Issue("error", reference, "participant", problem, where.file, line)]
    return [Record("Appointment", appointment, reference, key, also) for key in found]


def _patient_key(reference: Reference, where: Where) -> str | None:
    """The patient whom a reference means, None if it means something else."""
    key = key_of(reference)
    if key is None:
        return None
    key = where.names.get(key, key)
    if key.startswith("Patient/") or reference.type == "Patient":
        return key
    return key if reference.type is None and key in where.names.values() else None


def _subject(reference: Reference | None, resource: Resource, issue: Issue, where: Where) -> str | Issue:
    """The key of the patient, or the issue of a record that has none (`issue` lacks only its problem)."""
    key = key_of(reference) if reference else None
    if reference is None or key is None:
        return replace(issue, problem="no patient is named")
    if key.startswith("#"):
        inner = contained_patient(resource, key)
        names = filter(None, map(identifier_key, (inner.identifier or ()) if inner else ()))
        return next(names, None) or replace(issue, problem=f"{key} is no contained Patient with an identifier")
    kind = reference.type or ("" if key.startswith(("urn:", "identifier:")) else key.partition("/")[0])
    if kind[:1].isupper() and kind != "Patient":
        return replace(issue, severity="note", problem=f"the record of a {kind}, not of a patient; set aside")
    if "/" not in key and ":" not in key:
        key = f"Patient/{key}"
    return where.names.get(key, key)


def _identifiers(data: bytes) -> tuple[str, ...]:
    """A Medication can be referred to by identifier, which no other part of the program needs."""
    try:
        identifiers = _read_names(data).identifier or ()
    except ValueError:
        return ()
    return tuple(filter(None, map(identifier_key, identifiers)))
