"""What is written to a server, and what of people's stays there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapter.report.standing import standing
from adapter.resources.merge import merged
from adapter.resources.shape import is_untouched, sealed
from adapter.store.database import transaction
from adapter.sync import writing
from tests.hapi.server import running
from tests.sync import proxy as proxies
from tests.sync import sekmet
from tests.sync.load import load
from tests.sync.proxy import Answer, Asked, Proxy
from tests.sync.site import COHORT, TRIAL, Site
from tests.sync.story import HOUR, LAB, subject_ids

LITTLE = {"value": 0.4, "unit": "g/g", "system": "http://unitsofmeasure.org", "code": "g/g"}
LOG = {"system": "urn:log", "value": "17"}


def subject_of(site: Site, patient: str) -> Any:
    """The ResearchSubject of a patient, as the server has it."""
    found = [site.get(f"ResearchSubject/{one}") for one in subject_ids(site)]
    (one,) = [one for one in found if one and one["individual"]["reference"] == f"Patient/{patient}"]
    return one


def the_list(site: Site) -> Any:
    from adapter.resources.names import candidates

    return site.get(candidates(site.rules.trial))


def race(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A person edits the subject between our reading and our writing, once."""
    happened: list[str] = []
    real = writing.reached

    def reached(name: str) -> None:
        if name == "write-send" and not happened and site.last is not None and site.last.screened:
            happened.append(name)
            one = subject_of(site, "eligible")
            site.put({**one, "identifier": [*one["identifier"], LOG]})
        real(name)

    monkeypatch.setattr(writing, "reached", reached)
    return happened


