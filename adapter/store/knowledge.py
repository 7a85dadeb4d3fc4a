"""What was known of a patient, and when: facts by resource with known-from and known-to, merges, and coverage."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, insert, select, update

from adapter.errors import Issue
from adapter.facts.collect import Collector, Gathered, Kept
from adapter.facts.model import PatientRecord
from adapter.facts.vocabulary import Item, Vocabulary
from adapter.sources.events import SamePatient
from adapter.store.kept import from_bytes, to_bytes
from adapter.store.tables import FOREVER, coverage, due, known, names

_MANY = 400
"""Values in one IN list; SQLite allows 999 parameters by default in its oldest kept releases."""


class Known(msgspec.Struct, frozen=True):
    """One resource of one subject, as far as it says anything. `medication`: the Medication that it refers to."""

    subject: str
    reference: str
    type: str
    version: str
    items: tuple[Item, ...]
    unread: bool = False
    medication: str | None = None


class Coverage(msgspec.Struct, frozen=True):
    """A line of the ledger: whether a type of a subject was read completely; `why` not, and whom to ask."""

    subject: str
    type: str
    complete: bool
    why: str = ""
    query: str = ""
    scopes: str = ""


def learn(connection: Connection, at: int, rows: Iterable[Known]) -> set[str]:
    """Takes in resources as they are now; the subjects of whom anything is new. What stays the same is not touched."""
    latest = {(row.reference, row.subject): row for row in rows}
    references = sorted({reference for reference, _ in latest})
    before = _current(connection, known.c.reference, references)
    held = {(row.reference, row.subject): row for row in before}
    changed = {key: row for key, row in latest.items() if key not in held or not _says(held[key], row)}
    gone = [row for key, row in held.items() if key not in latest or key in changed]
    _close(connection, at, known, [row.id for row in gone])
    if changed:
        connection.execute(insert(known), [_row(row, at) for row in changed.values()])
    return {row.subject for row in (*gone, *changed.values())}


def learn_whole(connection: Connection, at: int, subject: str, types: Iterable[str], rows: Sequence[Known]) -> bool:
    """Takes in everything that a server has of these types of a subject: what is not among it is gone."""
    asked = set(types)
    references = {row.reference for row in rows}
    lost = [
        row.id
        for row in _current(connection, known.c.subject, [subject])
        if row.type in asked and row.reference not in references
    ]
    _close(connection, at, known, lost)
    return bool(learn(connection, at, rows)) or bool(lost)


def forget(connection: Connection, at: int, references: Iterable[str]) -> set[str]:
    """Takes out resources that the server has deleted; the subjects whose they were."""
    rows = _current(connection, known.c.reference, sorted(set(references)))
    _close(connection, at, known, [row.id for row in rows])
    return {row.subject for row in rows}


def referring(connection: Connection, medications: Iterable[str]) -> set[tuple[str, str]]:
    """Subject and type of the records that refer to one of these Medications."""
    return {(row.subject, row.type) for row in _current(connection, known.c.medication, sorted(set(medications)))}


def merge(connection: Connection, at: int, told_by: str, pairs: Iterable[SamePatient]) -> set[str]:
    """The merges that a Patient resource tells now, instead of those that it told; the subjects concerned."""
    now = {(pair.key, pair.survivor) for pair in pairs}
    before = {(row.name, row.survivor): row.id for row in _current(connection, names.c.told_by, [told_by])}
    _close(connection, at, names, [before[pair] for pair in before.keys() - now])
    fresh = sorted(now - before.keys())
    if fresh:
        rows = [
            {"name": name, "survivor": survivor, "told_by": told_by, "known_from": at, "known_to": FOREVER}
            for name, survivor in fresh
        ]
        connection.execute(insert(names), rows)
    return {key for pair in now ^ before.keys() for key in pair}


def cover(connection: Connection, at: int, lines: Iterable[Coverage]) -> set[str]:
    """Writes the ledger on; the subjects for whom a type is covered now and was not, or the other way round."""
    latest = {(line.subject, line.type): line for line in lines}
    before = _current(connection, coverage.c.subject, sorted({subject for subject, _ in latest}))
    held = {(row.subject, row.type): row for row in before if (row.subject, row.type) in latest}
    changed = [one for key, one in latest.items() if key not in held or not _covers_alike(held[key], one)]
    _close(connection, at, coverage, [held[key].id for one in changed if (key := (one.subject, one.type)) in held])
    if changed:
        rows = [msgspec.to_builtins(one) | {"known_from": at, "known_to": FOREVER} for one in changed]
        connection.execute(insert(coverage), rows)
    return {one.subject for one in changed}


def covered_for(connection: Connection, type_: str) -> set[str]:
    """The subjects of whom a type counts as completely read."""
    wanted = select(coverage.c.subject).where(
        coverage.c.type == type_, coverage.c.complete.is_(True), coverage.c.known_to == FOREVER
    )
    return {row.subject for row in connection.execute(wanted)}


def record_of(connection: Connection, vocabulary: Vocabulary, patient: str, at: int) -> PatientRecord | None:
    """Everything that was known at an instant of the patient whom a reference means; None where nothing was."""
    pairs, gathered = held_of(connection, patient, at)
    if not gathered:
        return None
    collector = Collector(vocabulary)
    collector.take(pairs)
    collector.welcome(gathered)
    return next(iter(collector.rest()), None)


def held_of(connection: Connection, patient: str, at: int) -> tuple[list[SamePatient], dict[str, Gathered]]:
    """What was known at an instant of a patient and of those merged with him, by subject, and the merges."""
    pairs = _merges(connection, patient, at)
    keys = sorted({patient, *(key for pair in pairs for key in pair)})
    return [SamePatient(*pair) for pair in pairs], _gathered(connection, keys, at)


def survivor_of(connection: Connection, patient: str, at: int) -> str:
    """The one patient into whom a patient was merged, himself where he was not."""
    collector_of = {pair[0]: pair[1] for pair in _merges(connection, patient, at)}
    seen = {patient}
    while (following := collector_of.get(patient)) and following not in seen:
        seen.add(following)
        patient = following
    return patient


def mark_due(connection: Connection, at: int, subjects: Iterable[str]) -> None:
    """Notes that these patients are to be screened anew."""
    wanted = sorted(set(subjects))
    there = {row.subject for row in _in(connection, due, due.c.subject, wanted)}
    rows = [{"subject": subject, "since": at} for subject in wanted if subject not in there]
    if rows:
        connection.execute(insert(due), rows)


def holes(connection: Connection) -> list[Coverage]:
    """The types that are not covered now, with the reason."""
    columns = [coverage.c[name] for name in Coverage.__struct_fields__]
    wanted = select(*columns).where(coverage.c.known_to == FOREVER, coverage.c.complete.is_(False))
    return [Coverage(*row) for row in connection.execute(wanted.order_by(coverage.c.subject, coverage.c.type))]


def _gathered(connection: Connection, keys: list[str], at: int) -> dict[str, Gathered]:
    found: dict[str, Gathered] = defaultdict(Gathered)
    for row in _in(connection, known, known.c.subject, keys, at):
        found[row.subject].held[row.reference] = Kept(None, from_bytes(row.content), row.type, row.unread)
    lines: dict[str, list[Any]] = defaultdict(list)
    for row in _in(connection, coverage, coverage.c.subject, keys, at):
        lines[row.subject].append(row)
    whole = [{row.type for row in rows if row.complete} for rows in lines.values()]
    for subject, rows in lines.items():
        found[subject].covered |= set.intersection(*whole)
        found[subject].issues += [_hole(row) for row in rows if not row.complete]
    return dict(found)


def _hole(row: Any) -> Issue:
    return Issue("note", row.subject, row.type, f"{row.type} was not read completely: {row.why}")


def _merges(connection: Connection, patient: str, at: int) -> list[tuple[str, str]]:
    """Every merge that has to do with a patient, however many steps away."""
    found: set[tuple[str, str]] = set()
    asked, waiting = set[str](), {patient}
    while waiting:
        asked |= waiting
        near = sorted(waiting)
        rows = [
            *_in(connection, names, names.c.name, near, at),
            *_in(connection, names, names.c.survivor, near, at),
        ]
        pairs = {(row.name, row.survivor) for row in rows}
        found |= pairs
        waiting = {key for pair in pairs for key in pair} - asked
    return sorted(found)


def _current(connection: Connection, column: Any, values: Sequence[str]) -> list[Any]:
    return [row for row in _in(connection, column.table, column, values) if row.known_to == FOREVER]


def _in(
    connection: Connection, table: Table, column: Any, values: Sequence[str], at: int | None = None
) -> Iterator[Any]:
    """The rows whose column is one of the values; with `at`, those known at that instant."""
    for start in range(0, len(values), _MANY):
        wanted = select(table).where(column.in_(values[start : start + _MANY]))
        if at is not None:
            wanted = wanted.where(table.c.known_from <= at, table.c.known_to > at)
        elif "known_to" in table.c:
            wanted = wanted.where(table.c.known_to == FOREVER)
        yield from connection.execute(wanted.order_by(table.c.id) if "id" in table.c else wanted)


def _close(connection: Connection, at: int, table: Table, ids: Sequence[int]) -> None:
    for start in range(0, len(ids), _MANY):
        closing = update(table).where(table.c.id.in_(ids[start : start + _MANY])).values(known_to=at)
        connection.execute(closing)


def _row(row: Known, at: int) -> Mapping[str, object]:
    return {
        "subject": row.subject,
        "reference": row.reference,
        "type": row.type,
        "version": row.version,
        "unread": row.unread,
        "medication": row.medication,
        "content": to_bytes(row.items),
        "known_from": at,
        "known_to": FOREVER,
    }


def _says(held: Any, row: Known) -> bool:
    """Whether a kept row says the same as a resource that was read again."""
    same = (held.version, held.unread, held.medication) == (row.version, row.unread, row.medication)
    return same and bool(held.content == to_bytes(row.items))


def _covers_alike(held: Any, line: Coverage) -> bool:
    return (held.complete, held.why, held.scopes) == (line.complete, line.why, line.scopes)
