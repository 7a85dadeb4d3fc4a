"""A second trial needs no Python: the folder `trials/second-trial`, of another disease, screens by its own pages."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import adapter
from adapter.assignment.arms import load_arms
from adapter.eligibility.trial import load_trial_folder
from adapter.errors import MappingError
from adapter.resources.emit import study_resources
from adapter.resources.judges import judge
from adapter.resources.shape import encoded
from tests.builders import (
    Json,
    as_json,
    attestation,
    bundle,
    code,
    condition,
    consent,
    immunization,
    loinc,
    observation,
    patient,
    questionnaire_response,
)
from tests.commands import caller

FOLDER = Path(__file__).parent / "trials" / "second-trial"
AS_OF = date(2026, 11, 22)
OWN = "https://hospital.example/fhir/CodeSystem/second-trial"

SURFACE_ANTIGEN = observation(loinc("5196-1"), "positive", on="2026-03-02", id="hbsag")
PLATELETS = observation(loinc("777-3"), "151", "10*9/L", "2026-11-10", id="platelets")


def opinion(holds: bool, on: str = "2026-11-20") -> Json:
    """The investigator's statement, in this trial's own code system."""
    return observation(code(OWN, "exc-decompensated"), holds, on=on, id="opinion")


def screened(*records: Json, readings: dict[str, str | int] | None = None, **asked: Any) -> Any:
    trial = adapter.load_trial(FOLDER, readings=readings)
    given = records if any(one["resourceType"] == "Patient" for one in records) else (patient(), *records)
    (screening,) = adapter.screen_bundle(as_json(bundle(*given)), trial, as_of=AS_OF, complete="all", **asked)
    return screening.to_dict()


def answer(screening: Any, criterion: str) -> tuple[str, str]:
    result = next(one for one in screening["criteria"] if one["id"] == criterion)
    return result["truth"], result["reason"]


def test_the_folder_holds_data_only() -> None:
    assert sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()) == [
        "arms/entecavir.json",
        "arms/peginterferon.json",
        "criteria.yaml",
        "protocol.txt",
        "readings.yaml",
        "study.json",
    ]


def test_a_patient_with_everything_is_eligible() -> None:
    screening = screened(SURFACE_ANTIGEN, PLATELETS, opinion(False))
    assert (screening["trial"], screening["status"]) == ("second-trial", "eligible")


def test_what_is_missing_is_named() -> None:
    screening = screened(SURFACE_ANTIGEN)
    assert screening["status"] == "undetermined"
    assert [one["criterion"] for one in screening["open"]] == ["inc-platelets", "exc-decompensated"]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("90", "10*9/L", ("no", "not-above")),
        ("90.1", "10*9/L", ("yes", "above")),
        ("91000", "/uL", ("yes", "above")),
        ("151", None, ("unknown", "unit-unresolved")),
    ],
)
def test_platelets(value: str, unit: str | None, expected: tuple[str, str]) -> None:
    result = observation(loinc("777-3"), None, on="2026-11-10", id="platelets")
    result["valueQuantity"] = {"value": float(value)} | ({"unit": unit} if unit else {})
    assert answer(screened(result), "inc-platelets") == expected


def test_a_hepatitis_that_excludes_from_one_trial_includes_into_the_other() -> None:
    here = screened(SURFACE_ANTIGEN)
    (there,) = adapter.screen_bundle(
        bundle(patient(), SURFACE_ANTIGEN), adapter.load_trial(), as_of=AS_OF, complete="all"
    )
    assert answer(here, "inc-surface-antigen") == ("yes", "positive")
    assert answer(there.to_dict(), "exc-severe-infection") == ("yes", "positive")


def test_only_the_trials_own_code_system_attests() -> None:
    assert answer(screened(opinion(True)), "exc-decompensated") == ("yes", "attested")
    foreign = attestation("exc-decompensated", True, "2026-11-20")
    assert answer(screened(foreign), "exc-decompensated") == ("unknown", "no-data")


def test_only_the_trials_own_questionnaire_attests() -> None:
    def answered(questionnaire: str) -> Json:
        return questionnaire_response({"exc-decompensated": False}, "2026-11-20", questionnaire=questionnaire)

    own = answered("https://hospital.example/fhir/Questionnaire/second-trial")
    assert answer(screened(own), "exc-decompensated") == ("no", "attested")
    other = answered("https://trial-adapter.example/fhir/Questionnaire/ln-msc-il2")
    assert answer(screened(other), "exc-decompensated") == ("unknown", "no-data")


@pytest.mark.parametrize(
    ("on", "expected"),
    [("2026-11-08", ("no", "attested")), ("2026-11-07", ("unknown", "stale"))],
)
def test_an_attestation_holds_for_the_trials_own_14_days(on: str, expected: tuple[str, str]) -> None:
    assert answer(screened(opinion(False, on)), "exc-decompensated") == expected


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        ("2008-11-22", ("no", "outside-bounds")),  # 18 today
        ("2007-11-22", ("yes", "within-bounds")),  # 19 today
        ("1965-11-23", ("yes", "within-bounds")),  # 60, 61 tomorrow
        ("1965-11-22", ("no", "outside-bounds")),  # 61 today
    ],
)
def test_its_own_reading_decides_the_birthdays(born: str, expected: tuple[str, str]) -> None:
    assert answer(screened(patient(born=born)), "inc-age") == expected


def test_its_own_reading_leaves_aside_what_comes_after_randomisation() -> None:
    vaccine = immunization(code("cvx", "03"), "2026-11-10", id="mmr")
    randomised = {"randomisation_date": date(2026, 11, 1)}
    assert answer(screened(vaccine), "exc-live-vaccine") == ("yes", "within-window")
    assert answer(screened(vaccine, **randomised), "exc-live-vaccine")[0] == "no"


def test_its_consent_is_known_by_the_policy_that_study_json_names() -> None:
    own = consent("2026-10-05", study=None, policy="https://hospital.example/policies/HBV-07")
    assert screened(own)["anchors"]["consent"] == {"date": "2026-10-05", "assumed": False}
    other = consent("2026-10-05")
    assert screened(other)["anchors"]["consent"] == {"date": "2026-11-22", "assumed": True}


def test_the_shared_tables_serve_both_trials() -> None:
    lymphoma = condition(code("icd10", "C83.3"), "2019-04-01", clinical="resolved")
    screening = screened(SURFACE_ANTIGEN, PLATELETS, opinion(False), lymphoma)
    assert (screening["status"], answer(screening, "exc-malignancy")) == ("ineligible", ("yes", "within-window"))
    assert set(screening["versions"]) == {"program", "mappings", "trial", "readings"}


def copied(folder: Path, file: str, old: str, new: str) -> Path:
    """The trial with one passage of one file replaced."""
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("readings.yaml", "- id: after-anchor", "- id: something-else", "no reading 'after-anchor'"),
        ("criteria.yaml", "unit: 10*9/L", "unit: g/g", "not in g/g"),
        ("criteria.yaml", "positive: hbsag", "positive: hbsga", "no fact 'hbsga'"),
        ("criteria.yaml", "excised-by:", "excised:", "excised"),
        ("criteria.yaml", "at most 60 years", "at most 65 years", "protocol.txt"),
    ],
    ids=["reading needed", "another unit", "no such fact", "no such key", "changed sentence"],
)  # fmt: skip
def test_a_mistake_in_the_folder_is_told_with_file_and_line(
    tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    with pytest.raises(MappingError, match=r"criteria\.yaml:\d+: ") as refused:
        adapter.load_trial(copied(tmp_path, file, old, new))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("readings.yaml", "count as well?", "count as well", "question"),
        ("arms/entecavir.json", '"version": "1.0.0"', '"version": "1"', "version"),
    ],
    ids=["a question without its mark", "a version that is none"],
)
def test_a_folder_that_is_given_is_held_against_the_schemas(
    tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    with pytest.raises(MappingError, match=rf"{file}:\d+: .*{told}.*schema\.json"):
        adapter.load_trial(copied(tmp_path, file, old, new))


# --- its arms


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"name": "Entecavir group"', '"name": "Entecavir Group"', "letter by letter"),
        ("0.5 mg by mouth every day", "1 mg by mouth every day", "word for word"),
        ('"reading": "courses"', '"reading": "birthdays"', "must be a number"),
        ('"reading": "courses"', '"reading": "cycles"', "no reading 'cycles'"),
        ('"days": 336', '"note": "daily"', "note"),
    ],
)
def test_a_mistake_in_an_arm_is_told_with_its_file(tmp_path: Path, old: str, new: str, told: str) -> None:
    folder = copied(tmp_path, "arms/entecavir.json", old, new)
    with pytest.raises(MappingError, match=r"entecavir\.json") as refused:
        load_arms(load_trial_folder(folder, adapter.screen.shipped_tables()))
    assert told in str(refused.value)


def test_the_trial_itself_is_written_and_passes_the_judges() -> None:
    trial = adapter.load_trial(FOLDER)
    resources = study_resources(trial, load_arms(trial), "1.0")
    assert [fault for one in resources for fault in judge(one, encoded(one))] == []
    study = next(one for one in resources if one["resourceType"] == "ResearchStudy")
    assert [arm["name"] for arm in study["arm"]] == ["Peginterferon group", "Entecavir group"]  # type: ignore


def test_its_patients_are_assigned_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    own = consent("2026-10-05", study=None, policy="https://hospital.example/policies/HBV-07", id="own")
    record = bundle(patient(), own, SURFACE_ANTIGEN, PLATELETS, opinion(False))
    (tmp_path / "record.json").write_bytes(as_json(record))
    row = "second-trial,p1,PEG,2026-11-22T08:00:00+08:00,R-1,Practitioner/dr-1"
    (tmp_path / "rows.csv").write_text(f"study,patient,arm,assigned_at,allocation_id,recorded_by\n{row}\n")
    done = caller(monkeypatch, capfdbinary)(
        "assign", tmp_path / "record.json", "--trial", FOLDER, "--assignments", tmp_path / "rows.csv",
        "--as-of", "2026-11-22", "--complete", "all", "--out", tmp_path / "out",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert "180 ug, subcutaneous, every 7 days, 48 times in 336 days" in done.out
