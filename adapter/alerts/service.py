"""`trial-adapter serve`: every part that is configured, in one process."""

import gc
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from fastapi import FastAPI
from sqlalchemy import Engine

from adapter.alerts.answer import Desk
from adapter.alerts.answers import shipped_answers
from adapter.alerts.app import Hooks, hooks_app
from adapter.alerts.digest import check
from adapter.alerts.dossiers import Dossiers
from adapter.alerts.mail import send_due
from adapter.alerts.notices import add_notices, notices_app
from adapter.alerts.queue import enqueue_soon
from adapter.alerts.serving import check_address, listening
from adapter.alerts.token import door_of
from adapter.alerts.worker import Worker
from adapter.config import Config
from adapter.connection import Connection
from adapter.errors import AdapterError, UsageError
from adapter.store.database import instant
from adapter.sync.rules import Rules
from adapter.sync.run import Sync
from adapter.sync.serve import Service, log_to_stderr, serve
from adapter.sync.start import connected

_DOOR = 600.0
"""Seconds for which notifications are read through one door."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a service is asked to do; `listen` for those who watch it, `answer` for the EHR."""

    settings: Connection
    site: Config
    engine: Engine
    rules: Callable[[], Rules]
    write: bool
    parts: frozenset[str]
    schedule: str
    listen: tuple[str, int]
    answer: tuple[str, int]
    open_to_all: bool


def serve_all(wanted: Wanted) -> None:
    """Runs until somebody asks it to stop. Raises UsageError for what cannot work."""
    settings, log = wanted.settings, log_to_stderr()
    if "hooks" in wanted.parts:
        check_address(settings, wanted.answer[0], open_to_all=wanted.open_to_all)
    desk = desk_of(settings, wanted.engine, wanted.rules())
    service = Service(settings, wanted.site, wanted.engine, lambda: _refreshed(desk, wanted.rules), wanted.write, log)
    worker = Worker(_batches(wanted, desk), service.one_at_a_time, log.info)
    app = _app(wanted, desk, worker, log.warning)
    gc.collect()
    gc.freeze()  # the tables stay as they are: no call pays for looking through them
    with ExitStack() as running:
        if app is not None:
            if settings.notifications_secret() and "notifications" in wanted.parts:
                running.enter_context(worker.working())
            port = running.enter_context(listening(app, *wanted.answer))
            log.info("answering", answer=f"{wanted.answer[0]}:{port}")
        minutely = [_mailing(wanted, desk, log.warning)] if settings.mail.server and "mail" in wanted.parts else []
        serve(service, wanted.schedule if "schedule" in wanted.parts else None, *wanted.listen, minutely)


def _mailing(wanted: Wanted, desk: Desk, told: Callable[..., object]) -> Callable[[], None]:
    """Sends the digests that are due; what failed is told in the log."""
    check(wanted.settings.mail)

    def mail() -> None:
        now = datetime.now(desk.rules.zone)
        try:
            problems = send_due(wanted.engine, wanted.settings, desk.rules.trial, now)
        except AdapterError as error:
            problems = [type(error).__name__]
        for problem in problems:
            told("problem", told=problem)

    return mail


def desk_of(settings: Connection, engine: Engine, rules: Rules) -> Desk:
    """What answers the calls of a site."""
    return Desk(settings, engine, rules, shipped_answers(), Dossiers(monotonic), lambda: datetime.now(UTC))


def _refreshed(desk: Desk, rules: Callable[[], Rules]) -> Rules:
    """The rules of the next run, which cards are made by from now on, too."""
    desk.rules = rules()
    return desk.rules


def _app(wanted: Wanted, desk: Desk, worker: Worker, told: Callable[..., object]) -> FastAPI | None:
    secret = wanted.settings.notifications_secret() if "notifications" in wanted.parts else ""
    types = frozenset({*desk.types, "Medication"})

    def enqueue(type_: str, resource: str) -> None:
        enqueue_soon(wanted.engine, type_, resource, instant(datetime.now(UTC)))
        worker.woken.set()

    if "hooks" in wanted.parts:
        app = hooks_app(Hooks(desk, door_of(wanted.settings, lambda reason: told("call refused", why=reason)), told))
        if secret:
            add_notices(app, secret, types, enqueue)
        return app
    if secret:
        return notices_app(secret, types, enqueue, told)
    if wanted.parts == {"notifications"}:
        raise UsageError("nothing to serve: notifications need notifications.secret-file")
    return None


def _batches(wanted: Wanted, desk: Desk) -> Callable[[], Sync]:
    """A Sync for each batch, with nothing remembered of the batch before. The door to the server is made anew now and
    then: what it may ask and wait is the budget of one run.
    """
    kept: list[tuple[Sync, float]] = []

    def fresh() -> Sync:
        if not kept or kept[0][0].rules is not desk.rules or monotonic() - kept[0][1] > _DOOR:
            kept[:] = [(connected(wanted.settings, desk.rules, wanted.engine, write=wanted.write), monotonic())]
        return kept[0][0].again()

    return fresh
