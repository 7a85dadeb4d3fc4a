"""Reads back what notifications said, and screens whom it concerns, within a second or two. A notification is a hint:
what counts is what the server answers to us.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

from sqlalchemy import select

from adapter.alerts import queue
from adapter.errors import AdapterError, ServerError
from adapter.fhir.client import in_parallel
from adapter.sources.events import Event as Told
from adapter.sources.events import Record
from adapter.store.database import transaction
from adapter.store.lock import only_one
from adapter.store.tables import cohort
from adapter.sync.changes import Changes, changes_in
from adapter.sync.cohort import diagnosed
from adapter.sync.rules import keep
from adapter.sync.run import Sync, join, learn_changes, read_whole, screen_these, take_changes

BATCH = 200
_PAUSE, _LONGEST = 1.0, 60.0
"""Seconds between two looks at the queue: where nothing is there, and where the server is away."""


@dataclass(slots=True)
class Worker:
    """Works off the queue. `sync` gives what a batch needs; `one_at_a_time` keeps a run of the schedule away."""

    sync: Callable[[], Sync]
    one_at_a_time: Lock
    told: Callable[..., object]
    woken: Event = field(default_factory=Event)
    stopping: Event = field(default_factory=Event)

    def work(self) -> int:
        """One batch: how many were settled, below 0 where none could be. Raises AdapterError."""
        with self.one_at_a_time:
            sync = self.sync()
            with transaction(sync.engine) as db:
                rows = queue.next_rows(db, BATCH)
            if not rows:
                return 0
            with only_one(sync.engine):
                done = worked_off(sync, rows)
        self.told("notifications read", rows=len(rows), put_off=len(rows) - done, **sync.counts)
        return done or -1

    def _forever(self) -> None:
        failed = 0
        while not self.stopping.is_set():
            try:
                done, failed = self.work(), 0
            except AdapterError as error:
                self.told("notifications wait", kind=type(error).__name__)
                done, failed = 0, failed + 1
            if failed or done < 0:
                self.stopping.wait(min(_LONGEST, _PAUSE * 2**failed))
            elif not done:
                self.woken.wait(_PAUSE)
                self.woken.clear()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Works as long as the block runs."""
        thread = Thread(target=self._forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stopping.set()
            self.woken.set()
            thread.join(30)


def worked_off(sync: Sync, rows: Sequence[Any]) -> int:
    """Reads back what some rows of the queue are about and screens; how many of them are settled."""
    with transaction(sync.engine) as db:
        keep(db, sync.rules)
        members = {row.subject for row in db.execute(select(cohort.c.subject))}
    single = [row for row in rows if row.resource]
    read = list(in_parallel(lambda row: _current(sync, row), single, sync.reader.threads))
    found = {row.id: events for row, events in zip(single, read, strict=True) if events is not None}
    touched = _learned(sync, [row for row in single if row.id in found], found, members)
    types = sorted({row.type for row in rows if not row.resource})
    touched |= take_changes(sync, sync.now(), types) if types else set()
    screen_these(sync, sorted(touched))
    with transaction(sync.engine) as db:
        for row in rows:
            (queue.settle if row.id in found or not row.resource else queue.postpone)(db, row)
    return len(found) + len(rows) - len(single)


def _current(sync: Sync, row: Any) -> tuple[Told, ...] | None:
    """The events of a resource as it is now, none where it is gone; None where the server does not say."""
    try:
        return sync.reader.current(f"{row.type}/{row.resource}")
    except ServerError:
        return None


def _learned(sync: Sync, rows: Sequence[Any], found: dict[int, tuple[Told, ...]], members: set[str]) -> set[str]:
    touched: set[str] = set()
    for type_ in sorted({row.type for row in rows}):
        mine = [row for row in rows if row.type == type_]
        events = [event for row in mine for event in found[row.id]]
        deleted = {f"{type_}/{row.resource}" for row in mine if not found[row.id]}
        touched |= _newcomers(sync, type_, events, members)
        touched |= _changed(sync, changes_in(sync.reader, type_, events, deleted, members))
    return touched


def _changed(sync: Sync, found: Changes) -> set[str]:
    """Learns of one type; patients whose Medication has changed are read whole."""
    touched = learn_changes(sync, found)
    if not found.medications:
        return touched
    with transaction(sync.engine) as db:
        again = sorted(row.subject for row in db.execute(select(cohort.c.subject).where(cohort.c.read_at.is_(None))))
    read_whole(sync, again)
    return touched | set(again)


def _newcomers(sync: Sync, type_: str, events: Sequence[Told], members: set[str]) -> set[str]:
    """Patients with a diagnosis of the trial who are not members yet; they join, and are read whole."""
    if type_ != "Condition" or sync.settings.cohort.conditions == "none":
        return set()
    strangers = [e for e in events if isinstance(e, Record) and (e.subject or "").startswith("Patient/")]
    new = diagnosed(sync.reader, sync.rules.trial, [e for e in strangers if e.subject not in members])
    if new:
        with transaction(sync.engine) as db:
            join(sync, db, sync.tick(db), dict.fromkeys(sorted(new), "a Condition of the trial"))
        read_whole(sync, sorted(new))
    return new
