"""What a service tells of itself over HTTP: `/healthz`, `/readyz`, `/metrics`. Figures only, nothing of a patient."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app

STATUSES = ("eligible", "undetermined", "ineligible")


@dataclass
class Metrics:
    """The figures of a service, by Prometheus's conventions."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        def gauge(name: str, told: str, *labels: str) -> Gauge:
            return Gauge(f"trial_adapter_{name}", told, labels, registry=self.registry)

        self.runs = Counter("trial_adapter_runs", "Runs, by what came of them", ["outcome"], registry=self.registry)
        self.seconds = Histogram("trial_adapter_run_seconds", "How long a run took", registry=self.registry)
        self.requests = Counter("trial_adapter_requests", "Requests to the FHIR server", registry=self.registry)
        self.success = gauge("last_success_timestamp_seconds", "When a run last read everything")
        self.patients = gauge("patients", "Patients who could matter")
        self.screened = gauge("screened", "Patients by the status of their latest screening", "status")
        self.due = gauge("due", "Patients still to be screened")
        self.holes = gauge("holes", "Types of patients that could not be read")
        self.waiting = gauge("outbox", "Patients whose resources are still to be written")


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """A request a few seconds is no news."""


def listening(host: str, port: int, metrics: Metrics, ready: Callable[[], bool]) -> WSGIServer:
    """Answers on a thread of its own. `ready`: whether a run has read everything and none has failed since."""
    shown = make_wsgi_app(metrics.registry)

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            figures: Iterable[bytes] = shown(environ, start)
            return figures
        found = {"/healthz": True, "/readyz": ready()}.get(path or "")
        status = {True: "200 OK", False: "503 Service Unavailable", None: "404 Not Found"}[found]
        start(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [status[4:].encode() + b"\n"]

    server = make_server(host, port, answer, server_class=_Threads, handler_class=_Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    return server
