"""`trial-adapter status`: the last run, how far behind it is, what could not be read, and what waits to be written."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select

from adapter.report.text import number
from adapter.store.cursors import last_runs
from adapter.store.database import moment
from adapter.store.knowledge import holes
from adapter.store.tables import cohort, due, outbox
from adapter.sync.screening import latest_of

_STATUSES = ("eligible", "undetermined", "ineligible")


class Standing(msgspec.Struct, frozen=True):
    """The state of a store. Times as ISO 8601 in UTC, empty where there is none."""

    started: str = ""
    finished: str = ""
    problems: tuple[str, ...] = ()
    counts: dict[str, int] = {}
    patients: int = 0
    unread: int = 0
    due: int = 0
    screened: dict[str, int] = {}
    holes: dict[str, int] = {}
    waiting: int = 0
    refused: tuple[str, ...] = ()
    next_look: str = ""


def standing(connection: Connection, trial: str) -> Standing:
    """What the store knows of itself."""
    runs = last_runs(connection, 1)
    last = runs[0] if runs else None
    latest = list(latest_of(connection, trial))
    refused = connection.execute(select(outbox.c.problem).where(outbox.c.problem != "").distinct())
    return Standing(
        started=_time(last.started) if last else "",
        finished=_time(last.finished) if last and last.finished else "",
        problems=tuple(filter(None, last.outcome.split("; "))) if last else (),
        counts=msgspec.json.decode(last.counts, type=dict[str, int]) if last else {},
        patients=_count(connection, select(func.count()).select_from(cohort)),
        unread=_count(connection, select(func.count()).select_from(cohort).where(cohort.c.read_at.is_(None))),
        due=_count(connection, select(func.count()).select_from(due)),
        screened=dict(Counter(one.status for one in latest)),
        holes=dict(Counter(f"{one.type}: {one.why}" for one in holes(connection))),
        waiting=_count(connection, select(func.count()).select_from(outbox)),
        refused=tuple(row.problem for row in refused),
        next_look=min((one.look_on for one in latest if one.look_on and one.look_on > one.as_of), default=""),
    )


def status_lines(found: Standing, now: datetime) -> Iterator[str]:
    """For a person."""
    if not found.started:
        yield "no run yet: trial-adapter sync --once"
        return
    yield f"last run    {found.started}, {_how(found)}"
    if found.finished:
        yield f"lag         {_ago(now, found.started)} since the records were read"
    yield f"patients    {found.patients} could matter, {found.unread} still to be read, {found.due} to be screened"
    yield f"screened    {', '.join(f'{found.screened.get(one, 0)} {one}' for one in _STATUSES)}"
    if found.next_look:
        yield f"calendar    {found.next_look} is the next day on which time alone changes a verdict"
    yield f"to write    {number(found.waiting, 'patient')}"
    yield from (f"  refused   {told}" for told in found.refused)
    yield from (f"problem     {told}" for told in found.problems)
    for told, count in sorted(found.holes.items()):
        yield f"hole        {number(count, 'patient')}: {told}"


def _how(found: Standing) -> str:
    told = ", ".join(f"{count} {what}" for what, count in found.counts.items()) or "nothing new"
    return f"finished: {told}" if found.finished else "not finished: it is running, or was stopped"


def _ago(now: datetime, started: str) -> str:
    minutes = int((now - datetime.fromisoformat(started)).total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _time(at: int) -> str:
    return moment(at).isoformat(timespec="seconds")


def _count(connection: Connection, query: object) -> int:
    return int(connection.execute(query).scalar() or 0)  # type: ignore[call-overload]
