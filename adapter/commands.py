"""The commands of the sync: read a server on a schedule, and ask the store what it knows.

Imported by `adapter.cli`; what they need is imported when it is needed.
"""

import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from adapter.config import Config, load_config
from adapter.connection import Connection, load_connection
from adapter.errors import UsageError
from adapter.options import CONFIG, READINGS

if TYPE_CHECKING:
    from sqlalchemy import Engine

_URL = click.argument("url", required=False)
_PATIENT = click.option("--patient", metavar="ID", help="The patient: p1 or Patient/p1.")


@click.command()
@_URL
@click.option("--once", is_flag=True, required=True, help="One run; `serve` runs on a schedule.")
@click.option("--write", is_flag=True, help="Write ResearchSubjects and the List to the server; else only a diff.")
@READINGS
@CONFIG
def sync(url: str | None, once: bool, write: bool, readings: Path | None, config: Path | None) -> int:
    """Read the FHIR server at URL (or of the configuration), and screen everybody who may have changed.

    Without --write nothing is written to the server: a diff of what would be goes to standard output.
    """
    from adapter.store.lock import only_one
    from adapter.sync.start import carry_out, connected, rules_of
    from adapter.sync.writing import differences

    settings, site = load_connection(config, url), load_config(config)
    engine = store_of(settings)
    with only_one(engine):
        running = connected(settings, rules_of(site, settings.sync.trial, readings), engine, write=write)
        outcome = carry_out(running, site)
        if not write:
            lines_out(differences(running, site.identifiers))
    for told in dict.fromkeys(running.problems):
        _tell(told if told.startswith("note:") else f"problem: {told}")
    counts = ", ".join(f"{count} {what}" for what, count in running.counts.items())
    _tell(f"{settings.server.base_url}: {counts or 'nothing new'}")
    return 3 if any(not told.startswith("note:") for told in outcome.split("; ") if told) else 0


@click.command()
@_URL
@click.option("--write", is_flag=True, help="Try writing too, with a patient of its own that it removes.")
@CONFIG
def probe(url: str | None, write: bool, config: Path | None) -> int:
    """What a FHIR server really does, beside what it says, and what the sync makes of it. Exit code 1: it cannot do."""
    from adapter.fhir.client import Client
    from adapter.fhir.wire import Wire
    from adapter.sync import probe as probing
    from adapter.sync.plan import types_read
    from adapter.sync.start import WRITTEN, auth_of, rules_of, server_of

    site, settings = load_config(config), load_connection(config, url)
    rules = rules_of(site, settings.sync.trial)
    types = types_read(rules.trial, rules.not_kept)
    server = server_of(settings)
    client = Client(Wire(server, auth_of(settings, server, types, writes=WRITTEN if write else ())))
    rows = list(probing.Probe(client, types, write).rows())
    lines_out(probing.lines(rows))
    return int(not probing.is_usable(rows))


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@CONFIG
def status(form: str, config: Path | None) -> int:
    """The last run, how far behind it is, what could not be read, and what waits to be written."""
    import msgspec

    from adapter.report.standing import standing, status_lines
    from adapter.store.database import transaction

    settings = load_connection(config, "http://none.example")
    with transaction(store_of(settings)) as db:
        found = standing(db, settings.sync.trial)
    lines_out([msgspec.json.encode(found).decode()] if form == "json" else status_lines(found, datetime.now(UTC)))
    return 0


@click.command()
@click.option("--patient", required=True, metavar="ID", help="The patient: p1 or Patient/p1.")
@CONFIG
def history(patient: str, config: Path | None) -> int:
    """Each change of a patient's verdicts, and why: a record, a retraction, the clock, a rule."""
    from adapter.report.history import history_lines
    from adapter.store.database import transaction

    settings = load_connection(config, "http://none.example")
    with transaction(store_of(settings)) as db:
        lines = list(history_lines(db, settings.sync.trial, _key(patient)))
    if not lines:
        raise UsageError(f"no screening of {_key(patient)} in the store; write the id as the server has it")
    lines_out(lines)
    return 0


