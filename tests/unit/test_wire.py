"""The door to a FHIR server: where it goes, what it asks again, how much it waits, and what its errors may tell."""

import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import respx

from adapter.errors import ServerError
from adapter.fhir.auth import Fixed, basic, bearer
from adapter.fhir.client import Client, Page, in_parallel
from adapter.fhir.wire import Auth, Server, Wire
from tests.over_respx import PACKED, mount

BASE = "https://ehr.example/fhir"
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
PATIENT = "Patient/jane-doe-1970"
Reply = httpx.Response | Exception


@dataclass
class Door:
    """A client whose server is a router, and the pauses that it took instead of sleeping."""

    router: respx.Router
    auth: Auth = field(default_factory=Fixed)
    limits: Mapping[str, Any] = field(default_factory=dict)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        server = Server(**{"base_url": BASE, **self.limits})
        self.wire = Wire(server, self.auth, sleep=self.pauses.append, now=lambda: NOW)
        mount(self.wire.session, self.router)
        self.client = Client(self.wire)

    @property
    def asked(self) -> list[httpx.Request]:
        return [call.request for call in self.router.calls]

    def answers(self, *replies: Reply) -> "Door":
        """The next answers, whatever is asked."""
        self.router.route().mock(side_effect=list(replies))
        return self

    def search(self, **more: Any) -> list[Page]:
        return list(self.client.search("Observation", [("patient", PATIENT)], **more))


@pytest.fixture
def router() -> respx.Router:
    return respx.Router(assert_all_called=False)


@pytest.fixture
def door(router: respx.Router) -> Door:
    return Door(router)


def page(*ids: str, following: str | None = None, **more: Any) -> httpx.Response:
    links = [{"relation": "self", "url": BASE}]
    if following:
        links.append({"relation": "next", "url": following})
    entries = [
        {"fullUrl": f"{BASE}/Observation/{one}", "resource": {"resourceType": "Observation", "id": one}} for one in ids
    ]
    return httpx.Response(
        200, json={"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries, **more}
    )


def packed(body: bytes) -> httpx.Response:
    """An answer that says of itself that it is packed."""
    return httpx.Response(200, content=body, headers={PACKED: "gzip"})


def outcome(status: int, text: str = "the disk is full", **headers: str) -> httpx.Response:
    body = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "exception", "diagnostics": text}],
    }
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): one for name, one in headers.items()})


def ids(pages: list[Page]) -> list[str]:
    return [json.loads(bytes(one.resource))["id"] for found in pages for one in found.found]


# --- pages ---

NEXT = {
    "below the base": f"{BASE}/Observation?page=2",
    "HAPI's": f"{BASE}?_getpages=0c2b&_getpagesoffset=10",
    "with a slash after the base": f"{BASE}/?_getpages=0c2b",
    "with the port written": "https://ehr.example:443/fhir?_getpages=0c2b",
    "in capitals": "HTTPS://EHR.example/fhir?_getpages=0c2b",
    "relative to the base": "Observation?page=2",
}


@pytest.mark.parametrize("following", NEXT.values(), ids=NEXT)
def test_pages_follow_one_another(door: Door, following: str) -> None:
    door.answers(page("a", "b", following=following), page("c"))
    assert ids(door.search()) == ["a", "b", "c"]
    assert [one.method for one in door.asked] == ["POST", "GET"]


FOREIGN = {
    "another host": "https://elsewhere.example/fhir?_getpages=1",
    "another port": "https://ehr.example:8443/fhir?_getpages=1",
    "another scheme": "http://ehr.example/fhir?_getpages=1",
    "no scheme": "//elsewhere.example/fhir?_getpages=1",
    "a subdomain": "https://ehr.example.elsewhere.example/fhir",
    "the host as a user": "https://ehr.example@elsewhere.example/fhir",
    "two readings of a backslash": "https://elsewhere.example\\@ehr.example/fhir?_getpages=1",
    "a port that is none": "https://ehr.example:port/fhir",
    "a host that is none": "https://[/fhir",
    "a file": "file:///etc/passwd",
    "beside the base": "https://ehr.example/admin?_getpages=1",
    "above the base": "https://ehr.example/fhir/../admin",
    "above the base, encoded": "https://ehr.example/fhir/%2e%2E/admin",
    "a longer name than the base": "https://ehr.example/fhir-of-others?_getpages=1",
}


