"""kill -9 at every named step, then once more without it: nothing lost, nothing doubled, the same in the end."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from adapter.store.database import transaction
from adapter.store.tables import outbox, written
from tests.sync import sekmet
from tests.sync.load import load
from tests.sync.site import COHORT, NOON, ROOT, Site, without_versions

NAMES = ("eligible", "upcr-mg-mmol", "tacrolimus-dose-change")
LAB = "Observation/eligible-upcr-2026-11-12"
DRUG = "MedicationRequest/tacrolimus-dose-change-tac-2mg"
ALL_STEPS = sorted(
    set(re.findall(r'reached\("([a-z-]+)"\)', "".join(p.read_text() for p in (ROOT / "adapter" / "sync").glob("*.py"))))
)
EXPORT = [step for step in ALL_STEPS if step.startswith("export-")]
STEPS = [step for step in ALL_STEPS if step not in EXPORT]
LATER = ("read-page:7", "read-searched:11", "screen-committed:2", "write-sent:3", "write-written:2", "write-done:2")
"""Steps that are passed often, killed in the middle."""
State = dict[str, Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sekmet.running(tmp_path_factory.mktemp("server")) as base_url:
        load(base_url, [COHORT / f"{name}.json" for name in NAMES])
        yield base_url


@pytest.fixture(scope="module")
def undisturbed(server: str, tmp_path_factory: pytest.TempPathFactory) -> State:
    """What stands in store and server at the end when nobody kills anything."""
    return lived_through(server, tmp_path_factory.mktemp("undisturbed"), None)


def run(base_url: str, folder: Path, hour: int, failpoint: str | None, more: tuple[str, ...] = ()) -> int:
    """One run, as a process; its exit code."""
    at = (NOON + timedelta(hours=hour)).isoformat()
    own = {"PYTHONPATH": str(ROOT), **({"TRIAL_ADAPTER_FAILPOINT": failpoint} if failpoint else {})}
    command = [sys.executable, "-m", "tests.sync.once", base_url, str(folder), at, *more]
    done = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr[-2000:]
    assert done.returncode or done.stdout.strip() == "", done.stdout
    return done.returncode


def lived_through(base_url: str, folder: Path, failpoint: str | None) -> State:
    """A first run, a changed lab and a deleted drug, a second run. Each is killed, and taken up again."""
    clean(base_url)
    load(base_url, [COHORT / f"{name}.json" for name in NAMES])
    site = Site(base_url, folder)
    killed = 0
    for hour in (0, 1):
        if hour:
            little = {"value": 0.4, "unit": "g/g", "system": "http://unitsofmeasure.org", "code": "g/g"}
            site.edit(LAB, valueQuantity=little)
            site.delete(DRUG)
        if run(base_url, folder, hour, failpoint):
            killed += 1
            assert run(base_url, folder, hour, None) == 0
    assert failpoint is None or killed, f"{failpoint} was never passed"
    return state(site)


def clean(base_url: str) -> None:
    """Takes away what earlier rounds wrote."""
    for type_ in ("List", "GuidanceResponse", "ResearchSubject"):
        while entries := everything(base_url, type_):
            for resource in entries:
                assert requests.delete(f"{base_url}/{type_}/{resource['id']}", timeout=60).status_code in (200, 204)


def everything(base_url: str, type_: str) -> list[Any]:
    answer = requests.get(f"{base_url}/{type_}?_count=50", headers={"Cache-Control": "no-cache"}, timeout=60).json()
    return [entry["resource"] for entry in answer.get("entry", [])]


def state(site: Site) -> State:
    """Every screening, and every resource that was written, without what the server counts."""
    with transaction(site.engine) as db:
        keys = sorted(row.reference for row in db.execute(select(written.c.reference)))
        waiting = db.execute(select(func.count()).select_from(outbox)).scalar()
    found = {key: without_meta(site.get(key)) for key in keys}
    return {
        "screenings": {f"Patient/{name}": without_versions(site.history(f"Patient/{name}")) for name in NAMES},
        "written": found,
        "lists": [without_meta(one) for one in everything(site.base_url, "List")],
        "waiting": waiting,
    }


def without_meta(resource: Any) -> Any:
    return {key: value for key, value in (resource or {}).items() if key != "meta"}


def test_there_are_steps_enough() -> None:
    assert len(STEPS) >= 25


@pytest.mark.parametrize("step", [*STEPS, *LATER])
def test_a_kill_costs_nothing_but_time(server: str, undisturbed: State, tmp_path: Path, step: str) -> None:
    assert undisturbed["waiting"] == 0 and len(undisturbed["lists"]) == 1 and all(undisturbed["written"].values())
    assert lived_through(server, tmp_path, step) == undisturbed
