"""SMART Backend Services: the assertion, the token and its life, the scopes that were granted, keys that change."""

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from adapter.errors import ServerError, UsageError
from adapter.fhir.auth import Smart, readable, scopes
from adapter.fhir.wire import Server
from tests.over_respx import OverRespx

BASE = "https://ehr.example/fhir"
TOKEN = "https://ehr.example/token"
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
Keys = dict[str, Any]


@pytest.fixture(scope="module")
def keys() -> Keys:
    """A private key of each kind."""
    return {
        "RS384": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES384": ec.generate_private_key(ec.SECP384R1()),
        "other": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    }


def jwk(key: Any, kid: str, *, public: bool = False) -> dict[str, Any]:
    algorithm = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key() if public else key)), "kid": kid}


class Desk:
    """A token server by routes, a clock, and a client of it."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self.routes = respx.Router(assert_all_called=False)
        self.keys, self.file, self.now = keys, folder / "keys.json", NOW
        self.write(jwk(keys["RS384"], "rsa-1"))
        self.discover()
        self.token = self.routes.post(TOKEN)
        self.token.side_effect = lambda request: httpx.Response(
            200, json={"access_token": f"t{self.token.call_count + 1}", "expires_in": 300}
        )

    def write(self, *found: dict[str, Any]) -> None:
        self.file.write_text(json.dumps({"keys": list(found)}))

    def discover(self, **more: Any) -> None:
        document = {"token_endpoint": TOKEN, "capabilities": ["permission-v2", "permission-v1"], **more}
        self.routes.get(f"{BASE}/.well-known/smart-configuration").respond(json=document)

    def client(self, **more: Any) -> Smart:
        server = Server(base_url=BASE)
        made = Smart(server, "trial-adapter", self.file, ("Patient", "Observation"), now=lambda: self.now, **more)
        for scheme in ("http://", "https://"):
            made.session.mount(scheme, OverRespx(self.routes))
        return made

    def forms(self) -> list[dict[str, str]]:
        return [{k: v[0] for k, v in parse_qs(call.request.content.decode()).items()} for call in self.token.calls]


@pytest.fixture
def desk(tmp_path: Path, keys: Keys) -> Iterator[Desk]:
    yield Desk(tmp_path, keys)


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_the_assertion_is_what_smart_describes(desk: Desk, keys: Keys, algorithm: str) -> None:
    desk.write(jwk(keys[algorithm], "k1"))
    assert desk.client().headers() == {"Authorization": "Bearer t1"}
    (form,) = desk.forms()
    assert form["grant_type"] == "client_credentials" and form["client_assertion_type"].endswith(":jwt-bearer")
    assertion = form["client_assertion"]
    assert jwt.get_unverified_header(assertion) == {"alg": algorithm, "kid": "k1", "typ": "JWT"}
    claims = jwt.decode(
        assertion,
        keys[algorithm].public_key(),
        [algorithm],
        audience=TOKEN,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["iss"] == claims["sub"] == "trial-adapter"
    assert claims["iat"] == int(NOW.timestamp()) < claims["exp"] <= claims["iat"] + 300


def test_no_assertion_is_used_twice(desk: Desk) -> None:
    client = desk.client()
    for _ in range(3):
        client.renew(client.headers())
    client.headers()
    found = [
        json.loads(base64.urlsafe_b64decode(form["client_assertion"].split(".")[1] + "==")) for form in desk.forms()
    ]
    assert len({claims["jti"] for claims in found}) == len(found) == 4


def test_a_token_is_used_until_shortly_before_it_ends(desk: Desk) -> None:
    client = desk.client()
    told = []
    for minutes in (0, 4, 4.4, 4.7, 8):
        desk.now = NOW + timedelta(minutes=minutes)
        told.append(client.headers()["Authorization"])
    assert told == ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2"]


def test_many_threads_take_one_token(desk: Desk) -> None:
    client = desk.client()
    with ThreadPoolExecutor(16) as pool:
        assert {one["Authorization"] for one in pool.map(lambda _: client.headers(), range(64))} == {"Bearer t1"}
    assert desk.token.call_count == 1


def test_a_refused_token_is_renewed_by_the_first_who_says_so(desk: Desk) -> None:
    client = desk.client()
    refused = client.headers()
    assert client.renew(refused) and client.headers() == {"Authorization": "Bearer t2"}
    assert client.renew(refused) and client.headers() == {"Authorization": "Bearer t2"}


TYPES = ("Observation", "Condition")
GRANTS = [
    ("system/Observation.rs system/Condition.rs", {"Observation", "Condition"}),
    ("system/Observation.read", {"Observation"}),
    ("system/*.rs", {"Observation", "Condition"}),
    ("system/*.read", {"Observation", "Condition"}),
    ("system/*.*", {"Observation", "Condition"}),
    ("system/Observation.cruds system/Condition.r", {"Observation"}),
    ("system/Observation.s", set()),
    ("system/Observation.rs?category=laboratory", set()),
    ("user/Condition.rs", {"Condition"}),
    ("patient/Condition.rs", set()),
    ("system/Observation.write openid", set()),
    ("", set()),
]


@pytest.mark.parametrize(("scope", "types"), GRANTS)
def test_only_what_may_be_searched_whole_is_granted(desk: Desk, scope: str, types: set[str]) -> None:
    assert readable(scope, TYPES) == types
    desk.token.side_effect = lambda _: httpx.Response(200, json={"access_token": "t", "scope": scope})
    assert desk.client().granted(TYPES) == types


def test_an_answer_without_scopes_grants_what_was_asked(desk: Desk) -> None:
    assert desk.client().granted(TYPES) == set(TYPES)


def test_the_least_scopes_in_the_language_of_the_server(desk: Desk) -> None:
    assert scopes(["B", "A"], ["L"], ["permission-v2"]) == "system/A.rs system/B.rs system/L.cu"
    assert scopes(["A"], ["L"], ["permission-v1"]) == "system/A.read system/L.write"
    assert scopes(["A"], [], []) == "system/A.rs"
    desk.discover(capabilities=["permission-v1"])
    desk.client().headers()
    assert desk.forms()[0]["scope"] == "system/Observation.read system/Patient.read"


def refusing(desk: Desk, error: str, unless: str = "") -> None:
    """The token server refuses all keys but one."""

    def answer(request: httpx.Request) -> httpx.Response:
        kid = jwt.get_unverified_header(parse_qs(request.content.decode())["client_assertion"][0])["kid"]
        fine = {"access_token": kid, "expires_in": 300}
        return (
            httpx.Response(200, json=fine)
            if kid == unless
            else httpx.Response(400, json={"error": error, "error_description": "no"})
        )

    desk.token.side_effect = answer


def test_during_a_rotation_the_key_that_the_server_knows_is_found(desk: Desk, keys: Keys) -> None:
    desk.write(jwk(keys["RS384"], "old"), jwk(keys["other"], "new"))
    refusing(desk, "invalid_client", unless="new")
    assert desk.client().headers() == {"Authorization": "Bearer new"}


def test_a_file_of_keys_that_changed_is_read_again(desk: Desk, keys: Keys) -> None:
    client = desk.client()
    client.renew(client.headers())
    desk.write(jwk(keys["ES384"], "next"))
    client.headers()
    assert jwt.get_unverified_header(desk.forms()[-1]["client_assertion"])["kid"] == "next"


@pytest.mark.parametrize(("error", "asked"), [("invalid_scope", 1), ("invalid_client", 2)])
def test_a_refusal_says_why(desk: Desk, keys: Keys, error: str, asked: int) -> None:
    desk.write(jwk(keys["RS384"], "a"), jwk(keys["other"], "b"))
    refusing(desk, error)
    with pytest.raises(ServerError, match=f"refused this client: {error}: no; check auth.client-id"):
        desk.client().headers()
    assert desk.token.call_count == asked


def test_a_key_goes_to_no_other_origin_unless_the_site_says_so(desk: Desk) -> None:
    desk.discover(token_endpoint="https://login.example/token")
    with pytest.raises(UsageError, match=r"write auth.token-url = 'https://login.example/token'"):
        desk.client().headers()
    elsewhere = desk.routes.post("https://login.example/token").respond(json={"access_token": "x"})
    assert desk.client(token_url="https://login.example/token").headers() == {"Authorization": "Bearer x"}
    assert elsewhere.called


def test_the_algorithms_of_the_server_choose_the_key(desk: Desk, keys: Keys) -> None:
    desk.write(jwk(keys["RS384"], "rsa"), jwk(keys["ES384"], "ec"))
    desk.discover(token_endpoint_auth_signing_alg_values_supported=["ES384"])
    desk.client().headers()
    assert jwt.get_unverified_header(desk.forms()[0]["client_assertion"])["kid"] == "ec"


WRONG: dict[str, tuple[Callable[[Desk], Any], str]] = {
    "not there": (lambda desk: desk.file.unlink(), "cannot be read"),
    "no JSON": (lambda desk: desk.file.write_text("x"), "is no JWKS"),
    "no keys": (lambda desk: desk.write(), "is no JWKS"),
    "a public key": (lambda desk: desk.write(jwk(desk.keys["RS384"], "k", public=True)), "has no private key"),
}


@pytest.mark.parametrize(("change", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_of_keys_is_named(desk: Desk, change: Callable[[Desk], Any], told: str) -> None:
    change(desk)
    with pytest.raises(UsageError, match=told):
        desk.client().headers()


def test_a_server_without_smart_is_told(desk: Desk) -> None:
    desk.routes.get(f"{BASE}/.well-known/smart-configuration").respond(404)
    with pytest.raises(ServerError, match="offers no SMART Backend Services"):
        desk.client().headers()
    desk.routes.get(f"{BASE}/.well-known/smart-configuration").respond(json={"issuer": "x"})
    with pytest.raises(ServerError, match="is not what SMART describes"):
        desk.client().headers()