@pytest.mark.parametrize("following", FOREIGN.values(), ids=FOREIGN)
def test_a_next_page_that_is_not_of_this_server_is_refused(router: respx.Router, following: str) -> None:
    door = Door(router, bearer("secret-token")).answers(page("a", following=following), page("b"))
    with pytest.raises(ServerError, match="not followed") as caught:
        door.search()
    assert len(door.asked) == 1, "nothing was asked there, so no token went there"
    assert "elsewhere" not in str(caught.value)


LOOPS = {"to itself": ("p2", "p2"), "over two": ("p2", "p3", "p2"), "over three": ("p2", "p3", "p4", "p3")}


@pytest.mark.parametrize("links", LOOPS.values(), ids=LOOPS)
def test_pages_in_a_circle_end_with_an_error(door: Door, links: tuple[str, ...]) -> None:
    door.answers(*(page(f"o{n}", following=f"{BASE}?_getpages={one}") for n, one in enumerate(links)))
    with pytest.raises(ServerError, match="in a circle"):
        door.search()
    assert len(door.asked) == len(links)


def test_numbers_stay_as_they_were_written(door: Door) -> None:
    body = b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Observation","valueQuantity":{"value":1.10}}}]}'
    door.answers(httpx.Response(200, content=body))
    assert b'"value":1.10}' in bytes(door.search()[0].entry[0].resource)


def test_what_the_server_says_of_the_search_is_told_apart_from_what_it_found(door: Door) -> None:
    said = {"resourceType": "OperationOutcome", "issue": [{"details": {"text": "the parameter foo is not known"}}]}
    found = {"resourceType": "Observation", "id": "a"}
    entries = [{"resource": found, "search": {"mode": "match"}}, {"resource": said, "search": {"mode": "outcome"}}]
    door.answers(httpx.Response(200, json={"resourceType": "Bundle", "total": 1, "entry": entries}))
    pages = door.search()
    assert ids(pages) == ["a"]
    assert pages[0].warnings == ("the parameter foo is not known",) and pages[0].total == 1


def test_a_deletion_in_a_history_names_what_was_deleted(door: Door) -> None:
    entries = [
        {"request": {"method": "DELETE", "url": "Observation/a"}},
        {"request": {"method": "DELETE", "url": f"{BASE}/Observation/b/_history/2"}},
        {"request": {"method": "PUT", "url": "Observation/c"}, "resource": {"resourceType": "Observation", "id": "c"}},
    ]
    door.answers(httpx.Response(200, json={"resourceType": "Bundle", "type": "history", "entry": entries}))
    found = [one for each in door.client.history("Observation", "2026-11-22T00:00:00Z", 50) for one in each.found]
    assert [one.deleted for one in found] == ["Observation/a", "Observation/b", ""]
    assert dict(door.asked[0].url.params) == {"_since": "2026-11-22T00:00:00Z", "_count": "50"}


# --- how a search is asked ---


def test_a_search_that_names_a_patient_is_posted(door: Door) -> None:
    door.answers(page())
    door.search()
    asked = door.asked[0]
    assert (asked.method, str(asked.url)) == ("POST", f"{BASE}/Observation/_search")
    assert dict(parse_qsl(asked.content.decode())) == {"patient": PATIENT}
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"


LENGTHS = {"short": (("code", "2890-2"), "GET"), "long": (("code", "x" * 2000), "POST")}


@pytest.mark.parametrize(("parameter", "method"), LENGTHS.values(), ids=LENGTHS)
def test_a_search_that_names_nobody_is_posted_only_where_it_is_long(
    door: Door, parameter: tuple[str, str], method: str
) -> None:
    door.answers(page())
    list(door.client.search("Observation", [parameter], private=False))
    assert door.asked[0].method == method


