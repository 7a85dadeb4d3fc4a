"""Runs HAPI's validator, built once by Maven into `.cache/hapi`, over files of FHIR JSON."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".cache"
SOURCES = (HERE / "pom.xml", HERE / "Validate.java")

# One short run: half a second of optimising in C2 never pays.
JAVA = ("java", "-Xmx1500m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
MAVEN = ("mvn", "-q", "-B", "compiler:compile", "dependency:copy-dependencies")


class Message(msgspec.Struct, frozen=True):
    """What HAPI says of one place in one file."""

    file: Path
    severity: str
    location: str | None
    id: str | None
    text: str | None

    @property
    def is_error(self) -> bool:
        return self.severity in ("error", "fatal")


def validate(paths: Iterable[Path], profiles: Iterable[Path] = ()) -> list[Message]:
    """The messages on every resource, against R4 and the profiles that it claims. Both are files, or folders of them.

    A reference's target must be of a right type; that it is among the files is not asked.
    """
    program = built()
    asked = [f"profile {path}" for path in files(profiles)] + [f"resource {path}" for path in files(paths)]
    command = [*JAVA, "-cp", os.pathsep.join((str(program / "classes"), str(program / "lib" / "*"))), "Validate"]
    lines = run(command, "\n".join(asked)).splitlines()
    return [msgspec.json.decode(line, type=Message, dec_hook=lambda _, text: Path(text)) for line in lines]


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """Every JSON file, those of a folder in the order of their names."""
    for path in paths:
        yield from sorted(path.rglob("*.json")) if path.is_dir() else [path]


def built() -> Path:
    """The folder with the compiled program and its libraries; made anew when its sources change."""
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in SOURCES)).hexdigest()
    folder = CACHE / "hapi" / digest[:16]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as workshop:
            made = Path(workshop) / "made"
            run([*MAVEN, "-f", str(SOURCES[0]), f"-Dout={made}", f"-Dmaven.repo.local={CACHE / 'm2'}"])
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
