"""Many screenings as one table: who is eligible, what decides, what is missing."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapter.eligibility.screening import Asked, Screening, Verdict
from adapter.eligibility.trial import Criterion, Trial
from adapter.facts.model import RANK, Reason
from adapter.fhir.dates import day_text
from adapter.report.text import Page, clean, number, wrapped

SHOWN = 3
_RANK = {"eligible": 0, "undetermined": 1, "ineligible": 2}
_STYLE = {"eligible": "bold green", "undetermined": "yellow", "ineligible": "red"}


@dataclass(frozen=True, slots=True)
class Row:
    """One patient of the table; `open` is the number of criteria that are not known, `errors` of unusable records."""

    patient: str
    status: str
    open: int
    decides: str
    missing: str
    uncovered: bool
    errors: int

    @property
    def order(self) -> tuple[int, int, str]:
        """Eligible, then undetermined with the fewest open criteria, then ineligible; within by id."""
        return _RANK[self.status], self.open if self.status == "undetermined" else 0, self.patient


def row_of(screening: Screening) -> Row:
    """What the table says of one screening."""
    open_ = screening.open
    return Row(
        clean(screening.patient.removeprefix("Patient/")),
        screening.status,
        len(open_),
        _decides(screening),
        _missing(open_) if screening.status == "undetermined" else f"{len(open_)} open" if open_ else "",
        any(verdict.finding.reason == Reason.NOT_COVERED for verdict in open_),
        sum(issue.severity == "error" for issue in screening.issues),
    )


def _decides(screening: Screening) -> str:
    if screening.status == "eligible":
        days = [verdict.changes_on for verdict in screening.criteria if verdict.changes_on is not None]
        until = f", at least until {day_text(min(days) - 1)}" if days else ""
        return f"all {number(len(screening.criteria), 'criterion', 'criteria')}{until}"
    against = [_against(verdict.criterion) for verdict in screening.criteria if verdict.against]
    if not against:
        return "nothing against"
    later = f"; eligible from {day_text(screening.eligible_from)}" if screening.eligible_from else ""
    return _some(against) + later


def _against(criterion: Criterion) -> str:
    return criterion.title if criterion.kind == "exclusion" else f"not met: {criterion.title}"


def _missing(open_: Sequence[Verdict]) -> str:
    """The titles of what is open, the best record first; criteria that only lack coverage are counted together."""
    uncovered = [verdict for verdict in open_ if verdict.finding.reason == Reason.NOT_COVERED]
    rest = [verdict for verdict in open_ if verdict.finding.reason != Reason.NOT_COVERED]
    ranked = sorted(rest, key=lambda verdict: RANK[Reason(verdict.finding.reason)])
    told = [f"{verdict.criterion.title} ({verdict.finding.reason})" for verdict in ranked]
    parts = [_some(told)] if told else []
    if uncovered:
        parts.append(f"{len(uncovered)} not covered by the records")
    return "; ".join(parts)


def _some(texts: Sequence[str]) -> str:
    more = f" + {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return "; ".join(texts[:SHOWN]) + more


def table(rows: list[Row], page: Page) -> Iterator[str]:
    """The table as lines of at most the page's width; long cells wrap, nothing is cut off."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shape = Table(
        box=box.SIMPLE_HEAD if page.unicode else box.ASCII2,
        expand=False,
        pad_edge=False,
        padding=(0, 1),
        collapse_padding=True,
    )
    shape.add_column("patient", overflow="fold", max_width=max(page.width // 3, 8))
    shape.add_column("status", no_wrap=True)
    shape.add_column("what decides", overflow="fold")
    shape.add_column("what is missing", overflow="fold")
    for row in sorted(rows, key=lambda row: row.order):
        status = Text(row.status, _STYLE[row.status])
        shape.add_row(Text(row.patient), status, Text(row.decides), Text(row.missing))
    console = Console(
        file=io.StringIO(),
        width=page.width,
        force_terminal=page.colour,
        color_system="standard" if page.colour else None,
        legacy_windows=False,
    )
    with console.capture() as drawn:
        console.print(shape)
    yield from (line.rstrip() for line in drawn.get().rstrip().split("\n"))


def heading(trial: Trial, asked: Asked, page: Page) -> Iterator[str]:
    """What was asked: the trial, the day, the anchors that the caller gave."""
    given = ", ".join(f"{name} {day.isoformat()}" for name, day in asked.anchors.items())
    told = f"given: {given}" if given else "no anchor given: from the record, else the as-of date"
    yield from wrapped(f"{trial.id}: {trial.title}", page.width)
    yield from wrapped(f"as of {asked.as_of.isoformat()}; {told}", page.width)


def counts(rows: list[Row]) -> str:
    """The line under the table."""
    told = [f"{sum(row.status == status for row in rows)} {status}" for status in _RANK]
    return f"{number(len(rows), 'patient')}: {', '.join(told)}."


def next_steps(rows: list[Row], command: str, page: Page) -> Iterator[str]:
    """Where to go from here. `command` is how `explain` is called for these sources."""
    if any(row.uncovered for row in rows):
        told = (
            "Silence counts only where the records were read completely. If these sources hold everything"
            " that is kept, say so with --complete all (or the resource types)."
        )
        yield from wrapped(told, page.width)
    if errors := sum(row.errors for row in rows):
        yield from wrapped(
            f"{number(errors, 'record')} could not be used; --issues FILE lists each of them.", page.width
        )
    first = min(rows, key=lambda row: row.order).patient
    yield from wrapped("One patient in full, with the records behind every word:", page.width)
    yield f"  {command} --patient {first}"
