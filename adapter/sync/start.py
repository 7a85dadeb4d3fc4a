"""From a configuration to a Sync: the store opened, the server's door, the rules loaded."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from adapter.config import Config
from adapter.connection import Connection
from adapter.errors import ServerError
from adapter.fhir.auth import Fixed, Smart, basic, bearer
from adapter.fhir.client import Client
from adapter.fhir.wire import Server, Wire
from adapter.screen import DEFAULT_ZONE, Site, load_trial
from adapter.store.cursors import begin_run, end_run, tick
from adapter.store.database import instant, transaction
from adapter.sync import run
from adapter.sync.export import export_first, folder_of
from adapter.sync.failpoint import reached
from adapter.sync.plan import types_read
from adapter.sync.reading import Reader
from adapter.sync.rules import Rules
from adapter.sync.run import Sync
from adapter.sync.screening import vocabulary_of
from adapter.sync.writing import write_due

WRITTEN = (
    "ResearchSubject", "GuidanceResponse", "List", "ResearchStudy", "Group", "PlanDefinition", "ActivityDefinition",
    "Questionnaire", "Organization", "Location", "Device",
)  # fmt: skip
"""The resource types that a sync writes."""


def rules_of(config: Config, trial: str, readings: Path | None = None) -> Rules:
    """The rules that the configuration names. Raises UsageError or MappingError."""
    zone = config.time_zone or ZoneInfo(DEFAULT_ZONE)
    decisions = readings or config.readings
    loaded = load_trial(trial, decisions=decisions, site=Site(zone, config.concept_maps))
    return Rules(loaded, zone, frozenset(config.not_kept), {}, config.concept_maps, decisions)


def server_of(settings: Connection) -> Server:
    """How much may be asked of the server, and over what."""
    section = settings.server
    certificate = None
    if section.client_certificate and section.client_key:
        certificate = settings.path(section.client_certificate), settings.path(section.client_key)
    return Server(
        base_url=section.base_url,
        ca_bundle=settings.path(section.ca_bundle) if section.ca_bundle else None,
        client_certificate=certificate,
        proxy=section.proxy,
        timeout=(section.connect_seconds, section.read_seconds),
        retries=section.retries,
        most_requests=section.most_requests,
        longest_wait=section.longest_wait_seconds,
        threads=section.threads,
    )


def auth_of(
    settings: Connection, server: Server, reads: tuple[str, ...], *, writes: tuple[str, ...] = ()
) -> Fixed | Smart:
    """How the server lets the program in, to read and write these types."""
    section = settings.auth
    if section.kind == "basic":
        return basic(section.user, settings.secret())
    if section.kind == "bearer":
        return bearer(settings.secret())
    if section.kind == "none":
        return Fixed()
    keys = settings.path(section.keys or "")
    return Smart(server, section.client_id, keys, (*reads, "Medication", *writes), writes, section.token_url)


def connected(
    settings: Connection,
    rules: Rules,
    engine: Engine,
    *,
    write: bool = False,
    now: Callable[[], datetime] | None = None,
) -> Sync:
    """A Sync ready to run. Raises ServerError where the server does not let it in."""
    server = server_of(settings)
    types = types_read(rules.trial, rules.not_kept)
    auth = auth_of(settings, server, types, writes=WRITTEN if write else ())
    clock = now or (lambda: datetime.now(UTC))
    client = Client(Wire(server, auth, now=clock))
    granted = auth.granted(types)
    reader = Reader(client, vocabulary_of(rules), granted, settings.server.page_size, settings.server.threads)
    return Sync(engine, reader, rules, settings, clock, write=write, scopes=" ".join(sorted(granted)))


def carry_out(sync: Sync, config: Config) -> str:
    """One run, noted in the log of runs: read, screen, write. What it came to: empty, or what went wrong."""
    with transaction(sync.engine) as db:
        number = begin_run(db, tick(db, instant(sync.now())))
    reached("run-begun")
    try:
        if sync.settings.sync.export:
            export_first(sync, folder_of(sync))
        run.read(sync)
    except ServerError as error:
        sync.problems.append(str(error))
    run.screen_due(sync)
    if sync.write:
        try:
            write_due(sync, config.identifiers)
        except ServerError as error:
            sync.problems.append(f"writing: {error}")
    outcome = run.told(sync.problems)
    reached("run-ending")
    with transaction(sync.engine) as db:
        end_run(db, number, tick(db, instant(sync.now())), outcome, sync.counts)
    return outcome
