"""Which of several results speaks: the latest day, what stands in its way, and what is too old.

`criteria.md`, "Several results in a window".
"""

from collections.abc import Callable, Sequence

import msgspec

from adapter.eligibility.context import Context, Span
from adapter.facts.model import Fact, Reason, foremost
from adapter.fhir.dates import Place
from adapter.fhir.terminology import Grade

Outcome = bool | Reason
"""What one result says of the sentence: it holds, it does not, or why it cannot tell."""


class Latest(msgspec.Struct, frozen=True, gc=False):
    """The answer of the latest day, the facts behind it, and older facts where nothing lies in the window."""

    outcome: Outcome
    facts: tuple[Fact, ...]
    day: int | None = None


def latest(
    context: Context,
    facts: Sequence[Fact],
    span: Span,
    says: Callable[[Fact], Outcome],
    silence: Outcome = Reason.NO_DATA,
) -> Latest:
    """What the results of a window say. `silence` (NO_DATA) where there is none, STALE where there are only older
    ones.
    """
    if not facts:
        return Latest(silence, ())
    final: list[Fact] = []
    loose: list[tuple[Reason, Fact]] = []
    older: list[Fact] = []
    for fact in facts:
        place = context.place(fact.when, span)
        if place is Place.OUTSIDE:
            older += [fact] if _is_before(fact, span) and fact.grade is not Grade.UNMAPPED else []
        elif place is Place.UNDATED:
            loose.append((Reason.UNDATED, fact))
        elif place is Place.PARTIAL:
            loose.append((Reason.PARTIAL_DATE, fact))
        elif fact.doubt is not None:
            loose.append((fact.doubt, fact))
        else:
            final.append(fact)
    exact = [fact for fact in final if _is_exact(fact)]
    vague = [(Reason.PARTIAL_DATE, fact) for fact in final if not _is_exact(fact)]
    return _weigh(exact, vague, loose, older, says, silence)


def _weigh(
    exact: list[Fact],
    vague: list[tuple[Reason, Fact]],
    loose: list[tuple[Reason, Fact]],
    older: list[Fact],
    says: Callable[[Fact], Outcome],
    silence: Outcome,
) -> Latest:
    if not exact and len({says(fact) for _, fact in vague}) == 1:
        day = max(fact.when.last_lo for _, fact in vague)
        exact, vague = [fact for _, fact in vague], []
        answer = Latest(says(exact[0]), tuple(exact), day)
    elif exact:
        answer = _of_day(exact, says)
    else:
        answer = _nothing(vague + loose, older, silence)
    return _obstructed(answer, vague + loose, says)


def _of_day(exact: list[Fact], says: Callable[[Fact], Outcome]) -> Latest:
    """The results of the latest day; both ways on one day are a conflict."""
    day = max(fact.when.last_hi for fact in exact)
    told = tuple(fact for fact in exact if fact.when.last_hi == day)
    outcomes = {says(fact) for fact in told}
    reasons = {outcome for outcome in outcomes if isinstance(outcome, Reason)}
    if outcomes >= {True, False}:
        return Latest(Reason.CONFLICT, told, day)
    return Latest(foremost(reasons) if reasons else next(iter(outcomes)), told, day)


def _nothing(others: list[tuple[Reason, Fact]], older: list[Fact], silence: Outcome) -> Latest:
    if others or not older:
        return Latest(silence, ())
    newest = max(fact.when.last_hi if fact.when.dated else 0 for fact in older)
    return Latest(Reason.STALE, tuple(f for f in older if not f.when.dated or f.when.last_hi == newest))


def _obstructed(answer: Latest, others: list[tuple[Reason, Fact]], says: Callable[[Fact], Outcome]) -> Latest:
    """Results that are not final, not mapped or not exactly dated stand in the way of the answer that they would
    change.
    """
    if isinstance(answer.outcome, Reason) and answer.facts and answer.outcome is not Reason.STALE:
        return answer
    against = [(reason, fact) for reason, fact in others if _could_change(answer, reason, fact, says)]
    if not against:
        return answer
    return Latest(foremost([reason for reason, _ in against]), tuple(fact for _, fact in against), answer.day)


def _could_change(answer: Latest, reason: Reason, fact: Fact, says: Callable[[Fact], Outcome]) -> bool:
    if fact.grade is Grade.UNMAPPED and (answer.outcome is True or (says(fact) is False and answer.outcome is False)):
        return False
    last = fact.when.last_hi if fact.when.dated else fact.when.bound
    if answer.day is not None and last is not None and last < answer.day:
        return False
    return isinstance(answer.outcome, Reason) or says(fact) != answer.outcome


def _is_exact(fact: Fact) -> bool:
    when = fact.when
    return when.open or when.last_lo == when.last_hi


def _is_before(fact: Fact, span: Span) -> bool:
    return not fact.when.dated or fact.when.last_hi < span.start
