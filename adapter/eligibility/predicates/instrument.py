"""`instrument`: a documented count or total, else the items that the record proves. Fed by `mappings/instruments/`."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cached_property
from math import ceil, floor

import msgspec

from adapter.eligibility.context import ByReading, Context, Span, Within
from adapter.eligibility.finding import Finding, evidence_of, unknown
from adapter.eligibility.latest import Outcome, latest
from adapter.eligibility.predicates.base import Settings
from adapter.eligibility.predicates.result import exact, is_above, is_below
from adapter.eligibility.truth import Truth, at_least
from adapter.eligibility.witness import listed
from adapter.facts.model import Fact, Reason, Sign, foremost
from adapter.fhir.dates import Place, day_text
from adapter.fhir.quantities import Number, plain
from adapter.fhir.terminology import Grade


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the laboratory proves an item: beyond a bound, beyond its own range, abnormal, or found at all.

    `dates`: on so many different days. `reading`: only where this reading says `counts`.
    """

    above: str | None = None
    below: str | None = None
    abnormal: str | None = None
    low: str | None = None
    high: str | None = None
    present: str | None = None
    of: str | tuple[str, ...] = ()
    unit: str | None = None
    dates: int = 1
    reading: str | None = None

    def facts(self) -> tuple[str, ...]:
        """The names of the facts that it looks at."""
        named = self.abnormal or self.low or self.high or self.present or self.of
        return (named,) if isinstance(named, str) else named

    def says(self, fact: Fact) -> Outcome:
        """Whether one result proves the item."""
        if self.above is not None:
            return is_above(fact, exact(self.above))
        if self.below is not None:
            return is_below(fact, exact(self.below))
        return _qualitative(self, fact)


def _qualitative(proof: Proof, fact: Fact) -> Outcome:
    result = fact.result
    if result is None:
        return False
    if proof.low:
        return result.range_ == -1
    if proof.high:
        return result.range_ == 1 or result.sign is Sign.POSITIVE
    if result.sign is not None:
        return result.sign is Sign.POSITIVE
    if proof.present and result.number is not None:
        return result.number.low is not None and (result.number.low > 0 or result.number.low_open)
    return result.range_ == 1


class InstrumentItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item: its own code without the instrument's prefix, its weight, and what may prove it."""

    code: str
    title: str
    definition: str
    weight: int = 1
    laboratory: tuple[Proof, ...] = ()
    candidates: str | None = None

    def facts(self) -> Iterator[str]:
        """The names of the facts that may prove it, or that are shown with it."""
        for proof in self.laboratory:
            yield from proof.facts()
        if self.candidates:
            yield self.candidates

    def readings(self) -> frozenset[str]:
        """The readings that its proofs rest on."""
        return frozenset(proof.reading for proof in self.laboratory if proof.reading)


