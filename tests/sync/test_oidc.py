"""SMART Backend Services against oidc-provider: a certified token server, which drops a scope without a word."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapter.errors import ServerError
from adapter.fhir.auth import Smart
from adapter.fhir.client import Client
from adapter.fhir.wire import Server, Wire
from tests.node.peers import serving
from tests.sync.test_smart import jwk

pytestmark = pytest.mark.node
CLIENTS = [
    {"client_id": "rsa", "key": "rsa", "scope": "system/Observation.rs system/Condition.rs"},
    {"client_id": "ec", "key": "ec", "scope": "system/Observation.rs system/Condition.rs"},
]
READS = ("Condition", "Observation")


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    clients = [
        {**one, "jwks": {"keys": [jwk(key, public=True)]}, "alg": jwk(key, public=True)["alg"]}
        for one in CLIENTS
        if (key := one["key"])
    ]
    file = tmp_path_factory.mktemp("tokens") / "clients.json"
    file.write_text(json.dumps(clients))
    with serving("tokens.mjs", str(file)) as port:
        yield f"http://127.0.0.1:{port}/fhir"


def door(base_url: str, folder: Path, client: str, key: str, reads: tuple[str, ...] = READS) -> Smart:
    keys = folder / "private.jwks.json"
    keys.write_text(json.dumps({"keys": [jwk(key, public=False)]}))
    return Smart(Server(base_url=base_url), client, keys, reads)


def found(base_url: str, auth: Smart, type_: str) -> int:
    pages = Client(Wire(Server(base_url=base_url), auth)).search(type_, [("_count", "1")])
    return sum(1 for page in pages for _ in page.found)


@pytest.mark.parametrize(("client", "key"), [("rsa", "rsa"), ("ec", "ec")], ids=["RS384", "ES384"])
def test_it_gives_a_token_that_opens_what_was_asked(base_url: str, tmp_path: Path, client: str, key: str) -> None:
    auth = door(base_url, tmp_path, client, key)
    assert auth.granted(READS) == {"Condition", "Observation"}
    assert [found(base_url, auth, type_) for type_ in READS] == [0, 0]
    assert auth.headers() == auth.headers(), "one token is used again"


def test_a_key_that_it_does_not_know_gets_nothing(base_url: str, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="invalid_client") as refused:
        door(base_url, tmp_path, "rsa", "unknown").headers()
    assert refused.value.status == 401


def test_a_scope_that_is_dropped_without_a_word_is_refused_when_it_is_used(base_url: str, tmp_path: Path) -> None:
    auth = door(base_url, tmp_path, "rsa", "rsa", ("MedicationRequest", "Observation"))
    assert found(base_url, auth, "Observation") == 0
    with pytest.raises(ServerError) as refused:
        found(base_url, auth, "MedicationRequest")
    assert refused.value.status == 403, "an error, of which the sync makes a hole, and never an empty answer"
