"""A Bundle of any type, or a single resource, in memory -> events.

The envelope is decoded once with every resource left raw; each resource is then decoded from its own bytes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from adapter.errors import Issue, UnreadableError
from adapter.fhir.decode import FOREIGN_TYPES, Limits, type_at_start
from adapter.fhir.references import key_of_text
from adapter.sources.coverage import searchset_coverage
from adapter.sources.envelope import Broken, Entry, Envelope, read_envelope
from adapter.sources.events import Covered, Event, Noticed, Unreadable
from adapter.sources.resources import Where, resource_events, told_unreadable
from adapter.sources.salvage import Told, told, told_head, told_of_all

MAX_NESTED_BUNDLES = 8
_NO_RESOURCE = (b"", b"null")
_WITHOUT_RESOURCE = frozenset({"DELETE", "GET", "HEAD"})


def read_document(data: bytes, name: str = "input", limits: Limits | None = None) -> Iterator[Event]:
    """Everything in one FHIR JSON document in memory: a Bundle or a single resource. `name` stands in the issues."""
    return iter(events_of(data.removeprefix(b"\xef\xbb\xbf"), Where(name, limits or Limits())))


def events_of(data: bytes, where: Where, line: int = 0, inside: int = 0) -> Iterable[Event]:
    """What one JSON text, a document or a line, yields. `inside` counts the Bundles around it."""
    if data[:1] != b"{" and data.lstrip()[:1] == b"[":
        problem = "a JSON array; FHIR wants a Bundle, or one resource a line (NDJSON)"
        return (Issue("error", "", "", problem, where.file, line),)
    events = resource_events(data, where, line)
    return _bundle(data, where, line, inside) if events is None else events


def _bundle(data: bytes, where: Where, line: int, inside: int) -> Iterator[Event]:
    if inside >= MAX_NESTED_BUNDLES:
        yield Issue(
            "error", "Bundle", "", f"more than {MAX_NESTED_BUNDLES} Bundles inside each other", where.file, line
        )
        return
    envelope = read_envelope(data)
    covered = _coverage(envelope)
    searched = covered[0] if len(covered) == 1 else Covered(frozenset(), None)
    here = replace(where, names=_names(envelope), subject=searched.subject, type=next(iter(searched.types), None))
    yield from covered
    if envelope.fault is None:
        yield from _entries(envelope, here, line, inside)
        return
    sound = True
    for event in _entries(envelope, here, line, inside):
        sound = sound and not isinstance(event, Issue | Unreadable | Noticed)
        yield event
    if envelope.lost or sound:
        severity: Literal["error", "note"] = "error" if envelope.lost else "note"
        yield Issue(severity, "Bundle", envelope.fault.path, envelope.fault.problem, where.file, line)


def _entries(envelope: Envelope, where: Where, line: int, inside: int) -> Iterator[Event]:
    deleted = _deleted(envelope)
    for index, entry in enumerate(envelope.entries):
        if isinstance(entry, Broken):
            yield from _broken(entry, index, where, line)
        elif deleted and _name(entry) in deleted:
            yield from _deletion(entry, where, line)
        elif (data := bytes(entry.resource)) in _NO_RESOURCE:
            yield from _without_resource(entry, index, where, line)
        elif (events := resource_events(data, where, line, entry.full_url)) is None:
            yield from _bundle(data, Where(where.file, where.limits), line, inside + 1)
        else:
            yield from events


def _names(envelope: Envelope) -> dict[str, str]:
    """The patients whom the entries define under a `urn:` fullUrl, by it: `Patient/id`, or the fullUrl itself."""
    names: dict[str, str] = {}
    for entry in envelope.entries:
        if isinstance(entry, Broken) or not entry.full_url or not entry.full_url.startswith("urn:"):
            continue
        if type_at_start(entry.resource) in (None, "Patient"):
            it = told_head(bytes(entry.resource))
            if it.type == "Patient":
                names[entry.full_url] = f"Patient/{it.id}" if it.id else entry.full_url
    return names


def _coverage(envelope: Envelope) -> tuple[Covered, ...]:
    if envelope.type != "searchset" or not envelope.head_read:
        return ()
    links = {link.relation: link.url for link in envelope.links if link.relation and link.url}
    if any(link.relation == "next" for link in envelope.links):
        return ()
    matches = Counter(
        _type(entry)
        for entry in envelope.entries
        if isinstance(entry, Entry) and (entry.search is None or entry.search.mode in (None, "match"))
    )
    return searchset_coverage(links, envelope.total, matches)


def _type(entry: Entry) -> str:
    return type_at_start(entry.resource) or told(bytes(entry.resource)).type or ""


def _name(entry: Entry) -> str:
    """The resource that an entry of a history is about."""
    url = entry.full_url or (entry.request.url if entry.request else None)
    return key_of_text(url) if url else ""


def _deleted(envelope: Envelope) -> frozenset[str]:
    """The resources of a history whose newest entry is their deletion (a history is sorted newest first)."""
    if envelope.type != "history":
        return frozenset()
    newest: dict[str, Entry] = {}
    for entry in envelope.entries:
        if isinstance(entry, Entry):
            newest.setdefault(_name(entry), entry)
    return frozenset(
        name for name, entry in newest.items() if name and entry.request and entry.request.method == "DELETE"
    )


def _deletion(entry: Entry, where: Where, line: int) -> Iterator[Event]:
    if entry.resource:
        problem = "a version from before its deletion; set aside"
        yield Issue("note", _name(entry), "", problem, where.file, line)


def _without_resource(entry: Entry, index: int, where: Where, line: int) -> Iterator[Event]:
    """A deletion, a read or an answer needs no resource; any other entry should have one."""
    if entry.response or (entry.request and entry.request.method in _WITHOUT_RESOURCE):
        return
    fault = UnreadableError(f"entry[{index}].resource", "missing: an entry without a resource")
    yield told_unreadable(Told(None, None, None), fault, where, line, entry.full_url)


def _broken(entry: Broken, index: int, where: Where, line: int) -> Iterator[Event]:
    fault = UnreadableError(f"entry[{index}]", entry.fault.problem)
    found = list(told_of_all(entry.data)) or [Told(None, None, None)]
    for it in found:
        if it.type is None or it.type not in FOREIGN_TYPES:
            yield told_unreadable(it, fault, where, line)
