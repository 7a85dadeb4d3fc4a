"""The body weight that a dose by kilogram rests on: measured, fresh, exact, believable; else why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from adapter.assignment.arms import PerKilogram
from adapter.eligibility.context import Context, Within
from adapter.eligibility.latest import Outcome, latest
from adapter.facts.model import Fact, Reason, Source
from adapter.fhir.quantities import exact_decimal


@dataclass(frozen=True, slots=True)
class Weight:
    """A measured weight in kg, exactly, and the Observation behind it."""

    kg: Decimal
    source: Source


@dataclass(frozen=True, slots=True)
class NoWeight:
    """Why no dose can rest on what the record holds: a short free code and a sentence without values."""

    code: str
    sentence: str


_WHY = {
    Reason.UNIT_UNRESOLVED: ("weight-unit", "the unit is missing or unknown; it must be kg, g or [lb_av]"),
    Reason.CONFLICT: ("weight-conflict", "different weights on one day; the wrong one must be corrected"),
    Reason.PARTIAL_DATE: ("weight-undated", "its date is not exact enough to tell that it is the latest"),
    Reason.UNDATED: ("weight-undated", "it has no date, so it could be the latest"),
    Reason.NEEDS_JUDGEMENT: ("weight-not-final", "not a final, exact number"),
}


def weight_of(context: Context, wanted: PerKilogram) -> Weight | NoWeight:
    """The latest weight of the days that `wanted` allows before the day of the context."""
    span = context.inclusion_span(Within(before="as-of", days=wanted.days))
    facts = context.record.named(wanted.fact)
    found = latest(context, facts, span, _says)
    if found.outcome is True:
        vague = [fact for fact in facts if fact not in found.facts and _could_be_later(fact, found.day)]
        return _refused(vague) if vague else _believable(found.facts, wanted)
    days = context.number(wanted.days)
    if found.outcome is Reason.STALE:
        references = ", ".join(sorted({fact.source.reference for fact in found.facts}))
        return NoWeight("weight-stale", f"{references}: the latest measured weight is older than {days} days")
    if isinstance(found.outcome, Reason) and found.facts and found.outcome in _WHY:
        code, why = _WHY[found.outcome]
        places = ", ".join(sorted({f"{f.source.reference} {f.source.path}" for f in found.facts}))
        return NoWeight(code, f"{places}: {why}")
    told = f"no measured body weight of the last {days} days; a stated or estimated one does not count"
    return NoWeight("weight-missing", told)


def _could_be_later(fact: Fact, day: int | None) -> bool:
    """Whether another weight, not final or not exactly dated, may be newer than the one that would be taken."""
    last = fact.when.last_hi if fact.when.dated else fact.when.bound
    return last is None or day is None or last >= day


def _refused(facts: list[Fact]) -> NoWeight:
    code, why = _WHY[Reason.NEEDS_JUDGEMENT if facts[0].doubt else Reason.UNDATED]
    return NoWeight(code, f"{facts[0].source.reference} {facts[0].source.path}: {why}")


def _says(fact: Fact) -> Outcome:
    """Whether a result is a number that can be used: True, or why not."""
    result = fact.result
    if result is None or result.problem is not None:
        return (result.problem if result else None) or Reason.NEEDS_JUDGEMENT
    exact = result.number.exact() if result.number else None
    return Reason.NEEDS_JUDGEMENT if exact is None or exact_decimal(exact) is None else True


def _believable(facts: tuple[Fact, ...], wanted: PerKilogram) -> Weight | NoWeight:
    kilograms = {kg: fact for fact in sorted(facts, key=lambda f: f.order) for kg in _exact(fact)}
    references = ", ".join(sorted({fact.source.reference for fact in facts}))
    if len(kilograms) > 1:
        code, why = _WHY[Reason.CONFLICT]
        return NoWeight(code, f"{references}: {why}")
    kg, fact = next(iter(kilograms.items()))
    if not wanted.least <= kg <= wanted.most:
        told = f"{references}: the weight lies outside {wanted.least:f} to {wanted.most:f} kg; check number and unit"
        return NoWeight("weight-out-of-bounds", told)
    return Weight(kg, fact.source)


def _exact(fact: Fact) -> Iterator[Decimal]:
    number = fact.result.number.exact() if fact.result and fact.result.number else None
    kg = exact_decimal(number) if number is not None else None
    if kg is not None:
        yield kg
