"""sekmet-fhir, an independent FHIR R4 server, on loopback."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.hapi.server import free_port

PATIENCE = 60


@contextlib.contextmanager
def running(folder: Path, more: str = "", behind: str | None = None) -> Iterator[str]:
    """The base URL of a server with its data in a folder; `more` are lines of its settings, `behind` is the address
    of a proxy, which its links then name.
    """
    port = free_port()
    own = f"http://127.0.0.1:{port}/fhir"
    base_url = f"{behind}/fhir" if behind else own
    settings = folder / "sekmet.yaml"
    settings.write_text(
        f"base_url: {base_url}\nhost: 127.0.0.1\nport: {port}\ndata_dir: {folder / 'data'}\n"
        f"simulator: {{enabled: false}}\n{more}"
    )
    program = Path(sys.executable).parent / "sekmet"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", "-c", settings], stdout=log, stderr=log, cwd=folder, env=_alone())
    try:
        _wait(own, process, folder / "log")
        yield own
    finally:
        process.kill()
        process.wait()


def _alone() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TRIAL_ADAPTER")}


def _wait(base_url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{base_url}/metadata"):
            return
        time.sleep(0.1)
    raise RuntimeError(f"sekmet did not start:\n{log.read_text(errors='replace')[-3000:]}")
