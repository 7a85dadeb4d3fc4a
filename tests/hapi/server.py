"""HAPI FHIR JPA R4 on loopback, built by Maven. `python -m tests.hapi.server` starts one for people."""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.hapi.maven import CACHE, built

HERE = Path(__file__).parent / "jpa"
SOURCES = (HERE / "pom.xml", HERE / "HapiServer.java")
JAVA = ("java", "-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
PATIENCE = 240
"""Seconds until it must answer; it takes 20 on a quiet machine."""


@dataclass(frozen=True)
class Hapi:
    """A running server."""

    base_url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def kill(self) -> None:
        """kill -9."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()


@contextlib.contextmanager
def running(data: Path | None = None, port: int | None = None) -> Iterator[Hapi]:
    """A server with its data in a folder, or in memory. It ends with the block, and with this process."""
    port = port or free_port()
    # Without WRITE_DELAY=0 a kill -9 loses writes that were answered.
    url = f"jdbc:h2:file:{data.absolute()}/hapi;WRITE_DELAY=0" if data else "jdbc:h2:mem:hapi;DB_CLOSE_DELAY=-1"
    program = built(SOURCES)
    (CACHE / "log").mkdir(parents=True, exist_ok=True)
    log = CACHE / "log" / f"hapi-{port}.log"
    classes = os.pathsep.join((str(program / "classes"), str(program / "lib" / "*")))
    command = [*JAVA, "-cp", classes, "HapiServer", str(port), url]
    with log.open("wb") as sink:
        # It ends when its standard input does.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sink, stderr=sink, start_new_session=True)
    server = Hapi(f"http://127.0.0.1:{port}/fhir", process, log)
    try:
        wait_for(server)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()


def wait_for(server: Hapi) -> None:
    """Returns when it answers. RuntimeError with the end of its log where it does not."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{server.base_url}/metadata"):
            return
        time.sleep(0.3)
    raise RuntimeError(f"HAPI did not start:\n{server.log.read_text(errors='replace')[-3000:]}")


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def main() -> None:
    """Runs one in the foreground."""
    parser = argparse.ArgumentParser(description="HAPI FHIR JPA R4 on loopback")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--data", type=Path, help="the folder of its database; without it in memory")
    asked = parser.parse_args()
    if asked.data is None:
        asked.data = Path(tempfile.mkdtemp(prefix="hapi-"))
    with running(asked.data, asked.port) as server, contextlib.suppress(KeyboardInterrupt):
        print(f"{server.base_url} is ready; its data are in {asked.data}; Ctrl-C ends it", flush=True)
        server.process.wait()


if __name__ == "__main__":
    main()
