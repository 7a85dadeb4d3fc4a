"""What a server has said to have changed, kept until it was read back. Each resource waits once."""

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from adapter.errors import StoreError
from adapter.store.database import transaction
from adapter.store.tables import notifications as waiting

MOST_ATTEMPTS = 10
"""After so many the next sync finds what happened."""


def enqueue(connection: Connection, type_: str, resource: str, at: int) -> None:
    """Notes that a resource, or (empty id) something of a type, has changed: once, however often it is told."""
    same = (waiting.c.type == type_, waiting.c.resource == resource)
    if connection.execute(update(waiting).where(*same).values(received=at, attempts=0)).rowcount == 0:
        connection.execute(insert(waiting).values(type=type_, resource=resource, received=at, attempts=0))


def enqueue_soon(engine: Engine, type_: str, resource: str, at: int) -> None:
    """The same in a transaction; tried again where somebody else told the same at the same time."""
    for last in (False, True):
        try:
            with transaction(engine) as connection:
                return enqueue(connection, type_, resource, at)
        except StoreError:
            if last:
                raise
    return None


def next_rows(connection: Connection, most: int) -> list[Row[tuple[int, str, str, int, int]]]:
    """The rows that wait longest."""
    return list(connection.execute(select(waiting).order_by(waiting.c.attempts, waiting.c.id).limit(most)))


def settle(connection: Connection, row: Row[tuple[int, str, str, int, int]]) -> None:
    """Takes a row off, unless it was told again meanwhile."""
    connection.execute(delete(waiting).where(waiting.c.id == row.id, waiting.c.received == row.received))


def postpone(connection: Connection, row: Row[tuple[int, str, str, int, int]]) -> None:
    """Notes that a row could not be read back; given up in the end."""
    mine = (waiting.c.id == row.id, waiting.c.received == row.received)
    if row.attempts + 1 >= MOST_ATTEMPTS:
        connection.execute(delete(waiting).where(*mine))
    else:
        connection.execute(update(waiting).where(*mine).values(attempts=row.attempts + 1))


def length(connection: Connection) -> int:
    """How many wait."""
    return connection.execute(select(func.count()).select_from(waiting)).scalar() or 0