class Total(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The own code of the documented total and the values that it can have."""

    code: str
    least: int
    most: int


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A file of `mappings/instruments/`."""

    instrument: str
    title: str
    total: Total
    items: tuple[InstrumentItem, ...]

    @cached_property
    def asked(self) -> tuple[tuple[InstrumentItem, str, frozenset[str], frozenset[str]], ...]:
        """Each item with the fact that people record for it, all facts that it looks at, and all its readings."""
        said = ((item, f"instrument:{self.instrument}-{item.code}") for item in self.items)
        return tuple((item, name, frozenset({name, *item.facts()}), item.readings()) for item, name in said)

    @cached_property
    def facts(self) -> frozenset[str]:
        """All facts that its items look at."""
        return frozenset(name for _, _, names, _ in self.asked for name in names)


class _Score(msgspec.Struct, frozen=True, gc=False):
    """What the items say: points proved, how many items are assessed, and the records behind both."""

    points: int
    proved: tuple[str, ...]
    assessed: int
    facts: tuple[Fact, ...]
    candidates: tuple[Fact, ...]


class Scored(Settings, frozen=True):
    """At least so many points on an instrument, documented or proved.

    `within`: only what lies in this window counts; without it everything before the end, of any age: then the
    highest total
    speaks, and one below the bound holds for `low-total-days` only. `by-evidence` names the reading that lets items
    prove.
    """

    instrument: str
    at_least: int
    within: Within | None = None
    low_total_days: int | ByReading | None = None
    by_evidence: str | None = None
    strictly_before: str | None = None
    loaded: Instrument | None = None

    def find(self, context: Context) -> Finding:
        instrument = self._instrument()
        span = context.inclusion_span(self.within) if self.within else self._ever(context)
        totals = context.record.named(f"instrument:{instrument.total.code}")
        score = self._score(context, instrument, span)
        if self.by_evidence and context.reading(self.by_evidence) != "counts":
            score = _Score(0, (), 0, (), (*score.facts, *score.candidates))
        if self.within:
            return self._recent(context, instrument, totals, score, span)
        return self._lifetime(context, instrument, totals, score, span)

    def _instrument(self) -> Instrument:
        assert self.loaded is not None, "the loader reads the instrument file"
        return self.loaded

    def _ever(self, context: Context) -> Span:
        """Any time in life, strictly before the anchor where it is given."""
        anchor = context.anchors[self.strictly_before] if self.strictly_before else None
        span = context.ever()
        if anchor is None or anchor.assumed:
            return span
        return Span(span.start, min(span.end, anchor.day - 1), 0, False, "ever")

    def _recent(
        self, context: Context, instrument: Instrument, totals: tuple[Fact, ...], score: _Score, span: Span
    ) -> Finding:
        """A total of the window speaks; without one the items of the window are added up."""
        answer = latest(context, totals, span, lambda fact: self._reaches(instrument, fact))
        what = f"{instrument.title} total"
        if answer.outcome is True:
            return self._documented(Truth.YES, what, answer.facts, score)
        if answer.outcome is False:
            if score.points >= self.at_least:
                return self._contradicted(what, answer.facts, score, instrument)
            return self._documented(Truth.NO, what, answer.facts, score)
        if answer.outcome in (Reason.NO_DATA, Reason.STALE) and score.points >= self.at_least:
            return self._proved(instrument, score)
        if answer.outcome is Reason.NO_DATA and score.assessed == len(instrument.items):
            return self._assessed(instrument, score)
        reason = answer.outcome if isinstance(answer.outcome, Reason) else Reason.NO_DATA
        agreeing = bool(answer.facts) and all(self._reaches(instrument, fact) is True for fact in answer.facts)
        if (reason in _SOFT or agreeing) and score.points >= self.at_least:
            return self._proved(instrument, score)
        return self._open(instrument, reason, answer.facts, score, f"since {day_text(span.start)}")

    def _lifetime(
        self, context: Context, instrument: Instrument, totals: tuple[Fact, ...], score: _Score, span: Span
    ) -> Finding:
        """The highest total of any age that counts speaks; a low one only for a while, since items accumulate."""
        placed = [(fact, context.place(fact.when, span)) for fact in totals]
        inside = [fact for fact, place in placed if place is Place.INSIDE]
        sound = [fact for fact in inside if fact.doubt is None]
        what = f"{instrument.title} count"
        outcomes = {fact: self._reaches(instrument, fact) for fact in sound}
        highest = max((value for fact in sound if (value := _exact(fact)) is not None), default=None)
        impossible = [f for f, outcome in outcomes.items() if outcome is Reason.CONFLICT and _exact(f) == highest]
        reached = [fact for fact, outcome in outcomes.items() if outcome is True]
        if impossible:
            return self._open(instrument, Reason.CONFLICT, impossible, score, "")
        if reached:
            return self._documented(Truth.YES, what, reached, score)
        below = [fact for fact, outcome in outcomes.items() if outcome is False]
        ages = {fact: self._is_recent(context, fact, span) for fact in below}
        recent = [fact for fact, age in ages.items() if age is True]
        if score.points >= self.at_least:
            return self._contradicted(what, recent, score, instrument) if recent else self._proved(instrument, score)
        vague = [fact for fact, age in ages.items() if age is Reason.PARTIAL_DATE]
        if vague and not recent:
            return self._open(instrument, Reason.PARTIAL_DATE, vague, score, "")
        return self._lifetime_open(instrument, placed, below, recent, score)

    def _lifetime_open(
        self,
        instrument: Instrument,
        placed: list[tuple[Fact, Place]],
        below: list[Fact],
        recent: list[Fact],
        score: _Score,
    ) -> Finding:
        loose = [f for f, place in placed if place is not Place.OUTSIDE and (f.doubt or place is not Place.INSIDE)]
        loose = [fact for fact in loose if self._reaches(instrument, fact) is not False or not recent]
        doubts = {fact: fact.doubt or _time_reason(place) for fact, place in placed if fact in loose}
        if score.assessed == len(instrument.items) and not loose:
            return self._assessed(instrument, score)
        if recent and not loose:
            return self._documented(Truth.NO, f"{instrument.title} count", recent, score)
        if doubts:
            return self._open(instrument, min(doubts.values(), key=list(Reason).index), loose, score, "")
        outcomes = {fact: self._reaches(instrument, fact) for fact, place in placed if place is Place.INSIDE}
        unusable = {fact: outcome for fact, outcome in outcomes.items() if isinstance(outcome, Reason)}
        if unusable:
            return self._open(instrument, foremost(set(unusable.values())), unusable, score, "")
        return self._open(instrument, Reason.STALE if below else Reason.NO_DATA, below, score, "")

    def _is_recent(self, context: Context, fact: Fact, span: Span) -> bool | Reason:
        """Whether a low count still holds: items accumulate, so it does for a while only."""
        days = context.number(self.low_total_days) if self.low_total_days is not None else 0
        for day in fact.when.edges():
            context.mark(day + days + 1)
        start = min(span.end, context.end) - days
        if not fact.when.dated or fact.when.last_hi < start:
            return False
        return True if fact.when.first_lo >= start else Reason.PARTIAL_DATE

    def _reaches(self, instrument: Instrument, fact: Fact) -> Outcome:
        """Whether a documented total reaches the bound; a value that the instrument cannot give is a conflict."""
        result = fact.result
        number = result.number if result else None
        if number is None:
            return (result.problem if result else None) or Reason.NEEDS_JUDGEMENT
        value = number.exact()
        if value is not None:
            if value.denominator != 1 or not instrument.total.least <= value <= instrument.total.most:
                return Reason.CONFLICT
            return value >= self.at_least
        least, most = _whole_ends(number)
        if least is not None and least >= self.at_least:
            return True
        return False if most is not None and most < self.at_least else Reason.NEEDS_JUDGEMENT

    def _score(self, context: Context, instrument: Instrument, span: Span) -> _Score:
        points, assessed = 0, 0
        proved: list[str] = []
        facts: list[Fact] = []
        candidates: list[Fact] = []
        if context.record.lacks(instrument.facts):
            context.used.update(*(readings for _, _, _, readings in instrument.asked))
            return _NOTHING
        present = context.record.facts.keys()
        for item, name, names, readings in instrument.asked:
            if present.isdisjoint(names):
                context.used.update(readings)
                continue
            said = self._said(context, name, span)
            behind = self._laboratory(context, item, span)
            if said.outcome is True or behind:
                points += item.weight
                proved.append(item.title)
                facts += [*(said.facts if said.outcome is True else ()), *behind]
            assessed += said.outcome in (True, False)
            if item.candidates:
                candidates += context.record.named(item.candidates)
        return _Score(points, tuple(proved), assessed, tuple(facts), tuple(candidates))

    def _said(self, context: Context, name: str, span: Span) -> "_Said":
        """What a person recorded for the item: ever, one YES is enough; in a window the latest day speaks."""
        facts = context.record.named(name)
        if not facts:
            return _UNSAID
        answer = latest(context, facts, span, _is_true)
        if not self.within:
            held = [
                f
                for f in facts
                if f.doubt is None and _is_true(f) is True and context.place(f.when, span) is Place.INSIDE
            ]
            return _Said(True, tuple(held)) if held else _Said(answer.outcome, answer.facts)
        return _Said(answer.outcome, answer.facts)

    def _laboratory(self, context: Context, item: InstrumentItem, span: Span) -> list[Fact]:
        """The results that prove an item, none where no proof is complete."""
        for proof in item.laboratory:
            if proof.reading and context.reading(proof.reading) != "counts":
                continue
            facts = [fact for name in proof.facts() for fact in context.record.named(name)]
            if not facts:
                continue
            held = self._held(context, proof, facts, span)
            if _different_days(held) >= proof.dates:
                return held
        return []

    def _held(self, context: Context, proof: Proof, facts: Iterable[Fact], span: Span) -> list[Fact]:
        """In a window the latest result of each kind speaks; in a lifetime every one does."""
        sound = [fact for fact in facts if fact.doubt is None and fact.grade is Grade.COUNTS]
        if self.within:
            named = {fact.name for fact in sound} if proof.low is None else {f"{f.name} {f.label}" for f in sound}
            groups = [[f for f in sound if name in (f.name, f"{f.name} {f.label}")] for name in sorted(named)]
            answers = [latest(context, group, span, proof.says) for group in groups]
            return [fact for answer in answers if answer.outcome is True for fact in answer.facts]
        dated = [fact for fact in sound if context.place(fact.when, span) is Place.INSIDE]
        return [fact for fact in dated if proof.says(fact) is True]

    def _documented(self, truth: Truth, what: str, facts: Iterable[Fact], score: _Score) -> Finding:
        told = list(facts)
        side = "at least" if truth is Truth.YES else "below"
        text = f"{_values(what, told)}: {side} {self.at_least}."
        return Finding(
            truth=truth, reason="documented", explanation=text, evidence=evidence_of([*told, *score.facts])
        )  # fmt: skip

    def _proved(self, instrument: Instrument, score: _Score) -> Finding:
        items = f"{_points(score, instrument)} proved ({listed(score.proved)})"
        text = f"{instrument.title}: {items}, at least {self.at_least}."
        return Finding(truth=Truth.YES, reason="proved-items", explanation=text, evidence=evidence_of(score.facts))

    def _assessed(self, instrument: Instrument, score: _Score) -> Finding:
        """Every item assessed: at least so many of them hold, or not."""
        truth = at_least(1, [Truth.YES if score.points >= self.at_least else Truth.NO])
        text = f"{instrument.title}: all {len(instrument.items)} items assessed, {_points(score, instrument)}."
        facts = score.facts or score.candidates
        return Finding(truth=truth, reason="all-assessed", explanation=text, evidence=evidence_of(facts))

    def _contradicted(self, what: str, totals: Iterable[Fact], score: _Score, instrument: Instrument) -> Finding:
        told = list(totals)
        text = f"{_values(what, told)}, but {_points(score, instrument)} proved ({listed(score.proved)})."
        needs = f"a new {instrument.title} by a clinician"
        return unknown(Reason.CONFLICT, text, [*told, *score.facts], needs=needs)

    def _open(
        self, instrument: Instrument, reason: Reason, totals: Iterable[Fact], score: _Score, since: str
    ) -> Finding:
        told = list(totals)
        start = f"{_values(instrument.title, told)}: {_WHY[reason]}. " if told else ""
        items = f" ({listed(score.proved)})" if score.proved else ""
        text = f"{start}{instrument.title}: {_points(score, instrument)} proved so far{items}; {self.at_least} needed."
        needs = f"a documented {instrument.title} by a clinician {since}".strip()
        return unknown(reason, text, [*told, *score.facts, *score.candidates], needs=needs)


class _Said(msgspec.Struct, frozen=True, gc=False):
    """What was recorded for one item, and where."""

    outcome: Outcome
    facts: tuple[Fact, ...]


_UNSAID = _Said(Reason.NO_DATA, ())
_NOTHING = _Score(0, (), 0, (), ())
_SOFT = {Reason.NO_DATA, Reason.STALE, Reason.UNMAPPED_CODE}
_WHY = {
    Reason.CONFLICT: "not a value that the instrument can give, or contradicting",
    Reason.STALE: "too old",
    Reason.NEEDS_JUDGEMENT: "not final or not readable",
    Reason.PARTIAL_DATE: "its date is not exact enough",
    Reason.UNDATED: "without a date",
    Reason.UNIT_UNRESOLVED: "not a plain number",
    Reason.UNMAPPED_CODE: "under a code or name that no table knows",
    Reason.NO_DATA: "no value",
}


def _exact(fact: Fact) -> Fraction | None:
    return fact.result.number.exact() if fact.result and fact.result.number else None


def _whole_ends(number: Number) -> tuple[int | None, int | None]:
    """The least and the greatest whole number that a comparator allows: a total below 6 is at most 5."""
    least, most = number.low, number.high
    low = None if least is None else floor(least) + 1 if number.low_open else ceil(least)
    high = None if most is None else ceil(most) - 1 if number.high_open else floor(most)
    return low, high


def _different_days(facts: Iterable[Fact]) -> int:
    """On how many different days results surely lie: partial dates that overlap may be one day."""
    count, last = 0, 0
    for fact in sorted(facts, key=lambda f: f.when.last_hi):
        if fact.when.first_lo > last:
            count, last = count + 1, fact.when.last_hi
    return count


def _is_true(fact: Fact) -> Outcome:
    truth = fact.result.truth if fact.result else None
    return Reason.NEEDS_JUDGEMENT if truth is None else truth


def _time_reason(place: Place) -> Reason:
    return Reason.PARTIAL_DATE if place is Place.PARTIAL else Reason.UNDATED


def _values(what: str, facts: list[Fact]) -> str:
    told = []
    for fact in facts:
        number = fact.result.number.exact() if fact.result and fact.result.number else None
        value = plain(number) if number is not None else fact.source.written
        told.append(f"{value} on {day_text(fact.when.last_hi)}" if fact.when.dated else value)
    return f"{what} {'; '.join(dict.fromkeys(told))}"


def _points(score: _Score, instrument: Instrument) -> str:
    weighted = any(item.weight != 1 for item in instrument.items)
    return f"{score.points} {'points' if weighted else f'of {len(instrument.items)} items'}"