@click.command()
@click.option(
    "--as-of", "as_of", required=True, metavar="TIME", help="A date, or a time such as 2026-11-22T09:30+08:00."
)
@_PATIENT
@click.option("--format", "form", type=click.Choice(["text", "ndjson"]), default="text", show_default=True)
@CONFIG
def replay(as_of: str, patient: str | None, form: str, config: Path | None) -> int:
    """Make the screenings that stood at a time again, from what was known then, and compare.

    Exit code 1 where one comes out different.
    """
    from adapter.report.replay import replay_lines, replayed
    from adapter.store.database import instant, transaction

    settings, site = load_connection(config, "http://none.example"), load_config(config)
    with transaction(store_of(settings)) as db:
        found = list(replayed(db, settings.sync.trial, instant(_moment(as_of, site)), patient and _key(patient)))
    if not found:
        raise UsageError(f"nobody was screened by {as_of}; write a later time")
    lines_out((one.document.decode() for one in found) if form == "ndjson" else replay_lines(found))
    return int(any(one.differences for one in found))


@click.command()
@_PATIENT
@click.option("--before", metavar="DATE", help="What was superseded before that day.")
@CONFIG
def purge(patient: str | None, before: str | None, config: Path | None) -> int:
    """Take a patient, or what is old, out of the store for good."""
    from adapter.store.cursors import note, tick
    from adapter.store.database import forget_pages, instant, transaction
    from adapter.store.lock import only_one
    from adapter.store.purge import purge_before, purge_patient

    if (patient is None) == (before is None):
        raise UsageError("write either --patient ID or --before DATE")
    settings, site = load_connection(config, "http://none.example"), load_config(config)
    engine = store_of(settings)
    with only_one(engine), transaction(engine) as db:
        if patient is not None:
            removed = purge_patient(db, _key(patient))
        else:
            removed = purge_before(db, instant(_moment(before or "", site)))
        note(db, tick(db, instant(datetime.now(UTC))), "purged", "", f"{removed} rows")
    forget_pages(engine)
    _tell(f"{removed} rows deleted")
    return 0


@click.group("config")
def settings_group() -> None:
    """The configuration of a site."""


@settings_group.command("check")
@_URL
@CONFIG
def config_check(url: str | None, config: Path | None) -> int:
    """Check the configuration, open the store, and ask the server to let the program in."""
    from adapter.sync.start import connected, rules_of

    settings, site = load_connection(config, url), load_config(config)
    rules = rules_of(site, settings.sync.trial)
    engine = store_of(settings)
    running = connected(settings, rules, engine)
    running.reader.client.get("metadata")
    missing = sorted(set(running.types) - running.reader.granted)
    lines_out([f"server  {settings.server.base_url}", f"store   {engine.url.render_as_string(hide_password=True)}"])
    lines_out([f"trial   {rules.trial.id}, {len(running.types)} resource types of every patient"])
    lines_out([f"scopes  missing: {', '.join(missing)}" if missing else "scopes  nothing is missing"])
    return int(bool(missing))


COMMANDS: tuple[click.Command, ...] = (probe, sync, status, history, replay, purge, settings_group)


def store_of(settings: Connection) -> "Engine":
    """The store of a site."""
    from adapter.store.database import open_store

    return open_store(settings.store.url)


def _key(patient: str) -> str:
    return patient if "/" in patient else f"Patient/{patient}"


def _moment(text: str, site: Config) -> datetime:
    """A time with its zone, or the end of a day at the site."""
    from adapter.screen import DEFAULT_ZONE

    try:
        found = datetime.fromisoformat(text)
        if len(text) == 10:
            day = date.fromisoformat(text) + timedelta(1)
            return datetime.combine(day, time(), site.time_zone or ZoneInfo(DEFAULT_ZONE)) - timedelta(microseconds=1)
    except ValueError:
        raise UsageError(f"{text!r} is no time; write a date, or 2026-11-22T09:30+08:00") from None
    if found.tzinfo is None:
        raise UsageError(f"{text!r} has no zone; write one such as {text}+08:00")
    return found


def lines_out(lines: Iterable[str]) -> None:
    """Prints lines."""
    for line in lines:
        click.echo(line)


def _tell(text: str) -> None:
    print(text, file=sys.stderr)
