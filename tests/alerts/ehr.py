"""A hospital's record system and our service, which it calls over HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from adapter.alerts.answer import Desk
from adapter.alerts.app import Hooks, hooks_app
from adapter.alerts.service import desk_of
from adapter.alerts.services import prefetch_key
from adapter.alerts.serving import listening
from adapter.alerts.token import Door, door_of
from adapter.config import Config
from adapter.connection import Connection, HooksSection, ServerSection
from adapter.store.database import open_store
from adapter.sync.rules import Rules
from adapter.sync.start import rules_of

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
TRIAL = "ln-msc-il2"
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai on the as-of date of the examples."""


@dataclass
class Ehr:
    """What the record system sees of the service, and the service's own desk and clock."""

    base_url: str
    desk: Desk
    door: Door
    log: list[tuple[str, Json]]
    at: datetime = NOON
    headers: Json = field(default_factory=dict)

    def post(self, path: str, body: Any, **more: Any) -> requests.Response:
        """A POST of JSON, or of bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self.headers, **more.pop("headers", {})}
        return requests.post(self.base_url + path, data, headers=headers, timeout=30, **more)

    def call(
        self, hook: str, patient: str, prefetch: Json | None, user: str = "Practitioner/1", **more: Any
    ) -> requests.Response:
        """One call of a service; `context` and other members of the request by name."""
        context = {"userId": user, "patientId": patient, **more.pop("context", {})}
        body = {"hook": hook, "hookInstance": str(uuid4()), "context": context, **more}
        return self.post(
            f"/cds-services/{TRIAL}-{hook}", body | ({"prefetch": prefetch} if prefetch is not None else {})
        )

    def cards(
        self, hook: str, patient: str, prefetch: Json | None, user: str = "Practitioner/1", **more: Any
    ) -> list[Json]:
        """The cards of a call that has to be answered."""
        answer = self.call(hook, patient, prefetch, user, **more)
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()["cards"]
        return found

    def feedback(self, card: str, outcome: str, reason: str = "") -> None:
        """What a user made of a card."""
        why = {"overrideReason": {"reason": {"code": reason}, "userComment": "his own words"}} if reason else {}
        answer = {"card": card, "outcome": outcome, "outcomeTimestamp": "2026-11-22T04:00:00Z", **why}
        assert self.post(f"/cds-services/{TRIAL}-patient-view/feedback", {"feedback": [answer]}).status_code == 200

    def later(self, **by: float) -> None:
        """Moves the clock of the service."""
        self.at += timedelta(**by)


@lru_cache(maxsize=1)
def rules() -> Rules:
    """The shipped trial."""
    return rules_of(Config(), TRIAL)


@contextmanager
def running(
    folder: Path, at: datetime = NOON, base_url: str = "http://ehr.example/fhir", **hooks: Any
) -> Iterator[Ehr]:
    """The service on a port of its own; `hooks` are its settings."""
    section = HooksSection(**{"url": "https://trials.example", "cards_per_user": 1000, "cards_per_day": 1000, **hooks})
    settings = Connection(folder=folder, server=ServerSection(base_url=base_url), hooks=section)
    log: list[tuple[str, Json]] = []
    engine = open_store(f"sqlite:///{folder / 'store.db'}")
    desk = desk_of(settings, engine, rules())
    door = door_of(settings, lambda why: log.append(("call refused", {"why": why})))
    app = hooks_app(Hooks(desk, door, lambda event, **more: log.append((event, more))))
    with listening(app, "127.0.0.1", 0) as port:
        ehr = Ehr(f"http://127.0.0.1:{port}", desk, door, log, at)
        desk.now = lambda: ehr.at
        yield ehr
    engine.dispose()


@lru_cache(maxsize=20)
def resources(name: str) -> tuple[Json, ...]:
    """The resources of an example patient."""
    bundle = json.loads((ROOT / "examples" / "cohort" / f"{name}.json").read_text())
    return tuple(entry["resource"] for entry in bundle["entry"])


def prefetch_of(given: Any, without: tuple[str, ...] = ()) -> Json:
    """What an EHR sends along of a patient: everything of each type that is asked for."""
    found: Json = {}
    drugs = {f"Medication/{one['id']}": one for one in given if one["resourceType"] == "Medication"}
    for type_ in rules_types():
        mine = [_contained(one, drugs) for one in given if one["resourceType"] == type_]
        found[prefetch_key(type_)] = mine[0] if type_ == "Patient" else searchset(mine)
    return {key: value for key, value in found.items() if key not in without}


def rules_types() -> tuple[str, ...]:
    """The types that the shipped trial reads."""
    from adapter.sync.plan import types_read

    return types_read(rules().trial)


def searchset(found: list[Json], **more: Any) -> Json:
    """The answer to a search."""
    entries = [{"resource": one, "search": {"mode": "match"}} for one in found]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": entries, **more}


def _contained(resource: Json, drugs: dict[str, Json]) -> Json:
    """The record with its Medication inside it: a prefetch query has no room for others."""
    key = resource.get("medicationReference", {}).get("reference")
    if key not in drugs:
        return resource
    return {**resource, "contained": [{**drugs[key], "id": "drug"}], "medicationReference": {"reference": "#drug"}}


def candidate() -> tuple[Json, ...]:
    """A patient who fits but for her proteinuria, of which there is no result."""
    return tuple(one for one in resources("eligible") if "upcr" not in one["id"] and "protein" not in one["id"])
