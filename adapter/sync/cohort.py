"""Who could matter, as the server knows it: by diagnosis, clinic, Group, List, or everybody."""

import msgspec

from adapter.connection import CohortSection
from adapter.eligibility.trial import Trial
from adapter.errors import ServerError
from adapter.facts.model import Fact
from adapter.sources.events import Event, Record
from adapter.sync.plan import changed, cohort_searches
from adapter.sync.reading import Reader


class _Reference(msgspec.Struct):
    reference: str = ""


class _Member(msgspec.Struct):
    entity: _Reference = msgspec.field(default_factory=_Reference)
    inactive: bool = False


class _Entry(msgspec.Struct):
    item: _Reference = msgspec.field(default_factory=_Reference)
    deleted: bool = False


class _Register(msgspec.Struct):
    """A Group or a List."""

    member: tuple[_Member, ...] = ()
    entry: tuple[_Entry, ...] = ()


def members(reader: Reader, cohort: CohortSection, trial: Trial, since: str | None) -> dict[str, str]:
    """Patient -> why he could matter; with `since` only those found by what was written from then on.

    Raises ServerError where a search fails: who is not found would be missing without a word.
    """
    found: dict[str, str] = {}
    for type_, parameters, why in cohort_searches(cohort, trial, reader.page_size):
        narrowed = [*parameters, *changed(since, 0)[:1]] if since else parameters
        events = list(reader.found(type_, narrowed, private=False))
        subjects = diagnosed(reader, trial, events) if type_ == "Condition" else _subjects(events)
        found |= {subject: why for subject in sorted(subjects) if subject not in found}
    for key in (*cohort.groups, *cohort.lists):
        found |= {subject: key for subject in _registered(reader, key) if subject not in found}
    return {subject: why for subject, why in found.items() if subject.startswith("Patient/")}


def _subjects(events: list[Event]) -> set[str]:
    return {event.subject for event in events if isinstance(event, Record) and event.subject}


def diagnosed(reader: Reader, trial: Trial, events: list[Event]) -> set[str]:
    """Those of whom the mappings say that a Condition is one of the trial's, or may be."""
    return {
        row.subject
        for row in reader.known(events)
        if row.unread or any(isinstance(item, Fact) and item.name in trial.cohort for item in row.items)
    }


def _registered(reader: Reader, key: str) -> list[str]:
    data = reader.client.read(key)
    if data is None:
        raise ServerError(f"{key} of the cohort is not on the server; correct [cohort] of the configuration", 404)
    found = msgspec.json.decode(data, type=_Register)
    members = [one.entity.reference for one in found.member if not one.inactive]
    return [*members, *(one.item.reference for one in found.entry if not one.deleted)]
