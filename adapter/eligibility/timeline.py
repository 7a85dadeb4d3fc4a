"""The dose timeline of one ingredient: on each day of a window the total daily dose and route that the records state.

Statements and orders state a period; a dispense a supply; an administration one day. A later start replaces an
earlier one.
"""

from collections.abc import Iterable
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

import msgspec

from adapter.facts.model import Fact
from adapter.fhir.dates import FIRST


class Kind(StrEnum):
    """What stated the days: only statements and orders state a start or a stop."""

    STATEMENT = "statement"
    ORDER = "order"
    SUPPLY = "supply"
    SINGLE = "single"


class State(msgspec.Struct, frozen=True, gc=False):
    """One dose: milligrams a day and route. `daily` None: in use, the dose is not stated."""

    daily: Fraction | None
    route: str = ""


class Segment(msgspec.Struct, frozen=True, gc=False):
    """The days `first` to `last` on which one record says that the drug was in use."""

    first: int
    last: int
    state: State
    kind: Kind
    fact: Fact
    partial: bool = False
    start_known: bool = True
    ends: bool = False


Run = tuple[int, int, State | None]
"""Consecutive days of one state, first and last; None is a gap without any record."""


class Timeline(msgspec.Struct, frozen=True, gc=False):
    """The runs of a window in order, the segments they come from, and those that contradict each other."""

    start: int
    runs: tuple[Run, ...]
    segments: tuple[Segment, ...]
    conflicts: tuple[Segment, ...]


def segment_of(fact: Fact, start: int, end: int, as_of: int) -> Segment | None:
    """The days of one record as far as the window `start` to `end` sees them; None where it has no date at all."""
    use, when = fact.use, fact.when
    if use is None or not when.dated:
        return None
    kind = _kind(fact)
    first, partial = when.first_hi, FIRST < when.first_lo != when.first_hi and when.first_lo <= start < when.first_hi
    first = when.first_lo if partial else first
    last_lo, last_hi = (end, end) if when.open or _is_standing(fact) else when.end(max(as_of, end))
    if last_lo != last_hi and (last_lo < start <= last_hi or last_lo < end <= last_hi):
        partial, last = True, last_hi
    else:
        last = last_lo
    known = when.first_lo != FIRST and not _is_a_day_of_statement(fact)
    dose = use.dose
    state = State(dose.daily if dose else None, dose.route if dose else "")
    ends = when.stretch and not when.open and kind in (Kind.STATEMENT, Kind.ORDER)
    return Segment(first if known else min(first, start), last, state, kind, fact, partial, known, ends)


def _kind(fact: Fact) -> Kind:
    if fact.type == "MedicationAdministration":
        return Kind.SINGLE
    if fact.type == "MedicationDispense":
        return Kind.SUPPLY
    return Kind.ORDER if fact.use and fact.use.order else Kind.STATEMENT


def _is_standing(fact: Fact) -> bool:
    """An active order without a period, and an active statement of one day, go on."""
    return not fact.when.stretch and bool(fact.use and fact.use.ongoing) and fact.type != "MedicationAdministration"


def _is_a_day_of_statement(fact: Fact) -> bool:
    """A statement of a single day says that the drug was in use, not since when."""
    return fact.type == "MedicationStatement" and not fact.when.stretch


def timeline(segments: Iterable[Segment], start: int, end: int, refill_gap: int) -> Timeline:
    """The states of the days `start` to `end`; gaps of at most `refill_gap` days between equal states are filled."""
    told = tuple(sorted(segments, key=lambda s: (s.first, s.last, s.fact.order)))
    early = start - refill_gap - 1
    cuts = {day for s in told for day in (s.first, s.last + 1) if early < day <= end}
    edges = [early, *sorted(cuts), end + 1]
    singles = _daily_singles(told)
    conflicts: dict[int, Segment] = {}
    runs: list[Run] = []
    for first, following in pairwise(edges):
        covering = [s for s in told if s.first <= first <= s.last and s.kind is not Kind.SINGLE]
        state, against = _state_of(covering)
        given = singles.get(first)
        if state and given and state.daily is not None and given.daily is not None and given.daily > state.daily:
            against = covering  # more was given on one day than the daily dose on record
        if following > start:
            conflicts.update((id(segment), segment) for segment in against)
        if state is None or (state.daily is None and first in singles):
            state = singles.get(first, state)
        _append(runs, (first, following - 1, state))
    filled = _filled(runs, refill_gap)
    inside = tuple((max(first, start), last, state) for first, last, state in filled if last >= start)
    return Timeline(start, inside, told, tuple(conflicts.values()))


def _append(runs: list[Run], run: Run) -> None:
    if runs and runs[-1][2] == run[2]:
        runs[-1] = (runs[-1][0], run[1], run[2])
    else:
        runs.append(run)


def _daily_singles(segments: tuple[Segment, ...]) -> dict[int, State]:
    """What was administered on each day, summed."""
    sums: dict[int, State] = {}
    for segment in (s for s in segments if s.kind is Kind.SINGLE):
        dose = segment.fact.use.dose if segment.fact.use else None
        amount = dose.single if dose else None
        for day in range(segment.first, min(segment.last, segment.first + 366) + 1):
            old = sums.get(day)
            total = amount if old is None else None if old.daily is None or amount is None else old.daily + amount
            sums[day] = State(total, segment.state.route)
    return sums


def _state_of(covering: list[Segment]) -> tuple[State | None, list[Segment]]:
    """The dose stated by the record that began last; two different doses that began on one day are a conflict."""
    if not covering:
        return None, []
    dosed = [segment for segment in covering if segment.state.daily is not None]
    if not dosed:
        return State(None, covering[-1].state.route), []
    latest = max(segment.first for segment in dosed)
    newest = [segment for segment in dosed if segment.first == latest]
    doses, routes = {s.state.daily for s in newest}, {s.state.route for s in newest if s.state.route}
    if len(doses) > 1 or len(routes) > 1:
        return State(None, newest[-1].state.route), newest
    return State(newest[0].state.daily, max(routes, default="")), []


def _filled(runs: list[Run], refill_gap: int) -> list[Run]:
    """A short gap between records of one daily dose and route is no stop."""
    found: list[Run] = []
    for index, (first, last, state) in enumerate(runs):
        between = 0 < index < len(runs) - 1 and runs[index - 1][2] == runs[index + 1][2]
        short = state is None and between and last - first + 1 <= refill_gap
        _append(found, (first, last, runs[index - 1][2] if short else state))
    return found