def test_every_search_is_fresh_and_wants_fhir(door: Door) -> None:
    door.answers(page(following=f"{BASE}?_getpages=1"), page())
    door.search()
    for asked in door.asked:
        assert asked.headers["cache-control"] == "no-cache" and asked.headers["accept"] == "application/fhir+json"


def test_a_packed_answer_is_unpacked(door: Door) -> None:
    door.answers(packed(gzip.compress(page("a").content)))
    assert ids(door.search()) == ["a"]
    assert "gzip" in door.asked[0].headers["accept-encoding"]


# --- what comes back too large, broken, or from elsewhere ---

TOO_LARGE = {
    "plain": httpx.Response(200, content=b" " * 5000),
    "packed": packed(gzip.compress(b" " * 5000)),
}


@pytest.mark.parametrize("reply", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_page_above_the_limit_is_refused_and_not_asked_again(router: respx.Router, reply: httpx.Response) -> None:
    door = Door(router, limits={"page_bytes": 4096}).answers(reply)
    with pytest.raises(ServerError, match="more than 4096 bytes"):
        door.search()


BROKEN: dict[str, Reply] = {
    "half of a JSON": httpx.Response(200, content=page("a").content[:-20]),
    "half of a body": httpx.Response(200, content=b'{"resourceType"', headers={"Content-Length": "900"}),
    "half of a packed body": packed(gzip.compress(page("a").content)[:-20]),
    "what is not packed at all": packed(b"plain"),
    "no connection": httpx.ConnectError("refused"),
    "a timeout": httpx.ReadTimeout("late"),
    "429": outcome(429),
    "502": outcome(502),
    "503": outcome(503),
    "504": outcome(504),
}


@pytest.mark.parametrize("reply", BROKEN.values(), ids=BROKEN)
def test_what_may_mend_itself_is_asked_again(door: Door, reply: Reply) -> None:
    door.answers(reply, reply, page("a"))
    assert ids(door.search()) == ["a"]
    assert len(door.pauses) == 2 and all(0 < pause < 2 for pause in door.pauses)


@pytest.mark.parametrize("reply", BROKEN.values(), ids=BROKEN)
def test_what_does_not_mend_itself_is_an_error(router: respx.Router, reply: Reply) -> None:
    door = Door(router, limits={"retries": 3}).answers(*[reply] * 3)
    with pytest.raises(ServerError):
        door.search()
    assert len(door.pauses) == 2


def test_a_resource_of_which_half_came_is_asked_again(door: Door) -> None:
    whole = b'{"resourceType":"Patient","id":"jane-doe-1970"}'
    door.answers(httpx.Response(200, content=whole[:20]), httpx.Response(200, content=whole))
    assert door.client.read(PATIENT) == whole


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 422, 500, 501])
def test_what_is_meant_is_not_asked_again(door: Door, status: int) -> None:
    door.answers(outcome(status))
    with pytest.raises(ServerError) as caught:
        door.search()
    assert caught.value.status == status and door.pauses == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_resource_that_is_not_there_is_none(door: Door, status: int) -> None:
    door.answers(outcome(status))
    assert door.client.read(PATIENT) is None


def test_what_may_not_be_asked_twice_is_not(door: Door) -> None:
    door.answers(outcome(503))
    with pytest.raises(ServerError) as caught:
        door.wire.send("POST", "", lambda answer: answer, repeatable=False)
    assert caught.value.status == 503 and len(door.asked) == 1


REDIRECTS = {
    "same origin": ("https://ehr.example/fhir/new", True),
    "relative": ("new", True),
    "another host": ("https://elsewhere.example/fhir/new", False),
    "down to http": ("http://ehr.example/fhir/new", False),
    "two readings": ("https://elsewhere.example\\@ehr.example/new", False),
}


@pytest.mark.parametrize(("location", "followed"), REDIRECTS.values(), ids=REDIRECTS)
def test_a_redirect_is_followed_on_the_same_origin_only(router: respx.Router, location: str, followed: bool) -> None:
    door = Door(router, bearer("secret-token"))
    door.answers(httpx.Response(302, headers={"Location": location}), httpx.Response(200, content=b"{}"))
    if followed:
        assert door.client.get("old") == b"{}"
        return
    with pytest.raises(ServerError, match="not followed"):
        door.client.get("old")
    assert len(door.asked) == 1


