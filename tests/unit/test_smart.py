"""SMART Backend Services: which key signs what, for whom, how long a token lasts, and what was really granted."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from adapter.errors import AdapterError, ServerError, UsageError
from adapter.fhir.auth import Fixed, Smart, readable, scopes
from adapter.fhir.wire import Server, Wire
from tests.over_respx import mount

BASE = "https://ehr.example/fhir"
TOKEN_URL = "https://ehr.example/auth/token"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OLD_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP384R1())
SHORT_EC = ec.generate_private_key(ec.SECP256R1())
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def jwk(name: str, key: Any) -> dict[str, Any]:
    """A key as it stands in a JWKS file."""
    form = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey) else ECAlgorithm
    return {**form.to_jwk(key, as_dict=True), "kid": name}


@dataclass
class TokenServer:
    """A token server in a router: it knows public keys, and gives tokens with numbers."""

    folder: Path
    keys: Mapping[str, Key] = field(default_factory=lambda: {"rsa": RSA})
    known: Mapping[str, Key] = field(default_factory=lambda: {"rsa": RSA})
    algorithms: tuple[str, ...] = ("RS384", "ES384")
    capabilities: tuple[str, ...] = ("permission-v2",)
    answer: dict[str, Any] = field(default_factory=dict)
    token_url: str = TOKEN_URL
    pinned: str | None = None
    now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)
    asked: list[dict[str, str]] = field(default_factory=list)
    troubles: list[httpx.Response | Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file = self.folder / "private.jwks.json"
        self.write(self.keys)
        self.router = respx.Router(assert_all_called=False)
        self.router.get(f"{BASE}/.well-known/smart-configuration").mock(side_effect=self._discovery)
        self.router.post(path="/auth/token").mock(side_effect=self._token)
        self.smart = Smart(
            Server(base_url=BASE), "trial-adapter", self.file, ("Patient", "Observation"), ("List",), self.pinned,
            now=lambda: self.now,
        )  # fmt: skip
        mount(self.smart.session, self.router)

    def write(self, keys: Mapping[str, Any]) -> None:
        """The file of private keys."""
        self.file.write_text(json.dumps({"keys": [jwk(name, key) for name, key in keys.items()]}))

    def _discovery(self, _: httpx.Request) -> httpx.Response:
        algorithms = {"token_endpoint_auth_signing_alg_values_supported": self.algorithms} if self.algorithms else {}
        return httpx.Response(
            200, json={"token_endpoint": self.token_url, "capabilities": self.capabilities, **algorithms}
        )

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.asked.append(form)
        if self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            return trouble
        key = self.known.get(jwt.get_unverified_header(form["client_assertion"])["kid"])
        try:
            self.claims(form, key)
        except (jwt.PyJWTError, TypeError):
            return httpx.Response(401, json={"error": "invalid_client", "error_description": "no such key"})
        given = {"access_token": f"token-{len(self.asked)}", "token_type": "bearer", "expires_in": 300}
        return httpx.Response(200, json={**given, "scope": form["scope"], **self.answer})

    def claims(self, form: Mapping[str, str], key: Any) -> dict[str, Any]:
        """What an assertion says, its signature looked at with the public key."""
        options: Any = {"verify_exp": False, "verify_iat": False, "require": ["iss", "sub", "aud", "exp", "jti"]}
        assertion, public = form["client_assertion"], key.public_key() if key else None
        return jwt.decode(
            assertion, public, ["RS384", "ES384"], options=options, audience=self.pinned or self.token_url
        )  # type: ignore[arg-type]

    def header(self) -> str:
        """The Authorization of the next request."""
        return self.smart.headers()["Authorization"]

    def later(self, seconds: float) -> str:
        """The same after some time."""
        self.now += timedelta(seconds=seconds)
        return self.header()


@pytest.fixture
def server(tmp_path: Path) -> Callable[..., TokenServer]:
    return lambda **more: TokenServer(tmp_path, **more)


Made = Callable[..., TokenServer]

# --- the assertion ---


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS384"), (EC, "ES384")], ids=["RS384", "ES384"])
def test_an_assertion_is_what_smart_wants(server: Made, key: Key, algorithm: str) -> None:
    made = server(keys={"k": key}, known={"k": key})
    assert made.header() == "Bearer token-1"
    form = made.asked[0]
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert jwt.get_unverified_header(form["client_assertion"]) == {"alg": algorithm, "kid": "k", "typ": "JWT"}
    claims = made.claims(form, key)
    assert claims["iss"] == claims["sub"] == "trial-adapter" and claims["aud"] == TOKEN_URL
    assert 0 < claims["exp"] - made.now.timestamp() <= 300 and claims["iat"] == made.now.timestamp()


def test_no_assertion_is_used_twice(server: Made) -> None:
    made = server()
    for _ in range(3):
        made.later(300)
    assert len({made.claims(form, RSA)["jti"] for form in made.asked}) == 3


CHOICE: dict[str, tuple[dict[str, Key], tuple[str, ...], str]] = {
    "the first": ({"rsa": RSA, "ec": EC}, ("RS384", "ES384"), "rsa"),
    "the order of the file": ({"ec": EC, "rsa": RSA}, ("RS384", "ES384"), "ec"),
    "what the server allows": ({"rsa": RSA, "ec": EC}, ("ES384",), "ec"),
    "among others": ({"ec": EC, "rsa": RSA}, ("RS256", "RS384", "ES256"), "rsa"),
    "a server that names none": ({"ec": EC, "rsa": RSA}, (), "ec"),
    "not a shorter curve": ({"short": SHORT_EC, "ec": EC}, ("ES384",), "ec"),
}


@pytest.mark.parametrize(("keys", "algorithms", "chosen"), CHOICE.values(), ids=CHOICE)
def test_the_first_key_that_the_server_allows_signs(
    server: Made, keys: dict[str, Key], algorithms: tuple[str, ...], chosen: str
) -> None:
    made = server(keys=keys, known=keys, algorithms=algorithms)
    made.header()
    assert jwt.get_unverified_header(made.asked[0]["client_assertion"])["kid"] == chosen


def test_a_public_key_does_not_sign(server: Made) -> None:
    made = server()
    made.write({"public": RSA.public_key(), "rsa": RSA})
    assert made.header() == "Bearer token-1"


UNUSABLE: dict[str, tuple[str, tuple[str, ...], str]] = {
    "an algorithm that no key has": (json.dumps({"keys": [jwk("rsa", RSA)]}), ("ES384",), "no private key for ES384"),
    "algorithms that SMART does not know": (
        json.dumps({"keys": [jwk("rsa", RSA)]}),
        ("RS256", "HS256"),
        "no private key",
    ),
    "a curve that is too short": (json.dumps({"keys": [jwk("ec", SHORT_EC)]}), ("ES384",), "no private key for ES384"),
    "public keys only": (json.dumps({"keys": [jwk("rsa", RSA.public_key())]}), ("RS384",), "no private key"),
    "no key": ('{"keys": []}', ("RS384",), "no JWKS"),
    "no JSON": ("secret-of-a-key", ("RS384",), "no JWKS"),
    "a list": ("[]", ("RS384",), "no JWKS"),
    "not UTF-8": ("\udcff", ("RS384",), "no JWKS"),
}


@pytest.mark.parametrize(("text", "algorithms", "told"), UNUSABLE.values(), ids=UNUSABLE)
def test_keys_that_cannot_be_used_are_told_of(server: Made, text: str, algorithms: tuple[str, ...], told: str) -> None:
    made = server(algorithms=algorithms)
    made.file.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(UsageError, match=told) as caught:
        made.header()
    assert "auth.keys" in str(caught.value) and "secret-of-a-key" not in str(caught.value) and made.asked == []


def test_a_file_of_keys_that_is_not_there_is_told_of(server: Made) -> None:
    made = server()
    made.file.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        made.header()


# --- rotation ---


def test_a_key_that_the_server_no_longer_knows_gives_way_to_the_next(server: Made) -> None:
    made = server(keys={"old": OLD_RSA, "rsa": RSA})
    assert made.header() == "Bearer token-2"


def test_a_server_that_stumbles_over_one_key_is_shown_the_next(server: Made) -> None:
    made = server(keys={"old": OLD_RSA, "rsa": RSA}, troubles=[httpx.Response(500)])
    assert made.header() == "Bearer token-2"


def test_a_file_that_changes_is_read_again(server: Made) -> None:
    made = server(keys={"old": OLD_RSA}, known={"old": OLD_RSA})
    made.header()
    made.known = {"rsa": RSA}
    made.write({"rsa": RSA})
    assert made.later(300) == "Bearer token-2"


def test_no_other_key_is_tried_where_the_key_is_not_what_is_wrong(server: Made) -> None:
    refusal = httpx.Response(400, json={"error": "invalid_scope", "error_description": "none of these"})
    made = server(keys={"rsa": RSA, "ec": EC}, troubles=[refusal])
    with pytest.raises(ServerError, match="invalid_scope: none of these"):
        made.header()
    assert len(made.asked) == 1


def test_a_client_that_the_server_does_not_know_is_told_what_to_check(server: Made) -> None:
    made = server(known={})
    with pytest.raises(ServerError, match=r"invalid_client.*auth\.client-id, auth\.keys") as caught:
        made.header()
    assert made.asked[0]["client_assertion"] not in str(caught.value)


# --- how long a token lasts ---


def test_a_token_is_used_until_shortly_before_it_ends(server: Made) -> None:
    made = server(answer={"expires_in": 3600})
    assert [made.header(), made.later(3530), made.later(15)] == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


SHORT = {"a tenth of a short life": (100, 85, 95), "no life at all": (0, None, 0), "a life before birth": (-5, None, 0)}


@pytest.mark.parametrize(("life", "still", "over"), SHORT.values(), ids=SHORT)
def test_a_short_life_leaves_a_tenth(server: Made, life: int, still: int | None, over: int) -> None:
    made = server(answer={"expires_in": life})
    begun = made.now
    first = made.header()
    if still is not None:
        assert made.later(still) == first
    made.now = begun
    assert made.later(over) != first


def test_threads_take_one_token_together(server: Made) -> None:
    made = server()
    barrier, found = Barrier(8), []

    def work() -> None:
        barrier.wait()
        found.append(made.header())

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["Bearer token-1"] * 8 and len(made.asked) == 1


def test_the_configuration_is_discovered_once(server: Made) -> None:
    made = server()
    for _ in range(3):
        made.later(300)
    assert [call.request.method for call in made.router.calls].count("GET") == 1


# --- refused with a token ---


def wired(made: TokenServer, *replies: httpx.Response) -> tuple[Wire, list[str], list[float]]:
    """A wire that uses the tokens, the tokens that came, and the pauses."""
    seen: list[str] = []
    pauses: list[float] = []
    given = iter(replies)

    def records(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return next(given)

    wire = Wire(Server(base_url=BASE), made.smart, sleep=pauses.append)
    router = respx.Router()
    router.route().mock(side_effect=records)
    mount(wire.session, router)
    return wire, seen, pauses


def test_a_token_that_is_refused_is_taken_anew_once(server: Made) -> None:
    wire, seen, _ = wired(server(), httpx.Response(401), httpx.Response(200, content=b"{}"))
    assert wire.send("GET", "Patient", lambda answer: answer.body) == b"{}"
    assert seen == ["Bearer token-1", "Bearer token-2"]


def test_a_second_refusal_is_an_error(server: Made) -> None:
    wire, seen, _ = wired(server(), httpx.Response(401), httpx.Response(401))
    with pytest.raises(ServerError) as caught:
        wire.send("GET", "Patient", lambda answer: answer.body)
    assert caught.value.status == 401 and len(seen) == 2


def test_a_refusal_of_an_old_token_does_not_cost_the_new_one(server: Made) -> None:
    made = server()
    old = made.smart.headers()
    made.later(300)
    assert made.smart.renew(old) and made.header() == "Bearer token-2"


def test_a_forbidden_type_takes_no_new_token(server: Made) -> None:
    wire, seen, _ = wired(server(), httpx.Response(403))
    with pytest.raises(ServerError) as caught:
        wire.send("GET", "Patient", lambda answer: answer.body)
    assert caught.value.status == 403 and len(seen) == 1


def test_what_is_fixed_is_not_renewed() -> None:
    assert Fixed({"Authorization": "Bearer t"}).renew({}) is False


# --- what was granted ---

GRANTED = {
    "what was asked": ("system/Patient.rs system/Observation.rs", {"Patient", "Observation"}),
    "less": ("system/Patient.rs", {"Patient"}),
    "reading without searching": ("system/Patient.r system/Observation.rs", {"Observation"}),
    "everything": ("system/*.rs", {"Patient", "Observation"}),
    "more verbs": ("system/Patient.cruds", {"Patient"}),
    "version 1": ("system/Patient.read system/Observation.*", {"Patient", "Observation"}),
    "writing only": ("system/Patient.write system/Observation.cu", set()),
    "with a condition": ("system/Observation.rs?category=laboratory system/Patient.rs", {"Patient"}),
    "one patient's": ("patient/Patient.rs patient/Observation.rs", set()),
    "other words": ("openid fhirUser system/Patient", set()),
    "nothing": ("", set()),
}


@pytest.mark.parametrize(("scope", "granted"), GRANTED.values(), ids=GRANTED)
def test_what_was_granted_counts_and_not_what_was_asked(server: Made, scope: str, granted: set[str]) -> None:
    made = server(answer={"scope": scope})
    assert made.smart.granted(("Patient", "Observation")) == granted == readable(scope, ("Patient", "Observation"))


def test_an_answer_without_scope_grants_what_was_asked(server: Made) -> None:
    assert server(answer={"scope": None}).smart.granted(("Patient", "Observation")) == {"Patient", "Observation"}


SCOPES = {
    "version 2": (("permission-v2",), "system/Observation.rs system/Patient.rs system/List.cu"),
    "both": (("permission-v1", "permission-v2"), "system/Observation.rs system/Patient.rs system/List.cu"),
    "version 1": (("permission-v1",), "system/Observation.read system/Patient.read system/List.write"),
    "a server that says nothing": ((), "system/Observation.rs system/Patient.rs system/List.cu"),
}


@pytest.mark.parametrize(("capabilities", "asked"), SCOPES.values(), ids=SCOPES)
def test_the_least_is_asked_for(server: Made, capabilities: tuple[str, ...], asked: str) -> None:
    made = server(capabilities=capabilities)
    made.header()
    assert made.asked[0]["scope"] == asked == scopes(("Patient", "Observation"), ("List",), capabilities)


# --- where the assertion goes ---

ELSEWHERE = "https://login.example/auth/token"


def test_a_token_server_elsewhere_must_be_named(server: Made) -> None:
    made = server(token_url=ELSEWHERE)
    with pytest.raises(UsageError, match=r"auth\.token-url = 'https://login\.example/auth/token'"):
        made.header()
    assert made.asked == []


SAME = {"the port written": "https://ehr.example:443/auth/token", "in capitals": "https://EHR.example/auth/token"}


@pytest.mark.parametrize("url", SAME.values(), ids=SAME)
def test_the_same_origin_written_otherwise_needs_no_name(server: Made, url: str) -> None:
    assert server(token_url=url).header() == "Bearer token-1"


def test_a_token_server_that_reads_two_ways_is_refused(server: Made) -> None:
    made = server(token_url="https://login.example\\@ehr.example/auth/token")
    with pytest.raises(AdapterError):
        made.header()
    assert made.asked == []


def test_a_token_server_that_is_named_is_the_audience(server: Made) -> None:
    made = server(token_url=ELSEWHERE, pinned=ELSEWHERE)
    assert made.header() == "Bearer token-1" and made.claims(made.asked[0], RSA)["aud"] == ELSEWHERE


# --- a token server in trouble ---

TROUBLES: dict[str, httpx.Response | Exception] = {
    "503": httpx.Response(503),
    "429": httpx.Response(429, json={"error": "slow_down"}),
    "no connection": httpx.ConnectError("refused"),
    "a timeout": httpx.ReadTimeout("late"),
    "half of an answer": httpx.Response(200, content=b'{"access_', headers={"Content-Length": "900"}),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_token_server_in_trouble_is_asked_again_in_the_course_of_a_request(
    server: Made, trouble: httpx.Response | Exception
) -> None:
    wire, seen, pauses = wired(server(troubles=[trouble]), httpx.Response(200, content=b"{}"))
    assert wire.send("GET", "Patient", lambda answer: answer.body) == b"{}"
    assert seen == ["Bearer token-2"] and len(pauses) == 1


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_token_server_in_trouble_is_not_told_of_as_a_refusal(
    server: Made, trouble: httpx.Response | Exception
) -> None:
    with pytest.raises(ServerError, match="token server") as caught:
        server(troubles=[trouble]).header()
    assert "refused this client" not in str(caught.value) and caught.value.status in (None, 429, 503)


WRONG = {
    "no JSON": httpx.Response(200, content=b"<html>"),
    "no token": httpx.Response(200, json={"token_type": "bearer"}),
    "a list": httpx.Response(200, json=[]),
    "too deep": httpx.Response(200, content=b"[" * 9000),
    "a redirect": httpx.Response(302, headers={"Location": ELSEWHERE}),
    "a refusal that is no JSON": httpx.Response(400, content=b"[" * 9000),
}


@pytest.mark.parametrize("reply", WRONG.values(), ids=WRONG)
def test_an_answer_that_is_no_token_is_an_error(server: Made, reply: httpx.Response) -> None:
    made = server(troubles=[reply])
    with pytest.raises(ServerError):
        made.header()
    assert len(made.asked) == 1


def test_a_server_without_smart_is_told_of(server: Made) -> None:
    made = server()
    made.router.routes.clear()
    made.router.route().mock(return_value=httpx.Response(404))
    with pytest.raises(ServerError, match="no SMART Backend Services"):
        made.header()
