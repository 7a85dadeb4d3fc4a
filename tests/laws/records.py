"""Records for the laws, and the screening of them: the rows of the specification and the patients of the cohort."""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import adapter
from adapter.eligibility.screening import Screening
from adapter.eligibility.trial import Trial
from tests.builders import PATIENT, Json, as_json, bundle, patient
from tests.spec.table import AS_OF, TABLES

ROOT = Path(__file__).parent.parent.parent
COHORT = ROOT / "examples" / "cohort"
TODAY = date.fromisoformat(AS_OF)
DRUG_TYPES = ("MedicationAdministration", "MedicationStatement", "MedicationDispense", "MedicationRequest")


def ago(days: int, before: date = TODAY) -> str:
    """The day so many days before the as-of date."""
    return (before - timedelta(days=days)).isoformat()


@functools.cache
def _trial(readings: tuple[tuple[str, str | int], ...]) -> Trial:
    return adapter.load_trial(readings=dict(readings) or None)


def trial(readings: Mapping[str, str | int] | None = None) -> Trial:
    """The trial with its shipped readings, or with some of them replaced."""
    return _trial(tuple(sorted((readings or {}).items())))


def screening(
    records: Iterable[Mapping[str, Any]],
    *,
    readings: Mapping[str, str | int] | None = None,
    as_of: date = TODAY,
    complete: Iterable[str] | str = "all",
    **options: Any,
) -> Screening:
    """The screening of one patient; a woman born in 1990 where the records bring no Patient."""
    told = list(records)
    if not any(record["resourceType"] == "Patient" for record in told):
        told = [patient(), *told]
    (found,) = adapter.screen_bundle(as_json(bundle(*told)), trial(readings), as_of=as_of, complete=complete, **options)
    return found


def answers(records: Iterable[Mapping[str, Any]], **options: Any) -> dict[str, tuple[str, str]]:
    """Criterion id -> truth and reason."""
    verdicts = screening(records, **options).criteria
    return {v.criterion.id: (str(v.finding.truth), v.finding.reason) for v in verdicts}


def truth(criterion: str, records: Iterable[Mapping[str, Any]], **options: Any) -> str:
    """The truth of one criterion's sentence."""
    return answers(records, **options)[criterion][0]


def written(found: Screening | Sequence[Screening]) -> bytes:
    """The bytes of the JSON output."""
    many = [found] if isinstance(found, Screening) else found
    return json.dumps([one.to_dict() for one in many], ensure_ascii=False).encode()


@functools.cache
def specification() -> dict[str, tuple[tuple[Json, ...], ...]]:
    """Criterion -> the records of each row of its table that is about the one patient, without his Patient resource."""
    for path in sorted((ROOT / "tests" / "spec").glob("test_*.py")):
        importlib.import_module(f"tests.spec.{path.stem}")
    return {name: tuple(_own_rows(table.rows)) for name, table in sorted(TABLES.items())}


def _own_rows(rows: Iterable[Any]) -> Iterator[tuple[Json, ...]]:
    for row in rows:
        own = tuple(one for one in row.records if one["resourceType"] != "Patient")
        if own and all(_is_of_patient(one) for one in own):
            yield own


def _is_of_patient(record: Mapping[str, Any]) -> bool:
    subject = record.get("subject") or record.get("patient") or {}
    if record["resourceType"] in ("Medication", "Appointment"):
        return True
    return isinstance(subject, dict) and subject.get("reference") == PATIENT


@functools.cache
def pool() -> tuple[Json, ...]:
    """Every different record of the specification's rows."""
    found = {as_json(one): one for rows in specification().values() for row in rows for one in row}
    return tuple(found[key] for key in sorted(found))


@functools.cache
def cohort() -> dict[str, tuple[Json, ...]]:
    """The name of each example patient -> the resources of his file, referring to each other by `Type/id`."""
    return {path.stem: tuple(_resources(path)) for path in sorted(COHORT.iterdir())}


def _resources(path: Path) -> Iterator[Json]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ndjson":
        yield from (json.loads(line) for line in text.splitlines())
        return
    for entry in json.loads(text)["entry"]:
        if entry.get("fullUrl", "").startswith("urn:"):
            text = text.replace(entry["fullUrl"], f"{entry['resource']['resourceType']}/{entry['resource']['id']}")
    yield from (entry["resource"] for entry in json.loads(text)["entry"])