def test_redirects_without_end_are_an_error(door: Door) -> None:
    door.answers(*[httpx.Response(302, headers={"Location": "/fhir/x"})] * 9)
    with pytest.raises(ServerError) as caught:
        door.client.get("x")
    assert caught.value.status == 302 and len(door.asked) == 6


def test_a_search_in_a_post_is_not_sent_on_elsewhere(door: Door) -> None:
    door.answers(httpx.Response(307, headers={"Location": f"{BASE}/new"}))
    with pytest.raises(ServerError, match="307"):
        door.search()


@pytest.mark.parametrize("body", [b'{"resourceType":"Patient"}', b"{}"])
def test_what_is_no_bundle_is_an_error(door: Door, body: bytes) -> None:
    door.answers(httpx.Response(200, content=body))
    with pytest.raises(ServerError, match="no Bundle"):
        door.search()


# --- how long it waits ---

RETRY_AFTER = {
    "seconds": ("7", 7.0),
    "no pause": ("0", 0.0),
    "a date": ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
    "a date of the past": ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
}


@pytest.mark.parametrize(("told", "pause"), RETRY_AFTER.values(), ids=RETRY_AFTER)
@pytest.mark.parametrize("status", [429, 503])
def test_the_server_says_how_long_to_wait(door: Door, told: str, pause: float, status: int) -> None:
    door.answers(outcome(status, Retry_After=told), page("a"))
    door.search()
    assert door.pauses == [pause]


@pytest.mark.parametrize("told", ["", "soon", "-5", "1.5", "٣", "Sun, 32 Nov 2026 12:00:30 GMT"])
def test_a_retry_after_that_says_nothing_leaves_the_pause_to_us(door: Door, told: str) -> None:
    reply = httpx.Response(503, headers=[(b"Retry-After", told.encode())])
    door.answers(reply, page("a"))
    door.search()
    assert len(door.pauses) == 1 and 0 < door.pauses[0] < 2


@pytest.mark.parametrize("told", ["3600", "9" * 400, "Sun, 22 Nov 2099 12:00:00 GMT"])
def test_a_pause_beyond_the_budget_of_the_run_is_not_taken(door: Door, told: str) -> None:
    door.answers(outcome(429, Retry_After=told))
    with pytest.raises(ServerError, match="longer pauses"):
        door.search()
    assert door.pauses == []


def test_a_storm_of_429_uses_up_the_budget_of_the_run_over_all_requests(router: respx.Router) -> None:
    door = Door(router, limits={"longest_wait": 25, "retries": 3})
    door.answers(*[outcome(429, Retry_After="10")] * 9)
    for told in ("429", "longer pauses"):
        with pytest.raises(ServerError, match=told):
            door.search()
    assert sum(door.pauses) <= 25


def test_the_requests_of_a_run_are_counted_redirects_and_renewals_too(router: respx.Router) -> None:
    door = Door(router, limits={"most_requests": 2})
    door.answers(*[httpx.Response(302, headers={"Location": "/fhir/x"})] * 9)
    with pytest.raises(ServerError, match="more than 2 requests"):
        door.client.get("x")
    assert len(door.asked) == 2


# --- what an error tells ---

TOLD: dict[str, tuple[str, Callable[[Door], object]]] = {
    "a search": ("POST Observation/_search", lambda door: door.search()),
    "a read": ("GET Patient", lambda door: door.client.get(f"{PATIENT}?token=jane-doe-1970")),
    "an old version": ("GET Patient/_history", lambda door: door.client.get(f"{PATIENT}/_history/3")),
    "an id that begins with a dot": ("GET Patient", lambda door: door.client.get("Patient/.jane-doe-1970")),
    "an operation": ("GET Patient/$everything", lambda door: door.client.get(f"{PATIENT}/$everything")),
    "HAPI's next page": ("GET the base", lambda door: door.client.get("?_getpages=jane-doe-1970")),
}
REPLIES: dict[str, Reply] = {
    "refused": outcome(403, "no"),
    "too many": outcome(429, "no"),
    "a refusal that names the patient": outcome(404, f"HAPI-2001: Resource {PATIENT} is not known"),
    "a refusal that repeats the query": outcome(400, f"cannot search {BASE}/Observation?patient=jane-doe-1970&x=1"),
    "broken": httpx.ConnectError(f"no way to {BASE}/{PATIENT}"),
}


