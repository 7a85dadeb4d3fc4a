"""The screenings of a run, gathered as they come and written in the order of the patients' ids, with all issues."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

import msgspec

from adapter.eligibility.screening import Screening
from adapter.errors import Issue
from adapter.report.output import Spool, as_array, as_lines
from adapter.report.run import Run
from adapter.report.table import Row, counts, heading, next_steps, row_of, table
from adapter.report.text import Page, clean, joined_lines

Format = Literal["text", "json", "ndjson"]
SHOWN_ISSUES = 20
_BATCH = 256


class Part(msgspec.Struct, frozen=True):
    """Some of the results that one process hands to another."""

    patients: int = 0
    errors: int = 0
    affected: int = 0
    rows: list[Row] = []
    lines: tuple[tuple[str, bytes], ...] = ()
    issues: tuple[tuple[str, bytes], ...] = ()


def batched(lines: Iterator[tuple[str, bytes]]) -> Iterator[tuple[tuple[str, bytes], ...]]:
    """So many lines at once."""
    while batch := tuple(islice(lines, _BATCH)):
        yield batch


@dataclass(slots=True)
class Results:
    """What is kept of each screening: a line of JSON or a row of the table, and the issues."""

    format: Format
    patients: int = 0
    errors: int = 0
    affected: int = 0
    _lines: Spool = field(default_factory=Spool)
    _issues: Spool = field(default_factory=Spool)
    _rows: list[Row] = field(default_factory=list)

    def close(self) -> None:
        """Forgets everything."""
        self._lines.close()
        self._issues.close()

    def add(self, screening: Screening) -> None:
        """Keeps one screening."""
        self.patients += 1
        if self.format == "text":
            self._rows.append(row_of(screening))
        else:
            self._lines.add(screening.patient, _line(screening))
        self.note(screening)

    def note(self, screening: Screening) -> None:
        """Keeps the issues of one screening only."""
        found = sum(issue.severity == "error" for issue in screening.issues)
        self.errors += found
        self.affected += bool(found)
        for issue in screening.issues:
            self._issues.add(screening.patient, encoded(_full(issue)))

    def parts(self) -> Iterator[Part]:
        """All that is kept, in parts that another process can take over."""
        yield Part(self.patients, self.errors, self.affected, self._rows)
        for lines in batched(self._lines.items()):
            yield Part(lines=lines)
        for lines in batched(self._issues.items()):
            yield Part(issues=lines)

    def take_over(self, part: Part) -> None:
        """Adds what another process kept."""
        self.patients += part.patients
        self.errors += part.errors
        self.affected += part.affected
        self._rows += part.rows
        for key, line in part.lines:
            self._lines.add(key, line)
        for key, line in part.issues:
            self._issues.add(key, line)

    def chunks(self, run: Run, page: Page) -> Iterator[bytes]:
        """What is written: a table, an array, or an object a line."""
        if self.format == "text":
            yield from joined_lines(self._text(run, page))
        else:
            yield from (as_array if self.format == "json" else as_lines)(self._lines.sorted())

    def issue_lines(self, run: Run) -> Iterator[bytes]:
        """Every issue as NDJSON: those of the run, then those of the patients."""
        yield from as_lines(encoded(_full(issue)) for issue in run.issues())
        yield from as_lines(self._issues.sorted())

    def _text(self, run: Run, page: Page) -> Iterator[str]:
        yield from heading(run.trial, run.asked, page)
        if not self._rows:
            yield "No patient in the input."
            return
        yield from table(self._rows, page)
        yield ""
        yield counts(self._rows)
        yield ""
        yield from next_steps(self._rows, run.call.written("explain"), page)


def encoded(value: object) -> bytes:
    """Compact JSON; half a surrogate pair (of a file's name) is escaped, as UTF-8 cannot hold it."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _line(screening: Screening) -> bytes:
    try:
        return msgspec.json.encode(screening.written())
    except UnicodeEncodeError:
        return encoded(screening.to_dict())


def told_issues(run: Run, results: Results) -> Iterator[str]:
    """What the caller is told on standard error: the first issues of the run, and how many there are."""
    issues = run.issues()
    yield from map(issue_text, issues[:SHOWN_ISSUES])
    if len(issues) > SHOWN_ISSUES:
        yield f"... {len(issues)} issues of the run in all; --issues FILE lists them"
    if results.errors:
        yield (
            f"{results.errors} records of {results.affected} patients could not be used; they stand in `issues` of each"
            " screening, and --issues FILE lists them"
        )


def issue_text(issue: Issue) -> str:
    """One issue in one line: `error: export/Patient.ndjson:7: Patient/p1 birthDate: ...`."""
    place = f"{issue.file}:{issue.line}" if issue.file and issue.line else issue.file
    where = " ".join(part for part in (issue.reference, issue.path) if part)
    return clean(": ".join(part for part in (issue.severity, place, where, issue.problem) if part))


def _full(issue: Issue) -> dict[str, str | int]:
    return {**issue.to_dict(), "file": issue.file, "line": issue.line}
