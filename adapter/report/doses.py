"""The dose timeline in plain text: for each ingredient one row a record, a mark for each week of the window."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from adapter.eligibility.context import Context, Span
from adapter.eligibility.parts import parts_of
from adapter.eligibility.predicates.dose import UnstableDose
from adapter.eligibility.screening import Asked, Screening
from adapter.eligibility.timeline import Segment, segment_of, timeline
from adapter.eligibility.trial import Trial
from adapter.facts.model import Fact
from adapter.fhir.dates import When, day_text
from adapter.fhir.quantities import plain
from adapter.report.text import Page, columns, wrapped


def doses(screening: Screening, trial: Trial, asked: Asked, page: Page) -> Iterator[str]:
    """The timelines that the criteria of the trial look at; nothing where none does."""
    for criterion in trial.criteria:
        for predicate in parts_of(criterion.holds):
            if isinstance(predicate, UnstableDose):
                yield from _timeline(screening, predicate, _context(screening, trial, asked), page)


def _context(screening: Screening, trial: Trial, asked: Asked) -> Context:
    """The day and the anchors as the screening saw them."""
    randomised, as_of = screening.anchors["randomisation"], screening.as_of
    end = as_of if randomised.assumed else min(as_of, randomised.day)
    return Context(screening.record, trial.readings, screening.anchors, as_of=as_of, end=end, not_kept=asked.not_kept)


def _timeline(screening: Screening, predicate: UnstableDose, context: Context, page: Page) -> Iterator[str]:
    span = context.span(predicate.within)
    title = f"Doses of {predicate.what} in {span.text()}"
    yield from ("", *wrapped(title, page.width), "-" * min(len(title), page.width))
    groups: dict[str, list[Fact]] = {}
    for fact in screening.record.named(predicate.unstable_dose):
        name = fact.use.dose.ingredient if fact.use and fact.use.dose else fact.label
        groups.setdefault(name, []).append(fact)
    if not groups:
        yield "  none on record"
    gap = context.number(predicate.refill_gap)
    for name, facts in sorted(groups.items()):
        yield from _ingredient(name, facts, span, gap, context.as_of, page)


def _ingredient(name: str, facts: list[Fact], span: Span, gap: int, as_of: int, page: Page) -> Iterator[str]:
    yield from wrapped(name, page.width, 2)
    told = [(fact, segment_of(fact, span.start, span.end, as_of)) for fact in facts]
    rows = [(_bar(segment, span, page), *_words(fact, segment), fact.source.reference) for fact, segment in told]
    yield from _fitted(rows, page)
    counting = [segment for _, segment in told if segment and segment.last >= span.start - gap - 1]
    if len(counting) > 1:
        yield from _together([s for s in counting if s.first <= span.end], span, gap, page)


def _fitted(rows: Sequence[tuple[str, ...]], page: Page) -> Iterator[str]:
    """Aligned columns; where they do not fit, the reference, or all but the bar, goes below."""
    for kept in (len(rows[0]), len(rows[0]) - 1, 1):
        lines = list(columns([row[:kept] for row in rows], 4))
        if max(map(cell_len, lines)) <= page.width:
            break
    for line, row in zip(lines, rows, strict=True):
        yield line
        yield from wrapped("  ".join(filter(None, row[kept:])), page.width, 6)


def _bar(segment: Segment | None, span: Span, page: Page) -> str:
    """One mark a week, oldest first: used all the days that the window has of it, some of them, or none."""
    weeks = [(day, min(day + 6, span.end)) for day in range(span.start, span.end + 1, 7)]
    return "".join(page.mark(_used(segment, first, last)) for first, last in weeks)


def _used(segment: Segment | None, first: int, last: int) -> str:
    if segment is None or segment.last < first or segment.first > last:
        return "none"
    return "all" if segment.first <= first and segment.last >= last else "some"


def _words(fact: Fact, segment: Segment | None) -> tuple[str, str]:
    """Dates, dose and route, and why a record does not simply count."""
    dose = fact.use.dose if fact.use else None
    told = "dose not stated"
    if dose and dose.daily is not None:
        told = f"{plain(dose.daily)} {dose.unit} a day"
    elif dose and dose.single is not None:
        told = f"{plain(dose.single)} {dose.unit} at once"
    kind = f"{segment.kind}, " if segment else ""
    doubt = f" ({fact.doubt.value})" if fact.doubt and not (fact.use and fact.use.order) else ""
    return _dates(fact.when), f"{kind}{told}{_route(dose.route if dose else '')}{doubt}"


def _dates(when: When) -> str:
    if not when.dated:
        return "undated"
    start, _, end = when.text.partition("/")
    if "/" not in when.text:
        return start
    return f"{start or '?'} to {end}" if end else f"since {start}"


def _route(name: str) -> str:
    """The route, where it is one of those that a table tells apart."""
    told = name.removeprefix("route-")
    return f", {told}" if told and told != "other" else ""


def _together(segments: list[Segment], span: Span, gap: int, page: Page) -> Iterator[str]:
    """What the records of one ingredient say together."""
    line = timeline(segments, span.start, span.end, gap)
    told = []
    for first, last, state in line.runs:
        dose = "no record" if state is None else "dose not stated"
        if state is not None and state.daily is not None:
            dose = f"{plain(state.daily)} mg a day"
        told.append(f"{day_text(first)} to {day_text(last)}: {dose}{_route(state.route if state else '')}")
    yield from wrapped(f"together: {'; '.join(told)}", page.width, 4, 2)
