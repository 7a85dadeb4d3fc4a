"""What happened to the resources of one type since an instant: by history where the server has it, else by search."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapter.errors import ServerError
from adapter.fhir.client import Entry
from adapter.sources.events import Event, Record, SamePatient
from adapter.store.knowledge import Known
from adapter.sync.failpoint import reached
from adapter.sync.plan import changed
from adapter.sync.reading import Reader, events_of, forbids, merges_of, no_scope

_NO_HISTORY = frozenset({400, 404, 405, 501})


@dataclass(frozen=True, slots=True)
class Changes:
    """What was learned of a type. `problem`: why that is not everything; then it is nothing. `forbidden`: the type may
    be read no more.
    """

    type: str
    known: tuple[Known, ...] = ()
    deleted: tuple[str, ...] = ()
    merges: Mapping[str, list[SamePatient]] = field(default_factory=dict)
    medications: tuple[str, ...] = ()
    problem: str = ""
    forbidden: bool = False


def changes(reader: Reader, type_: str, since: str, subjects: set[str], *, history: bool) -> Changes:
    """The changes of a type since an instant that have to do with these patients."""
    if type_ not in (*reader.granted, "Medication"):
        return Changes(type_, problem=no_scope(type_), forbidden=True)
    try:
        events, deleted = _changed(reader, type_, since, history=history)
    except ServerError as error:
        return Changes(type_, problem=str(error), forbidden=forbids(error))
    return changes_in(reader, type_, events, deleted, subjects)


def changes_in(reader: Reader, type_: str, events: list[Event], deleted: set[str], subjects: set[str]) -> Changes:
    """What events of a type, and the keys of deleted resources, say of these patients."""
    if type_ == "Medication":
        keys = {event.reference for event in events if isinstance(event, Record)}
        return Changes(type_, medications=tuple(sorted(keys | deleted)))
    ours = [event for event in events if _whose(event) & subjects]
    merges = merges_of(ours) | {key: [] for key in deleted if key.startswith("Patient/")}
    return Changes(type_, tuple(reader.known(ours)), tuple(sorted(deleted)), merges)


def _changed(reader: Reader, type_: str, since: str, *, history: bool) -> tuple[list[Event], set[str]]:
    if history:
        try:
            return _by_history(reader, type_, since)
        except ServerError as error:
            if error.status not in _NO_HISTORY:
                raise
    return list(reader.found(type_, changed(since, reader.page_size), private=False)), set()


def _by_history(reader: Reader, type_: str, since: str) -> tuple[list[Event], set[str]]:
    """A resource that was written more than once, or deleted and written, is read as it is now: the order of a
    history's entries within one instant is not to be relied on.
    """
    entries: dict[str, list[Entry]] = {}
    for page in reader.client.history(type_, since, reader.page_size):
        reached("changes-page")
        for entry in page.found:
            entries.setdefault(_key(entry), []).append(entry)
    events: list[Event] = []
    deleted: set[str] = set()
    for key, versions in entries.items():
        if len(versions) > 1:
            current = reader.current(key)
            events += current
            deleted |= set() if current else {key}
        elif versions[0].deleted:
            deleted.add(key)
        else:
            events += events_of(versions[0])
    return events, deleted


def _key(entry: Entry) -> str:
    """`Type/id` of what an entry of a history is about."""
    if entry.deleted:
        return entry.deleted
    first = next((event for event in events_of(entry) if isinstance(event, Record)), None)
    return first.reference if first else "/".join(entry.full_url.split("/")[-2:])


def _whose(event: Event) -> set[str]:
    if isinstance(event, SamePatient):
        return {event.key, event.survivor}
    subject = getattr(event, "subject", None)
    return {subject} if subject else set()
