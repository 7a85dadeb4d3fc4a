"""Opening the store: SQLite in one file (WAL) or PostgreSQL, brought to the newest tables by Alembic."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, SQLAlchemyError

from adapter.errors import StoreError, UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def open_store(url: str) -> Engine:
    """The store at an SQLAlchemy URL (`sqlite:///sync.db`, `postgresql+pg8000://...`), with its tables up to date.

    Raises UsageError for a URL that is none, StoreError where the database cannot be opened.
    """
    try:
        engine = create_engine(url)
    except (ArgumentError, ImportError) as error:
        raise UsageError(f"store.url cannot be used: {error}; write one such as sqlite:///trial-adapter.db") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite)
    try:
        with engine.begin() as connection:
            _upgrade(connection)
    except (DatabaseError, InterfaceError) as error:
        where = make_url(url).render_as_string(hide_password=True)
        raise StoreError(f"the store {where} cannot be opened: {error.orig or error}") from None
    return engine


def _sqlite(connection: object, _: object) -> None:
    """Readers beside one writer, and what was committed survives a loss of power."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction: all of it or nothing. Raises StoreError where the database fails."""
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        told = str(getattr(error, "orig", None) or type(error).__name__)
        raise StoreError(f"the store failed: {told[:300]}; check its disk and its server, then run again") from None


def forget_pages(engine: Engine) -> None:
    """Empties SQLite's log of changes, in which deleted rows would stand for a while. After a purge."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def instant(moment: datetime) -> int:
    """Microseconds since 1970 in UTC."""
    since = moment.astimezone(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(value: int) -> datetime:
    """The time of an instant, in UTC."""
    return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)
