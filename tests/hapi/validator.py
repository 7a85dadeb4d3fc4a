"""Runs HAPI's validator, built once by Maven into `.cache/hapi`, over files of FHIR JSON."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from tests.hapi.maven import built, run

HERE = Path(__file__).parent
SOURCES = (HERE / "pom.xml", HERE / "Validate.java")

# One short run: half a second of optimising in C2 never pays.
JAVA = ("java", "-Xmx1500m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


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
    program = built(SOURCES)
    asked = [f"profile {path}" for path in files(profiles)] + [f"resource {path}" for path in files(paths)]
    command = [*JAVA, "-cp", os.pathsep.join((str(program / "classes"), str(program / "lib" / "*"))), "Validate"]
    lines = run(command, "\n".join(asked)).splitlines()
    return [msgspec.json.decode(line, type=Message, dec_hook=lambda _, text: Path(text)) for line in lines]


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """Every JSON file, those of a folder in the order of their names."""
    for path in paths:
        yield from sorted(path.rglob("*.json")) if path.is_dir() else [path]
