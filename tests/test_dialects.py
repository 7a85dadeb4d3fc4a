"""What real record systems send: small records, each with its trap, and the verdicts of `dialects/verdicts.yaml`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import adapter

FOLDER = Path(__file__).parent / "dialects"
AS_OF = date(2026, 11, 22)


@dataclass(frozen=True)
class Said:
    """One verdict that a record must give: `yes / above`, and the records behind it where they are asked for."""

    record: str
    trap: str
    criterion: str
    answer: str
    evidence: tuple[str, ...]


def verdicts() -> Iterator[Said]:
    table = yaml.safe_load((FOLDER / "verdicts.yaml").read_text(encoding="utf-8"))
    for record, rows in table.items():
        for row in rows:
            evidence = tuple(row.pop("evidence", ()))
            trap = row.pop("trap")
            for criterion, answer in row.items():
                yield Said(record, trap, criterion, answer, evidence)


VERDICTS = list(verdicts())
RECORDS = sorted({said.record for said in VERDICTS})


@cache
def record(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@cache
def criteria_of(name: str) -> dict[str, Any]:
    return screened(record(name))


def screened(bundle: object) -> dict[str, Any]:
    (screening,) = adapter.screen_bundle(bundle, adapter.load_trial(), as_of=AS_OF, complete="all")
    return {one["id"]: one for one in screening.to_dict()["criteria"]}


def answers(criteria: dict[str, Any]) -> dict[str, str]:
    return {id: f"{one['truth']} / {one['reason']}" for id, one in criteria.items()}


def codings_reversed(value: object) -> object:
    """The same document with the codings of every concept in the opposite order."""
    match value:
        case dict():
            return {
                key: list(reversed(inner)) if key == "coding" else codings_reversed(inner)
                for key, inner in value.items()
            }
        case list():
            return [codings_reversed(one) for one in value]
    return value


def test_every_record_of_the_folder_is_asked_something() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == RECORDS


@pytest.mark.parametrize("said", VERDICTS, ids=lambda said: f"{said.record}: {said.trap}")
def test_dialect(said: Said) -> None:
    result = criteria_of(said.record)[said.criterion]
    assert f"{result['truth']} / {result['reason']}" == said.answer, result["explanation"]
    if said.evidence:
        assert tuple(sorted({one["reference"] for one in result["evidence"]})) == said.evidence


@pytest.mark.parametrize("name", RECORDS)
def test_the_order_of_codings_changes_no_verdict(name: str) -> None:
    assert answers(screened(codings_reversed(record(name)))) == answers(criteria_of(name))
