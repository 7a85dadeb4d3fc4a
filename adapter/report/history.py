"""`trial-adapter history`: each change of a verdict, and why: a record, a retraction, the clock, a rule."""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, or_, select

from adapter.store.database import moment
from adapter.store.tables import coverage, known, names
from adapter.sync.screening import Made, history_of

_RULES = {
    "mappings": "the mappings have changed",
    "trial": "the criteria have changed",
    "readings": "a reading has changed",
    "program": "another version of the program",
}


_OWN = "ResearchSubject/"
"""What this program writes itself, and reads back."""


class _Criterion(msgspec.Struct, frozen=True):
    id: str
    truth: str
    reason: str
    changes_on: str | None


class _Document(msgspec.Struct, frozen=True):
    """What of a stored screening tells whether a verdict has changed."""

    as_of: str
    status: str
    criteria: tuple[_Criterion, ...]
    versions: dict[str, str]


def history_lines(connection: Connection, trial: str, patient: str) -> Iterator[str]:
    """Every screening that said something new, the first one first, with the reason of each change."""
    before: tuple[Made, _Document] | None = None
    for one in history_of(connection, trial, patient):
        found = msgspec.json.decode(one.document, type=_Document)
        when = moment(one.known_at).isoformat(timespec="seconds")
        if before is None:
            yield f"{when}  {found.status}: first screening, as of {found.as_of}"
        else:
            changes = list(_changes(before[1], found))
            if changes or before[1].status != found.status:
                yield f"{when}  {_status(before[1].status, found.status)}"
                yield from (f"  {change}" for change in changes)
                yield from (f"  because {why}" for why in _why(connection, before, (one, found)))
        before = one, found


def _status(before: str, after: str) -> str:
    return after if before == after else f"{before} -> {after}"


def _changes(before: _Document, after: _Document) -> Iterator[str]:
    held = {one.id: one for one in before.criteria}
    for one in after.criteria:
        old = held.get(one.id)
        if old is None:
            yield f"{one.id}: {one.truth} ({one.reason}), a new criterion"
        elif (old.truth, old.reason) != (one.truth, one.reason):
            yield f"{one.id}: {old.truth} ({old.reason}) -> {one.truth} ({one.reason})"


def _why(connection: Connection, before: tuple[Made, _Document], after: tuple[Made, _Document]) -> Iterator[str]:
    """What happened between two screenings; time alone where nothing else did."""
    told = [*_records(connection, before[0], after[0])]
    for name, sentence in _RULES.items():
        if before[1].versions.get(name) != after[1].versions.get(name):
            told.append(sentence)
    if not told and before[0].rules != after[0].rules:
        told.append("a setting of the site has changed")
    if before[1].as_of != after[1].as_of and not told:
        told.append(f"time has passed: {before[1].as_of} to {after[1].as_of}")
    yield from told


def _records(connection: Connection, before: Made, after: Made) -> Iterator[str]:
    """Records that came, changed or went, and types that became known as complete or not, in between."""
    keys = _keys(connection, after.patient)
    came = _between(connection, known, "known_from", keys, before.known_at, after.known_at)
    went = _between(connection, known, "known_to", keys, before.known_at, after.known_at)
    fresh, gone = {row.reference: row for row in came}, {row.reference: row for row in went}
    for reference in sorted(one for one in fresh.keys() | gone.keys() if not one.startswith(_OWN)):
        if reference in fresh and reference in gone:
            yield f"{reference} has changed, version {gone[reference].version} -> {fresh[reference].version}"
        else:
            yield f"{reference} is new" if reference in fresh else f"{reference} is no longer on the server"
    for row in _between(connection, coverage, "known_from", keys, before.known_at, after.known_at):
        yield f"{row.type} {'was read completely' if row.complete else f'could not be read: {row.why}'}"
    if _between(connection, names, "known_from", keys, before.known_at, after.known_at, "survivor"):
        yield "another record was merged into this patient"


def _between(
    connection: Connection, table: Any, column: str, keys: list[str], start: int, end: int, by: str = "subject"
) -> list[Any]:
    moved = table.c[column]
    wanted = select(table).where(table.c[by].in_(keys), moved > start, moved <= end)
    return list(connection.execute(wanted.order_by(table.c.id)))


def _keys(connection: Connection, patient: str) -> list[str]:
    near = select(names).where(or_(names.c.name == patient, names.c.survivor == patient))
    return sorted({patient, *(key for row in connection.execute(near) for key in (row.name, row.survivor))})
