"""The only door to a server: pages, origins, limits, retries, and errors that say no word of a patient."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from adapter.errors import ServerError
from adapter.fhir.auth import Fixed, basic, bearer
from adapter.fhir.client import Client, in_parallel
from adapter.fhir.wire import Server, Wire, outcome_text
from tests.over_respx import mounted

BASE = "https://ehr.example/fhir"
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ID = "secret-17"
Routes = respx.Router


@pytest.fixture
def routes() -> Iterator[Routes]:
    yield respx.Router(assert_all_called=False)


Opened = Callable[..., Client]


@pytest.fixture
def opened(routes: Routes) -> Opened:
    """A client whose requests go to the routes; `slept` gathers its pauses."""

    def made(slept: list[float] | None = None, auth: Any = None, **settings: Any) -> Client:
        wire = Wire(
            Server(base_url=BASE, **settings),
            auth or Fixed(),
            sleep=(slept if slept is not None else []).append,
            now=lambda: NOW,
        )
        return Client(mounted(wire, routes))

    return made


def bundle(*ids: str, following: str | None = None, **more: Any) -> dict[str, Any]:
    links = [{"relation": "next", "url": following}] if following else []
    entries = [
        {"fullUrl": f"{BASE}/Observation/{one}", "resource": {"resourceType": "Observation", "id": one}} for one in ids
    ]
    return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries, **more}


def outcome(text: str) -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "invalid", "diagnostics": text}],
    }


def ids(client: Client) -> list[str]:
    return [
        json.loads(bytes(entry.resource))["id"]
        for page in client.search("Observation", PARAMETERS)
        for entry in page.found
    ]


PARAMETERS = [("patient", ID), ("_count", "2")]
NEXT = f"{BASE}?_getpages=abc&_getpagesoffset=2"


# --- searching


def test_pages_are_followed_to_the_end(routes: Routes, opened: Opened) -> None:
    routes.post(f"{BASE}/Observation/_search").respond(json=bundle("a", "b", following=NEXT))
    routes.get(NEXT).respond(json=bundle("c"))
    assert ids(opened()) == ["a", "b", "c"]


def test_a_search_for_patients_is_a_form_that_no_log_of_urls_sees_and_asks_for_fresh_results(
    routes: Routes, opened: Opened
) -> None:
    asked = routes.post(f"{BASE}/Observation/_search").respond(json=bundle())
    ids(opened())
    request = asked.calls.last.request
    assert request.headers["Cache-Control"] == "no-cache" and request.headers["Accept"] == "application/fhir+json"
    assert request.content == f"patient={ID}&_count=2".encode() and ID not in str(request.url)


def test_a_search_without_patients_is_a_url_unless_it_is_long(routes: Routes, opened: Opened) -> None:
    short = routes.get(f"{BASE}/Condition", params={"_count": "2"}).respond(json=bundle())
    long = routes.post(f"{BASE}/Condition/_search").respond(json=bundle())
    list(opened().search("Condition", [("_count", "2")], private=False))
    list(opened().search("Condition", [("code", "x," * 2000)], private=False))
    assert (short.call_count, long.call_count) == (1, 1)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://other.example/fhir?p=2",
        "http://ehr.example/fhir?p=2",
        "https://ehr.example:8443/fhir?p=2",
        "//other.example/x",
    ],
)
def test_a_page_on_another_origin_is_not_followed(routes: Routes, opened: Opened, elsewhere: str) -> None:
    routes.post(f"{BASE}/Observation/_search").respond(json=bundle("a", following=elsewhere))
    with pytest.raises(ServerError, match="another origin"):
        ids(opened())


def test_pages_in_a_circle_are_told(routes: Routes, opened: Opened) -> None:
    routes.post(f"{BASE}/Observation/_search").respond(json=bundle("a", following=NEXT))
    routes.get(NEXT).respond(json=bundle("b", following=NEXT))
    with pytest.raises(ServerError, match="in a circle"):
        ids(opened())


def test_what_the_server_says_of_a_search_is_no_result(routes: Routes, opened: Opened) -> None:
    told = {"resource": outcome("unknown parameter"), "search": {"mode": "outcome"}}
    routes.post(f"{BASE}/Observation/_search").respond(json={**bundle("a"), "entry": [told, *bundle("a")["entry"]]})
    (page,) = opened().search("Observation", PARAMETERS)
    assert page.warnings == ("unknown parameter",) and len(list(page.found)) == 1 and page.total is None


def test_numbers_stay_as_they_were_written(routes: Routes, opened: Opened) -> None:
    text = '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Observation", "value": 1.10}}]}'
    routes.post(f"{BASE}/Observation/_search").respond(content=text)
    (page,) = opened().search("Observation", PARAMETERS)
    assert b"1.10" in bytes(page.entry[0].resource)


def test_a_deletion_in_a_history_is_told_with_or_without_its_version(routes: Routes, opened: Opened) -> None:
    urls = ["Observation/a", "Observation/b/_history/2", f"{BASE}/Observation/c"]
    entries = [{"request": {"method": "DELETE", "url": url}} for url in urls]
    routes.get(url__startswith=f"{BASE}/Observation/_history").respond(
        json={"resourceType": "Bundle", "entry": entries}
    )
    (page,) = opened().history("Observation", "2026-11-22T00:00:00Z", 10)
    assert [entry.deleted for entry in page.found] == ["Observation/a", "Observation/b", "Observation/c"]


@pytest.mark.parametrize(("status", "found"), [(200, b"{}"), (404, None), (410, None)])
def test_a_resource_is_read_or_is_not_there(routes: Routes, opened: Opened, status: int, found: bytes | None) -> None:
    routes.get(f"{BASE}/Patient/{ID}").respond(status, content=b"{}")
    assert opened().read(f"Patient/{ID}") == found


def test_a_transaction_is_posted_to_the_base(routes: Routes, opened: Opened) -> None:
    asked = routes.post(BASE + "/").respond(
        json={"resourceType": "Bundle", "entry": [{"response": {"status": "201 Created", "etag": "1"}}]}
    )
    page = opened().transaction(b'{"resourceType": "Bundle"}')
    assert (
        page.entry[0].response.status == "201 Created"
        and asked.calls.last.request.headers["Content-Type"] == "application/fhir+json"
    )


# --- asked again, or not


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(routes: Routes, opened: Opened, status: int) -> None:
    route = routes.post(f"{BASE}/Observation/_search")
    route.side_effect = [httpx.Response(status), httpx.Response(status), httpx.Response(200, json=bundle("a"))]
    slept: list[float] = []
    assert ids(opened(slept)) == ["a"] and len(slept) == 2 and all(0 < pause < 2 for pause in slept)


@pytest.mark.parametrize("told", ["7", format_datetime(NOW + timedelta(seconds=7), usegmt=True)])
def test_retry_after_is_honoured_as_seconds_and_as_a_date(routes: Routes, opened: Opened, told: str) -> None:
    route = routes.post(f"{BASE}/Observation/_search")
    route.side_effect = [httpx.Response(429, headers={"Retry-After": told}), httpx.Response(200, json=bundle("a"))]
    slept: list[float] = []
    assert ids(opened(slept)) == ["a"] and slept == [7.0]


def test_a_storm_ends(routes: Routes, opened: Opened) -> None:
    route = routes.post(f"{BASE}/Observation/_search").respond(429, headers={"Retry-After": "1"})
    with pytest.raises(ServerError) as told:
        ids(opened(retries=4))
    assert told.value.status == 429 and route.call_count == 4


def test_pauses_have_a_budget_and_so_have_requests(routes: Routes, opened: Opened) -> None:
    routes.post(f"{BASE}/Observation/_search").respond(503, headers={"Retry-After": "3600"})
    slept: list[float] = []
    with pytest.raises(ServerError, match="longer pauses"):
        ids(opened(slept, longest_wait=600))
    assert slept == []
    routes.get(f"{BASE}/Patient/{ID}").respond(content=b"{}")
    client = opened(most_requests=2, retries=9)
    with pytest.raises(ServerError, match="more than 2 requests"):
        for _ in range(3):
            client.read(f"Patient/{ID}")


@pytest.mark.parametrize("broken", [b'{"resourceType": "Bundle", "entry": [', b"", b"<html>", b"[1, 2]"])
def test_half_an_answer_is_asked_for_again_and_never_used(routes: Routes, opened: Opened, broken: bytes) -> None:
    route = routes.post(f"{BASE}/Observation/_search")
    route.side_effect = [httpx.Response(200, content=broken), httpx.Response(200, json=bundle("a"))]
    assert ids(opened()) == ["a"]
    routes.post(f"{BASE}/Observation/_search").respond(content=broken)
    with pytest.raises(ServerError, match="no whole FHIR Bundle"):
        ids(opened(retries=3))


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 422, 500])
def test_what_asking_again_does_not_help_is_asked_once(routes: Routes, opened: Opened, status: int) -> None:
    route = routes.post(f"{BASE}/Observation/_search").respond(status, json=outcome("the index is broken"))
    with pytest.raises(ServerError, match="the index is broken") as told:
        ids(opened())
    assert told.value.status == status and route.call_count == 1


def test_something_else_than_a_bundle_is_told(routes: Routes, opened: Opened) -> None:
    routes.post(f"{BASE}/Observation/_search").respond(json={"resourceType": "Patient"})
    with pytest.raises(ServerError, match="is a Patient and no Bundle"):
        ids(opened())


def test_a_page_has_a_largest_size(routes: Routes, opened: Opened) -> None:
    routes.post(f"{BASE}/Observation/_search").respond(content=b" " * 300_000)
    with pytest.raises(ServerError, match="more than 200000 bytes"):
        ids(opened(page_bytes=200_000))


# --- where it goes, and what it carries


def test_a_redirect_is_followed_on_the_same_origin_only(routes: Routes, opened: Opened) -> None:
    routes.get(f"{BASE}/Patient/1").respond(302, headers={"Location": "/other/Patient/1"})
    routes.get("https://ehr.example/other/Patient/1").respond(content=b"{}")
    assert opened().read("Patient/1") == b"{}"
    routes.get(f"{BASE}/Patient/2").respond(307, headers={"Location": "https://evil.example/Patient/2"})
    with pytest.raises(ServerError, match="another origin"):
        opened().read("Patient/2")


def test_a_post_is_never_redirected(routes: Routes, opened: Opened) -> None:
    routes.post(f"{BASE}/Observation/_search").respond(307, headers={"Location": f"{BASE}/elsewhere"})
    with pytest.raises(ServerError) as told:
        ids(opened())
    assert told.value.status == 307


@pytest.mark.parametrize(
    ("auth", "expected"), [(basic("li", "ö:x"), "Basic bGk6w7Y6eA=="), (bearer("t0k"), "Bearer t0k"), (Fixed(), None)]
)
def test_what_lets_it_in_is_carried(routes: Routes, opened: Opened, auth: Fixed, expected: str | None) -> None:
    route = routes.get(f"{BASE}/Patient/1").respond(content=b"{}")
    opened(auth=auth).read("Patient/1")
    assert route.calls.last.request.headers.get("Authorization") == expected


class Renewed:
    """A token that is refused once."""

    def __init__(self) -> None:
        self.tokens = ["old", "new"]

    def headers(self) -> dict[str, str]:
        return {"Authorization": self.tokens[0]}

    def renew(self, refused: Any) -> bool:
        assert refused == {"Authorization": "old"}
        del self.tokens[0]
        return True


def test_a_token_that_expires_in_the_middle_of_a_run_is_renewed_once(routes: Routes, opened: Opened) -> None:
    route = routes.get(f"{BASE}/Patient/1")
    route.side_effect = lambda request: httpx.Response(
        200 if request.headers["Authorization"] == "new" else 401, content=b"{}"
    )
    assert opened(auth=Renewed()).read("Patient/1") == b"{}"
    route.side_effect = None
    route.respond(401)
    with pytest.raises(ServerError) as told:
        opened().read("Patient/1")
    assert told.value.status == 401


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:1")
    wire = Wire(Server(base_url=BASE, ca_bundle=Path("ca.pem"), client_certificate=(Path("c"), Path("k"))), Fixed())
    assert (wire.session.trust_env, wire.session.proxies, wire.session.verify, wire.session.cert) == (
        False,
        {},
        "ca.pem",
        ("c", "k"),
    )
    assert Wire(Server(base_url=BASE, proxy="http://p:1"), Fixed()).session.proxies["https"] == "http://p:1"
    assert Wire(Server(base_url=BASE), Fixed()).session.verify is True


# --- what is told


FAILING = [
    (status, path)
    for status in (400, 403, 500)
    for path in (f"Patient/{ID}", f"Observation?patient={ID}", f"Patient/Smith{ID}")
]


@pytest.mark.parametrize(("status", "path"), FAILING)
def test_an_error_names_no_patient(routes: Routes, opened: Opened, status: int, path: str) -> None:
    routes.get(url__startswith=f"{BASE}/").respond(status)
    with pytest.raises(ServerError) as told:
        opened().get(path)
    assert ID not in str(told.value) and path.partition("?")[0].partition("/")[0] in str(told.value)


OUTCOMES = [
    (outcome("a"), "a"),
    ({"issue": [{"details": {"text": "b"}}, {"diagnostics": "c"}]}, "b; c"),
    ({"issue": [{}]}, ""),
    ({"issue": "x"}, ""),
    ([], ""),
    (outcome("x" * 1000), "x" * 300),
]


@pytest.mark.parametrize(("document", "told"), OUTCOMES)
def test_the_words_of_an_outcome(document: Any, told: str) -> None:
    assert outcome_text(json.dumps(document).encode()) == told
    assert outcome_text(b"not JSON") == ""


def test_the_clock_of_the_server_is_compared(routes: Routes, opened: Opened) -> None:
    routes.get(f"{BASE}/Patient/1").respond(
        content=b"{}", headers={"Date": format_datetime(NOW + timedelta(minutes=5), usegmt=True)}
    )
    client = opened()
    client.read("Patient/1")
    assert client.wire.skew == timedelta(minutes=5)


def test_several_at_once_come_in_their_order() -> None:
    assert list(in_parallel(lambda n: n * n, range(50), 8)) == [n * n for n in range(50)]
