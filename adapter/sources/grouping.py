"""When a patient's records end: a first look at sources that can be read twice, and the count of the second reading.

A *step* is one line or one document. The first look notes the last step at which each patient is named; the second
reading then knows when nothing more of a patient can follow, so that only the patients in between are in memory.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from adapter.fhir.references import key_of
from adapter.sources.events import Covered, Event, PatientDone, Record, SamePatient, Unreadable


def last_steps(steps: Iterable[Iterable[Event]]) -> dict[str, int]:
    """The last step at which each patient, and each Medication, is named. Holds a number a patient, no records."""
    last: dict[str, int] = {}
    other_names: dict[str, str] = {}
    for step, events in enumerate(steps):
        for event in events:
            last.update((key, step) for key in _named(event))
            if isinstance(event, Record) and event.type == "Patient":
                other_names.update((name, event.reference) for name in event.also)
    for name, key in other_names.items():  # not done before it is known whose name it is
        if name in last:
            last[name] = max(last[name], last[key])
    return last


def _named(event: Event) -> tuple[str, ...]:
    match event:
        case Record(type="Medication"):
            return (event.reference, *event.also)
        case Record(subject=str(subject)) | Unreadable(subject=str(subject)) | Covered(subject=str(subject)):
            return (subject,)
        case SamePatient(key, survivor):
            return key, survivor
    return ()


@dataclass(slots=True)
class Grouping:
    """Follows the second reading. `last` as the first look found it; without one (None) nobody is ever done early."""

    last: dict[str, int] | None = None
    _leader: dict[str, str] = field(default_factory=dict)
    _ends: dict[str, int] = field(default_factory=dict)
    _queue: list[tuple[int, str]] = field(default_factory=list)

    def see(self, event: Event) -> None:
        """Notes whom an event is about, and until when more of him can follow."""
        if self.last is None:
            return
        for key in _named(event):
            if not isinstance(event, Record) or event.subject is not None:
                self._extend(key, max(self.last[key], self._medication(event)))
        if isinstance(event, SamePatient):
            self._join(event.key, event.survivor)
        elif isinstance(event, Record) and event.type == "Patient":
            for name in event.also:
                if name in self.last:
                    self._join(name, event.reference)

    def done(self, step: int) -> Iterator[PatientDone]:
        """Those of whom nothing more follows after this step; one event for keys that mean one patient."""
        while self._queue and self._queue[0][0] <= step:
            end, key = heapq.heappop(self._queue)
            if self._ends.get(key) == end:
                del self._ends[key]
                yield PatientDone(key)

    def _medication(self, event: Event) -> int:
        """The step at which the Medication that a record refers to is read."""
        reference = getattr(event.resource, "medication_reference", None) if isinstance(event, Record) else None
        key = key_of(reference) if reference else None
        return self.last.get(key, -1) if self.last and key else -1

    def _extend(self, key: str, end: int) -> None:
        key = self._lead(key)
        if end > self._ends.get(key, -1):
            self._ends[key] = end
            heapq.heappush(self._queue, (end, key))

    def _lead(self, key: str) -> str:
        while key in self._leader:
            key = self._leader[key]
        return key

    def _join(self, key: str, other: str) -> None:
        key, other = self._lead(key), self._lead(other)
        if key != other:
            self._leader[key] = other
            self._extend(other, self._ends.pop(key, -1))
