"""A small proxy that does to answers what networks and servers do."""

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

import requests


@dataclass
class Answer:
    """What the server said, to be changed. `cut` bytes are sent and then the line is reset; `drip` seconds a chunk."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: int | None = None
    drip: float = 0


@dataclass(frozen=True)
class Asked:
    """A request: `number` counts those of one type of resource."""

    method: str
    path: str
    type: str
    number: int


Fault = Callable[[Asked, Answer], Answer]


@dataclass
class Proxy:
    """`fault` may change every answer of the server at `target`."""

    url: str
    target: str = ""
    fault: Fault = field(default=lambda _, answer: answer)
    seen: list[Asked] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def asked(self, method: str, path: str) -> Asked:
        """Counts a request."""
        type_ = path.split("?")[0].removeprefix("/fhir").strip("/").split("/")[0]
        with self.lock:
            one = Asked(method, path, type_, sum(other.type == type_ for other in self.seen) + 1)
            self.seen.append(one)
            return one


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length", "connection")}
        headers["Accept-Encoding"] = "identity"
        asked = self.proxy.asked(self.command, self.path)
        came = requests.request(
            self.command, self.proxy.target + self.path.removeprefix("/fhir"), data=body, headers=headers, timeout=60
        )
        skipped = ("content-length", "transfer-encoding", "connection", "content-encoding", "date", "server")
        kept = {k: v for k, v in came.headers.items() if k.lower() not in skipped}
        self._give(self.proxy.fault(asked, Answer(came.status_code, kept, came.content)))

    def _give(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        if "Date" not in answer.headers:
            self.send_header("Date", self.date_time_string())
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if answer.cut is not None:
            self.wfile.write(answer.body[: answer.cut])
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        for start in range(0, len(answer.body), 4096 if answer.drip else len(answer.body) or 1):
            self.wfile.write(answer.body[start : start + (4096 if answer.drip else len(answer.body))])
            time.sleep(answer.drip)

    do_GET = do_POST = do_PUT = do_DELETE = _take  # noqa: N815, so http.server wants it

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()


@contextlib.contextmanager
def running() -> Iterator[Proxy]:
    """A proxy without a target yet."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        handler.proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield handler.proxy
        server.shutdown()
        thread.join()
