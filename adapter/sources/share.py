"""One worker's share of an input that several read at once: which lines it decodes, and whose events it keeps.

Every patient has one worker. A line is decoded by the worker of the patient whom its text names first, told from a few
bytes. What decoding then finds to be about another worker's patient is handed over, so a wrong guess costs only time.
"""

import re
from collections.abc import Iterable, Iterator
from zlib import crc32

from adapter.sources.events import Covered, Event, Noticed, Record, Unreadable

# Everybody needs the names of patients and drugs; an Appointment or a Bundle may be about patients of several workers.
_ONE_PATIENT = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"(?!(?:Patient|Medication|Appointment|Bundle)")[A-Za-z]')
_MOST = 10_000


class TooManyStraysError(Exception):
    """The lines do not tell whose they are: one worker alone is faster, and needs less memory."""


class Share:
    """The share of worker `number` of so many `workers`. `strays`: by worker, the events that are to be handed over."""

    def __init__(self, number: int, workers: int) -> None:
        self.number = number
        self.strays: list[list[Event]] = [[] for _ in range(workers)]
        self._owners: dict[str, int] = {}

    def owner(self, key: str) -> int:
        """The worker of a patient, the same in every process."""
        found = self._owners.get(key)
        if found is None:
            found = self._owners[key] = self._owner(key.encode(errors="replace"))
        return found

    def reader(self, line: bytes) -> int | None:
        """The worker who decodes a line; None where all of them do."""
        if _ONE_PATIENT.match(line) is None:
            return None
        start = line.find(b"Patient/")
        return self._owner(line[start : line.find(b'"', start)])

    def kept(self, events: Iterable[Event], by_all: bool) -> Iterator[Event]:
        """The events of a decoded line that are this worker's; the others are handed over, unless all decode it."""
        for event in events:
            subject = _subject(event)
            owner = self.number if subject is None else self.owner(subject)
            if owner == self.number:
                yield event
            elif not by_all:
                self.strays[owner].append(event)
                if len(self.strays[owner]) > _MOST:
                    raise TooManyStraysError

    def _owner(self, key: bytes) -> int:
        return crc32(key) % len(self.strays)


def _subject(event: Event) -> str | None:
    """The patient whose worker needs an event; None where every worker needs it."""
    if isinstance(event, Record):
        return None if event.type == "Patient" else event.subject
    match event:
        case Unreadable(subject=subject) | Covered(subject=subject) | Noticed(subject=subject):
            return subject
    return None
