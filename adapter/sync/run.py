"""One run of the sync: cohort, changes, whole records, screenings. Every step can be cut off and be taken up again:
what was learned and how far the reading has come are one transaction, and who is due stays due until he is screened.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection as Db
from sqlalchemy import Engine, insert, select, update

from adapter.connection import Connection
from adapter.eligibility.screening import Screening
from adapter.fhir.client import in_parallel
from adapter.store import cursors
from adapter.store.database import instant, transaction
from adapter.store.knowledge import (
    Coverage,
    Known,
    cover,
    covered_for,
    forget,
    learn,
    learn_whole,
    mark_due,
    merge,
    referring,
    survivor_of,
)
from adapter.store.tables import cohort, outbox
from adapter.sync import screening as made
from adapter.sync.changes import Changes, changes
from adapter.sync.cohort import members
from adapter.sync.failpoint import reached
from adapter.sync.plan import SUBJECTS, chunks, types_read
from adapter.sync.reading import Answered, Reader, covered, merges_of
from adapter.sync.rules import Rules, digest_of, keep, mapped_by

_MAPPINGS = "mappings"
FOUND = "cohort found"
LONG_AGO = 1
"""Read, but not so that it could be left at that: read again in the next run."""


@dataclass(slots=True)
class Sync:
    """A site's server, store and rules. `stop` is asked between patients; `write` fills the outbox."""

    engine: Engine
    reader: Reader
    rules: Rules
    settings: Connection
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    stop: Callable[[], bool] = field(default=lambda: False)
    write: bool = False
    scopes: str = ""
    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    screened: list[Screening] = field(default_factory=list)

    @property
    def types(self) -> tuple[str, ...]:
        """What is read of every patient."""
        return types_read(self.rules.trial, self.rules.not_kept)

    def again(self) -> "Sync":
        """The same server, store and rules, without what was counted, told and remembered."""
        reader = self.reader
        fresh = Reader(reader.client, reader.vocabulary, reader.granted, reader.page_size, reader.threads)
        return Sync(
            self.engine, fresh, self.rules, self.settings, self.now, self.stop, write=self.write, scopes=self.scopes
        )

    def count(self, what: str, by: int = 1) -> None:
        """Adds to the figures of the run."""
        self.counts[what] = self.counts.get(what, 0) + by

    def tick(self, db: Db) -> int:
        """The instant of a transaction."""
        return cursors.tick(db, instant(self.now()))


def read(sync: Sync) -> None:
    """Brings the store up to what the server has. What failed is in `sync.problems`, and is tried again next time."""
    started = sync.now()
    _changed_mappings(sync)
    _gather_cohort(sync, started)
    take_changes(sync, started, (*sync.types, "Medication"))
    _read_whole(sync, started)


def screen_due(sync: Sync) -> None:
    """Screens everybody who is due, each in a transaction of his own."""
    digest = digest_of(sync.rules)
    with transaction(sync.engine) as db:
        keep(db, sync.rules)
        at, today = sync.tick(db), sync.now().astimezone(sync.rules.zone).date()
        waiting = made.who_is_due(db, sync.rules.trial.id, digest, today, at)
    screen_these(sync, waiting)


def screen_these(sync: Sync, waiting: Iterable[str]) -> None:
    """Screens these patients."""
    digest, today = digest_of(sync.rules), sync.now().astimezone(sync.rules.zone).date()
    done: set[str] = set()
    for subject in waiting:
        if sync.stop():
            return
        reached("screen")
        with transaction(sync.engine) as db:
            at = sync.tick(db)
            patient = survivor_of(db, subject, at)
            found = None if patient in done else made.screened(db, sync.rules, patient, today, at)
            if found is not None and made.store(db, found, digest, at):
                reached("screen-stored")
                _enqueue(sync, db, at, patient)
                sync.screened.append(found)
                sync.count("screened")
            made.settle(db, {subject, patient})
            reached("screen-settled")
        done.add(patient)
        reached("screen-committed")


def _enqueue(sync: Sync, db: Db, at: int, patient: str) -> None:
    trial = sync.rules.trial.id
    there = select(outbox.c.id).where(outbox.c.trial == trial, outbox.c.subject == patient)
    if sync.write and db.execute(there).first() is None:
        db.execute(insert(outbox).values(trial=trial, subject=patient, created=at, attempts=0, problem=""))


def _changed_mappings(sync: Sync) -> None:
    """Facts that other mappings made say nothing any more: everybody is read again."""
    digest = mapped_by(sync.rules)
    with transaction(sync.engine) as db:
        if cursors.cursor(db, _MAPPINGS) not in (None, digest):
            db.execute(update(cohort).values(read_at=None))
            cursors.move(db, FOUND, None)
        cursors.move(db, _MAPPINGS, digest)


def changes_of(type_: str) -> str:
    """The cursor of a type's changes."""
    return f"changes {type_}"


def since(sync: Sync, moment: datetime, *, skewed: bool = True) -> str:
    """An instant, earlier by the overlap, as FHIR writes it. `skewed`: one of our clock, made one of the server's."""
    overlap = timedelta(seconds=sync.settings.sync.overlap_seconds)
    skew = sync.reader.client.wire.skew if skewed else timedelta(0)
    return (moment + skew - overlap).astimezone(UTC).isoformat(timespec="milliseconds")


def _gather_cohort(sync: Sync, started: datetime) -> None:
    """New members. Raises ServerError where the server cannot say who could matter."""
    with transaction(sync.engine) as db:
        last = cursors.cursor(db, FOUND)
    reached("cohort")
    found = members(sync.reader, sync.settings.cohort, sync.rules.trial, last)
    reached("cohort-found")
    with transaction(sync.engine) as db:
        at = sync.tick(db)
        join(sync, db, at, found)
        cursors.move(db, FOUND, since(sync, started))
        reached("cohort-stored")


