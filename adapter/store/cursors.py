"""How far the reading has come, the clock of the store, and the log of runs."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from adapter.store.tables import audit, cursors, runs

_CLOCK = "clock"


def tick(connection: Connection, now: int) -> int:
    """The instant of a transaction: the time, but never before or at that of an earlier one."""
    last = int(cursor(connection, _CLOCK) or 0)
    at = max(now, last + 1)
    move(connection, _CLOCK, str(at))
    return at


def latest(connection: Connection, now: int) -> int:
    """The instant that sees everything that was written so far."""
    return max(now, int(cursor(connection, _CLOCK) or 0))


def cursor(connection: Connection, name: str) -> str | None:
    """The value of a cursor."""
    row = connection.execute(select(cursors.c.value).where(cursors.c.name == name)).first()
    return None if row is None else str(row.value)


def move(connection: Connection, name: str, value: str | None) -> None:
    """Sets a cursor; None takes it away."""
    connection.execute(delete(cursors).where(cursors.c.name == name))
    if value is not None:
        connection.execute(insert(cursors).values(name=name, value=value))


def begin_run(connection: Connection, at: int) -> int:
    """Notes that a run begins; its number."""
    made = connection.execute(insert(runs).values(started=at, outcome="", counts="{}"))
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


def end_run(connection: Connection, number: int, at: int, outcome: str, counts: Mapping[str, int]) -> None:
    """Notes how a run ended."""
    told = msgspec.json.encode(dict(counts)).decode()
    connection.execute(update(runs).where(runs.c.id == number).values(finished=at, outcome=outcome, counts=told))


def last_runs(connection: Connection, count: int = 2) -> list[Any]:
    """The latest runs, the last one first."""
    return list(connection.execute(select(runs).order_by(runs.c.id.desc()).limit(count)))


def note(connection: Connection, at: int, action: str, subject: str, detail: str = "") -> None:
    """A line of the audit trail."""
    connection.execute(insert(audit).values(at=at, action=action, subject=subject, detail=detail))
