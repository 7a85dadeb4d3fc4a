"""The two code systems that grow with the mappings: the criteria of the trials, and the items of the instruments.

Their files under profiles/fhir are made from `mappings/` by `python -m tests.golden`; the tests fail when they are stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from adapter.fhir.systems import ATTESTATION, INSTRUMENTS

ROOT = Path(__file__).parent.parent
MAPPINGS = ROOT / "mappings"
PROFILES = ROOT / "profiles" / "fhir"

Json = dict[str, Any]


def code_systems() -> dict[Path, bytes]:
    """File -> what has to stand in it."""
    made = {
        "attestation": code_system(
            ATTESTATION,
            "Criteria",
            "The criteria of the trials that come with the program. As the code of an Observation: a person attests that "
            "the sentence holds of the patient, or that it does not.",
            list(criteria()),
        ),
        "instruments": code_system(
            INSTRUMENTS,
            "Items of the instruments",
            "The items of the instruments that the criteria ask for, and their totals, each in our own short words. As the "
            "code of an Observation: a person has scored it.",
            list(instruments()),
        ),
    }
    return {PROFILES / f"CodeSystem-{name}.json": as_file(resource) for name, resource in made.items()}


def criteria() -> Iterator[Json]:
    """A concept a criterion, of every trial that attests by this project's own system."""
    for path in sorted((MAPPINGS / "trials").glob("*/criteria.yaml")):
        trial = yaml.safe_load(path.read_text(encoding="utf-8"))
        if trial["attestation"]["system"] == ATTESTATION:
            for one in trial["criteria"]:
                yield concept(one["id"], one["title"], one["sentence"])


def instruments() -> Iterator[Json]:
    """The total of each instrument, then a concept an item."""
    for path in sorted((MAPPINGS / "instruments").glob("*.yaml")):
        instrument = yaml.safe_load(path.read_text(encoding="utf-8"))
        name, title, total = instrument["instrument"], instrument["title"], instrument["total"]
        yield concept(total["code"], f"{title} total", f"From {total['least']} to {total['most']}.")
        for item in instrument["items"]:
            yield concept(f"{name}-{item['code']}", item["title"], item["definition"])


def concept(code: str, display: str, definition: str) -> Json:
    return {"code": code, "display": display, "definition": " ".join(definition.split())}


def code_system(url: str, title: str, description: str, concepts: list[Json]) -> Json:
    """A complete CodeSystem, so that a validator knows what is no code. Two concepts of one code would make no sense."""
    codes = [one["code"] for one in concepts]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise ValueError(f"{url}: used by more than one trial or instrument: {', '.join(twice)}")
    name = url.rpartition("/")[2]
    return {
        "resourceType": "CodeSystem",
        "id": name,
        "url": url,
        "version": "1.0.0",
        "name": name.capitalize(),
        "title": title,
        "status": "active",
        "experimental": False,
        "publisher": "The trial-adapter authors",
        "description": description,
        "caseSensitive": True,
        "content": "complete",
        "concept": concepts,
    }


def as_file(resource: Json) -> bytes:
    return json.dumps(resource, indent=2, ensure_ascii=False).encode() + b"\n"
