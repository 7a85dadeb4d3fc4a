"""A stream of records -> patient records: keeps facts, never resources, and the latest version of each resource."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from adapter.errors import Issue
from adapter.facts.derived import derived_facts
from adapter.facts.mapping import facts_of
from adapter.facts.model import Consented, Enrolment, Fact, PatientRecord, Person
from adapter.facts.versions import Version, name_of, version
from adapter.facts.vocabulary import Item, Vocabulary
from adapter.fhir.elements import MEDICATION_TYPES, CodeableConcept, Coding, Medication, Meta, Resource
from adapter.fhir.references import contained_medication, key_of
from adapter.sources.events import Covered, Event, Noticed, PatientDone, Record, SamePatient, Unreadable

_MEDICATION_TYPES = frozenset(MEDICATION_TYPES)


class Kept(msgspec.Struct):
    """What is kept of one resource: its version, its items, and a medication record that waits for its Medication."""

    meta: Meta | None
    items: tuple[Item, ...] = ()
    type: str = ""
    unread: bool = False
    waiting: Record | None = None

    @property
    def version(self) -> Version:
        """Made when it is asked for: few resources are met in two versions."""
        return version(self.meta)


class Gathered(msgspec.Struct):
    """What is kept of one subject key while records stream by."""

    held: dict[str, Kept] = msgspec.field(default_factory=dict)
    anonymous: list[Kept] = msgspec.field(default_factory=list)
    issues: list[Issue] = msgspec.field(default_factory=list)
    covered: set[str] = msgspec.field(default_factory=set)
    unread: set[str] = msgspec.field(default_factory=set)


@dataclass(slots=True)
class Collector:
    """Gathers facts by patient. `complete` are the types that the caller declares as read completely (`*`: all)."""

    vocabulary: Vocabulary
    complete: frozenset[str] = frozenset()
    issues: list[Issue] = field(default_factory=list)
    _patients: dict[str, Gathered] = field(default_factory=dict)
    _aliases: dict[str, str] = field(default_factory=dict)
    _named_by: dict[str, set[str]] = field(default_factory=dict)
    _drugs: dict[str, tuple[Version, CodeableConcept]] = field(default_factory=dict)
    _covered: set[str] = field(default_factory=set)

    def records(self, events: Iterable[Event]) -> Iterator[PatientRecord]:
        """Patient records: those that are done early as they are done, the others at the end in the order of their
        ids.
        """
        for event in events:
            if isinstance(event, Record):
                self._keep(event)
            elif isinstance(event, PatientDone):
                yield from self._finish(self._keys_of(self._survivor(event.subject)))
            else:
                self._take(event)
        yield from self.rest()

    def take(self, events: Iterable[Event]) -> None:
        """Gathers without finishing anybody."""
        for event in events:
            if isinstance(event, Record):
                self._keep(event)
            else:
                self._take(event)

    def rest(self) -> Iterator[PatientRecord]:
        """The records of all who were not done early."""
        return self._finish(list(self._patients))

    def leaving(self, number: int, workers: int, owner: Callable[[str], int]) -> list[dict[str, Gathered]]:
        """Of a worker's patients those whose survivor is another's, by worker; patients of others are forgotten."""
        leaving: list[dict[str, Gathered]] = [{} for _ in range(workers)]
        for key in list(self._patients):
            to = owner(self._survivor(key))
            if owner(key) != number:
                del self._patients[key]
            elif to != number:
                leaving[to][key] = self._patients.pop(key)
        return leaving

    def gathered(self) -> dict[str, Gathered]:
        """What was taken, by subject, with every record that waited for a Medication settled. Nobody is finished."""
        for patient in self._patients.values():
            patient.held = dict(zip(patient.held, self._settled(list(patient.held.values())), strict=True))
            patient.anonymous = list(self._settled(patient.anonymous))
        return self._patients

    def welcome(self, arriving: Mapping[str, Gathered]) -> None:
        """Takes over what another worker gathered."""
        self._patients.update(arriving)

    def _take(self, event: Event) -> None:
        match event:
            case Unreadable(issue, type_, subject):
                self._fail(issue, type_, subject)
            case Noticed(issue, subject):
                self._patient(subject).issues.append(issue)
            case SamePatient(key, survivor):
                if self._survivor(survivor) != key:
                    self._alias(key, survivor)
            case Covered(types, subject):
                (self._patient(subject).covered if subject else self._covered).update(types)
            case Issue():
                self.issues.append(event)

    def _keep(self, record: Record) -> None:
        if record.type == "Patient":
            for key in record.also:
                if key != record.reference:  # two patients under one identifier: the smaller id, whatever came first
                    self._alias(key, min(self._aliases.get(key, record.reference), record.reference))
        if record.subject is None:
            if isinstance(record.resource, Medication):
                self._keep_drug(record, record.resource)
            return
        patient, held = self._patient(record.subject), self._read(record)
        if record.resource.id is None and record.type != "Patient":
            patient.anonymous.append(held)
        elif (old := patient.held.setdefault(record.reference, held)) is not held and not _same(old, held):
            self._choose(patient, record.reference, old, held)

    def _keep_drug(self, record: Record, drug: Medication) -> None:
        """The latest version of a Medication, whatever came first."""
        found = version(drug.meta)
        for key in (record.reference, *record.also):
            if key not in self._drugs or found >= self._drugs[key][0]:
                self._drugs[key] = (found, drug.code or CodeableConcept())

    def _choose(self, patient: Gathered, reference: str, old: Kept, held: Kept) -> None:
        older, latest = sorted((old, held), key=lambda h: (h.version, repr((h.items, h.waiting))))
        patient.issues.append(_older_version(reference, older.version))
        patient.held[reference] = latest

    def _read(self, record: Record) -> Kept:
        """The items of one record; one that refers to a Medication waits, as a later version of that may come."""
        if record.type in _MEDICATION_TYPES and _refers(record.resource):
            contained = self._contained(record.resource)
            if contained is None:
                return Kept(record.resource.meta, type=record.type, waiting=record)
            return self._mapped(record, contained)
        return self._mapped(record, None)

    def _mapped(self, record: Record, medication: CodeableConcept | None) -> Kept:
        resource = record.resource
        found = facts_of(resource, record.reference, self.vocabulary, medication)
        if isinstance(found, Issue):
            return Kept(resource.meta, (found,), record.type, unread=True)
        return Kept(resource.meta, found, record.type)

    def _contained(self, resource: Resource) -> CodeableConcept | None:
        reference = getattr(resource, "medication_reference", None)
        if not (reference and (reference.reference or "").startswith("#")):
            return None
        inner = contained_medication(resource, reference.reference)
        return (inner.code or CodeableConcept()) if inner else None

    def _medication(self, resource: Resource) -> CodeableConcept | None:
        reference = getattr(resource, "medication_reference", None)
        key = key_of(reference) if reference else None
        found = self._drugs.get(key) if key else None
        return found[1] if found else None

    def _fail(self, issue: Issue, type_: str | None, subject: str | None) -> None:
        if subject is None:
            self.issues.append(issue)
            return
        patient = self._patient(subject)
        patient.issues.append(issue)
        if type_:
            patient.unread.add(type_)

    def _patient(self, subject: str) -> Gathered:
        found = self._patients.get(subject)
        if found is None:
            found = self._patients[subject] = Gathered()
        return found

    def _survivor(self, key: str) -> str:
        """Follows merges and other names to the one key of a patient; a circle of merges ends where it began."""
        seen = {key}
        while (following := self._aliases.get(key)) and following not in seen:
            seen.add(following)
            key = following
        return key

    def _finish(self, keys: list[str]) -> Iterator[PatientRecord]:
        groups: dict[str, list[str]] = {}
        for key in keys:
            groups.setdefault(self._survivor(key), []).append(key)
        for survivor in sorted(groups):
            yield self._record(survivor, sorted(groups[survivor]))

    def _alias(self, key: str, survivor: str) -> None:
        self._aliases[key] = survivor
        self._named_by.setdefault(survivor, set()).add(key)

    def _keys_of(self, survivor: str) -> list[str]:
        """The subject keys that mean this patient; they are forgotten, as he is done."""
        found, waiting = [], [survivor]
        while waiting:
            key = waiting.pop()
            if key in self._patients:
                found.append(key)
            waiting += sorted(k for k in self._named_by.pop(key, ()) if self._aliases.get(k) == key)
        return found

    def _record(self, survivor: str, keys: list[str]) -> PatientRecord:
        items: list[Item] = []
        issues: list[Issue] = []
        covered, unread = self._covered | self.complete, set[str]()
        person: Person | None = None
        for key in sorted(keys, key=lambda k: k != survivor):
            patient = self._patients.pop(key)
            covered |= patient.covered
            issues += patient.issues
            for held in self._settled([*patient.held.values(), *patient.anonymous]):
                items += held.items
                if held.unread:
                    unread.add(held.type)
            unread |= patient.unread
            own = next((item for item in items if isinstance(item, Person)), None)
            person = person or own
        if person is None:
            issues.append(Issue("note", survivor, "", "no Patient resource: age and gender are not known"))
        if len(keys) > 1:
            names = ", ".join(key for key in keys if key != survivor)
            if any(key.startswith("Patient/") for key in keys if key != survivor):
                issues.append(Issue("note", survivor, "link", f"screened as one with {names}"))
        issues += [item for item in items if isinstance(item, Issue)]
        return PatientRecord(
            survivor,
            person,
            _by_name([item for item in items if isinstance(item, Fact)]),
            tuple(sorted((i for i in items if isinstance(i, Consented)), key=lambda c: c.source.reference)),
            tuple(sorted(i for i in items if isinstance(i, Enrolment))),
            frozenset(covered),
            frozenset(unread),
            tuple(sorted(set(issues))),
        )

    def _settled(self, held: list[Kept]) -> Iterator[Kept]:
        """Every held resource with its items; a Medication that never came is an issue, its record counts as
        nameless.
        """
        for one in held:
            if one.waiting is None:
                yield one
                continue
            record = one.waiting
            medication = self._medication(record.resource)
            if medication is not None:
                yield self._mapped(record, medication)
                continue
            found = facts_of(record.resource, record.reference, self.vocabulary, _by_display(record.resource))
            missing = Issue(
                "error",
                record.reference,
                "medicationReference",
                "the Medication it refers to is not in the input",
            )
            items = (found,) if isinstance(found, Issue) else found
            yield replace(one, items=(missing, *items), waiting=None)


def with_facts(record: PatientRecord, more: Iterable[Fact]) -> PatientRecord:
    """The record with further facts, from which nothing is derived."""
    groups = dict(record.facts)
    for fact in more:
        groups[fact.name] = tuple(sorted((*groups.get(fact.name, ()), fact), key=lambda f: f.order))
    return replace(record, facts=groups)


def _by_name(facts: list[Fact]) -> dict[str, tuple[Fact, ...]]:
    groups: dict[str, list[Fact]] = {}
    for fact in facts:
        groups.setdefault(fact.name, []).append(fact)
    for fact in tuple(derived_facts(lambda name: groups.get(name, ()))):
        groups.setdefault(fact.name, []).append(fact)
    return {name: tuple(sorted(group, key=lambda f: f.order)) for name, group in groups.items()}


def _refers(resource: Resource) -> bool:
    return getattr(resource, "medication_reference", None) is not None and (
        getattr(resource, "medication_codeable_concept", None) is None
    )


def _by_display(resource: Resource) -> CodeableConcept:
    """What is left of a medication that never came: the display of the reference, readable but no code."""
    reference = getattr(resource, "medication_reference", None)
    return CodeableConcept(coding=(Coding(display=reference.display),) if reference and reference.display else None)


def _same(one: Kept, other: Kept) -> bool:
    """The same resource met twice (a page read again, a folder given twice) is nothing to tell."""
    return one.version == other.version and one.items == other.items and one.waiting == other.waiting


def _older_version(reference: str, older: Version) -> Issue:
    return Issue("note", reference, "meta", f"an older version was met and set aside: {name_of(older)}")
