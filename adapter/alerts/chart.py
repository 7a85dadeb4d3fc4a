"""From a call to the patient's record: what the EHR sent along, what its server gives, what the store knows.

A type of which everything was sent or fetched stands alone; of any other the store's records stand beside what was
sent, and only its ledger says whether they are complete.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from adapter.alerts.call import Call, CallError
from adapter.alerts.services import prefetch_key
from adapter.errors import Issue
from adapter.facts.collect import Collector, Gathered
from adapter.facts.model import PatientRecord
from adapter.facts.vocabulary import Vocabulary
from adapter.fhir.decode import Limits
from adapter.sources.bundle import events_of
from adapter.sources.events import Covered, Event, Noticed, Record, SamePatient, Unreadable
from adapter.sources.resources import Where

Stored = tuple[list[SamePatient], dict[str, Gathered]]
_NOTHING: Stored = ([], {})
Fetch = Callable[[Call, Sequence[str], Sequence[Event]], tuple[Mapping[str, list[Event]], list[Event]]]
"""Of a call: everything of each of some types, without those that were not given; and the Medications that these and
the records at hand refer to.
"""
_WHERE = Where("prefetch", Limits())
_NULL = b"null"
_TELLING = (b'"link"', b'"OperationOutcome"', b'"include"', b'"outcome"')
"""Where none of these stands, a searchset has nothing but matches and says nothing of itself."""


class _Link(msgspec.Struct, frozen=True):
    relation: str = ""


class _Kind(msgspec.Struct, frozen=True, rename={"type_": "resourceType"}):
    type_: str = ""


class _Search(msgspec.Struct, frozen=True):
    mode: str = ""


class _Entry(msgspec.Struct, frozen=True):
    resource: _Kind = _Kind()
    search: _Search = _Search()


class _Head(msgspec.Struct, frozen=True, rename={"type_": "resourceType"}):
    type_: str = ""
    total: int | None = None


class _Page(msgspec.Struct, frozen=True, rename={"type_": "resourceType"}):
    type_: str = ""
    total: int | None = None
    link: tuple[_Link, ...] = ()
    entry: tuple[_Entry, ...] = ()


@dataclass(slots=True)
class Sent:
    """What is at hand of a patient: his names, events, the types of which they are everything, those nobody gave."""

    names: set[str]
    events: list[Event] = field(default_factory=list)
    whole: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)


def sent_with(call: Call, types: Sequence[str]) -> Sent:
    """What came as prefetch. A key that is null was asked for and not given: nothing is known, nothing is missing."""
    sent = Sent({call.context.patient})
    prefetch = call.prefetch or {}
    for type_ in types:
        raw = prefetch.get(prefetch_key(type_))
        if raw is None:
            sent.missing.append(type_)
        elif (data := bytes(raw)) != _NULL:
            _take(sent, type_, data, call.context.patient)
    return sent


def _take(sent: Sent, type_: str, data: bytes, patient: str) -> None:
    found = list(events_of(data, _WHERE))
    own = _own(found, sent.names)
    sent.events += own
    if any(isinstance(event, Unreadable | Issue) or _may_be_his(event, sent.names) for event in found):
        return  # what could not be read, or is somebody's whose name we do not know, may be anything
    if type_ == "Patient":
        me = [e for e in own if isinstance(e, Record) and e.reference == patient]
        sent.names.update(name for one in me for name in one.also)
        whole = bool(me)
    else:
        whole = any(isinstance(e, Covered) and type_ in e.types for e in own) or _is_whole(data, found)
    if whole:
        sent.whole.add(type_)


def _own(events: Iterable[Event], names: set[str]) -> list[Event]:
    """Only what is about this patient, and the Medications that it refers to."""
    return [e for e in events if not isinstance(e, SamePatient) and ((key := _subject(e)) is None or key in names)]


def _may_be_his(event: Event, names: set[str]) -> bool:
    """Whether a record names its patient by something else than an id, and by none of his names."""
    key = _subject(event) if isinstance(event, Record) else None
    return key is not None and key not in names and not key.startswith("Patient/")


def _subject(event: Event) -> str | None:
    if isinstance(event, Record):
        return event.reference if event.type == "Patient" else event.subject
    return event.subject if isinstance(event, Covered | Unreadable | Noticed) else None


def _is_whole(data: bytes, found: Sequence[Event]) -> bool:
    """Whether a searchset that does not tell its own query is the answer to ours: no further page, nothing left out,
    and no word of the server about it. Its query is the template of the service, without a code filter.
    """
    try:
        if not any(word in data for word in _TELLING):  # nearly every one; the entries need no second look
            head = msgspec.json.decode(data, type=_Head)
            return head.type_ == "Bundle" and (head.total or 0) <= sum(isinstance(event, Record) for event in found)
        page = msgspec.json.decode(data, type=_Page)
    except (ValueError, RecursionError):
        return False
    if page.type_ != "Bundle" or any(link.relation in ("next", "self") for link in page.link):
        return False
    matches = [entry for entry in page.entry if entry.search.mode in ("", "match")]
    told = any(entry.resource.type_ == "OperationOutcome" or entry.search.mode == "outcome" for entry in page.entry)
    return not told and (page.total or 0) <= len(matches)


def chart(
    call: Call, types: Sequence[str], words: Vocabulary, fetch: Fetch | None, stored: Callable[[], Stored]
) -> PatientRecord:
    """The record of the patient of a call. Raises CallError, 412, where nobody gives what the criteria need. The store
    is asked only where something is not at hand.
    """
    sent = sent_with(call, types)
    if fetch:
        given, drugs = fetch(call, sent.missing, sent.events)
        _fetched(sent, given)
        sent.events += drugs
    pairs, held = stored() if set(types) - sent.whole else _NOTHING
    patient = call.context.patient
    if sent.missing and not held:
        keys = ", ".join(prefetch_key(type_) for type_ in sent.missing)
        raise CallError(412, f"the prefetch is missing {keys}; send it, or fhirAuthorization for the server on record")
    collector = Collector(words)
    collector.take(sent.events)
    if len(held) <= 1:  # what was sent is everything of one patient, not of those merged with him
        collector.take([Covered(frozenset(sent.whole), patient)])
    fresh = collector.gathered()
    if held:
        collector = Collector(words)
        collector.take(pairs)
        collector.welcome(_joined(held, fresh, patient, sent.whole))
    return next(iter(collector.rest()), PatientRecord(patient))


def _fetched(sent: Sent, given: Mapping[str, list[Event]]) -> None:
    for type_, events in given.items():
        sent.events += _own(events, sent.names)
        sent.whole.add(type_)
        sent.missing.remove(type_)


def _joined(
    held: dict[str, Gathered], fresh: dict[str, Gathered], patient: str, whole: set[str]
) -> dict[str, Gathered]:
    """The store's records with what was sent in their place."""
    old, new = held.get(patient, Gathered()), fresh.get(patient, Gathered())
    kept = {name: one for name, one in old.held.items() if one.type not in whole}
    told = [issue for issue in old.issues if issue.path not in whole]
    both = Gathered(
        held={**kept, **new.held}, anonymous=new.anonymous, issues=[*told, *new.issues],
        covered=old.covered | new.covered, unread=new.unread,
    )  # fmt: skip
    return {**held, patient: both}
