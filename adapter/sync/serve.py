"""`trial-adapter serve`: runs on a schedule, one at a time, until somebody asks it to stop."""

import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Lock
from types import FrameType
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine, func, select

from adapter.config import Config
from adapter.connection import Connection
from adapter.errors import AdapterError, UsageError
from adapter.store.database import transaction
from adapter.store.knowledge import holes
from adapter.store.lock import only_one
from adapter.store.tables import cohort, due, outbox
from adapter.sync.health import STATUSES, Metrics, listening
from adapter.sync.rules import Rules
from adapter.sync.screening import latest_of
from adapter.sync.start import carry_out, connected


def log_to_stderr() -> structlog.typing.FilteringBoundLogger:
    """JSON lines: what, when, figures. Whoever calls it gives no word of a patient."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return log


@dataclass(slots=True)
class Service:
    """What runs again and again. `rules` are loaded anew for every run, so that a signed reading counts at once."""

    settings: Connection
    site: Config
    engine: Engine
    rules: Callable[[], Rules]
    write: bool
    log: structlog.typing.FilteringBoundLogger
    metrics: Metrics = field(default_factory=Metrics)
    stopping: Event = field(default_factory=Event)
    one_at_a_time: Lock = field(default_factory=Lock)
    ready: bool = False

    def run(self) -> None:
        """One run. Whatever fails is told, and tried again at the next time of the schedule."""
        if self.stopping.is_set():
            return
        started = time.monotonic()
        self.log.info("run started")
        try:
            problems = self._run()
        except AdapterError as error:
            problems = [str(error)]
        self.ready = not problems
        self.metrics.runs.labels("problem" if problems else "done").inc()
        self.metrics.seconds.observe(time.monotonic() - started)
        for problem in problems:
            self.log.error("problem", told=problem)

    def _run(self) -> list[str]:
        with self.one_at_a_time, only_one(self.engine):
            sync = connected(self.settings, self.rules(), self.engine, write=self.write)
            sync.stop = self.stopping.is_set
            carry_out(sync, self.site)
        self.metrics.requests.inc(sync.reader.client.wire.asked)
        notes = [one for one in sync.problems if one.startswith("note:")]
        problems = sorted(set(sync.problems) - set(notes))
        if not problems:
            self.metrics.success.set_to_current_time()
        self._measure(sync.rules.trial.id)
        self.log.info("run finished", **sync.counts, problems=len(problems), notes=len(notes))
        return problems

    def _measure(self, trial: str) -> None:
        with transaction(self.engine) as db:
            statuses = [one.status for one in latest_of(db, trial)]
            sizes = {
                table.name: db.execute(select(func.count()).select_from(table)).scalar()
                for table in (cohort, due, outbox)
            }
            self.metrics.holes.set(len(holes(db)))
        for status in STATUSES:
            self.metrics.screened.labels(status).set(statuses.count(status))
        self.metrics.patients.set(sizes["cohort"] or 0)
        self.metrics.due.set(sizes["due"] or 0)
        self.metrics.waiting.set(sizes["outbox"] or 0)


def serve(
    service: Service, schedule: str | None, host: str, port: int, minutely: Sequence[Callable[[], None]] = ()
) -> None:
    """Runs at once, then by a crontab line on the calendar of the site; SIGTERM ends it after the current patient.
    Without a line nothing is synced. `minutely` is called once a minute.
    """
    zone = service.rules().zone
    trigger = None if schedule is None else _trigger(schedule, zone)
    try:
        server = listening(host, port, service.metrics, lambda: service.ready)
    except OSError as error:
        raise UsageError(f"{host}:{port} cannot be listened on: {error.strerror}; write another --listen") from None
    _until_asked(service)
    scheduler = BackgroundScheduler(timezone=zone)
    once_each = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
    if trigger:
        scheduler.add_job(service.run, trigger, next_run_time=datetime.now(zone), **once_each)
    for job in minutely:
        scheduler.add_job(job, IntervalTrigger(minutes=1), next_run_time=datetime.now(zone), **once_each)
    service.log.info("serving", listen=f"{host}:{port}", schedule=schedule, write=service.write)
    scheduler.start()
    service.stopping.wait()
    scheduler.shutdown(wait=True)
    server.shutdown()
    service.log.info("stopped")


def _trigger(schedule: str, zone: ZoneInfo) -> CronTrigger:
    try:
        return CronTrigger.from_crontab(schedule, timezone=zone)
    except ValueError as error:
        raise UsageError(
            f"--schedule {schedule!r} is no crontab line: {error}; write one such as '*/15 * * * *'"
        ) from None


def _until_asked(service: Service) -> None:
    def stop(_: int, __: FrameType | None) -> None:
        service.stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
