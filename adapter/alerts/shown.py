"""The cards that people saw, and what they answered."""

import hashlib
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from adapter.alerts.hygiene import Budget, Seen, State
from adapter.store.tables import alerts


def viewer_of(issuer: str, user: str) -> str:
    """What names a user, without saying who he is to one who reads the store alone."""
    return hashlib.sha256(f"{issuer}\n{user}".encode()).hexdigest()[:32]


def seen_of(connection: Connection, trial: str, subject: str) -> dict[str, list[Seen]]:
    """The cards of a patient by what they were about, the first one first."""
    wanted = select(alerts).where(alerts.c.subject == subject, alerts.c.trial == trial)
    found: dict[str, list[Seen]] = {}
    for row in connection.execute(wanted.order_by(alerts.c.at, alerts.c.id)):
        found.setdefault(row.about, []).append(_seen(row))
    return found


def budget_of(connection: Connection, day: str, viewer: str, per_viewer: int, per_day: int) -> Budget:
    """How many cards there were on a day."""
    counted = select(func.count()).select_from(alerts).where(alerts.c.day == day)
    of_day = connection.execute(counted).scalar() or 0
    of_viewer = connection.execute(counted.where(alerts.c.viewer == viewer)).scalar() or 0
    return Budget(per_viewer, per_day, of_viewer, of_day)


def note_card(connection: Connection, trial: str, hook: str, subject: str, about: str, day: str, one: Seen) -> None:
    """Notes a card that is shown, or in silent mode would be."""
    connection.execute(
        insert(alerts).values(
            id=one.id, at=one.at, day=day, trial=trial, hook=hook, viewer=one.viewer, subject=subject, about=about,
            state=msgspec.json.encode(one.state).decode(), shown=one.shown, closed=False, outcome="", reason="",
        )
    )  # fmt: skip


def close(connection: Connection, trial: str, subject: str, about: str) -> None:
    """What these cards said holds no more: if it holds again one day, that is news."""
    told = (alerts.c.trial == trial, alerts.c.subject == subject, alerts.c.about == about)
    connection.execute(update(alerts).where(*told, alerts.c.closed.is_(False)).values(closed=True))


def note_answer(connection: Connection, trial: str, card: str, outcome: str, reason: str, at: int) -> bool:
    """Notes what was made of a card; the last answer counts. False where no such card was shown."""
    values = {"outcome": outcome, "reason": reason, "answered": at}
    told = update(alerts).where(alerts.c.id == card, alerts.c.trial == trial)
    return connection.execute(told.values(**values)).rowcount > 0


def _seen(row: Any) -> Seen:
    state = msgspec.json.decode(row.state, type=State)
    return Seen(row.id, row.at, row.viewer, state, row.shown, row.closed, row.outcome, row.reason, row.answered)
