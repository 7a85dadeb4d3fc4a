"""What the rows about assignments share: one eligible woman of 60 kg, the randomiser's record of her, and the gate.

Every row starts from the same and changes one thing. The woman of ``tests/spec/test_overall.py`` weighed 60 kg two
days before 22 November 2026, the day on which she was assigned to the MSCs group and on which the program runs; every
resource type is complete; the sponsor has signed every reading.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import adapter
from adapter.assign import Assigned, assign, batches_of
from adapter.assignment.arms import load_arms
from adapter.assignment.gate import Asking
from adapter.assignment.records import Assignment
from adapter.eligibility.trial import Trial
from adapter.facts.collect import Collector
from adapter.fhir.dates import Calendar
from adapter.report.run import Names
from adapter.resources.emit import study_resources
from adapter.resources.held import held_subjects
from adapter.resources.names import CANDIDATES
from adapter.resources.shape import study_uuid
from adapter.screen import types_of, versions_of
from adapter.sinks.folder import Batch, Form, files_of
from adapter.sources.bundle import read_document
from tests.builders import BASE, TRIAL, Json, as_json, bundle, loinc, observation, patient
from tests.spec.exclusion_builders import ago
from tests.spec.table import AS_OF
from tests.spec.test_overall import RECORD

ALLOCATIONS = f"{BASE}/sid/{TRIAL}/allocation"
DAY = date.fromisoformat(AS_OF)
SHANGHAI = "Asia/Shanghai"
TWO_DAYS_AGO = ago(2)

ANSWERS: dict[str, str | int] = {
    "after-anchor": "counts",
    "age-bounds": "review",
    "acr-by-evidence": "counts",
    "acr-count-days": 90,
    "sledai-window": 30,
    "sledai-upcr": "counts",
    "proteinuria-days": 28,
    "one-test-suffices": "no",
    "childbearing-age": "15-55",
    "pregnancy-test-days": 28,
    "attestation-days": 30,
    "unstable-dose": "any-change",
    "refill-gap-days": 14,
    "weight-days": 28,
    "msc-infusions": 1,
    "il2-courses": 3,
    "il2-interval": "gap-after-course",
}
"""Every reading of the trial, as the sponsor of the rows has signed it."""


# --- the woman


def weight(value: str = "60", unit: str | None = "kg", on: Any = TWO_DAYS_AGO, **how: Any) -> Json:
    """A body weight, measured, of the name LOINC 29463-7."""
    return observation(loinc("29463-7"), value, unit, on=on, **how)


def person(**changes: Sequence[Json]) -> list[Json]:
    """The records of the eligible woman, with parts replaced: ``person(weight=[])``, ``person(inc_consent=[])``.

    The parts are the criteria that they decide, ``weight``, ``patient``, and ``more`` for what is added.
    """
    parts: dict[str, Sequence[Json]] = {"patient": [patient()], "weight": [weight()], **RECORD}
    given = {name.replace("_", "-"): records for name, records in changes.items()}
    if unknown := set(given) - {*parts, "more"}:
        raise ValueError(f"no such part: {sorted(unknown)}")
    return [record for records in (parts | given).values() for record in records]


def named(records: Iterable[Json], id_: str) -> list[Json]:
    """The same records of another patient: every mention of `p1` becomes the other id, other ids are told apart."""
    found = []
    for record in records:
        text = as_json(record).decode().replace('"Patient/p1"', f'"Patient/{id_}"')
        other = json.loads(text, parse_float=Decimal)
        other["id"] = id_ if other["resourceType"] == "Patient" else f"{id_}.{other['id']}"
        found.append(other)
    return found


def subject(
    status: str = "pending-on-study",
    arm: str | None = "MSCs group",
    *,
    actual: str | None = None,
    allocation: str | None = None,
    start: str | None = None,
    study: str = f"ResearchStudy/{TRIAL}",
    of: str = "Patient/p1",
    id: str = "s1",
) -> Json:
    """A ResearchSubject as the EHR or the sink holds it."""
    made = {
        "resourceType": "ResearchSubject",
        "id": id,
        "identifier": [{"system": ALLOCATIONS, "value": allocation}] if allocation else None,
        "status": status,
        "period": {"start": start} if start else None,
        "study": {"reference": study},
        "individual": {"reference": of},
        "assignedArm": arm,
        "actualArm": actual,
    }
    return {name: value for name, value in made.items() if value is not None}


# --- the randomiser's record and the readings


def row(**changes: str) -> dict[str, str]:
    """One line of the randomiser's file."""
    usual = {
        "study": TRIAL,
        "patient": "p1",
        "arm": "MSC",
        "assigned_at": f"{AS_OF}T09:30:00+08:00",
        "allocation_id": "A-001",
        "recorded_by": "Practitioner/dr1",
    }
    return usual | changes


