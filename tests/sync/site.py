"""A site with a server, a store and a clock of its own, and what the tests ask of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import requests
from sqlalchemy import Engine

from adapter.config import Config
from adapter.connection import AuthSection, CohortSection, Connection, ServerSection, SyncSection
from adapter.screen import screen_bundle
from adapter.store.database import open_store, transaction
from adapter.sync.rules import Rules
from adapter.sync.run import Sync
from adapter.sync.screening import history_of, latest_of
from adapter.sync.start import carry_out, connected, rules_of

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
COHORT = ROOT / "examples" / "cohort"
TRIAL = "ln-msc-il2"
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai on the as-of date of the examples."""


@dataclass
class Site:
    """A hospital: `at` is its clock, which the tests move."""

    base_url: str
    folder: Path
    store: str = ""
    cohort: CohortSection = field(default_factory=lambda: CohortSection(conditions="all"))
    sync: SyncSection = field(default_factory=SyncSection)
    auth: AuthSection = field(default_factory=AuthSection)
    server: dict[str, Any] = field(default_factory=dict)
    config: Config = field(default_factory=Config)
    at: datetime = NOON
    readings: Path | None = None

    def __post_init__(self) -> None:
        self.engine: Engine = open_store(self.store or f"sqlite:///{self.folder / 'store.db'}")
        self.last: Sync | None = None

    @property
    def settings(self) -> Connection:
        server = ServerSection(base_url=self.base_url, **{"page_size": 25, "threads": 4, **self.server})
        return Connection(folder=self.folder, server=server, auth=self.auth, cohort=self.cohort, sync=self.sync)

    @property
    def rules(self) -> Rules:
        return rules_of(self.config, TRIAL, self.readings)

    def run(self, *, write: bool = False, later: timedelta = timedelta(0)) -> str:
        """One run; what it came to. The server keeps its own time, ours only decides the day and the instants."""
        self.at += later
        self.last = connected(self.settings, self.rules, self.engine, write=write, now=lambda: self.at)
        return carry_out(self.last, self.config)

    @property
    def screened(self) -> list[str]:
        """Who was screened in the last run."""
        assert self.last is not None
        return sorted(one.patient for one in self.last.screened)

    def verdicts(self) -> dict[str, Any]:
        """The latest screening of every patient, as JSON."""
        with transaction(self.engine) as db:
            return {one.patient: json.loads(one.document) for one in latest_of(db, TRIAL)}

    def history(self, patient: str) -> list[Any]:
        """Every screening of a patient."""
        with transaction(self.engine) as db:
            return [json.loads(one.document) for one in history_of(db, TRIAL, patient)]

    # --- the server, as others use it

    def get(self, key: str) -> Json | None:
        """A resource, None where it is not there."""
        answer = requests.get(f"{self.base_url}/{key}", headers={"Cache-Control": "no-cache"}, timeout=60)
        return answer.json() if answer.status_code == 200 else None

    def put(self, resource: Json) -> None:
        """Writes a resource as the hospital would."""
        url = f"{self.base_url}/{resource['resourceType']}/{resource['id']}"
        answer = requests.put(url, json=resource, headers={"Content-Type": "application/fhir+json"}, timeout=60)
        assert answer.status_code in (200, 201), answer.text[:500]

    def edit(self, key: str, **elements: Any) -> None:
        """Changes elements of a resource; None takes one away."""
        found = self.get(key)
        assert found is not None, key
        changed = {**found, **elements}
        self.put({name: value for name, value in changed.items() if value is not None})

    def delete(self, key: str) -> None:
        """Deletes a resource."""
        assert requests.delete(f"{self.base_url}/{key}", timeout=60).status_code in (200, 204)


def from_files(resources: Iterable[Json], rules: Rules, day: datetime = NOON) -> dict[str, Any]:
    """What `screen` says of the same records in one file that is complete."""
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    found = screen_bundle(
        json.dumps(bundle).encode(), rules.trial, as_of=day.astimezone(rules.zone).date(), complete=["all"]
    )
    return {one.patient: json.loads(msgspec.json.encode(one.to_dict())) for one in found}


def without_versions(value: Any) -> Any:
    """Without the versions that the server counts."""
    if isinstance(value, dict):
        return {key: without_versions(one) for key, one in value.items() if key != "version"}
    return [without_versions(one) for one in value] if isinstance(value, list) else value
