"""What is written for a patient is, byte for byte, what was read by eye and kept in tests/golden."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from adapter.screen import load_trial, versions_of
from tests.golden.cases import CASES, EXAMPLES, FIXED, FOLDER, Files, shown, written
from tests.profile_codes import ROOT

COHORT = ROOT / "examples" / "cohort"
REVIEW = "run python -m tests.golden, and read the difference"


def golden(case: str) -> Files:
    return {path.name: path.read_bytes() for path in (FOLDER / case).glob("*.json")}


def resource(case: str, name: str) -> Any:
    return json.loads(golden(case)[f"{name}.json"])


@pytest.mark.parametrize("case", CASES)
def test_the_program_writes_what_was_read_by_eye(case: str) -> None:
    now = shown(written(case))
    assert sorted(now) == sorted(golden(case)), REVIEW
    assert {name for name, content in now.items() if content != golden(case)[name]} == set(), REVIEW


def test_no_golden_file_is_left_over() -> None:
    assert sorted(path.name for path in FOLDER.iterdir() if (path / "given").is_dir()) == sorted(CASES)


def test_nothing_but_the_versions_of_the_day_stands_in_for_them() -> None:
    true = versions_of(load_trial(decisions=ROOT / "examples" / "assignment" / "readings.yaml"))
    for name, content in shown(written("msc", fixed=False)).items():
        for kind, version in true.items():
            content = content.replace(version.encode(), FIXED[kind].encode())
        assert content == golden("msc")[name]


# --- what a reader would check with a pencil ---


def test_the_msc_dose_is_twice_the_weight_in_millions_of_cells() -> None:
    [dosage] = resource("msc", "MedicationRequest")["dosageInstruction"]
    [dose] = dosage["doseAndRate"]
    quantity = {"value": 120, "unit": "x 10^6 cells", "system": "http://unitsofmeasure.org", "code": "10*6"}
    assert dose["doseQuantity"] == quantity
    assert weight()["value"] == 60 and weight()["unit"] == "kg"
    assert "event" not in dosage["timing"]


def weight() -> Any:
    """The quantity of the Observation that the request names."""
    [named] = resource("msc", "MedicationRequest")["supportingInformation"]
    [found] = [one for one in records(COHORT / "eligible.json") if key_of(one) == named["reference"]]
    return found["valueQuantity"]


def test_the_il2_courses_have_seven_days_two_apart_and_fourteen_days_between_them() -> None:
    courses = [resource("il-2", f"MedicationRequest-{number}") for number in (1, 2, 3)]
    days = [[date.fromisoformat(day) for day in events(course)] for course in courses]
    assert [gaps(course) for course in days] == [[2] * 6] * 3
    assert [course[0] for course in days] == [date(2026, 11, 23), date(2026, 12, 21), date(2027, 1, 18)]
    assert len({course["groupIdentifier"]["value"] for course in courses}) == 1


def events(request: Any) -> list[str]:
    found: list[str] = request["dosageInstruction"][0]["timing"]["event"]
    return found


def gaps(days: list[date]) -> list[int]:
    return [(later - earlier).days for earlier, later in pairwise(days)]


def test_whoever_drops_out_keeps_his_place_and_his_day() -> None:
    [before] = resource("undetermined", "List")["entry"]
    [after] = resource("dropped-out", "List")["entry"]
    assert {name: value for name, value in after.items() if name != "flag"} == before
    assert "flag" in after


# --- where references lead ---


@pytest.mark.parametrize("case", CASES)
def test_every_reference_leads_to_the_patients_records_the_trial_or_another_of_his_resources(case: str) -> None:
    known = {key_of(one) for path in COHORT.glob("*.json") for one in records(path)}
    known |= {key_of(one) for content in written(case).values() for one in opened(json.loads(content))}
    told = {reference for name in golden(case) for reference in references(resource(case, name.removesuffix(".json")))}
    lost = {reference for reference in told if reference.partition("/_history/")[0] not in known}
    assert lost <= {"Practitioner/rheumatologist"}, "only the person of the assignment's record may stand elsewhere"


def records(path: Path) -> Iterator[Any]:
    yield from opened(json.loads(path.read_text(encoding="utf-8")))


def opened(document: Any) -> Iterator[Any]:
    yield from (
        (entry["resource"] for entry in document["entry"]) if document["resourceType"] == "Bundle" else [document]
    )


def key_of(one: Any) -> str:
    return f"{one['resourceType']}/{one.get('id')}"


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(found := value.get("reference"), str):
            yield found
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from references(each)


def test_the_examples_of_the_profiles_show_the_patient_of_msc() -> None:
    for name in ("CarePlan", "MedicationRequest", "Provenance", "ResearchSubject"):
        paths = [path for path in EXAMPLES.glob("*.json") if path.read_bytes() == golden("msc")[f"{name}.json"]]
        assert len(paths) == 1
