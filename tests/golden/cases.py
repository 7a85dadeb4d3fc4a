"""Runs the commands of each case and gives what they wrote, under names that people read. `README.md` tells more."""

from __future__ import annotations

import io
import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import msgspec

from adapter.cli import main
from adapter.eligibility.trial import Trial
from adapter.report import run
from adapter.screen import load_trial
from tests.profile_codes import PROFILES, ROOT, code_systems

FOLDER = Path(__file__).parent
EXAMPLES = PROFILES / "examples"
CASES = ("msc", "il-2", "undetermined", "dropped-out", "transaction")
DIGESTS = {name: f"sha256:{digit * 64}" for digit, name in zip("123", ("mappings", "trial", "readings"), strict=True)}
FIXED = {"program": "1.0.0", **DIGESTS}
"""What stands in the files instead of the versions of the day, so that only what a change means makes them stale."""

Files = Mapping[str, bytes]
Json = dict[str, Any]


def expected_files() -> dict[Path, bytes]:
    """Every file under tests/golden and profiles/fhir that is made by the program, with what has to stand in it."""
    golden = {FOLDER / case / name: content for case in CASES for name, content in shown(written(case)).items()}
    return golden | {EXAMPLES / name: content for name, content in examples().items()} | code_systems()


@cache
def written(case: str, *, fixed: bool = True) -> Files:
    """Every file of the folder after the commands of a case; `fixed`: with the versions above."""
    with TemporaryDirectory() as folder, ExitStack() as around:
        if fixed:
            around.enter_context(fixed_versions())
        for command in (FOLDER / case / "given" / "commands.txt").read_text(encoding="utf-8").splitlines():
            call([folder if word == "DIR" else word for word in shlex.split(command)])
        paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def call(words: list[str]) -> None:
    """The command line as a person writes it at the top of the tree; its exit code has to be 0."""
    out, err = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    try:
        with (
            chdir(ROOT),
            patch.object(sys, "argv", ["trial-adapter", *words]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            main()
    except SystemExit as stopped:
        if stopped.code:
            raise RuntimeError(f"{shlex.join(words)}\nended with {stopped.code}: {err.getvalue()}") from None


@contextmanager
def fixed_versions() -> Iterator[None]:
    """The program believes the versions of `FIXED`; all else is as in production."""

    def loaded(*arguments: Any, **options: Any) -> Trial:
        trial = load_trial(*arguments, **options)
        tables = msgspec.structs.replace(trial.tables, digest=FIXED["mappings"])
        return replace(trial, tables=tables, digest=FIXED["trial"], readings_digest=FIXED["readings"])

    with patch.object(run, "load_trial", loaded), patch("adapter.screen.program_version", lambda: FIXED["program"]):
        yield


def shown(files: Files) -> dict[str, bytes]:
    """What belongs to one patient: `CarePlan.json`, `MedicationRequest-1.json`...; what all patients share stands
    among the examples of the profiles.
    """
    found = [(json.loads(content), content) for content in files.values()]
    if bundles := [content for resource, content in found if "CarePlan/" in str(resource.get("entry"))]:
        return {"Bundle.json": bundles[0]}
    own = order([(resource, content) for resource, content in found if belongs(resource, found)])
    names = numbered([resource["resourceType"] for resource, _ in own])
    return {name: content for name, (_, content) in zip(names, own, strict=True)}


Found = list[tuple[Json, bytes]]
SHARED = frozenset({"Organization", "Location", "Device", "Group", "Questionnaire", "ResearchStudy"})


def belongs(resource: Json, found: Found) -> bool:
    """Whether a resource is of the patient: his own, or a definition that one of his instantiates."""
    if "url" not in resource:
        return resource["resourceType"] not in SHARED
    return f"{resource['url']}|{resource['version']}" in {
        url for other, _ in found for url in other.get("instantiatesCanonical", ())
    }


def order(own: Found) -> Found:
    """The courses as the plan lists them."""
    plans = [resource for resource, _ in own if resource["resourceType"] == "CarePlan"]
    listed = [activity["reference"]["reference"] for plan in plans for activity in plan["activity"]]
    place = {key: number for number, key in enumerate(listed)}
    return sorted(
        own, key=lambda pair: (pair[0]["resourceType"], place.get(f"{pair[0]['resourceType']}/{pair[0]['id']}", 0))
    )


def numbered(types: list[str]) -> Iterator[str]:
    """A file name each; a number where there are several of a type."""
    for at, type_ in enumerate(types):
        number = f"-{types[: at + 1].count(type_)}" if types.count(type_) > 1 else ""
        yield f"{type_}{number}.json"


def examples() -> dict[str, bytes]:
    """One resource of each profile, by its name: those of the MSC patient, and what is missing of the undetermined one."""
    found: dict[str, bytes] = {}
    for case in ("msc", "undetermined"):
        pairs = [(json.loads(content), content) for content in written(case).values()]
        for resource, content in pairs:
            if resource["resourceType"] in SHARED or belongs(resource, pairs):
                found.setdefault(f"{profile_of(resource)}.json", content)
    return found


def profile_of(resource: Json) -> str:
    """`trial-care-plan`."""
    [profile] = resource["meta"]["profile"]
    return str(profile.rpartition("/")[2])