def csv(*rows: Mapping[str, str], newline: str = "\n") -> str:
    """A file of such lines."""
    return "".join(",".join(line) + newline for line in [list(row()), *(one.values() for one in rows)])


def _assignment(number: int, line: Mapping[str, str]) -> Assignment:
    moment = datetime.fromisoformat(line["assigned_at"])
    return Assignment(**{**line, "assigned_at": moment}, where=f"file:{number}")  # type: ignore[arg-type]


def signatures(unsigned: Iterable[str] = (), decided_on: str = "2000-01-01", **in_force: str | int) -> str:
    """A site's file of signed readings: all of them, but those that are named; options as ``il2_courses=2``."""
    options = ANSWERS | {name.replace("_", "-"): option for name, option in in_force.items()}
    signed = {name: option for name, option in options.items() if name not in set(unsigned)}
    lines = (
        f"- {{id: {name}, in-force: {json.dumps(option)}, decided-by: Sponsor, decided-on: {decided_on}}}\n"
        for name, option in signed.items()
    )
    return "".join(lines) or "[]"


def trial(unsigned: Iterable[str] = (), decided_on: str = "2000-01-01", **in_force: str | int) -> Trial:
    """The trial with the readings signed as ``signatures`` says."""
    return _trial(signatures(unsigned, decided_on, **in_force))


@functools.cache
def _trial(text: str) -> Trial:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "signed.yaml"
        path.write_text(text, encoding="utf-8")
        return adapter.load_trial(TRIAL, decisions=path)


# --- the gate, and what would be written


def asking(
    loaded: Trial | None = None,
    *,
    today: str = AS_OF,
    zone: str = SHANGHAI,
    sink: Iterable[Json] = (),
    first_dose: str | None = None,
) -> Asking:
    """What holds for a run; `sink` are the resources that the folder holds."""
    loaded = loaded or trial()
    held = {f"{one['resourceType']}/{one['id']}": one for one in sink}
    return Asking(
        trial=loaded,
        arms=load_arms(loaded),
        today=date.fromisoformat(today),
        zone=ZoneInfo(zone),
        versions=versions_of(loaded),
        held=held_subjects(held, loaded.vocabulary(Calendar(ZoneInfo(zone)))),
        first_dose=date.fromisoformat(first_dose) if first_dose else None,
    )


def gate(
    records: Iterable[Json] | Json,
    *rows: Mapping[str, str],
    asked: Asking | None = None,
    complete: Iterable[str] | str = "all",
    screening_status: bool = False,
) -> Assigned:
    """What becomes of the randomiser's lines (by default one) against the records of a source, or a whole Bundle."""
    asked = asked or asking()
    document = records if isinstance(records, dict) else bundle(*records)
    lines = [_assignment(number, line) for number, line in enumerate(rows or [row()], 2)]
    collector = Collector(asked.trial.vocabulary(Calendar(asked.zone)), types_of(complete))
    names = Names()
    events = names.noted(read_document(as_json(document)))
    return assign(collector.records(events), lines, asked, names.all_of, screening_status=screening_status)


def batches(assigned: Assigned, asked: Asking | None = None, held: Mapping[str, Json] | None = None) -> Sequence[Batch]:
    """What would be written: the study, a batch a patient, the List. Nothing after a refusal."""
    asked = asked or asking()
    study = study_resources(asked.trial, asked.arms, asked.versions["program"])
    return () if assigned.refusals else batches_of(assigned, study, asked, held or {})


def files(
    assigned: Assigned, form: Form, asked: Asking | None = None, held: Mapping[str, Json] | None = None
) -> dict[str, bytes]:
    """The files that would change in the folder."""
    return files_of(batches(assigned, asked, held), held or {}, form, study_uuid(TRIAL, CANDIDATES))


def written(assigned: Assigned, type_: str, asked: Asking | None = None) -> list[Any]:
    """The resources of one type that would be written, as a reader gets them; numbers as their text."""
    found = files(assigned, "resources", asked)
    return [json.loads(found[name], parse_float=str, parse_int=str) for name in sorted(found) if name.startswith(type_)]


def codes(assigned: Assigned) -> list[str]:
    """The codes of the refusals, one each."""
    return sorted(refusal.code for refusal in assigned.refusals)
