"""The commands. What they need is imported when it is needed, so that `--help` answers at once.

Exit codes: 0 done; 1 done, with an issue of severity `error`; 2 a wrong call or configuration; 3 a sink failed.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from adapter.errors import AdapterError, Issue, UsageError

if TYPE_CHECKING:
    from adapter.eligibility.screening import Screening
    from adapter.eligibility.trial import Trial
    from adapter.report.output import Spool
    from adapter.report.run import Run

DEFAULT_TRIAL = "ln-msc-il2"
SHOWN_ISSUES = 20
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
F = TypeVar("F", bound=Callable[..., object])


class _Day(click.ParamType[date]):
    """A whole day, `YYYY-MM-DD`."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value) if _DAY.match(str(value)) else "")
        except ValueError:
            self.fail(f"{value!r} is not a date; write YYYY-MM-DD", param, ctx)


_PATH = click.Path(path_type=Path)
_ASKING = (
    click.argument("sources", metavar="SOURCE...", nargs=-1, required=True),
    click.option("--trial", "trial_id", metavar="ID", default=DEFAULT_TRIAL, show_default=True, help="A shipped trial, or the path of a trial folder."),
    click.option("--as-of", type=_Day(), metavar="DATE", help="The day of the question.  [default: today at the site]"),
    click.option("--consent-date", type=_Day(), metavar="DATE", help="The day of informed consent."),
    click.option("--screening-date", type=_Day(), metavar="DATE", help="The day of screening."),
    click.option("--randomisation-date", type=_Day(), metavar="DATE", help="The day of random assignment."),
    click.option("--complete", multiple=True, metavar="TYPES|all", help="Resource types that the sources hold completely."),
    click.option("--not-kept", multiple=True, metavar="TYPES", help="Medication types that the site does not keep."),
    click.option("--format", "format_", type=click.Choice(["text", "json", "ndjson"]), default="text", show_default=True, help="Text for people; JSON as in profiles/screening.schema.json."),
    click.option("--out", type=_PATH, metavar="FILE", help="Write the result there; the file is whole or as it was."),
    click.option("--issues", "issues_file", type=_PATH, metavar="FILE", help="Write every issue there, as NDJSON."),
    click.option("--config", type=_PATH, metavar="FILE", help="A TOML file.  [default: $TRIAL_ADAPTER_CONFIG]"),
)  # fmt: skip


def asking(command: F) -> F:
    """The argument and options of every command that screens."""
    for add in reversed(_ASKING):
        command = add(command)
    return command


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from adapter import __version__

        click.echo(f"trial-adapter {__version__}")
        ctx.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def cli() -> None:
    """Reads FHIR R4 records and says, criterion by criterion and with the record behind every word, who fits a trial."""


@cli.command()
@asking
def screen(format_: str, out: Path | None, issues_file: Path | None, **asked: object) -> int:
    """Screen every patient of SOURCE: a FHIR JSON or NDJSON file or folder (plain, .gz, .zst), or - for standard input."""
    run = _started(asked, out, issues_file)
    failed = _screened(run, run.screenings(), format_, out, issues_file)
    return int(failed)


@cli.command()
@asking
@click.option("--patient", required=True, metavar="ID", help="The patient: p1 or Patient/p1.")
def explain(patient: str, format_: str, out: Path | None, issues_file: Path | None, **asked: object) -> int:
    """The dossier of one patient: every criterion with its evidence, and the doses over time."""
    run = _started(asked, out, issues_file)
    found = run.screening_of(patient)
    if format_ == "text":
        from adapter.report.dossier import dossier
        from adapter.report.text import joined_lines, page_of

        _write(joined_lines(dossier(found, run.trial, run.asked, page_of(out is not None))), out)
        return int(_told_issues(run, _with_issues([found]), issues_file))
    return int(_screened(run, iter([found]), format_, out, issues_file))


def _started(asked: dict[str, object], out: Path | None, issues_file: Path | None) -> "Run":
    from adapter.report.run import call_of, start

    for sink in filter(None, (out, issues_file)):
        _checked_sink(sink)
    run = start(call_of(asked))
    for note in run.notes:
        _tell(f"note: {note}")
    return run


def _screened(
    run: "Run", screenings: Iterator["Screening"], format_: str, out: Path | None, issues_file: Path | None
) -> bool:
    """Writes the screenings in the order of the patients' ids; whether there was an issue of severity error."""
    import msgspec

    from adapter.report.output import Spool, as_array, as_lines
    from adapter.report.table import Row, row_of

    lines, issues, rows, failed = Spool(), Spool(), list[Row](), False
    for screening in screenings:
        if format_ == "text":
            rows.append(row_of(screening))
        else:
            lines.add(screening.patient, msgspec.json.encode(screening.to_dict()))
        ...
    return failed
