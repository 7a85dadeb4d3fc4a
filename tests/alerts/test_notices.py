"""Notifications are hints: acknowledged at once, kept until they are read back, worth nothing if forged."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from adapter.alerts import queue
from adapter.alerts.notices import HEADER, notices_app
from adapter.alerts.serving import check_address, is_loopback, listening
from adapter.connection import Caller, Connection, HooksSection, ServerSection
from adapter.errors import UsageError
from adapter.store.database import open_store, transaction
from tests.alerts.told import PATIENT, RITUXIMAB, SECRET, Told, away, the_story, until
from tests.sync import sekmet
from tests.sync.load import load
from tests.sync.site import COHORT, Site


@pytest.fixture
def noted() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def address(noted: list[tuple[str, str]]) -> Iterator[str]:
    app = notices_app(SECRET, frozenset({"Observation"}), lambda *what: noted.append(what), lambda *_, **__: None)
    with listening(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/notifications"


ROWS = [
    ("PUT", "Observation/Observation/o1", b'{"resourceType": "Observation"}', 204, [("Observation", "o1")]),
    ("POST", "Observation/Observation/o1", b"{}", 204, [("Observation", "o1")]),
    ("DELETE", "Observation/Observation/o1", b"", 204, [("Observation", "o1")]),
    ("POST", "Observation", b"", 204, [("Observation", "")]),
    ("PUT", "Observation/Observation/o1", b"no JSON at all", 204, [("Observation", "o1")]),
    ("PUT", "Observation/Patient/p1", b"{}", 404, []),
    ("PUT", "Observation/Observation/a b", b"{}", 404, []),
    ("PUT", f"Observation/Observation/{'x' * 65}", b"{}", 404, []),
    ("POST", "Binary", b"", 404, []),
    ("GET", "Observation", b"", 405, []),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "kept"), ROWS)
def test_what_is_taken(
    address: str,
    noted: list[tuple[str, str]],
    method: str,
    path: str,
    body: bytes,
    status: int,
    kept: list[tuple[str, str]],
) -> None:
    answer = requests.request(method, f"{address}/{path}", data=body, headers={HEADER: SECRET}, timeout=10)
    assert (answer.status_code, noted) == (status, kept)
    assert answer.content == b"" or status != 204


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", "ä"])
def test_without_the_secret_nothing_is_taken(address: str, noted: list[tuple[str, str]], secret: str | None) -> None:
    headers = {} if secret is None else {HEADER: secret.encode().decode("latin-1")}
    answer = requests.put(f"{address}/Observation/Observation/o1", b"{}", headers=headers, timeout=10)
    assert (answer.status_code, noted) == (401, [])


def test_a_thing_waits_once_and_a_telling_during_the_reading_counts(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 's.db'}")
    for at in (1, 2, 3):
        queue.enqueue_soon(engine, "Observation", "o1", at)
    with transaction(engine) as db:
        (row,) = queue.next_rows(db, 10)
    queue.enqueue_soon(engine, "Observation", "o1", 4)
    with transaction(engine) as db:
        queue.settle(db, row)
        assert queue.length(db) == 1, "told again while it was read"
        (row,) = queue.next_rows(db, 10)
        queue.settle(db, row)
        assert queue.length(db) == 0
    engine.dispose()


def test_what_cannot_be_read_back_is_given_up_in_the_end(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 's.db'}")
    queue.enqueue_soon(engine, "Observation", "o1", 1)
    for left in [1] * (queue.MOST_ATTEMPTS - 1) + [0]:
        with transaction(engine) as db:
            queue.postpone(db, queue.next_rows(db, 1)[0])
            assert queue.length(db) == left
    engine.dispose()


@pytest.mark.parametrize(
    ("host", "callers", "said", "works"),
    [("127.0.0.1", (), False, True), ("::1", (), False, True), ("localhost", (), False, True), ("0.0.0.0", (), False, False),
     ("10.0.0.1", (), False, False), ("hospital.example", (), False, False), ("0.0.0.0", (), True, True),
     ("0.0.0.0", (Caller(issuer="i", keys="k"),), False, True)],
)  # fmt: skip
def test_nobody_answers_strangers_by_accident(host: str, callers: tuple[Caller, ...], said: bool, works: bool) -> None:
    settings = Connection(folder=Path(), server=ServerSection(base_url="http://x"), hooks=HooksSection(callers=callers))
    try:
        check_address(settings, host, open_to_all=said)
        assert works
    except UsageError as error:
        assert not works and "--no-authentication" in str(error)
    assert is_loopback(host) == (host in ("127.0.0.1", "::1", "localhost"))


# --- sekmet-fhir sends its rest-hooks ---


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with sekmet.running(tmp_path) as base_url:
        load(base_url, sorted(COHORT.iterdir()))
        yield Told(Site(base_url, tmp_path), tmp_path)


def test_the_story(told: Told) -> None:
    the_story(told, tells_deletions=False)
    away(told, 3)


def test_of_many_tellings_the_last_word_counts(told: Told) -> None:
    """A verdict turned to and fro, told twice each time and out of order."""
    assert told.site.run() == ""
    with told.listening():
        url = f"http://127.0.0.1:{told.port}/notifications/MedicationAdministration/MedicationAdministration/told-rituximab"
        for number in range(41):
            told.put(RITUXIMAB | {"status": "completed" if number % 2 == 0 else "entered-in-error"})
            for _ in range(2):
                assert requests.put(url, b"{}", headers={HEADER: SECRET}, timeout=10).status_code == 204
        until(lambda: told.waiting() == 0)
    assert told.statuses()[PATIENT][1] == "ineligible"
