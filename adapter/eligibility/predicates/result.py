"""`latest` compares the latest number with a bound; `positive` asks the latest qualitative result."""

from fractions import Fraction
from functools import lru_cache

from adapter.eligibility.context import Context, Span, Within
from adapter.eligibility.finding import Finding, evidence_of, unknown, value_text
from adapter.eligibility.latest import Latest, Outcome, latest
from adapter.eligibility.predicates.base import Settings
from adapter.eligibility.truth import Truth
from adapter.eligibility.witness import NEEDS, WHY, listed
from adapter.facts.model import Fact, Reason, Result, Sign
from adapter.fhir.dates import day_text
from adapter.fhir.terminology import Grade


class LatestNumber(Settings, frozen=True):
    """The latest result in the window lies above the bound, strictly. `unit` is the canonical unit of the fact."""

    latest: str
    above: str
    unit: str
    what: str
    within: Within

    def find(self, context: Context) -> Finding:
        span = context.inclusion_span(self.within)
        bound = exact(self.above)
        answer = latest(context, context.record.named(self.latest), span, lambda fact: is_above(fact, bound))
        limit = f"{self.above} {self.unit}"
        if isinstance(answer.outcome, Reason):
            return open_result(answer, answer.outcome, self.what, span)
        side = "above" if answer.outcome else "not above"
        return Finding(
            truth=Truth.YES if answer.outcome else Truth.NO,
            reason="above" if answer.outcome else "not-above",
            explanation=f"{told(self.what, answer)}: {side} {limit}.",
            evidence=evidence_of(answer.facts),
            label=self.what,
        )


@lru_cache(maxsize=256)
def exact(bound: str) -> Fraction:
    """A bound as it is written in a file; made once, since fractions are slow to make."""
    return Fraction(bound)


def is_above(fact: Fact, bound: Fraction) -> Outcome:
    """Whether every value that the result allows lies above the bound; why it cannot be told."""
    result = fact.result
    if result is None or result.number is None:
        return (result.problem if result else None) or Reason.NEEDS_JUDGEMENT
    above = result.number.above(bound)
    return Reason.NEEDS_JUDGEMENT if above is None else above


def is_below(fact: Fact, bound: Fraction) -> Outcome:
    """Whether every value that the result allows lies below the bound; why it cannot be told."""
    result = fact.result
    if result is None or result.number is None:
        return (result.problem if result else None) or Reason.NEEDS_JUDGEMENT
    below = result.number.below(bound)
    return Reason.NEEDS_JUDGEMENT if below is None else below


def told(what: str, answer: Latest) -> str:
    """`Urine protein/creatinine ratio 1.4 g/g on 2026-11-10 (written 1400 mg/g)`."""
    texts = []
    for fact in answer.facts:
        value = value_text(fact.result) if fact.result else ""
        written = f" (written {fact.source.written})" if fact.result and fact.result.formula else ""
        when = f" on {day_text(fact.when.last_hi)}" if fact.when.dated and not fact.when.open else ""
        texts.append(f"{value or fact.source.written}{when}{written}")
    return f"{what[:1].upper()}{what[1:]} {'; '.join(dict.fromkeys(texts))}".strip()


def open_result(answer: Latest, reason: Reason, what: str, span: Span) -> Finding:
    """The finding of a result that does not answer: none, too old, or why the latest cannot be used."""
    since = day_text(span.start)
    if reason is Reason.NO_DATA:
        text, needs = f"No {what} is recorded since {since}.", f"{_a(what)} since {since}"
    elif reason is Reason.STALE:
        text, needs = f"{told(what, answer)}: older than {since}.", f"{_a(what)} since {since}"
    else:
        text = f"{told(what, answer)}: {WHY[reason]} what it says."
        needs = f"{NEEDS[reason]} ({what}), or a new one"
    found = unknown(reason, text, answer.facts, needs=needs)
    return Finding(
        truth=found.truth, reason=found.reason, explanation=found.explanation, evidence=found.evidence,
        needs=found.needs, label=what,
    )  # fmt: skip


def _a(what: str) -> str:
    return f"{'an' if what[:1].lower() in 'aeiou' and not what.startswith('ur') else 'a'} {what}"


class Positive(Settings, frozen=True):
    """The latest result of a test, of any age, is positive.

    `judgement`: a positive one needs a person, unless a result of `settled-by` is there too, or the latest one of
    `unless-positive` is positive. `above-zero`: a viral
    load,
    positive above 0.
    """

    positive: str
    what: str
    types: tuple[str, ...] = ("Observation",)
    judgement: bool = False
    settled_by: str | None = None
    unless_positive: str | None = None
    above_zero: bool = False

    def find(self, context: Context) -> Finding:
        facts = context.record.named(self.positive)
        says = is_load if self.above_zero else is_positive
        answer = latest(context, facts, context.ever(), says, silence=False)
        if answer.outcome is True and not self.judgement:
            return self._told(Truth.YES, "positive", answer)
        if answer.outcome is True and not self._is_settled(context):
            text = f"{told(self.what, answer)}: a person must judge."
            return unknown(Reason.NEEDS_JUDGEMENT, text, answer.facts, needs=f"a clinician's judgement of {self.what}")
        if isinstance(answer.outcome, Reason):
            return open_result(answer, answer.outcome, self.what, context.ever())
        if not answer.facts:
            return self._silent(context)
        return self._told(Truth.NO, "settled" if answer.outcome else "negative", answer)

    def _is_settled(self, context: Context) -> bool:
        if self.unless_positive:
            other = context.record.named(self.unless_positive)
            return latest(context, other, context.ever(), is_positive).outcome is True
        return any(f.doubt is None and f.grade is Grade.COUNTS for f in context.record.named(self.settled_by or ""))

    def _told(self, truth: Truth, reason: str, answer: Latest) -> Finding:
        return Finding(
            truth=truth, reason=reason, explanation=f"{told(self.what, answer)}.", evidence=evidence_of(answer.facts),
            label=self.what,
        )  # fmt: skip

    def _silent(self, context: Context) -> Finding:
        missing = context.covers(self.types)
        if missing:
            text = f"No {self.what} is recorded, but {listed(missing)} was not read completely."
            return unknown(Reason.NOT_COVERED, text, needs=f"a complete read of {listed(missing)}")
        text = f"No {self.what} is recorded; read completely: {listed(self.types)}."
        return Finding(truth=Truth.NO, reason="no-record", explanation=text, silent=True, label=self.what)


def is_positive(fact: Fact) -> Outcome:
    """By the laboratory's word, else by its range."""
    result = fact.result or Result()
    if result.sign is not None:
        return _SIGNS[result.sign]
    if result.problem:
        return result.problem
    return Reason.NEEDS_JUDGEMENT if result.range_ is None else result.range_ == 1


def is_load(fact: Fact) -> Outcome:
    """A viral load above 0 without `<` is positive, whatever the laboratory's range says."""
    result = fact.result or Result()
    if result.number is None or result.sign is not None:
        return is_positive(fact)
    return result.number.low is not None and (result.number.low > 0 or result.number.low_open)


_SIGNS: dict[Sign, Outcome] = {
    Sign.POSITIVE: True,
    Sign.NEGATIVE: False,
    Sign.INDETERMINATE: Reason.NEEDS_JUDGEMENT,
}