def join(sync: Sync, db: Db, at: int, found: dict[str, str]) -> None:
    """Adds those who are not members yet; they are to be read whole."""
    there = {row.subject for row in db.execute(select(cohort.c.subject))}
    new = [{"subject": s, "why": why, "since": at, "read_at": None} for s, why in found.items() if s not in there]
    if new:
        db.execute(insert(cohort), new)
        sync.count("new patients", len(new))


def take_changes(sync: Sync, started: datetime, types: Sequence[str]) -> set[str]:
    """What was written or deleted since the last run, type by type; a cursor moves with what was learned. The patients
    of whom something was learned.
    """
    with transaction(sync.engine) as db:
        last = {type_: cursors.cursor(db, changes_of(type_)) for type_ in types}
        subjects = {row.subject for row in db.execute(select(cohort.c.subject))}
    until = since(sync, started)
    asked = [(type_, moment) for type_, moment in last.items() if moment]
    history = sync.settings.sync.history

    def ask(task: tuple[str, str]) -> Changes:
        reached("changes")
        return changes(sync.reader, task[0], task[1], subjects, history=history)

    touched: set[str] = set()
    for found in in_parallel(ask, asked, sync.reader.threads):
        if found.problem:
            sync.problems.append(f"changes of {found.type}: {found.problem}")
            if found.forbidden and found.type != "Medication":
                _uncover(sync, found, subjects)
        else:
            touched |= learn_changes(sync, found, until)
    with transaction(sync.engine) as db:
        for type_ in (type_ for type_, moment in last.items() if moment is None):
            cursors.move(db, changes_of(type_), until)
    return touched


def _uncover(sync: Sync, found: Changes, subjects: set[str]) -> None:
    """A type that may be read no more is known no longer: what was read may be out of date by now."""
    with transaction(sync.engine) as db:
        at = sync.tick(db)
        whole = sorted(covered_for(db, found.type) & subjects)
        lines = [Coverage(one, found.type, False, found.problem, "changes", sync.scopes) for one in whole]
        mark_due(db, at, cover(db, at, lines))


def learn_changes(sync: Sync, found: Changes, until: str | None = None) -> set[str]:
    """Writes down what happened; whose records changed by it. With `until` the type is known up to that instant."""
    with transaction(sync.engine) as db:
        at = sync.tick(db)
        touched = learn(db, at, found.known) | forget(db, at, found.deleted)
        for told_by, pairs in found.merges.items():
            parted = merge(db, at, told_by, pairs)
            touched |= parted
            join(sync, db, at, dict.fromkeys(sorted(parted), "merged with a member"))
        for subject, _ in referring(db, found.medications):
            db.execute(update(cohort).where(cohort.c.subject == subject).values(read_at=None))
        mark_due(db, at, touched)
        reached("changes-learned")
        if until is not None:
            cursors.move(db, changes_of(found.type), until)
        sync.count("patients changed", len(touched))
    reached("changes-committed")
    return touched


def _read_whole(sync: Sync, started: datetime) -> None:
    """Everything of those who are new, or were not read whole for long; then of those merged with them."""
    stale = instant(started - timedelta(hours=sync.settings.sync.reconcile_hours))
    tried: set[str] = set()
    while not sync.stop():
        with transaction(sync.engine) as db:
            rows = db.execute(select(cohort.c.subject).where((cohort.c.read_at.is_(None)) | (cohort.c.read_at < stale)))
            waiting = sorted({row.subject for row in rows} - tried)
        if not waiting:
            return
        some = waiting[: SUBJECTS * sync.reader.threads]
        tried |= set(some)
        read_whole(sync, some)


def read_whole(sync: Sync, subjects: Sequence[str]) -> None:
    """Everything of these patients."""
    for few, answered in _by_subjects(sync, subjects):
        _learn_whole(sync, few, answered)


def _by_subjects(sync: Sync, subjects: Sequence[str]) -> Iterator[tuple[Sequence[str], list[Answered]]]:
    """The answers of all types, chunk of patients by chunk."""
    answered = list(sync.reader.whole(sync.types, subjects))
    for few in chunks(subjects, SUBJECTS):
        yield few, [one for one in answered if one.task.subjects == tuple(few)]


def _learn_whole(sync: Sync, subjects: Sequence[str], answered: list[Answered]) -> None:
    holes = {one.task.type: one.hole for one in answered if one.hole}
    sync.problems += [f"{type_}: {hole}" for type_, hole in sorted(holes.items())]
    events = [event for one in answered for event in one.events]
    by_subject: dict[str, list[Known]] = {subject: [] for subject in subjects}
    for row in sync.reader.known(events):
        by_subject.setdefault(row.subject, []).append(row)
    types = [type_ for type_ in sync.types if type_ not in holes]
    reached("whole-read")
    with transaction(sync.engine) as db:
        at = sync.tick(db)
        touched = {subject for subject in subjects if learn_whole(db, at, subject, types, by_subject[subject])}
        touched |= cover(db, at, covered(answered, sync.scopes))
        for told_by, pairs in merges_of(events).items():
            parted = merge(db, at, told_by, pairs)
            touched |= parted
            join(sync, db, at, dict.fromkeys(sorted(parted), "merged with a member"))
        mark_due(db, at, touched)
        reached("whole-learned")
        read_at = LONG_AGO if any(one.passing for one in answered) else at
        db.execute(update(cohort).where(cohort.c.subject.in_(subjects)).values(read_at=read_at))
    sync.count("patients read whole", len(subjects))
    reached("whole-committed")


def told(problems: Iterable[str]) -> str:
    """The problems of a run, each once, for its log."""
    return "; ".join(sorted(set(problems)))[:2000]
