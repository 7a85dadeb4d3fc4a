"""Programs by other hands that run on Node: installed once, by npm, from the lock file, into `.cache/node`."""

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.hapi.server import free_port

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache"
LOCKED = ("package.json", "package-lock.json")


def installed() -> Path:
    """The folder with the locked packages; made anew when the lock changes."""
    digest = hashlib.sha256(b"\0".join((HERE / name).read_bytes() for name in LOCKED)).hexdigest()
    folder = CACHE / "node" / digest[:16]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as workshop:
            made = Path(workshop) / "made"
            made.mkdir()
            for name in LOCKED:
                shutil.copy(HERE / name, made)
            _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(CACHE / "npm")], made)
            with contextlib.suppress(OSError):  # somebody else was faster
                made.rename(folder)
    return folder


def run(program: str, *arguments: str, given: str = "") -> str:
    """Standard output of a program of this folder, which has to succeed."""
    return _run(_command(program, *arguments), HERE, given)


@contextlib.contextmanager
def serving(program: str, *arguments: str) -> Iterator[int]:
    """The port of a program of this folder that says `ready` when it listens there."""
    port = free_port()
    with subprocess.Popen(_command(program, str(port), *arguments), stdout=subprocess.PIPE, text=True) as process:
        try:
            if not any(line.strip() == "ready" for line in process.stdout or ()):
                raise RuntimeError(f"{program} ended with {process.wait()}")
            yield port
        finally:
            process.kill()


def _command(program: str, *arguments: str) -> list[str]:
    """The program is copied beside its packages, where Node looks for them."""
    folder = installed()
    shutil.copy(HERE / program, folder)
    return ["node", str(folder / program), *arguments]


def _run(command: list[str], folder: Path, given: str = "") -> str:
    if shutil.which(command[0]) is None:
        raise RuntimeError(f"{command[0]} is missing: these tests need Node.js, 20 or newer, and npm")
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout
