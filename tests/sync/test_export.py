"""The first reading by Bulk Data `$export`: the verdicts of the files, a resume after a kill, and what is missing."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapter.connection import CohortSection, SyncSection
from tests.hapi.server import running
from tests.sync import proxy as proxies
from tests.sync import sekmet
from tests.sync.load import load
from tests.sync.proxy import Answer, Asked, Proxy
from tests.sync.site import COHORT, Site, without_versions
from tests.sync.story import HOUR, LAB, STORY
from tests.sync.test_kill import EXPORT, run

BY_EXPORT = SyncSection(export=True)
NAMES = ("eligible", "upcr-mg-mmol", "tacrolimus-dose-change")


def test_the_story_begins_with_an_export(site: Site) -> None:
    site.sync = BY_EXPORT
    for step in STORY:
        step(site)
    assert not list(site.folder.glob(".export-*")), "no file of it stays"


@pytest.mark.hapi
def test_the_story_begins_with_an_export_of_hapi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapter.sync.export._LONGEST_PAUSE", 1.0)  # it asks for two minutes, and needs two seconds
    with running(tmp_path / "data") as server:
        load(server.base_url, sorted(COHORT.iterdir()))
        site = Site(server.base_url, tmp_path, sync=BY_EXPORT)
        for step in STORY:
            step(site)


def test_it_is_done_once(site: Site) -> None:
    site.sync = BY_EXPORT
    site.run()
    assert site.last is not None and site.last.counts["patients read by export"] == 12
    site.run(later=HOUR)
    assert site.screened == [] and "patients read by export" not in site.last.counts


def test_everybody_is_everybody(site: Site) -> None:
    site.put({"resourceType": "Patient", "id": "nobody"})
    site.sync, site.cohort = BY_EXPORT, CohortSection(conditions="none", everybody=True)
    assert site.run() == "" and "Patient/nobody" in site.verdicts()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxies.running() as found, sekmet.running(tmp_path_factory.mktemp("server"), behind=found.url) as server:
        found.target = server
        load(server, [COHORT / f"{name}.json" for name in NAMES])
        yield found


@pytest.mark.parametrize("step", EXPORT)
def test_a_kill_costs_nothing_but_time(proxy: Proxy, tmp_path: Path, step: str) -> None:
    proxy.fault = lambda _, answer: answer
    base_url = f"{proxy.url}/fhir"
    expected = Site(base_url, folder(tmp_path, "undisturbed"))
    expected.run()
    killed = folder(tmp_path, "killed")
    assert run(base_url, killed, 0, step, ("export",)) == -signal.SIGKILL
    assert run(base_url, killed, 0, None, ("export",)) == 0
    site = Site(base_url, killed)
    assert without_versions(site.verdicts()) == without_versions(expected.verdicts())
    assert all(len(site.history(patient)) == 1 for patient in site.verdicts())
    assert not list(killed.glob(".export-*"))


def without_procedures(_: Asked, answer: Answer) -> Answer:
    """The manifest tells of an error."""
    if b"transactionTime" in answer.body:
        manifest = json.loads(answer.body)
        manifest["error"] = [{"type": "OperationOutcome", "url": manifest["output"][0]["url"]}]
        return Answer(answer.status, answer.headers, json.dumps(manifest).encode())
    return answer


def test_what_an_export_does_not_give_is_searched_for(proxy: Proxy, tmp_path: Path) -> None:
    proxy.fault = without_procedures
    site = Site(f"{proxy.url}/fhir", tmp_path, sync=BY_EXPORT)
    outcome = site.run()
    assert "note: Observation was not exported completely and is searched for" in outcome
    assert site.verdicts()["Patient/eligible"]["status"] == "eligible"


def test_a_server_without_export_is_told_and_read_by_search_when_it_is_switched_off(
    proxy: Proxy, tmp_path: Path
) -> None:
    proxy.fault = lambda asked, answer: (
        Answer(404, {}, b"") if "$export" in asked.path or "%24export" in asked.path else answer
    )
    site = Site(f"{proxy.url}/fhir", tmp_path, sync=BY_EXPORT)
    assert "$export: 404" in site.run() and site.verdicts() == {}
    site.sync = SyncSection()
    assert site.run(later=HOUR) == "" and len(site.verdicts()) == len(NAMES)


def folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def test_a_change_after_the_export_is_found(site: Site) -> None:
    site.sync = BY_EXPORT
    site.run()
    site.edit(LAB, status="entered-in-error")
    assert site.run(later=HOUR) == "" and site.screened == ["Patient/eligible"]