def an_edit_in_between_is_met_and_merged(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.run(write=True) == "" and subject_of(site, "eligible")["status"] == "eligible"
    site.edit(LAB, valueQuantity=LITTLE)
    happened = race(site, monkeypatch)
    outcome = site.run(write=True, later=HOUR)
    assert (
        happened
        and outcome.startswith("note: ")
        and outcome.endswith(" identifier was changed on the server and stays")
    )
    found = subject_of(site, "eligible")
    assert found["status"] == "screening" and LOG in found["identifier"]


def test_an_edit_in_between_is_met_and_merged(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    an_edit_in_between_is_met_and_merged(site, monkeypatch)


@pytest.mark.hapi
def test_an_edit_in_between_is_met_and_merged_on_hapi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running() as server:  # its own, since what others wrote of this patient would be left alone
        load(server.base_url, [COHORT / "eligible.json"])
        an_edit_in_between_is_met_and_merged(Site(server.base_url, tmp_path), monkeypatch)


@pytest.mark.parametrize("status", ["pending-on-study", "on-study", "withdrawn", "off-study"])
def test_whom_a_person_moved_on_is_left_alone(site: Site, status: str) -> None:
    site.run(write=True)
    one = subject_of(site, "eligible")
    site.put({**one, "status": status})
    site.edit(LAB, valueQuantity=LITTLE)
    for _ in range(2):
        assert site.run(write=True, later=HOUR) == ""
        assert subject_of(site, "eligible")["status"] == status


def test_a_status_that_a_person_set_stays_and_is_told(site: Site) -> None:
    site.run(write=True)
    one = subject_of(site, "eligible")
    site.put({**one, "status": "candidate"})
    site.edit(LAB, valueQuantity=LITTLE)
    outcome = site.run(write=True, later=HOUR)
    assert f"note: ResearchSubject/{one['id']} status was changed on the server and stays" in outcome
    assert subject_of(site, "eligible")["status"] == "candidate"


def test_the_list_keeps_what_people_wrote_and_flags_who_drops_out(site: Site) -> None:
    site.run(write=True)
    held = the_list(site)
    key = f"ResearchSubject/{subject_of(site, 'eligible')['id']}"
    entries = {entry["item"]["reference"]: entry for entry in held["entry"]}
    assert key in entries and "flag" not in entries[key]
    site.put({**held, "note": [{"text": "called on Monday"}]})
    site.edit("Patient/eligible", birthDate="2015-05-01")
    assert site.run(write=True, later=HOUR) == ""
    found = the_list(site)
    entries = {entry["item"]["reference"]: entry for entry in found["entry"]}
    assert found["note"] == [{"text": "called on Monday"}] and "flag" in entries[key]


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    folder = tmp_path / "server"
    folder.mkdir()
    with proxies.running() as found, sekmet.running(folder, behind=found.url) as server:
        found.target = server
        load(server, [COHORT / f"{name}.json" for name in ("eligible", "zh-only", "upcr-mg-mmol")])
        yield found


def test_a_patient_whom_the_server_refuses_waits_and_the_others_do_not(proxy: Proxy, tmp_path: Path) -> None:
    site = Site(f"{proxy.url}/fhir", tmp_path)
    posts = 0

    def refuse_the_second(asked: Asked, answer: Answer) -> Answer:
        nonlocal posts
        if asked.method == "POST" and asked.path.rstrip("/") == "/fhir":
            posts += 1
        return (
            Answer(422, {}, b"")
            if posts == 2 and asked.method == "POST" and asked.path.rstrip("/") == "/fhir"
            else answer
        )

    proxy.fault = refuse_the_second
    assert "writing: POST the base: 422" in site.run(write=True)
    with transaction(site.engine) as db:
        found = standing(db, TRIAL)
    assert found.waiting == 1 and found.refused == ("POST the base: 422",)
    proxy.fault = lambda _, answer: answer
    assert site.run(write=True, later=HOUR) == ""
    with transaction(site.engine) as db:
        assert standing(db, TRIAL).waiting == 0
    assert len(subject_ids(site)) == 3 and len(the_list(site)["entry"]) == 2


def test_a_run_without_write_changes_nothing_on_the_server(site: Site) -> None:
    site.run()
    assert the_list(site) is None and site.get("ResearchStudy/ln-msc-il2") is None


# --- the merge itself: what this program wrote last, what stands there, what it would write


def subject(**elements: Any) -> Any:
    return sealed({"resourceType": "ResearchSubject", "id": "s", "status": "screening", **elements})


MERGES: list[tuple[str, Any, Any, Any, dict[str, Any], tuple[str, ...]]] = [
    ("nobody changed anything", subject(), subject(), subject(status="eligible"), {"status": "eligible"}, ()),
    (
        "a person moved the status",
        subject(),
        subject(status="candidate"),
        subject(status="eligible"),
        {"status": "candidate"},
        ("status",),
    ),
    (
        "a person moved it to where we would",
        subject(),
        subject(status="eligible"),
        subject(status="eligible"),
        {"status": "eligible"},
        (),
    ),
    (
        "a person added an element",
        subject(),
        subject(actualArm="MSC"),
        subject(status="eligible"),
        {"status": "eligible", "actualArm": "MSC"},
        ("actualArm",),
    ),
    (
        "a person took one away",
        subject(consent="c"),
        subject(),
        subject(consent="c"),
        {"status": "screening"},
        ("consent",),
    ),
    ("we take one away", subject(consent="c"), subject(consent="c"), subject(), {"status": "screening"}, ()),
    (
        "both changed the same",
        subject(consent="a"),
        subject(consent="b"),
        subject(consent="c"),
        {"consent": "b"},
        ("consent",),
    ),
    ("numbers in another spelling", subject(n=1), subject(n="1"), subject(n=2), {"n": 2}, ()),
]


@pytest.mark.parametrize(("says", "base", "theirs", "ours", "expected", "kept"), MERGES, ids=[one[0] for one in MERGES])
def test_people_win_and_are_told(
    says: str, base: Any, theirs: Any, ours: Any, expected: dict[str, Any], kept: tuple[str, ...]
) -> None:
    found, told = merged(base, theirs, ours)
    assert told == kept and is_untouched(found)
    assert {name: found[name] for name in expected} == expected
    assert set(found) == {"resourceType", "id", "extension", "status", *expected}


def test_an_extension_of_theirs_stays_beside_our_digest() -> None:
    own = {"url": "urn:own", "valueString": "x"}
    theirs = dict(subject())
    theirs["extension"] = [*theirs["extension"], own]
    found, told = merged(subject(), theirs, subject(status="eligible"))
    assert own in found["extension"] and len(found["extension"]) == 2 and told == ("extension",) and is_untouched(found)  # type: ignore[operator,arg-type]
