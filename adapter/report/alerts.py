"""What came of the cards: how many were shown, taken up, or overridden and why."""

from collections import Counter
from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, select

from adapter.store.tables import alerts


class Reported(msgspec.Struct, frozen=True):
    """Figures of a trial. `precision`: taken up, of all that were answered; None where none was."""

    trial: str
    since: str
    measured: int
    shown: int
    accepted: int
    overridden: dict[str, int]
    unanswered: int
    patients: int
    viewers: int
    by_hook: dict[str, int]
    precision: float | None


def reported(connection: Connection, trial: str, since: str = "") -> Reported:
    """The figures from a day on; from the beginning where it is empty."""
    rows = list(connection.execute(select(alerts).where(alerts.c.trial == trial, alerts.c.day >= since)))
    shown = [row for row in rows if row.shown]
    accepted = sum(row.outcome == "accepted" for row in shown)
    reasons = Counter(row.reason or "no reason" for row in shown if row.outcome == "overridden")
    answered = accepted + reasons.total()
    return Reported(
        trial=trial,
        since=since,
        measured=len(rows) - len(shown),
        shown=len(shown),
        accepted=accepted,
        overridden=dict(sorted(reasons.items())),
        unanswered=len(shown) - answered,
        patients=len({row.subject for row in rows}),
        viewers=len({row.viewer for row in rows}),
        by_hook=dict(sorted(Counter(row.hook for row in shown).items())),
        precision=round(accepted / answered, 3) if answered else None,
    )


def report_lines(found: Reported) -> Iterator[str]:
    """The same for people."""
    yield f"{found.trial}, cards{f' since {found.since}' if found.since else ''}"
    yield f"  shown       {found.shown:5}  to {found.viewers} people, about {found.patients} patients"
    yield f"  accepted    {found.accepted:5}"
    yield f"  overridden  {sum(found.overridden.values()):5}"
    yield from (f"    {reason:26}{count:5}" for reason, count in found.overridden.items())
    yield f"  unanswered  {found.unanswered:5}"
    if found.measured:
        yield f"  measured    {found.measured:5}  in silent mode, shown to nobody"
    yield from (f"  {hook:12}{count:5}" for hook, count in found.by_hook.items())
    precision = (
        "not known: no card was answered" if found.precision is None else f"{found.precision:.0%} of those answered"
    )
    yield f"  precision   {precision}"
