"""`unstable-dose`: on the days of a window the dose timeline of an ingredient shows a start, a stop or a change."""

from fractions import Fraction

import msgspec

from adapter.eligibility.context import ByReading, Context, Span, Within
from adapter.eligibility.finding import Finding, evidence_of, unknown
from adapter.eligibility.predicates.base import Settings
from adapter.eligibility.timeline import Kind, Segment, Timeline, segment_of, timeline
from adapter.eligibility.truth import Truth
from adapter.eligibility.witness import NEEDS, WHY, listed
from adapter.facts.model import Fact, Reason, foremost
from adapter.fhir.dates import Place, day_text
from adapter.fhir.quantities import plain
from adapter.fhir.terminology import Grade


class _Shown(msgspec.Struct):
    """What the timeline of one ingredient shows."""

    ingredient: str
    changes: list[str] = msgspec.field(default_factory=list)
    doubts: list[tuple[Reason, str]] = msgspec.field(default_factory=list)
    facts: list[Fact] = msgspec.field(default_factory=list)
    used: bool = False


class UnstableDose(Settings, frozen=True):
    """A start, stop, or change of total daily dose or route of one ingredient, comparing the days of the window.

    `reading` names what counts as unstable, `refill_gap` the days without a record that are no stop. `pulsed` are
    ingredients whose intermittent use needs a person.
    """

    unstable_dose: str
    what: str
    types: tuple[str, ...]
    within: Within
    reading: str
    refill_gap: int | ByReading
    pulsed: tuple[str, ...] = ()

    def find(self, context: Context) -> Finding:
        span = context.span(self.within)
        policy = str(context.reading(self.reading))
        gap = context.number(self.refill_gap)
        covered = not context.covers(self.types)
        groups = self._by_ingredient(context, span)
        shown = [
            self._shown(context, name, facts, span, policy, gap, covered) for name, facts in sorted(groups.items())
        ]
        nameless = [f for t in self.types for f in context.record.named(f"nameless:{t}")]
        for fact in nameless:
            if context.place(fact.when, span) is not Place.OUTSIDE:
                told = _Shown(fact.label, doubts=[(fact.doubt or Reason.UNMAPPED_CODE, fact.label)], facts=[fact])
                shown.append(told)
        return self._settle(context, shown, span)

    def _by_ingredient(self, context: Context, span: Span) -> dict[str, list[Fact]]:
        groups: dict[str, list[Fact]] = {}
        for fact in context.record.named(self.unstable_dose):
            bounded = not fact.when.dated and fact.when.bound is not None and fact.when.bound < span.start
            if not bounded:
                name = fact.use.dose.ingredient if fact.use and fact.use.dose else fact.label
                groups.setdefault(name, []).append(fact)
        return groups

    def _shown(
        self, context: Context, name: str, facts: list[Fact], span: Span, policy: str, gap: int, covered: bool
    ) -> _Shown:
        shown = _Shown(name)
        segments: list[Segment] = []
        for fact in facts:
            segment = segment_of(fact, span.start, span.end, context.as_of)
            doubt = None if fact.doubt is Reason.ORDERED_ONLY and fact.grade in _SOUND else fact.doubt
            if doubt is not None:
                if segment is None or _touches(segment, span):
                    shown.doubts.append((doubt, fact.label))
                    shown.facts.append(fact)
            elif segment is None:
                missing = Reason.UNDATED if fact.use and fact.use.order else Reason.NO_DATA
                shown.doubts.append((missing, f"the start of {fact.label}"))
                shown.facts.append(fact)
            elif segment.first <= span.end and segment.last >= span.start - gap - 1:
                segments.append(segment)
        if any(_touches(segment, span) for segment in segments):
            self._read(context, shown, segments, span, policy, gap, covered)
        return shown

    def _read(
        self,
        context: Context,
        shown: _Shown,
        segments: list[Segment],
        span: Span,
        policy: str,
        gap: int,
        covered: bool,
    ) -> None:
        shown.used = True
        shown.facts += [segment.fact for segment in segments if _touches(segment, span)]
        _mark(context, segments, span)
        if shown.ingredient in self.pulsed and any(_is_pulse(s) for s in segments if _touches(s, span)):
            shown.doubts.append((Reason.NEEDS_JUDGEMENT, f"{shown.ingredient} in pulses"))
            return
        line = timeline(segments, span.start, span.end, gap)
        if line.conflicts:
            shown.doubts.append((Reason.CONFLICT, f"two doses of {shown.ingredient} from the same day"))
        if any(segment.partial for segment in segments):
            shown.doubts.append((Reason.PARTIAL_DATE, f"{shown.ingredient} with a date that is not exact"))
        _read_doses(shown, line, policy)
        if policy != "ignore-start-stop":
            _read_edges(shown, line, covered)

    def _settle(self, context: Context, shown: list[_Shown], span: Span) -> Finding:
        facts = [fact for one in shown for fact in one.facts]
        where = f"in {span.text()}"
        changes = [change for one in shown for change in one.changes]
        if changes:
            proving = [fact for one in shown if one.changes for fact in one.facts]
            text = f"{listed(changes)} {where}."
            evidence = evidence_of(proving)
            return Finding(
                truth=Truth.YES, reason="changed", explanation=text[:1].upper() + text[1:], evidence=evidence
            )
        doubts = [doubt for one in shown for doubt in one.doubts]
        if doubts:
            reason = foremost([reason for reason, _ in doubts])
            told = listed(dict.fromkeys(text for doubt, text in doubts if doubt is reason))
            text = f"{told}: {WHY[reason]} whether the dose was stable {where}."
            return unknown(reason, text[:1].upper() + text[1:], facts, needs=f"{NEEDS[reason]} of {told}")
        missing = context.covers(self.types)
        used = [one.ingredient for one in shown if one.used]
        if missing:
            text = f"No change of {self.what} is on record {where}, but {listed(missing)} not read completely."
            return unknown(Reason.NOT_COVERED, text, facts, needs=f"a complete read of {listed(missing)}")
        read = [type_ for type_ in self.types if type_ not in context.covers(self.types, not_kept=False)]
        text = f"{listed(used)} unchanged {where}" if used else f"None of {self.what} was used {where}"
        text = f"{text[:1].upper()}{text[1:]}; read completely: {listed(read)}."
        reason_text = "constant" if used else "no-record"
        return Finding(
            truth=Truth.NO, reason=reason_text, explanation=text, evidence=evidence_of(facts), silent=not used
        )


