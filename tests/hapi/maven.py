"""Builds a Java program of the tests once, by Maven, into `.cache/hapi`."""

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache"
MAVEN = ("mvn", "-q", "-B", "compiler:compile", "dependency:copy-dependencies")


def built(sources: Sequence[Path]) -> Path:
    """The folder with the compiled program and its libraries; made anew when its sources change, the pom first."""
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    folder = CACHE / "hapi" / digest[:16]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as workshop:
            made = Path(workshop) / "made"
            run([*MAVEN, "-f", str(sources[0]), f"-Dout={made}", f"-Dmaven.repo.local={CACHE / 'm2'}"])
            # Under its name stands only what is finished; where somebody else was faster, theirs is as good.
            with contextlib.suppress(OSError):
                made.rename(folder)
    return folder


def run(command: list[str], given: str = "") -> str:
    """Standard output of a program that has to be there and to succeed."""
    if shutil.which(command[0]) is None:
        raise RuntimeError(f"{command[0]} is missing: tests/hapi needs Maven and a JDK, 17 or newer")
    done = subprocess.run(command, input=given, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout
