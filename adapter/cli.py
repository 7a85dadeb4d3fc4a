"""The commands. What they need is imported when it is needed, so that `--help` answers at once.

Exit codes: 0 done; 1 done, with an issue of severity `error`; 2 a wrong call or configuration; 3 a server, the store or
a sink failed.
"""

import os
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from adapter.alerting import COMMANDS as ALERTING
from adapter.commands import COMMANDS
from adapter.config import load_config
from adapter.errors import AdapterError, ServerError, StoreError, UsageError
from adapter.options import CONFIG, FORM, PATH, READINGS, SOURCES, TRIAL, Day, asking, assigning

if TYPE_CHECKING:
    from adapter.report.assigning import Outcome, Wanted
    from adapter.report.results import Format, Results
    from adapter.report.run import Run
    from adapter.sinks.folder import Form


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from adapter import __version__

        click.echo(f"trial-adapter {__version__}")
        ctx.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="The version.")
def cli() -> None:
    """Reads FHIR R4 records and says, criterion by criterion, who fits a trial, with the record behind every word."""


for _command in (*COMMANDS, *ALERTING):
    cli.add_command(_command)


@cli.command()
@asking
def screen(format_: "Format", out: Path | None, issues_file: Path | None, **asked: object) -> int:
    """Screen every patient of SOURCE: FHIR JSON or NDJSON, a file or folder (plain, .gz, .zst), or - for stdin."""
    run = _started(asked, out, issues_file)
    from adapter.report.results import Results
    from adapter.report.workers import fill

    with closing(Results(format_)) as results:
        fill(results, run)
        return _finished(run, results, out, issues_file)


@cli.command()
@asking
@click.option("--patient", required=True, metavar="ID", help="The patient: p1 or Patient/p1.")
def explain(patient: str, format_: "Format", out: Path | None, issues_file: Path | None, **asked: object) -> int:
    """The dossier of one patient: every criterion with its evidence, and the doses over time."""
    run = _started(asked, out, issues_file)
    from adapter.report.results import Results

    with closing(Results(format_)) as results:
        found = run.screening_of(patient)
        if format_ != "text":
            results.add(found)
            return _finished(run, results, out, issues_file)
        from adapter.report.dossier import dossier
        from adapter.report.text import joined_lines, page_of

        results.note(found)
        _write(joined_lines(dossier(found, run.trial, run.asked, page_of(out is not None))), out)
        return _told(run, results, issues_file)


@cli.command()
@assigning
def assign(
    assignments: Path | None, first_dose: date | None, screening_status: bool, form: "Form", out: Path | None,
    dry_run: bool, issues_file: Path | None, **asked: object,
) -> int:  # fmt: skip
    """Write the trial's resources for patients whom the randomiser assigned, or say what stands against it.

    The records are screened anew as of the day of the assignment. ResearchSubject, CarePlan and MedicationRequest are
    drafts: a physician orders in the EHR. If anything is refused, nothing is written and the exit code is 1.

    \b
    A full example, assignments.csv:
      study,patient,arm,assigned_at,allocation_id,recorded_by
      ln-msc-il2,p1,MSC,2026-11-22T09:30:00+08:00,A-001,Practitioner/dr-li

    \b
    and the command:
      trial-adapter assign export/ --assignments assignments.csv --complete all \\
        --readings signed.yaml --first-dose 2026-11-30 --out resources/
    """
    if assignments is None and not screening_status:
        raise UsageError("nothing to do: give --assignments FILE, or --screening-status")
    run = _started(asked, None, issues_file)
    from adapter.report.assigning import Wanted, carry_out
    from adapter.report.results import Results

    wanted = Wanted(
        assignments=assignments, first_dose=first_dose, screening_status=screening_status, form=form, out=out
    )
    outcome = carry_out(run, wanted)
    for line in outcome.told():
        _tell(line)
    with closing(Results("json")) as results:
        for screening in outcome.assigned.looked_at:
            results.note(screening)
        code = _told(run, results, issues_file)
    if not outcome.assigned.refusals:
        _deliver(run, outcome, wanted, dry_run)
    return max(code, outcome.code)


def _deliver(run: "Run", outcome: "Outcome", wanted: "Wanted", dry_run: bool) -> None:
    from adapter.report.assigning import as_diff, as_stream, as_text, write
    from adapter.report.text import joined_lines

    if dry_run:
        _write(joined_lines(as_diff(outcome)), None)
    elif wanted.out is None:
        _write(as_stream(outcome, wanted.form), None)
    else:
        written = write(outcome, wanted)
        _write(joined_lines(as_text(run, outcome, written, wanted.out)), None)


@cli.command()
@TRIAL
@click.option("--arm", required=True, metavar="ARM", help="An arm, by its id or name.")
@click.option("--first-dose", type=Day(), required=True, metavar="DATE", help="The day of the first dose.")
@READINGS
@CONFIG
def schedule(trial: str, arm: str, first_dose: date, readings: Path | None, config: Path | None) -> int:
    """The dates of every dose of an arm, with weekdays."""
    from adapter.report.study import schedule_lines
    from adapter.report.text import joined_lines

    lines, refused = schedule_lines(trial, arm, first_dose, readings, config)
    for line in refused:
        _tell(line)
    _write(joined_lines(lines), None)
    return int(bool(refused))


@cli.group("trial")
def trials() -> None:
    """What a trial asks."""


@trials.command("show")
@TRIAL
@READINGS
@CONFIG
def show(trial: str, readings: Path | None, config: Path | None) -> int:
    """The criteria and arms: each sentence, what it means to the program, and the readings that it rests on."""
    from adapter.report.criteria import criteria
    from adapter.report.study import load_signed
    from adapter.report.text import joined_lines, page_of

    _write(joined_lines(criteria(load_signed(trial, readings, load_config(config)), page_of(False))), None)
    return 0


@trials.command()
@TRIAL
@click.option("--out", type=PATH, metavar="DIR", help="The folder to write to.  [default: stdout]")
@FORM
@CONFIG
def export(trial: str, out: Path | None, form: "Form", config: Path | None) -> int:
    """The trial as FHIR: ResearchStudy, Group, PlanDefinition, ActivityDefinition, Questionnaire and the site."""
    from adapter.report.study import exported

    _write(exported(trial, out, form, config), None)
    return 0


@cli.group()
def mappings() -> None:
    """The tables under mappings/."""


@mappings.command()
@TRIAL
@click.option("--all", "every", is_flag=True, help="Every shipped trial.")
def check(trial: str, every: bool) -> int:
    """Check value sets, concept maps, facts, units, criteria and readings; exit code 1 where one is wrong."""
    from adapter.report.mapping_check import check_all
    from adapter.report.text import joined_lines

    faults, told = check_all(None if every else trial)
    _write(joined_lines(faults or told), None)
    return int(bool(faults))


@mappings.command()
@SOURCES
@TRIAL
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@CONFIG
def coverage(sources: tuple[str, ...], trial: str, format_: str, config: Path | None) -> int:
    """The codes and units met in SOURCE that no table knows, ranked by how many decisions they could change."""
    from adapter.report.run import Call, start
    from adapter.report.text import joined_lines, page_of
    from adapter.report.unknown_codes import as_json, as_text, unknown_codes

    run = start(Call(sources=sources, trial=trial, config=config))
    found = unknown_codes(run.events(), run.trial)
    _write(as_json(found) if format_ == "json" else joined_lines(as_text(found, page_of(False))), None)
    return 0


def _started(asked: dict[str, object], out: Path | None, issues_file: Path | None) -> "Run":
    """The checked call; a sink that cannot be written is told before anything is read."""
    from adapter.report.output import check_sink
    from adapter.report.run import Call, start

    if out and issues_file and out.absolute() == issues_file.absolute():
        raise UsageError("--out and --issues name the same file; write two names")
    for sink in filter(None, (out, issues_file)):
        check_sink(sink)
    anchors = {name: asked.pop(f"{name}_date", None) for name in ("consent", "screening", "randomisation")}
    given = {name: day for name, day in anchors.items() if day}
    run = start(Call(anchors=given, options=_written_options(), **asked))  # type: ignore[arg-type]
    for note in run.notes:
        _tell(f"note: {note}")
    return run


def _written_options() -> tuple[str, ...]:
    """The options of this call that another command for the same sources needs too."""
    context = click.get_current_context()
    told = []
    for option in context.command.params:
        value = context.params.get(option.name or "")
        if option.name in ("sources", "patient", "format_", "out", "issues_file") or value in (None, ()):
            continue
        if value != option.default:
            values = value if isinstance(value, tuple) else (value,)
            told += [part for one in values for part in (option.opts[0], str(one))]
    return tuple(told)


def _finished(run: "Run", results: "Results", out: Path | None, issues_file: Path | None) -> int:
    from adapter.report.text import page_of

    _write(results.chunks(run, page_of(out is not None)), out)
    return _told(run, results, issues_file)


def _told(run: "Run", results: "Results", issues_file: Path | None) -> int:
    """Tells the issues; the exit code."""
    from adapter.report.output import write_out
    from adapter.report.results import told_issues

    for line in told_issues(run, results):
        _tell(line)
    if issues_file:
        write_out(results.issue_lines(run), issues_file)
    return int(results.errors > 0 or any(issue.severity == "error" for issue in run.issues()))


def _write(chunks: Iterable[bytes], out: Path | None) -> None:
    from adapter.report.output import write_out

    try:
        write_out(chunks, out)
    except BrokenPipeError:  # caught here, since click would make an error of it
        _hush()


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def main() -> NoReturn:
    """The entry point: runs a command and turns what went wrong into one sentence and an exit code."""
    try:
        code = cli.main(prog_name="trial-adapter", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        asked = context.command_path if context else "trial-adapter"
        code = _failed(2, f"{error.format_message().rstrip('.')}. See {asked} --help.")
    except AdapterError as error:
        code = _failed(3 if isinstance(error, ServerError | StoreError) else 2, str(error))
    except click.Abort:
        code = _failed(130, "stopped")
    except OSError as error:
        code = _failed(3, f"{error.filename or 'the result'} cannot be written: {error.strerror or error}")
        _hush()
    sys.exit(code)


def _failed(code: int, problem: str) -> int:
    _tell(f"trial-adapter: {problem}")
    return code


def _hush() -> None:
    """Whoever read standard output has gone: nothing more is to be written there, not even at the end."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
