"""kill -9 against HAPI FHIR JPA, and of HAPI itself."""

import dataclasses
from pathlib import Path

import pytest

from tests.hapi.server import running
from tests.sync.load import load
from tests.sync.site import COHORT, Site
from tests.sync.test_kill import NAMES, lived_through

pytestmark = pytest.mark.hapi
STEPS = ("whole-learned", "write-sent:2", "write-done")


def test_a_kill_costs_nothing_but_time(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        load(server.base_url, [COHORT / f"{name}.json" for name in NAMES])
        undisturbed = lived_through(server.base_url, folder(tmp_path, "undisturbed"), None)
        assert undisturbed["waiting"] == 0 and len(undisturbed["lists"]) == 1 and all(undisturbed["written"].values())
        for step in STEPS:
            assert lived_through(server.base_url, folder(tmp_path, step), step) == undisturbed, step


def test_a_server_that_is_killed_comes_back_with_what_was_written(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        load(server.base_url, [COHORT / f"{name}.json" for name in NAMES])
        site = Site(server.base_url, folder(tmp_path, "site"), server={"retries": 1})
        assert site.run(write=True) == ""
        before = site.verdicts()
        server.kill()
        assert "no whole answer" in site.run(write=True)
        assert site.verdicts() == before
    with running(tmp_path / "data") as server:
        again = dataclasses.replace(site, base_url=server.base_url)
        assert again.run(write=True) == "" and again.last is not None
        assert "resources written" not in again.last.counts and again.verdicts() == before


def folder(parent: Path, name: str) -> Path:
    made = parent / name.replace(":", "-")
    made.mkdir()
    return made
