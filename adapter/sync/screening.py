"""From what the store knows to screenings: who is due, because something was learned or because of the calendar."""

import zlib
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from adapter.eligibility.screening import Asked, Screening, screen
from adapter.facts.vocabulary import Vocabulary
from adapter.fhir.dates import Calendar, day_text
from adapter.screen import versions_of
from adapter.store.knowledge import record_of, survivor_of
from adapter.store.tables import cohort, due, screenings
from adapter.sync.rules import Rules

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Made(msgspec.Struct, frozen=True):
    """A screening of the store. `known_at` is the instant up to which records counted."""

    id: int
    patient: str
    known_at: int
    as_of: str
    status: str
    look_on: str | None
    rules: str
    document: bytes


def vocabulary_of(rules: Rules) -> Vocabulary:
    """What mappers need under these rules."""
    return rules.trial.vocabulary(Calendar(rules.zone))


def screened(connection: Connection, rules: Rules, patient: str, day: date, at: int) -> Screening | None:
    """The screening of a patient from what was known at an instant; None where nothing was."""
    record = record_of(connection, vocabulary_of(rules), patient, at)
    if record is None:
        return None
    return screen(record, rules.trial, Asked(day, rules.anchors, rules.not_kept), versions_of(rules.trial))


def document_of(screening: Screening) -> bytes:
    """The JSON of the contract, as it is stored and printed."""
    return _ENCODER.encode(screening.to_dict())


def store(connection: Connection, screening: Screening, digest: str, at: int) -> bool:
    """Appends a screening; False where it says, byte for byte, what the latest one said under the same rules."""
    document = document_of(screening)
    last = latest_made(connection, screening.trial, screening.patient)
    if last is not None and (last.rules, last.document) == (digest, document):
        return False
    changes = [v.changes_on for v in screening.criteria if v.changes_on is not None]
    connection.execute(
        insert(screenings).values(
            trial=screening.trial,
            patient=screening.patient,
            known_at=at,
            as_of=day_text(screening.as_of),
            status=screening.status,
            look_on=day_text(min(changes)) if changes else None,
            rules=digest,
            document=zlib.compress(document),
        )
    )
    return True


def latest_made(connection: Connection, trial: str, patient: str) -> Made | None:
    """The latest screening of a patient."""
    wanted = select(screenings).where(screenings.c.trial == trial, screenings.c.patient == patient)
    row = connection.execute(wanted.order_by(screenings.c.id.desc()).limit(1)).first()
    return made_of(row) if row is not None else None


def settle(connection: Connection, subjects: Iterable[str]) -> None:
    """Takes patients off the list of those who are due."""
    for subject in subjects:
        connection.execute(delete(due).where(due.c.subject == subject))


def who_is_due(connection: Connection, trial: str, digest: str, today: date, at: int) -> list[str]:
    """Everybody to be screened now: something was learned, a day has come, the rules have changed, or never before."""
    latest = list(_latest(connection, trial))
    changed = {row.subject for row in connection.execute(select(due.c.subject))}
    read = select(cohort.c.subject).where(cohort.c.read_at.is_not(None))
    members = {row.subject for row in connection.execute(read)}
    known = {row.patient for row in latest}
    clock = {
        row.patient
        for row in latest
        if row.rules != digest or (row.look_on is not None and row.as_of < row.look_on <= today.isoformat())
    }
    never = {one for one in members - known if survivor_of(connection, one, at) not in known}
    return sorted(((changed & members) | clock | never) & (members | known))


def latest_of(connection: Connection, trial: str) -> Iterator[Made]:
    """The latest screening of every patient, by patient."""
    for row in _latest(connection, trial):
        yield made_of(row)


def history_of(connection: Connection, trial: str, patient: str) -> list[Made]:
    """Every screening of a patient, the first one first."""
    wanted = select(screenings).where(screenings.c.trial == trial, screenings.c.patient == patient)
    return [made_of(row) for row in connection.execute(wanted.order_by(screenings.c.id))]


def at_instant(connection: Connection, trial: str, at: int) -> list[Made]:
    """The screening of every patient that stood at an instant."""
    return [made_of(row) for row in _latest(connection, trial, at)]


def day_of(one: Made) -> date:
    """The as-of date of a screening."""
    return date.fromisoformat(one.as_of)


def _latest(connection: Connection, trial: str, at: int | None = None) -> Iterator[Any]:
    wanted = select(func.max(screenings.c.id)).where(screenings.c.trial == trial)
    if at is not None:
        wanted = wanted.where(screenings.c.known_at <= at)
    newest = wanted.group_by(screenings.c.patient).scalar_subquery()
    yield from connection.execute(select(screenings).where(screenings.c.id.in_(newest)).order_by(screenings.c.patient))


def made_of(row: Any) -> Made:
    """A screening from its row."""
    document = zlib.decompress(row.document)
    return Made(row.id, row.patient, row.known_at, row.as_of, row.status, row.look_on, row.rules, document)
