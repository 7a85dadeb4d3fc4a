"""Records of a server -> what is kept of them. A search that failed leaves a hole, never an empty answer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock

import msgspec

from adapter.errors import Issue, ServerError
from adapter.facts.collect import Collector
from adapter.facts.vocabulary import Vocabulary
from adapter.fhir.client import Client, Entry, Parameters, in_parallel
from adapter.fhir.decode import Limits
from adapter.fhir.references import key_of
from adapter.sources.events import Event, Noticed, Record, SamePatient, Unreadable
from adapter.sources.resources import Where, resource_events
from adapter.store.knowledge import Coverage, Known
from adapter.sync.failpoint import reached
from adapter.sync.plan import SUBJECTS, chunks, whole

_WHERE = Where("", Limits())


@dataclass(frozen=True, slots=True)
class Task:
    """One partition of the reading: everything of a type of some patients."""

    type: str
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a task gave. `hole` says why it is not everything; then the events are none. `passing`: a fault that may
    be gone the next time.
    """

    task: Task
    events: tuple[Event, ...] = ()
    hole: str = ""
    passing: bool = False


@dataclass(slots=True)
class Reader:
    """Reads one server for one trial. Medications that records refer to are read once a run."""

    client: Client
    vocabulary: Vocabulary
    granted: frozenset[str]
    page_size: int
    threads: int
    _drugs: dict[str, tuple[Event, ...]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def whole(self, types: Sequence[str], subjects: Sequence[str]) -> Iterator[Answered]:
        """Everything of these types of these patients, several searches at once."""
        tasks = [Task(type_, tuple(some)) for some in chunks(subjects, SUBJECTS) for type_ in types]
        yield from in_parallel(self._task, tasks, self.threads)

    def _task(self, task: Task) -> Answered:
        if task.type not in self.granted:
            return Answered(task, hole=no_scope(task.type))
        try:
            reached("read-search")
            events = tuple(self.found(task.type, whole(task.type, task.subjects, self.page_size)))
            reached("read-searched")
            return Answered(task, events)
        except ServerError as error:
            return Answered(task, hole=f"{error}; ask those who run the server", passing=not forbids(error))

    def found(self, type_: str, parameters: Parameters, *, private: bool = True) -> Iterator[Event]:
        """The events of a search, page by page."""
        for page in self.client.search(type_, parameters, private=private):
            reached("read-page")
            for entry in page.found:
                yield from events_of(entry)

    def current(self, key: str) -> tuple[Event, ...]:
        """The events of one resource as it is now; none where it is gone."""
        data = self.client.read(key)
        return tuple(resource_events(data, _WHERE) or ()) if data else ()

    def known(self, events: Iterable[Event]) -> list[Known]:
        """What is kept of records: facts, and issues beside the record that they are about."""
        events = list(events)
        collector = Collector(self.vocabulary)
        collector.take(self.drugs(events))
        collector.take(event for event in events if not isinstance(event, SamePatient | Issue))
        found = {}
        drugs = {(e.subject, e.reference): _medication(e) for e in events if isinstance(e, Record)}
        for subject, gathered in collector.gathered().items():
            for reference, kept in gathered.held.items():
                drug = drugs.get((subject, reference))
                found[subject, reference] = Known(
                    subject, reference, kept.type, kept.version[2], kept.items, kept.unread, drug
                )
        for event in events:
            if isinstance(event, Unreadable | Noticed) and event.subject:
                _add(found, event, event.subject)
        return list(found.values())

    def drugs(self, events: Iterable[Event]) -> Iterator[Event]:
        """The Medications that records refer to."""
        return (event for key in sorted(_medications(events)) for event in self._drug(key))

    def remember(self, medication: Record) -> None:
        """Keeps a Medication that came by another way than being asked for."""
        with self._lock:
            for key in (medication.reference, *medication.also):
                self._drugs[key] = (medication,)

    def _drug(self, key: str) -> tuple[Event, ...]:
        with self._lock:
            if key not in self._drugs:
                try:
                    self._drugs[key] = self.current(key)
                except ServerError:
                    self._drugs[key] = ()  # told by the record that refers to it
            return self._drugs[key]


def no_scope(type_: str) -> str:
    """Why a type that was not granted is not read."""
    return f"no scope for {type_} was granted; ask those who run the server for it"


def forbids(error: ServerError) -> bool:
    """Whether a server has said no, which it will go on saying."""
    return error.status in (400, 401, 403, 404, 405, 501)


def _add(found: dict[tuple[str, str], Known], event: Unreadable | Noticed, subject: str) -> None:
    """An issue stands beside the record that it is about; one of a record that nothing was kept of by itself."""
    issue = event.issue
    unread = isinstance(event, Unreadable)
    type_ = (event.type if isinstance(event, Unreadable) else None) or issue.reference.partition("/")[0]
    row = found.get((subject, issue.reference)) or Known(subject, issue.reference, type_, "", ())
    items = row.items if issue in row.items else (*row.items, issue)
    found[subject, issue.reference] = msgspec.structs.replace(row, items=items, unread=row.unread or unread)


def events_of(entry: Entry) -> list[Event]:
    """The events of one entry; its fullUrl is the server's own name and needs no keeping."""
    return resource_events(bytes(entry.resource), _WHERE) or [] if bytes(entry.resource) else []


def merges_of(events: Iterable[Event]) -> dict[str, list[SamePatient]]:
    """By Patient resource: the merges that it tells. One that tells none is there too, since it may have told one."""
    found: dict[str, list[SamePatient]] = {}
    current = ""
    for event in events:
        if isinstance(event, Record) and event.type == "Patient":
            current = event.reference
            found[current] = []
        elif isinstance(event, SamePatient):
            found.setdefault(current, []).append(event)
    return found


def covered(answered: Iterable[Answered], scopes: str) -> Iterator[Coverage]:
    """The lines of the ledger for what was asked."""
    for one in answered:
        query = f"{one.task.type}?{'_id' if one.task.type == 'Patient' else 'patient'}"
        for subject in one.task.subjects:
            yield Coverage(subject, one.task.type, not one.hole, one.hole, query, scopes)


def _medications(events: Iterable[Event]) -> set[str]:
    return {key for event in events if isinstance(event, Record) and (key := _medication(event))}


def _medication(record: Record) -> str | None:
    """The Medication that a record refers to, unless it stands inside the record."""
    reference = getattr(record.resource, "medication_reference", None)
    key = key_of(reference) if reference else None
    return key if key and key.startswith("Medication/") else None
