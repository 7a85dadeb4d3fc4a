"""The example cohort: every patient is screened as examples/README.md tells, and for the reason that it tells."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import adapter
from adapter.eligibility.screening import Asked
from adapter.screen import screen_events, types_of
from adapter.sources.export import read

EXAMPLES = Path(__file__).parent.parent / "examples"
COHORT = EXAMPLES / "cohort"
AS_OF = date(2026, 11, 22)


@dataclass(frozen=True)
class Story:
    """What decides, by criterion: truth, reason, words of the explanation. Everything else is in favour."""

    status: str
    decides: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    eligible_from: str | None = None


STORIES = {
    "bcc-excised": Story("eligible"),
    "belimumab-ordered": Story(
        "undetermined", {"exc-biologic-or-jak": ("unknown", "ordered-only", "Belimumab 200 mg autoinjector")}
    ),
    "consent-other-study": Story("undetermined", {"inc-consent": ("unknown", "no-data", "for this study")}),
    "eligible": Story("eligible"),
    "hepatitis-b": Story(
        "ineligible", {"exc-severe-infection": ("yes", "positive", "surface antigen positive on 2026-11-12")}
    ),
    "man-without-sledai": Story(
        "undetermined", {"inc-sledai-2k": ("unknown", "no-data", "4 points proved so far (Proteinuria)")}
    ),
    "pregnant": Story(
        "ineligible",
        {
            "inc-pregnancy-tests": ("no", "positive", "Urine pregnancy test positive on 2026-11-16"),
            "exc-pregnant-or-lactating": ("yes", "on-record", "on 2026-11-17"),
        },
        "2027-09-28",
    ),
    "rituximab-20-weeks": Story(
        "ineligible",
        {"exc-b-cell-depletion": ("yes", "within-window", "Rituximab infusion on 2026-07-05")},
        "2026-12-21",
    ),
    "tacrolimus-dose-change": Story(
        "ineligible",
        {
            "exc-unstable-immunosuppressant": (
                "yes",
                "changed",
                "Tacrolimus changed from 2 mg a day to 4 mg a day",
            )
        },
        "2027-01-03",
    ),
    "unit-missing": Story(
        "undetermined", {"inc-proteinuria": ("unknown", "unit-unresolved", "the unit is missing or unknown")}
    ),
    "upcr-mg-mmol": Story(
        "ineligible", {"inc-proteinuria": ("no", "not-above", "0.884017 g/g on 2026-11-12 (written 100 mg/mmol)")}
    ),
    "zh-only": Story("eligible"),
}


def bundle(path: Path) -> dict[str, Any]:
    """A file of the cohort as a Bundle; the lines of an NDJSON file as its entries."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)
    entries = [{"resource": json.loads(line)} for line in text.splitlines()]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def screened(record: dict[str, Any]) -> dict[str, Any]:
    (screening,) = adapter.screen_bundle(record, adapter.load_trial(), as_of=AS_OF, complete="all")
    return screening.to_dict()


@cache
def screening_of(name: str) -> dict[str, Any]:
    return screened(bundle(next(COHORT.glob(f"{name}.*"))))


def not_in_favour(screening: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in screening["criteria"]:
        if one["truth"] != ("yes" if one["kind"] == "inclusion" else "no"):
            yield one


def test_every_file_of_the_cohort_has_a_story() -> None:
    assert sorted(path.stem for path in COHORT.iterdir()) == sorted(STORIES)


@pytest.mark.parametrize("name", STORIES)
def test_the_patient_is_screened_as_the_story_says(name: str) -> None:
    screening, story = screening_of(name), STORIES[name]
    assert screening["patient"] == f"Patient/{name}"
    assert (screening["status"], screening["eligible_from"]) == (story.status, story.eligible_from)
    assert not [issue for issue in screening["issues"] if issue["severity"] == "error"]


@pytest.mark.parametrize("name", STORIES)
def test_the_story_names_all_that_decides(name: str) -> None:
    found = {one["id"]: one for one in not_in_favour(screening_of(name))}
    told = {id: (one["truth"], one["reason"]) for id, one in found.items()}
    assert told == {id: (truth, reason) for id, (truth, reason, _) in STORIES[name].decides.items()}
    for id, (_, _, words) in STORIES[name].decides.items():
        assert words in found[id]["explanation"]


@pytest.mark.parametrize("name", STORIES)
def test_the_order_of_the_records_changes_nothing(name: str) -> None:
    record = bundle(next(COHORT.glob(f"{name}.*")))
    backwards = screened(record | {"entry": list(reversed(record["entry"]))})
    assert json.dumps(backwards) == json.dumps(screening_of(name))


@pytest.mark.parametrize("name", STORIES)
def test_without_declared_coverage_nobody_is_eligible(name: str) -> None:
    record = bundle(next(COHORT.glob(f"{name}.*")))
    (screening,) = adapter.screen_bundle(record, adapter.load_trial(), as_of=AS_OF)
    expected = "ineligible" if STORIES[name].status == "ineligible" else "undetermined"
    assert screening.status == expected


def test_the_folder_read_as_one_source_says_the_same_of_each() -> None:
    """Bundles and NDJSON side by side; several records of the Epic dialect share one Medication."""
    trial = adapter.load_trial()
    together = screen_events(read([str(COHORT)]), trial, Asked(AS_OF), complete=types_of("all"))
    found = {screening.patient: screening.to_dict() for screening in together}
    assert found == {f"Patient/{name}": screening_of(name) for name in STORIES}


def test_the_exempt_tumour_is_shown_as_evidence() -> None:
    result = next(one for one in screening_of("bcc-excised")["criteria"] if one["id"] == "exc-malignancy")
    assert (result["truth"], result["reason"]) == ("no", "exempt")
    assert "Condition/bcc-excised-bcc" in [evidence["reference"] for evidence in result["evidence"]]


def test_the_chinese_record_is_read_by_its_texts_and_national_codes_alone() -> None:
    text = (COHORT / "zh-only.json").read_text(encoding="utf-8")
    for system in ("loinc.org/", "snomed.info", "rxnorm", "whocc.no"):
        assert system not in text.replace("http://loinc.org", "", 1)  # its consent's category is coded in LOINC
    evidence = {one["id"]: [found["value"] for found in one["evidence"]] for one in screening_of("zh-only")["criteria"]}
    assert evidence["inc-lupus-nephritis"] == ["系统性红斑狼疮性肾炎"]
    assert "165 ｍｇ／ｍｍｏｌ" in evidence["inc-proteinuria"]


def test_the_page_tells_every_patient_and_the_status_that_he_gets() -> None:
    rows = [
        [cell.strip(" `*") for cell in line.strip("|").split("|")]
        for line in (EXAMPLES / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    assert {row[0]: row[3] for row in rows} == {
        name: story.status + (f" until {story.eligible_from}" if story.eligible_from else "")
        for name, story in STORIES.items()
    }
