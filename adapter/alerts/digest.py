"""Who is told what, and when: a rule is due at most once a day, and tells what has changed since it last did. Counts
only: no word of a patient leaves by mail.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

import msgspec
from sqlalchemy import Connection as Db
from sqlalchemy import delete, func, insert, select

from adapter.connection import MailRule, MailSection
from adapter.eligibility.parts import facts_of
from adapter.eligibility.trial import Trial
from adapter.errors import UsageError
from adapter.store.tables import digests, runs, screenings
from adapter.sync.screening import Made, made_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TOLD = {
    "eligible": "fit by the records now",
    "candidate": "may fit now, something is still missing",
    "lost": "no longer fit",
    "problem": "runs of the sync met a problem",
}
"""What can be heard, and how it is said."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a rule has to tell: counts, by what can be heard, and up to which screening."""

    rule: MailRule
    counts: Mapping[str, int]
    until: int
    day: date

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not any(self.counts.values())


class _Verdict(msgspec.Struct, frozen=True):
    id: str
    truth: str


class _Document(msgspec.Struct, frozen=True):
    status: str
    criteria: tuple[_Verdict, ...] = ()


def check(mail: MailSection) -> None:
    """Raises UsageError for settings by which nothing could be sent."""
    if not mail.server:
        return
    if not mail.sender:
        raise UsageError("mail.sender is missing: the address that a digest comes from")
    names = [rule.name for rule in mail.rules]
    for rule in mail.rules:
        if not rule.to or names.count(rule.name) > 1:
            raise UsageError(f"mail.rules: {rule.name!r} must have a name of its own, and somebody in `to`")
        if any("\n" in one or "\r" in one or "@" not in one for one in (*rule.to, mail.sender)):
            raise UsageError(f"mail.rules: {rule.name!r} has an address that is none")
        _clock(rule.at, rule.name)
        _quiet(rule)


def is_due(rule: MailRule, now: datetime, sent: str) -> bool:
    """Whether a rule is to tell at a time of the site. `sent` is the day on which it last did, empty if never."""
    start, end = _quiet(rule)
    clock = now.time().replace(second=0, microsecond=0)
    quiet = start <= clock < end if start <= end else clock >= start or clock < end
    return (
        not quiet
        and DAYS[now.weekday()] in rule.days
        and clock >= _clock(rule.at, rule.name)
        and sent < now.date().isoformat()
    )


def digest_of(db: Db, trial: Trial, rule: MailRule, now: datetime) -> Digest | None:
    """What a rule has to tell at a time, None where it is not due."""
    row = db.execute(select(digests).where(digests.c.rule == rule.name)).first()
    if not is_due(rule, now, row.day if row else ""):
        return None
    until = db.execute(select(func.max(screenings.c.id))).scalar() or 0
    before = _states(db, trial, row.screening if row else 0)
    after = _states(db, trial, until)
    counts = Counter(what for patient in after if (what := _change(before.get(patient, ""), after[patient])))
    counts["problem"] = _problems(db, row.sent if row else 0)
    return Digest(rule, {what: counts[what] for what in TOLD if what in rule.hears}, until, now.date())


def note_sent(db: Db, digest: Digest, at: int) -> None:
    """Notes that a digest was sent, or had nothing to say."""
    db.execute(delete(digests).where(digests.c.rule == digest.rule.name))
    told = {"rule": digest.rule.name, "screening": digest.until, "sent": at, "day": digest.day.isoformat()}
    db.execute(insert(digests).values(**told))


def _change(before: str, after: str) -> str:
    """What somebody could act on; empty where nothing has changed that matters."""
    if before == after:
        return ""
    if after in ("eligible", "candidate"):
        return after
    return "lost" if before in ("eligible", "candidate") else ""


def _states(db: Db, trial: Trial, until: int) -> dict[str, str]:
    """By patient: eligible, candidate (open, with the trial's diagnosis) or empty, by the screenings up to one."""
    newest = select(func.max(screenings.c.id)).where(screenings.c.trial == trial.id, screenings.c.id <= until)
    wanted = select(screenings).where(screenings.c.id.in_(newest.group_by(screenings.c.patient).scalar_subquery()))
    wants = diagnoses(trial)
    return {made.patient: _state(made, wants) for made in map(made_of, db.execute(wanted))}


def diagnoses(trial: Trial) -> frozenset[str]:
    """The criteria that ask for the diagnosis by which the trial's patients are found."""
    cohort = set(trial.cohort)
    return frozenset(one.id for one in trial.criteria if one.kind == "inclusion" and facts_of(one, trial) & cohort)


def _state(made: Made, diagnosed: frozenset[str]) -> str:
    if made.status == "eligible":
        return "eligible"
    found = msgspec.json.decode(made.document, type=_Document)
    sick = all(one.truth == "yes" for one in found.criteria if one.id in diagnosed)
    return "candidate" if made.status == "undetermined" and sick else ""


def _problems(db: Db, since: int) -> int:
    told = db.execute(select(runs.c.outcome).where(runs.c.finished > since))
    return sum(any(part and not part.startswith("note:") for part in row.outcome.split("; ")) for row in told)


def _clock(text: str, rule: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise UsageError(f"mail.rules: {rule!r} has the time {text!r}; write HH:MM") from None


def _quiet(rule: MailRule) -> tuple[time, time]:
    start, _, end = rule.quiet.partition("-")
    return _clock(start, rule.name), _clock(end, rule.name)
