"""What the store remembers: why a verdict changed, and the same bytes a year later."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from adapter.config import Config
from adapter.connection import SyncSection
from adapter.errors import StoreError
from adapter.report.history import history_lines
from adapter.report.replay import replayed
from adapter.report.standing import Standing, standing, status_lines
from adapter.store.database import forget_pages, instant, transaction
from adapter.store.lock import only_one
from adapter.store.purge import purge_before, purge_patient
from adapter.sync import rules
from tests.sync.site import TRIAL, Site
from tests.sync.story import DIAGNOSIS, HOUR, LAB, RESOURCES, first

DAY = timedelta(days=1)
LITTLE = {"value": 0.4, "unit": "g/g", "system": "http://unitsofmeasure.org", "code": "g/g"}


def told(site: Site, patient: str) -> list[str]:
    with transaction(site.engine) as db:
        return [line.partition("  ")[2] for line in history_lines(db, TRIAL, f"Patient/{patient}")]


def now(site: Site) -> Standing:
    with transaction(site.engine) as db:
        return standing(db, TRIAL)


def bytes_differ(site: Site) -> list[str]:
    """The patients whose screening of now comes out different when it is made again."""
    with transaction(site.engine) as db:
        return [one.made.patient for one in replayed(db, TRIAL, instant(site.at + DAY)) if one.differences]


# --- why


def test_a_new_version_of_a_record_is_the_reason(site: Site) -> None:
    site.run()
    site.edit(LAB, valueQuantity=LITTLE)
    site.run(later=HOUR)
    assert told(site, "eligible") == [
        "eligible: first screening, as of 2026-11-22",
        "eligible -> undetermined",
        "inc-proteinuria: yes (above) -> unknown (no-data)",
        f"because {LAB} has changed, version 1 -> 2",
    ]


def test_a_deleted_record_is_the_reason(site: Site) -> None:
    site.run()
    site.delete(DIAGNOSIS)
    site.run(later=HOUR)
    assert f"because {DIAGNOSIS} is no longer on the server" in told(site, "bcc-excised")


def test_time_alone_is_the_reason_and_only_on_the_day(site: Site) -> None:
    site.run()
    changes = {patient: found["criteria"] for patient, found in site.verdicts().items()}
    first_day = min(one["changes_on"] for found in changes.values() for one in found if one["changes_on"])
    assert now(site).next_look == first_day
    due = sorted(p for p, found in changes.items() if any(one["changes_on"] == first_day for one in found))
    while (day := site.at.date().isoformat()) < first_day:
        assert site.run(later=DAY) == ""
        today = site.at.date().isoformat()
        assert site.screened == (due if today == first_day else []), (day, today)
    reasons = {line for patient in due for line in told(site, patient.removeprefix("Patient/")) if "because" in line}
    assert len(reasons) == 1 and reasons.pop().startswith("because time has passed: 2026-11-22 to ")


def test_a_reading_is_the_reason(site: Site, tmp_path: Path) -> None:
    site.run()
    site.readings = tmp_path / "readings.yaml"
    site.readings.write_text("- {id: proteinuria-days, in-force: 3, decided-by: Sponsor, decided-on: 2026-11-01}\n")
    site.run(later=HOUR)
    assert len(site.screened) == len(RESOURCES)
    assert "because a reading has changed" in told(site, "eligible")


def test_another_mapping_reads_everybody_again(site: Site, tmp_path: Path) -> None:
    site.run()
    site.config = Config(concept_maps=(concept_map(tmp_path),))
    site.run(later=HOUR)
    assert site.last is not None and site.last.counts["patients read whole"] == len(RESOURCES)
    assert len(site.screened) == len(RESOURCES)


def concept_map(folder: Path) -> Path:
    path = folder / "codes.json"
    path.write_text(
        json.dumps(
            {
                "resourceType": "ConceptMap", "id": "own", "url": "http://hospital.example/ConceptMap/own", "status": "active",
                "group": [{"source": "http://hospital.example/lab", "target": "http://loinc.org",
                           "element": [{"code": "X1", "target": [{"code": "2890-2", "equivalence": "equivalent"}]}]}],
            }
        )
    )  # fmt: skip
    return path


# --- again


def test_what_was_said_comes_out_again_byte_for_byte(site: Site, tmp_path: Path) -> None:
    site.run()
    old = site.verdicts()
    then = instant(site.at + timedelta(minutes=1))
    site.edit(LAB, valueQuantity=LITTLE)
    site.delete(DIAGNOSIS)
    site.edit("Patient/unit-missing", link=[{"other": {"reference": "Patient/upcr-mg-mmol"}, "type": "replaced-by"}])
    site.readings = tmp_path / "readings.yaml"
    site.readings.write_text("- {id: proteinuria-days, in-force: 3, decided-by: Sponsor, decided-on: 2026-11-01}\n")
    site.config = Config(concept_maps=(concept_map(tmp_path),))
    for _ in range(3):
        site.run(later=DAY)
    assert site.verdicts() != old
    with transaction(site.engine) as db:
        again = list(replayed(db, TRIAL, then))
    assert {one.made.patient: json.loads(one.document) for one in again} == old
    assert [one.differences for one in again] == [()] * len(old)
    assert bytes_differ(site) == []


def test_another_program_lists_what_differs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.run()
    monkeypatch.setattr("adapter.screen.program_version", lambda: "99")
    with transaction(site.engine) as db:
        found = list(replayed(db, TRIAL, instant(site.at + HOUR), "Patient/eligible"))
    assert [one.differences for one in found] == [("versions.program",)]


def test_rules_have_one_name_whatever_day_it_is(site: Site) -> None:
    assert rules.digest_of(site.rules) == rules.digest_of(site.rules)


# --- how it stands


def test_a_status_tells_the_run_the_figures_and_the_day(site: Site) -> None:
    assert list(status_lines(now(site), site.at)) == ["no run yet: trial-adapter sync --once"]
    site.run()
    found = now(site)
    assert (found.patients, found.unread, found.due, found.waiting, found.holes) == (len(RESOURCES), 0, 0, 0, {})
    assert sum(found.screened.values()) == len(RESOURCES) and found.problems == ()
    text = "\n".join(status_lines(found, site.at + timedelta(minutes=7)))
    assert "7 min since the records were read" in text and "12 new patients" in text


def test_one_run_at_a_time(site: Site) -> None:
    with only_one(site.engine), pytest.raises(StoreError, match="another sync"), only_one(site.engine):
        pass
    with only_one(site.engine):
        pass


# --- who could matter, and who does no more


def test_a_purge_leaves_nothing_of_a_patient(site: Site) -> None:
    site.run(write=True)
    with transaction(site.engine) as db:
        assert purge_patient(db, "Patient/eligible") > 30
    forget_pages(site.engine)
    site.engine.dispose()
    data = b"".join(path.read_bytes() for path in site.folder.glob("store.db*"))
    assert b"Patient/eligible" not in data and b"Patient/zh-only" in data


def test_a_purge_of_what_is_old_keeps_what_stands(site: Site) -> None:
    site.run()
    site.edit(LAB, valueQuantity=LITTLE)
    site.run(later=HOUR)
    before = site.verdicts()
    with transaction(site.engine) as db:
        assert purge_before(db, instant(site.at + DAY)) == 2, "the old version of the lab, the old screening"
    assert site.verdicts() == before and bytes_differ(site) == []


def test_without_history_a_deletion_shows_when_everything_is_read_again(site: Site) -> None:
    site.sync = SyncSection(history=False, reconcile_hours=24)
    site.run()
    site.edit(LAB, valueQuantity=LITTLE)
    site.delete(DIAGNOSIS)
    site.run(later=HOUR)
    assert site.screened == ["Patient/eligible"]
    site.run(later=DAY)
    assert "Patient/bcc-excised" in site.screened
    assert f"because {DIAGNOSIS} is no longer on the server" in told(site, "bcc-excised")


def test_a_medication_that_others_refer_to_changes_them(site: Site) -> None:
    site.run()
    site.edit("Medication/med-tac", code={"text": "rituximab"})
    site.run(later=HOUR)
    assert site.screened == ["Patient/tacrolimus-dose-change"]


Cohorts = Callable[[Site], set[str]]


def test_a_patient_who_comes_later_is_found(site: Site) -> None:
    site.run()
    site.put({"resourceType": "Patient", "id": "new", "gender": "female", "birthDate": "1990-05-01"})
    diagnosis = next(
        one for one in RESOURCES["eligible"] if f"Condition/{one['id']}" == first(site, "eligible", "Condition")
    )
    site.put({**diagnosis, "id": "new-ln", "subject": {"reference": "Patient/new"}})
    site.run(later=HOUR)
    assert site.screened == ["Patient/new"]