_SOUND = (Grade.COUNTS, Grade.BROAD)


def _touches(segment: Segment, span: Span) -> bool:
    return segment.first <= span.end and segment.last >= span.start


def _mark(context: Context, segments: list[Segment], span: Span) -> None:
    """A change leaves the window with its first day after it; a stated end that is still to come is a stop on the
    next day.
    """
    for segment in segments:
        if span.moves:
            context.mark_event(segment.fact.when, span)
            for day in segment.fact.when.edges():
                context.mark(day + span.days)
        for day in segment.fact.when.edges():
            context.mark(day)
            context.mark(day + 1)


def _is_pulse(segment: Segment) -> bool:
    """Given on single days, or into a vein, or less than daily."""
    dose = segment.fact.use.dose if segment.fact.use else None
    return segment.kind is Kind.SINGLE or bool(dose and dose.route == "intravenous") or bool(dose and dose.pulsed)


def _read_doses(shown: _Shown, line: Timeline, policy: str) -> None:
    """Two different doses or routes in the window are a change; a day in use without a dose leaves it open."""
    states = list(dict.fromkeys(state for _, _, state in line.runs if state is not None))
    doses = [state.daily for state in states if state.daily is not None]
    if doses and max(doses) - min(doses) > min(doses) * _tolerance(policy):
        told = " to ".join(f"{plain(dose)} mg a day" for dose in dict.fromkeys(doses))
        shown.changes.append(f"{shown.ingredient} changed from {told}")
    routes = list(dict.fromkeys(state.route for state in states if state.route))
    if len(routes) > 1:
        shown.changes.append(f"{shown.ingredient} changed its route from {' to '.join(routes)}")
    if any(state.daily is None for state in states):
        shown.doubts.append((Reason.NO_DATA, f"the dose of {shown.ingredient}"))
    if any(not segment.start_known for segment in line.segments if segment.last >= line.start):
        shown.doubts.append((Reason.NO_DATA, f"the start of {shown.ingredient}"))


def _tolerance(policy: str) -> Fraction:
    """`tolerance-20` or `20%` allow a difference of 20 per cent; every other option none."""
    digits = "".join(character for character in policy if character.isdigit())
    return Fraction(int(digits), 100) if digits else Fraction(0)


def _read_edges(shown: _Shown, line: Timeline, covered: bool) -> None:
    """Gaps of the timeline: what follows one is a start, what precedes one a stop, as far as a record states it."""
    for index, (first, last, state) in enumerate(line.runs):
        if state is not None:
            continue
        if index > 0:
            _stop(shown, line, first)
        if index + 1 < len(line.runs):
            _start(shown, line, last + 1, covered)


def _start(shown: _Shown, line: Timeline, day: int, covered: bool) -> None:
    beginning = [segment for segment in line.segments if segment.first == day]
    stated = any(segment.kind in (Kind.STATEMENT, Kind.ORDER) and segment.start_known for segment in beginning)
    if stated and covered:
        shown.changes.append(f"{shown.ingredient} started on {day_text(day)}")
    else:
        shown.doubts.append((Reason.NO_DATA, f"use of {shown.ingredient} before {day_text(day)}"))


def _stop(shown: _Shown, line: Timeline, day: int) -> None:
    ending = [segment for segment in line.segments if segment.last == day - 1]
    if any(segment.ends for segment in ending):
        shown.changes.append(f"{shown.ingredient} stopped on {day_text(day)}")
    else:
        shown.doubts.append((Reason.NO_DATA, f"use of {shown.ingredient} from {day_text(day)} on"))
