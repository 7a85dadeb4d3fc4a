"""One sync of a store at a time. The lock belongs to the process and goes with it, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from adapter.errors import StoreError

_NUMBER = 0x7472_6961
_TAKEN = "another sync of this store is running; wait for it, or stop it"


@contextmanager
def only_one(engine: Engine) -> Iterator[None]:
    """Holds the lock of a store. Raises StoreError where another process has it."""
    if engine.dialect.name == "sqlite":
        with locked(Path(f"{engine.url.database}.lock")):
            yield
        return
    with engine.connect() as connection:
        connection.detach()  # not for the pool: the lock ends with the session
        taken = connection.execute(text("SELECT pg_try_advisory_lock(:number)"), {"number": _NUMBER}).scalar()
        connection.commit()
        if not taken:
            raise StoreError(_TAKEN)
        yield


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock file. Raises StoreError where another process has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(_TAKEN) from None
        yield
    finally:
        os.close(handle)
