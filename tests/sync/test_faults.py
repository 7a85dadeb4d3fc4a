"""What servers and networks do: whatever is not read completely is a hole that shows, never a silence."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.sync import proxy as proxies
from tests.sync import sekmet
from tests.sync.load import load
from tests.sync.proxy import Answer, Asked, Fault, Proxy
from tests.sync.site import COHORT, Site, without_versions

HOUR = timedelta(hours=1)
NAMES = ("eligible", "rituximab-20-weeks", "upcr-mg-mmol")
Verdicts = dict[str, Any]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxies.running() as found, sekmet.running(tmp_path_factory.mktemp("server"), behind=found.url) as server:
        found.target = server
        load(server, [COHORT / f"{name}.json" for name in NAMES])
        yield found


@pytest.fixture(scope="module")
def undisturbed(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    proxy.fault = passing
    site = Site(f"{proxy.url}/fhir", tmp_path_factory.mktemp("undisturbed"), server=QUICK)
    assert site.run() == ""
    return site.verdicts()


QUICK: dict[str, Any] = {"page_size": 10, "retries": 4, "read_seconds": 5, "longest_wait_seconds": 30}


def passing(_: Asked, answer: Answer) -> Answer:
    return answer


def once(type_: str, number: int, change: Fault) -> Fault:
    """A fault of one request."""
    return lambda asked, answer: change(asked, answer) if (asked.type, asked.number) == (type_, number) else answer


def reset(_: Asked, answer: Answer) -> Answer:
    answer.cut = len(answer.body) // 2
    return answer


def truncated(_: Asked, answer: Answer) -> Answer:
    answer.body = answer.body[: len(answer.body) // 2]
    return answer


def error(status: int, **headers: str) -> Fault:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "exception", "diagnostics": "the disk is full"}],
    }

    def change(_: Asked, answer: Answer) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(status, {"Content-Type": "application/fhir+json", **named}, json.dumps(outcome).encode())

    return change


def drip(_: Asked, answer: Answer) -> Answer:
    answer.drip = 0.02
    return answer


def doubled(_: Asked, answer: Answer) -> Answer:
    page = json.loads(answer.body)
    if page.get("entry"):
        page["entry"] *= 2
        answer.body = json.dumps(page).encode()
    return answer


def other_total(_: Asked, answer: Answer) -> Answer:
    page = json.loads(answer.body)
    if "total" in page:
        page["total"] += 7
        answer.body = json.dumps(page).encode()
    return answer


def storm(type_: str, many: int) -> Fault:
    """The first `many` requests of a type are too many."""
    return lambda asked, answer: (
        error(429, Retry_After="0")(asked, answer) if asked.type == type_ and asked.number <= many else answer
    )


def in_an_hour(_: Asked, answer: Answer) -> Answer:
    answer.headers["Date"] = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    return answer


MENDED: dict[str, Fault] = {
    "a reset in the middle of a body": once("Observation", 1, reset),
    "a reset in the middle of page 2": once("Observation", 2, reset),
    "half of a JSON that calls itself whole": once("Observation", 2, truncated),
    "two storms of 429": storm("Observation", 3),
    "503 once, with a Retry-After": once("Condition", 1, error(503, Retry_After="1")),
    "a body that drips": once("Observation", 1, drip),
    "entries twice on a page": doubled,
    "a total that changes": other_total,
    "a clock that is 5 minutes ahead": in_an_hour,
}
"""Faults after which the answer is as if they had not been."""


@pytest.mark.parametrize("fault", MENDED.values(), ids=MENDED)
def test_what_can_be_mended_is_mended(proxy: Proxy, undisturbed: Verdicts, tmp_path: Path, fault: Fault) -> None:
    site = disturbed(proxy, tmp_path, fault)
    assert site.run() == ""
    assert site.verdicts() == undisturbed


HOLES: dict[str, tuple[str, Fault, str]] = {
    "403 for a type": ("MedicationAdministration", lambda a, b: error(403)(a, b) if a.type == "MedicationAdministration" else b, "403"),
    "500 on page 3": ("Observation", lambda a, b: error(500)(a, b) if a.type == "Observation" and "offset=20" in a.path else b, "500"),
    "the next page has expired": ("Observation", lambda a, b: error(410)(a, b) if a.type == "Observation" and "offset" in a.path else b, "410"),
    "429 without end": ("Procedure", lambda a, b: error(429, Retry_After="0")(a, b) if a.type == "Procedure" else b, "429"),
    "a reset every time": ("Procedure", lambda a, b: reset(a, b) if a.type == "Procedure" else b, "no whole answer"),
    "half a JSON every time": ("Procedure", lambda a, b: truncated(a, b) if a.type == "Procedure" else b, "no whole FHIR Bundle"),
    "a next page on another origin": (
        "Observation",
        lambda a, b: Answer(b.status, b.headers, b.body.replace(b'"relation":"next","url":"http://127.0.0.1', b'"relation":"next","url":"http://elsewhere.example')) if a.type == "Observation" else b,
        "another origin",
    ),
}  # fmt: skip
"""Faults that stay: the type that is not read, and what is told."""


@pytest.mark.parametrize(("type_", "fault", "told"), HOLES.values(), ids=HOLES)
def test_what_cannot_be_read_is_a_hole_that_shows(
    proxy: Proxy, undisturbed: Verdicts, tmp_path: Path, type_: str, fault: Fault, told: str
) -> None:
    site = disturbed(proxy, tmp_path, fault)
    outcome = site.run()
    assert type_ in outcome and told in outcome
    assert not any(name in outcome for name in NAMES), "no patient is named in what is told of a run"
    for patient, found in site.verdicts().items():
        assert any(issue["path"] == type_ and "not read completely" in issue["problem"] for issue in found["issues"])
        eased = {one["id"] for one in found["criteria"] if is_in_favour(one)}
        assert eased <= {one["id"] for one in undisturbed[patient]["criteria"] if is_in_favour(one)}
    assert "eligible" not in {one["status"] for one in site.verdicts().values()}
    proxy.fault = passing
    lasting = any(status in told for status in ("403", "410"))
    assert site.run(later=timedelta(hours=25 if lasting else 1)) == "", (
        "the hole is filled when the server answers again"
    )
    expected = Site(site.base_url, fresh(tmp_path), at=site.at, server=QUICK)
    expected.run()
    assert without_versions(site.verdicts()) == without_versions(expected.verdicts())


def test_a_type_that_may_be_read_no_more_is_known_no_longer(
    proxy: Proxy, undisturbed: Verdicts, tmp_path: Path
) -> None:
    site = disturbed(proxy, tmp_path, passing)
    site.run()
    assert site.verdicts() == undisturbed
    proxy.fault = HOLES["403 for a type"][1]
    assert "changes of MedicationAdministration: GET MedicationAdministration/_history: 403" in site.run(later=HOUR)
    for found in site.verdicts().values():
        assert any(issue["path"] == "MedicationAdministration" for issue in found["issues"])
    assert site.verdicts()["Patient/eligible"]["status"] == "undetermined"
    site.run(later=HOUR)
    assert site.screened == [], "told once, not in every run"


def test_a_server_that_is_not_there_changes_nothing(proxy: Proxy, tmp_path: Path) -> None:
    site = disturbed(proxy, tmp_path, passing)
    site.run()
    before = site.verdicts()
    proxy.fault = lambda _, answer: reset(_, answer)
    assert "no whole answer" in site.run(later=timedelta(hours=1))
    assert site.verdicts() == before


def is_in_favour(one: Any) -> bool:
    return bool(one["truth"] == ("yes" if one["kind"] == "inclusion" else "no"))


def disturbed(proxy: Proxy, folder: Path, fault: Fault) -> Site:
    """A fresh site behind the proxy."""
    proxy.seen.clear()
    proxy.fault = fault
    return Site(f"{proxy.url}/fhir", fresh(folder), server=QUICK)


def fresh(folder: Path) -> Path:
    found = folder / f"site{len(list(folder.iterdir()))}"
    found.mkdir()
    return found
