"""The arguments and options that commands share."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import click

_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
Command = Callable[..., object]
Option = Callable[[Command], Command]


class Day(click.ParamType[date]):
    """A whole day, `YYYY-MM-DD`."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value) if _DAY.match(str(value)) else "")
        except ValueError:
            self.fail(f"{value!r} is not a date; write YYYY-MM-DD", param, ctx)


def _day(name: str, text: str) -> Option:
    return click.option(name, type=Day(), metavar="DATE", help=text)


PATH = click.Path(path_type=Path)
TRIAL = click.option(
    "--trial", metavar="ID", default="ln-msc-il2", show_default=True,
    help="A shipped trial, or the path of a trial folder.",
)  # fmt: skip
CONFIG = click.option("--config", type=PATH, metavar="FILE", help="A TOML file.  [default: $TRIAL_ADAPTER_CONFIG]")
READINGS = click.option(
    "--readings", type=PATH, metavar="FILE", help="The site's signed readings.  [default: of the configuration]"
)
SOURCES = click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
FORM = click.option(
    "--format", "form", type=click.Choice(["resources", "bundle", "ndjson"]), default="resources", show_default=True,
    help="A file a resource, transaction Bundles, or a file a type.",
)  # fmt: skip
_ISSUES = click.option("--issues", "issues_file", type=PATH, metavar="FILE", help="Write every issue there, as NDJSON.")
_COVERAGE: tuple[Option, ...] = (
    click.option("--complete", multiple=True, metavar="TYPES|all", help="Resource types that SOURCE holds completely."),
    click.option("--not-kept", multiple=True, metavar="TYPES", help="Medication types that the site does not keep."),
)
_BEFORE: tuple[Option, ...] = (
    _day("--consent-date", "The day of informed consent."),
    _day("--screening-date", "The day of screening."),
)
_ASKING: tuple[Option, ...] = (
    SOURCES,
    TRIAL,
    _day("--as-of", "The day of the question.  [default: today at the site]"),
    *_BEFORE,
    _day("--randomisation-date", "The day of random assignment."),
    *_COVERAGE,
    click.option(
        "--format", "format_", type=click.Choice(["text", "json", "ndjson"]), default="text", show_default=True,
        help="Text for people; JSON as in profiles/screening.schema.json.",
    ),
    click.option("--out", type=PATH, metavar="FILE", help="Write the result there; the file is whole or as it was."),
    _ISSUES,
    READINGS,
    CONFIG,
)  # fmt: skip
_ASSIGNING: tuple[Option, ...] = (
    SOURCES,
    TRIAL,
    click.option("--assignments", type=PATH, metavar="FILE", help="The randomiser's record, CSV or JSON; see above."),
    _day("--as-of", "The day of the run.  [default: today at the site]"),
    *_BEFORE,
    _day("--first-dose", "The day of the first dose, of one assignment."),
    *_COVERAGE,
    click.option("--screening-status", is_flag=True, help="Also write how far every other patient's screening is."),
    FORM,
    click.option("--out", type=PATH, metavar="DIR", help="The folder of the trial's resources.  [default: stdout]"),
    click.option("--dry-run", is_flag=True, help="Show what would change in DIR as a diff, and write nothing."),
    _ISSUES,
    READINGS,
    CONFIG,
)


def asking(command: Command) -> Command:
    """The argument and options of every command that screens."""
    return _with(command, _ASKING)


def assigning(command: Command) -> Command:
    """The argument and options of `assign`."""
    return _with(command, _ASSIGNING)


def _with(command: Command, options: tuple[Option, ...]) -> Command:
    for add in reversed(options):
        command = add(command)
    return command
