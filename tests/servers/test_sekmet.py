"""sekmet-fhir: pages, histories and transactions, and its token server, the strictest that was found."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from adapter.errors import ServerError
from adapter.fhir.auth import Fixed, Smart, basic, bearer
from adapter.fhir.client import Client
from adapter.fhir.wire import Server, Wire
from tests.sync import sekmet

PATIENT = "Patient/jane-doe-1970"
KEYS = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "old": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ec": ec.generate_private_key(ec.SECP384R1()),
}


def jwks(*names: str, public: bool = False) -> dict[str, Any]:
    """A JWKS of some of the keys."""
    found = []
    for name in names:
        key: Any = KEYS[name].public_key() if public else KEYS[name]
        form = ECAlgorithm if name == "ec" else RSAAlgorithm
        found.append({**form.to_jwk(key, as_dict=True), "kid": name})
    return {"keys": found}


def started(folder: Path, auth: Mapping[str, object]) -> Iterator[str]:
    with sekmet.running(folder, f"server_auth: {json.dumps(auth)}\n") as base_url:
        yield base_url


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server that lets everybody in and holds a patient with 25 observations."""
    for base_url in started(tmp_path_factory.mktemp("plain"), {"types": ["none"]}):
        client = Client(Wire(Server(base_url=base_url), Fixed()))
        client.transaction(transaction(patient(), *(observation(n) for n in range(25))))
        yield client


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that wants a password or a token."""
    yield from started(
        tmp_path_factory.mktemp("locked"),
        {"types": ["basic", "bearer"], "users": {"trial": "secret"}, "tokens": ["the-token"]},
    )


SCOPES = "system/Patient.cruds system/Observation.rs system/Condition.r"


@pytest.fixture(scope="module")
def smart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with three clients, each with keys of one kind: it answers 500 where one has registered both kinds."""
    clients = [
        {"client_id": "trial-adapter", "jwks": jwks("rsa", public=True), "scopes": SCOPES},
        {"client_id": "on-a-curve", "jwks": jwks("ec", public=True), "scopes": SCOPES},
        {"client_id": "reader", "jwks": jwks("rsa", public=True), "scopes": "system/Patient.rs"},
    ]
    auth = {"types": ["smart"], "smart_clients": clients}
    yield from started(tmp_path_factory.mktemp("smart"), auth)


def patient() -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "jane-doe-1970", "gender": "female"}


def observation(number: int, status: str = "final") -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "2890-2"}]}
    return {
        "resourceType": "Observation", "id": f"o{number:02}", "status": status, "code": code, "subject": {"reference": PATIENT},
    }  # fmt: skip


def transaction(*resources: Mapping[str, Any], match: str | None = None) -> bytes:
    """PUTs, with `ifMatch` where a version is wanted."""
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}", **({"ifMatch": match} if match else {})}}
        for one in resources
    ]  # fmt: skip
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def found(client: Client, *parameters: tuple[str, str], private: bool = True) -> list[str]:
    """The ids of a search, page after page."""
    pages = client.search("Observation", [*parameters, ("_count", "10")], private=private)
    return [json.loads(bytes(one.resource))["id"] for page in pages for one in page.found]


# --- reading and writing ---


@pytest.mark.parametrize("private", [True, False], ids=["POST", "GET"])
def test_every_page_of_a_search_is_read(plain: Client, private: bool) -> None:
    before = plain.wire.asked
    assert sorted(found(plain, ("patient", PATIENT), private=private)) == [f"o{n:02}" for n in range(25)]
    assert plain.wire.asked - before == 3


def test_a_search_that_finds_nothing_is_a_page_without_entries(plain: Client) -> None:
    assert found(plain, ("patient", "Patient/nobody")) == []


def test_a_resource_is_read_or_none(plain: Client) -> None:
    assert json.loads(plain.read(PATIENT) or b"")["gender"] == "female"
    assert plain.read("Patient/nobody") is None


def test_a_history_tells_of_changes_since_an_instant(plain: Client) -> None:
    since = json.loads(plain.read("Observation/o24") or b"")["meta"]["lastUpdated"]
    plain.transaction(transaction(observation(24, "amended")))
    entries = [one for page in plain.history("Observation", since, 10) for one in page.found]
    latest = next(json.loads(bytes(one.resource)) for one in entries if b'"o24"' in bytes(one.resource))
    assert latest["status"] == "amended"


def test_a_transaction_says_what_became_of_each_entry(plain: Client) -> None:
    answer = plain.transaction(transaction(observation(7, "corrected")))
    assert [one.response.status[:3] for one in answer.entry] == ["200"] and "2" in answer.entry[0].response.etag


