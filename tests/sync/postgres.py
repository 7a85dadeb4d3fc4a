"""A PostgreSQL server of the machine's own package, on a socket and port of its own."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.hapi.server import free_port

USER = "postgres"
"""The server refuses to run as root."""


def program(name: str) -> str | None:
    """A program of PostgreSQL, in the path or where Debian puts it."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """The URL of an empty database."""
    data, port = folder / "data", free_port()
    data.mkdir()
    if os.getuid() == 0:
        for place in (*reversed(folder.parents), folder):
            if place.stat().st_mode & 0o001 == 0 and place.owner() == "root":
                place.chmod(place.stat().st_mode | 0o011)
        shutil.chown(data, USER)
    _run("initdb", "-D", str(data), "-U", "trial", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    _run("pg_ctl", "-D", str(data), "-w", "-l", str(data / "log"), "-o", options, "start")
    try:
        yield f"postgresql+pg8000://trial@127.0.0.1:{port}/postgres"
    finally:
        _run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


def _run(name: str, *arguments: str) -> None:
    """As the user of the package, where this is root."""
    who = pwd.getpwnam(USER) if os.getuid() == 0 else None
    given = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []} if who else {}
    # Not into a pipe: the server that pg_ctl starts would hold it open.
    with tempfile.TemporaryFile() as told:
        done = subprocess.run(
            [program(name) or name, *arguments], stdout=told, stderr=told, stdin=subprocess.DEVNULL, cwd="/",
            timeout=120, **given,
        )  # fmt: skip
        told.seek(0)
        if done.returncode:
            raise RuntimeError(f"{name} ended with {done.returncode}: {told.read()[-1000:].decode(errors='replace')}")
