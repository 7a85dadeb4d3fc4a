"""What every server must bear out: read, screened, changed, merged, written, written again. One server, step by step."""

from datetime import timedelta
from typing import Any

from tests.sync.load import resources_of
from tests.sync.site import COHORT, Site, from_files, without_versions

HOUR = timedelta(hours=1)
RESOURCES = {path.stem: resources_of(path) for path in sorted(COHORT.iterdir())}
ALL = sorted(f"Patient/{name}" for name in RESOURCES)
LAB = "Observation/eligible-upcr-2026-11-12"
TAC = "MedicationRequest/tacrolimus-dose-change-tac-2mg"
DIAGNOSIS = "Condition/bcc-excised-ln"


def status(site: Site) -> dict[str, str]:
    """Patient -> status."""
    return {key.removeprefix("Patient/"): one["status"] for key, one in site.verdicts().items()}


def a_server_gives_the_verdicts_that_its_files_give(site: Site) -> None:
    assert site.run() == ""
    for name, resources in RESOURCES.items():
        expected = from_files(resources, site.rules)[f"Patient/{name}"]
        assert without_versions(site.verdicts()[f"Patient/{name}"]) == without_versions(expected), name
    assert sorted(site.verdicts()) == ALL == site.screened


def without_news_nobody_is_screened(site: Site) -> None:
    assert site.run(later=HOUR) == ""
    assert site.screened == []


def a_changed_lab_screens_its_patient_alone(site: Site) -> None:
    little = {"valueQuantity": {"value": 0.4, "unit": "g/g", "system": "http://unitsofmeasure.org", "code": "g/g"}}
    site.edit(LAB, **little)
    assert site.run(later=HOUR) == ""
    assert site.screened == ["Patient/eligible"] and status(site)["eligible"] == "undetermined"
    agrees(site, "eligible", {LAB: little})


def a_retracted_drug_screens_its_patient_alone(site: Site) -> None:
    site.edit(TAC, status="entered-in-error")
    assert site.run(later=HOUR) == ""
    assert site.screened == ["Patient/tacrolimus-dose-change"]
    agrees(site, "tacrolimus-dose-change", {TAC: {"status": "entered-in-error"}})


def a_deleted_diagnosis_screens_its_patient_alone(site: Site) -> None:
    site.delete(DIAGNOSIS)
    assert site.run(later=HOUR) == ""
    assert site.screened == ["Patient/bcc-excised"]
    agrees(site, "bcc-excised", {DIAGNOSIS: None})


def merged_patients_are_screened_as_one(site: Site) -> None:
    into = {"other": {"reference": "Patient/upcr-mg-mmol"}, "type": "replaced-by"}
    site.edit("Patient/unit-missing", link=[into])
    assert site.run(later=HOUR) == ""
    assert site.screened == ["Patient/upcr-mg-mmol"]
    issues = [issue["problem"] for issue in site.verdicts()["Patient/upcr-mg-mmol"]["issues"]]
    assert "screened as one with Patient/unit-missing" in issues


def what_is_written_is_there_and_is_written_once(site: Site) -> None:
    assert site.run(write=True, later=HOUR) == ""
    subjects = [f"ResearchSubject/{one}" for one in subject_ids(site)]
    statuses = {str((site.get(key) or {}).get("status")) for key in subjects}
    assert statuses <= {"screening", "eligible", "ineligible"} and len(subjects) == len(ALL) - 1
    before = [site.get(key) for key in subjects]
    assert site.run(write=True, later=HOUR) == ""
    assert site.run(write=True, later=HOUR) == ""
    assert site.last is not None and "resources written" not in site.last.counts
    assert [site.get(key) for key in subjects] == before


def what_a_person_changes_stays(site: Site) -> None:
    (key,) = [
        f"ResearchSubject/{one}"
        for one in subject_ids(site)
        if site.get(f"ResearchSubject/{one}")["individual"]["reference"] == "Patient/zh-only"  # type: ignore[index]
    ]
    site.edit(key, identifier=[*site.get(key)["identifier"], {"system": "urn:log", "value": "17"}])  # type: ignore[index]
    site.delete(first(site, "zh-only", "Consent"))
    outcome = site.run(write=True, later=HOUR)
    found = site.get(key)
    assert found is not None and found["status"] == "screening", outcome
    assert {"system": "urn:log", "value": "17"} in found["identifier"]


STORY = (
    a_server_gives_the_verdicts_that_its_files_give,
    without_news_nobody_is_screened,
    a_changed_lab_screens_its_patient_alone,
    a_retracted_drug_screens_its_patient_alone,
    a_deleted_diagnosis_screens_its_patient_alone,
    merged_patients_are_screened_as_one,
    what_is_written_is_there_and_is_written_once,
    what_a_person_changes_stays,
)


def agrees(site: Site, name: str, changes: dict[str, dict[str, Any] | None]) -> None:
    """What the store says is what `screen` says of the example's file with these changes; None takes one out."""
    changed = [
        {**one, **(changes.get(key, {}) or {})}
        for one in RESOURCES[name]
        if changes.get(key := f"{one['resourceType']}/{one['id']}", {}) is not None
    ]
    expected = from_files(changed, site.rules)[f"Patient/{name}"]
    assert without_versions(site.verdicts()[f"Patient/{name}"]) == without_versions(expected)


def first(site: Site, name: str, type_: str) -> str:
    """The first resource of a type of an example."""
    return next(f"{type_}/{one['id']}" for one in RESOURCES[name] if one["resourceType"] == type_)


def subject_ids(site: Site) -> list[str]:
    """The ids of the ResearchSubjects on the List of candidates, and of the others that were written."""
    from sqlalchemy import select

    from adapter.store.database import transaction
    from adapter.store.tables import written

    with transaction(site.engine) as db:
        keys = [row.reference for row in db.execute(select(written.c.reference))]
    return sorted(key.partition("/")[2] for key in keys if key.startswith("ResearchSubject/"))