@pytest.mark.parametrize(("told", "ask"), TOLD.values(), ids=TOLD)
@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_an_error_names_the_type_and_nobody(
    router: respx.Router, told: str, ask: Callable[[Door], object], reply: Reply
) -> None:
    door = Door(router, bearer("secret-token"), {"retries": 1}).answers(reply)
    with pytest.raises(ServerError) as caught:
        ask(door)
    assert f"{told}:" in str(caught.value)
    for secret in ("jane", "1970", "secret-token"):
        assert secret not in str(caught.value)


def test_an_error_repeats_what_the_server_said_and_cuts_it(door: Door) -> None:
    door.answers(outcome(500, "the disk is full" + "!" * 1000))
    with pytest.raises(ServerError) as caught:
        door.search()
    assert "the disk is full" in str(caught.value) and len(str(caught.value)) < 400


def test_an_error_repeats_the_text_where_there_are_no_diagnostics(door: Door) -> None:
    door.answers(
        httpx.Response(422, json={"resourceType": "OperationOutcome", "issue": [{"details": {"text": "no such code"}}]})
    )
    with pytest.raises(ServerError, match="no such code"):
        door.search()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'{"issue": 7}', b"[" * 9000])
def test_a_refusal_without_an_operation_outcome_is_told_by_its_status(door: Door, body: bytes) -> None:
    door.answers(httpx.Response(500, content=body))
    with pytest.raises(ServerError, match=r"^POST Observation/_search: 500$"):
        door.search()


# --- who it is, and several at once ---

IDENTITIES = {
    "nobody": (Fixed(), None),
    "basic": (basic("a", "ü:b"), "Basic YTrDvDpi"),
    "bearer": (bearer("t"), "Bearer t"),
}


@pytest.mark.parametrize(("auth", "header"), IDENTITIES.values(), ids=IDENTITIES)
def test_every_request_says_who_asks(router: respx.Router, auth: Fixed, header: str | None) -> None:
    door = Door(router, auth).answers(page(following=f"{BASE}?_getpages=1"), page())
    door.search()
    assert [one.headers.get("authorization") for one in door.asked] == [header, header]


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, door: Door) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert door.wire.session.trust_env is False and door.wire.session.verify is True


def test_cookies_are_not_kept(door: Door) -> None:
    door.answers(httpx.Response(200, content=b"{}", headers={"Set-Cookie": "a=b"}), httpx.Response(200, content=b"{}"))
    door.client.get("x")
    door.client.get("x")
    assert "cookie" not in door.asked[1].headers


def test_a_transaction_comes_back_entry_by_entry(door: Door) -> None:
    entries = [
        {"response": {"status": "200 OK", "etag": 'W/"2"'}},
        {"response": {"status": "201 Created", "etag": "1"}},
    ]
    answer = {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
    door.answers(outcome(503), httpx.Response(200, json=answer))
    found = door.client.transaction(b'{"resourceType":"Bundle"}')
    assert [(one.response.status, one.response.etag) for one in found.entry] == [
        ("200 OK", 'W/"2"'),
        ("201 Created", "1"),
    ]
    assert [one.content for one in door.asked] == [b'{"resourceType":"Bundle"}'] * 2


def test_tasks_come_back_in_their_order() -> None:
    assert list(in_parallel(lambda n: time.sleep(0.02 * (3 - n)) or n, range(4), 4)) == [0, 1, 2, 3]


def test_the_first_error_comes_after_the_others_are_done() -> None:
    done: list[int] = []

    def work(n: int) -> int:
        if n == 1:
            raise ServerError("no")
        time.sleep(0.02)
        done.append(n)
        return n

    found: Iterator[int] = in_parallel(work, range(4), 4)
    with pytest.raises(ServerError):
        list(found)
    assert sorted(done) == [0, 2, 3]