def test_a_transaction_on_an_old_version_is_refused_whole(plain: Client) -> None:
    plain.transaction(transaction(observation(8, "amended")))
    with pytest.raises(ServerError) as caught:
        plain.transaction(transaction(observation(8, "corrected"), match='W/"1"'))
    assert caught.value.status in (409, 412)
    assert json.loads(plain.read("Observation/o08") or b"")["status"] == "amended"


def test_what_the_server_refuses_is_told_without_the_patient(plain: Client) -> None:
    with pytest.raises(ServerError) as caught:
        plain.get(f"{PATIENT}/_history/99")
    assert caught.value.status == 404 and "jane" not in str(caught.value)


# --- let in ---


@pytest.mark.parametrize("auth", [basic("trial", "secret"), bearer("the-token")], ids=["basic", "bearer"])
def test_who_is_known_is_let_in(locked: str, auth: Fixed) -> None:
    assert Client(Wire(Server(base_url=locked), auth)).read("Patient/nobody") is None


STRANGERS = {"nobody": Fixed(), "a wrong password": basic("trial", "guess"), "a wrong token": bearer("a-token")}


@pytest.mark.parametrize("auth", STRANGERS.values(), ids=STRANGERS)
def test_who_is_not_known_is_not_let_in(locked: str, auth: Fixed) -> None:
    with pytest.raises(ServerError) as caught:
        Client(Wire(Server(base_url=locked), auth)).read("Patient/nobody")
    assert caught.value.status == 401


@dataclass(frozen=True)
class Inside:
    """A SMART client and what lets it in."""

    auth: Smart
    client: Client


Known = Callable[..., Inside]


@pytest.fixture
def known(smart: str, tmp_path: Path) -> Known:
    """Makes a SMART client with a file of its own keys."""

    def made(
        *keys: str, name: str = "trial-adapter", reads: tuple[str, ...] = ("Patient", "Observation"), **more: Any
    ) -> Inside:
        file = tmp_path / "private.jwks.json"
        file.write_text(json.dumps(jwks(*keys)))
        server = Server(base_url=smart, retries=1)
        auth = Smart(server, name, file, reads, **more)
        return Inside(auth, Client(Wire(server, auth)))

    return made


KEYS_IN_USE = {
    "RS384": (("rsa",), "trial-adapter"),
    "ES384": (("ec",), "on-a-curve"),
    "an old key first": (("old", "rsa"), "trial-adapter"),
}


@pytest.mark.parametrize(("keys", "name"), KEYS_IN_USE.values(), ids=KEYS_IN_USE)
def test_a_client_with_a_key_is_let_in(known: Known, keys: tuple[str, ...], name: str) -> None:
    assert found(known(*keys, name=name).client, ("patient", PATIENT)) == []


def test_one_token_serves_many_requests_and_a_refused_one_is_renewed(known: Known) -> None:
    made = known("rsa")
    made.client.read("Patient/nobody")
    first = made.auth.headers()
    assert made.auth.headers() == first
    assert made.auth._token is not None
    made.auth._token.access_token = "not-a-token"
    assert made.client.read("Patient/nobody") is None
    assert made.auth.headers()["Authorization"] != "Bearer not-a-token"


def test_what_the_server_grants_is_less_than_what_is_asked(known: Known) -> None:
    types = ("Patient", "Observation", "Condition", "Procedure")
    made = known("rsa", reads=types)
    assert made.auth.granted(types) == {"Patient", "Observation"}
    with pytest.raises(ServerError) as caught:
        list(made.client.search("Procedure", [("patient", PATIENT)]))
    assert caught.value.status == 403


REFUSED: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "a key that is not registered": (("old",), {}, "invalid_client"),
    "a name that is not registered": (("rsa",), {"name": "somebody"}, "invalid_client"),
    "nothing that it may have": (("rsa",), {"name": "reader", "reads": ("Procedure",)}, "invalid_scope"),
}


@pytest.mark.parametrize(("keys", "more", "told"), REFUSED.values(), ids=REFUSED)
def test_a_client_that_is_refused_is_told_why(
    known: Known, keys: tuple[str, ...], more: dict[str, Any], told: str
) -> None:
    with pytest.raises(ServerError, match=told) as caught:
        known(*keys, **more).client.read("Patient/nobody")
    assert caught.value.status == 401


def test_writing_needs_a_scope_of_its_own(known: Known) -> None:
    body, headers = json.dumps(patient()).encode(), {"Content-Type": "application/fhir+json"}

    def put(made: Inside) -> int:
        return made.client.wire.send("PUT", PATIENT, lambda answer: answer.status, headers=headers, data=body)

    with pytest.raises(ServerError) as caught:
        put(known("rsa"))
    assert caught.value.status == 403
    assert put(known("rsa", writes=("Patient",))) in (200, 201)
