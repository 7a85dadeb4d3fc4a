"""One story for every server that sends rest-hooks: something changes there, and the right patients are screened."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
import requests
from sqlalchemy import func, select

from adapter.alerts import queue
from adapter.alerts.notices import notices_app
from adapter.alerts.serving import listening
from adapter.alerts.subscribe import removed, subscribed
from adapter.alerts.worker import Worker
from adapter.connection import HooksSection, NotificationsSection
from adapter.store.database import transaction
from adapter.store.tables import screenings
from adapter.sync.run import Sync
from adapter.sync.screening import latest_of
from adapter.sync.start import connected
from tests.hapi.server import free_port
from tests.sync.site import Site

SECRET = "between-the-server-and-us"
JSON = {"Content-Type": "application/fhir+json"}
Resource = dict[str, Any]


@dataclass
class Told:
    """A site that is told by its server, at an address that can go away and come back."""

    site: Site
    folder: Path
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        (self.folder / "secret").write_text(SECRET)
        self.settings = msgspec.structs.replace(
            self.site.settings,
            hooks=HooksSection(url=f"http://127.0.0.1:{self.port}"),
            notifications=NotificationsSection(secret_file="secret"),
        )
        self.lines: list[tuple[str, Any]] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Our address, and the worker behind it."""
        worker = Worker(self._sync, Lock(), lambda event, **more: self.lines.append((event, more)))

        def enqueue(type_: str, resource: str) -> None:
            queue.enqueue_soon(self.site.engine, type_, resource, time.time_ns() // 1000)
            worker.woken.set()

        types = frozenset({*self._sync().types, "Medication"})
        app = notices_app(SECRET, types, enqueue, lambda *_, **__: None)
        with worker.working(), listening(app, "127.0.0.1", self.port):
            yield

    def _sync(self) -> Sync:
        return connected(self.settings, self.site.rules, self.site.engine, now=lambda: self.site.at)

    def subscribe(self) -> list[str]:
        """What became of each Subscription."""
        rows = subscribed(self.settings, self.site.rules, self.settings.hooks.url)
        assert all(row.is_active for row in rows), [row.line() for row in rows]
        return [row.done for row in rows]

    def unsubscribe(self) -> int:
        return len(list(removed(self.settings, self.site.rules)))

    def statuses(self) -> dict[str, tuple[int, str]]:
        """By patient: how often he was screened, and the truth of what he was screened for last."""
        with transaction(self.site.engine) as db:
            counted = select(screenings.c.patient, func.count()).group_by(screenings.c.patient)
            numbers: dict[str, int] = {row[0]: row[1] for row in db.execute(counted)}
            return {one.patient: (numbers[one.patient], one.status) for one in latest_of(db, "ln-msc-il2")}

    def waiting(self) -> int:
        with transaction(self.site.engine) as db:
            return queue.length(db)

    def put(self, resource: Resource) -> None:
        url = f"{self.site.base_url}/{resource['resourceType']}/{resource['id']}"
        assert requests.put(url, json=resource, headers=JSON, timeout=30).status_code in (200, 201)

    def delete(self, key: str) -> None:
        assert requests.delete(f"{self.site.base_url}/{key}", timeout=30).status_code in (200, 204)


def until(condition: Callable[[], bool], seconds: float = 60, told: Callable[[], object] = str) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, told()
        time.sleep(0.1)


RITUXIMAB: Resource = {
    "resourceType": "MedicationAdministration", "id": "told-rituximab", "status": "completed", "subject": {"reference": "Patient/eligible"},
    "effectiveDateTime": "2026-11-20", "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "L01FA01"}]},
}  # fmt: skip
STRANGER: Resource = {"resourceType": "Patient", "id": "told-stranger", "birthDate": "1990-01-01", "gender": "female"}
NEPHRITIS: Resource = {
    "resourceType": "Condition", "id": "told-ln", "subject": {"reference": "Patient/told-stranger"}, "onsetDateTime": "2024-01-01",
    "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "68815009"}]},
}  # fmt: skip
UPCR: Resource = {
    "resourceType": "Observation", "id": "told-upcr", "status": "final", "subject": {"reference": "Patient/eligible"},
    "effectiveDateTime": "2026-11-21", "code": {"coding": [{"system": "http://loinc.org", "code": "2890-2"}]},
    "valueQuantity": {"value": 0.2, "unit": "g/g", "system": "http://unitsofmeasure.org", "code": "g/g"},
}  # fmt: skip
PATIENT = "Patient/eligible"


def the_story(told: Told, *, tells_deletions: bool) -> None:
    """Create, update, delete; and nobody is screened who has nothing to do with it."""
    assert told.site.run() == ""
    before = told.statuses()
    assert before[PATIENT] == (1, "eligible")
    with told.listening():
        assert set(told.subscribe()) == {"created"} and set(told.subscribe()) == {"kept"}
        steps: list[tuple[Callable[[], None], int, str]] = [
            (lambda: told.put(RITUXIMAB), 2, "ineligible"),  # an administration
            (lambda: told.put(RITUXIMAB | {"status": "entered-in-error"}), 3, "eligible"),  # retracted
            (lambda: told.put(UPCR), 4, "undetermined"),  # a lab
            (lambda: told.put(_upcr("2.5")), 5, "eligible"),  # corrected
        ]
        for act, times, status in steps:
            act()
            until(
                lambda n=times, s=status: told.statuses()[PATIENT] == (n, s), told=lambda: (told.statuses(), told.lines)
            )
        told.delete("Observation/told-upcr")
        if not tells_deletions:
            told.site.run()
        until(lambda: told.statuses()[PATIENT][0] == 6, told=lambda: (told.statuses(), told.lines))
        told.put(STRANGER)
        told.put(NEPHRITIS)
        until(lambda: "Patient/told-stranger" in told.statuses(), told=lambda: (told.statuses(), told.lines))
    after = told.statuses()
    assert {name: row for name, row in after.items() if name not in (PATIENT, "Patient/told-stranger")} == {
        name: row for name, row in before.items() if name != PATIENT
    }, "nobody else was screened"


def away(told: Told, seconds: float) -> None:
    """Our address is away while something happens; nothing is lost, whether the server tries again or not."""
    times, _ = told.statuses()[PATIENT]
    told.put(RITUXIMAB | {"status": "completed"})
    time.sleep(seconds)
    with told.listening():
        told.site.run()  # the reconciliation finds what a server gave up on
        until(lambda: told.statuses()[PATIENT] == (times + 1, "ineligible"), told=lambda: (told.statuses(), told.lines))
        until(lambda: told.waiting() == 0)
    assert told.unsubscribe() > 10 and told.unsubscribe() == 0


def _upcr(value: str) -> Resource:
    return UPCR | {"valueQuantity": UPCR["valueQuantity"] | {"value": float(value)}}
