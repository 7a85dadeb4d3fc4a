"""SMART Backend Services against sekmet's strict server: what is granted is read, what is not is a hole."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from adapter.connection import AuthSection
from adapter.errors import ServerError
from tests.sync import sekmet
from tests.sync.load import load
from tests.sync.site import COHORT, Site

NAMES = ("eligible", "upcr-mg-mmol")
LOADER = "loaders-own-token"
KEYS = {
    "rsa": (RSAAlgorithm, rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "ec": (ECAlgorithm, ec.generate_private_key(ec.SECP384R1())),
    "unknown": (RSAAlgorithm, rsa.generate_private_key(public_exponent=65537, key_size=2048)),
}
CLIENTS = {
    "everything": "system/*.rs system/*.cruds",
    "everything-ec": "system/*.rs",
    "no-medication": " ".join(
        f"system/{one}.rs" for one in ("Patient", "Condition", "Observation", "Consent", "QuestionnaireResponse")
    ),
    "nothing": "system/Basic.rs",
}


def jwk(name: str, *, public: bool) -> dict[str, Any]:
    algorithm, key = KEYS[name]
    found = json.loads(algorithm.to_jwk(key.public_key() if public else key))  # type: ignore[attr-defined]
    return {**found, "kid": name, "alg": {"rsa": "RS384", "ec": "ES384"}.get(name, "RS384"), "use": "sig"}


def settings(lifetime: int) -> str:
    known = {name: {"keys": [jwk("ec" if name.endswith("-ec") else "rsa", public=True)]} for name in CLIENTS}
    clients = [{"client_id": name, "jwks": known[name], "scopes": scopes} for name, scopes in CLIENTS.items()]
    found = {"types": ["smart", "bearer"], "tokens": [LOADER], "smart_clients": clients, "token_lifetime": lifetime}
    return f"server_auth: {json.dumps(found)}\n"


@pytest.fixture(scope="module", params=[3600], ids=["long"])
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[str]:
    with sekmet.running(tmp_path_factory.mktemp("server"), settings(request.param)) as base_url:
        load(base_url, [COHORT / f"{name}.json" for name in NAMES], LOADER)
        yield base_url


def at(base_url: str, folder: Path, client: str = "everything", keys: tuple[str, ...] = ("rsa",)) -> Site:
    (folder / "keys.json").write_text(json.dumps({"keys": [jwk(name, public=False) for name in keys]}))
    return Site(base_url, folder, auth=AuthSection(kind="smart", client_id=client, keys="keys.json"))


LET_IN = {
    "RS384": ("everything", ("rsa",)),
    "ES384": ("everything-ec", ("ec",)),
    "during a rotation": ("everything", ("unknown", "rsa")),
}


@pytest.mark.parametrize(("client", "keys"), LET_IN.values(), ids=LET_IN)
def test_a_server_that_knows_the_key_lets_it_in(
    server: str, tmp_path: Path, client: str, keys: tuple[str, ...]
) -> None:
    site = at(server, tmp_path, client, keys=keys)
    assert site.run() == "" and sorted(site.verdicts()) == ["Patient/eligible", "Patient/upcr-mg-mmol"]
    assert site.verdicts()["Patient/eligible"]["status"] == "eligible"


def test_a_narrower_grant_is_not_covered_and_says_whom_to_ask(server: str, tmp_path: Path) -> None:
    site = at(server, tmp_path, "no-medication")
    assert "MedicationRequest: no scope for MedicationRequest was granted" in site.run()
    found = site.verdicts()["Patient/eligible"]
    assert found["status"] == "undetermined"
    open_ = {one["id"] for one in found["criteria"] if one["reason"] == "not-covered"}
    assert "exc-b-cell-depletion" in open_
    told = [issue["problem"] for issue in found["issues"] if issue["path"] == "MedicationRequest"]
    assert told == [
        "MedicationRequest was not read completely: no scope for MedicationRequest was granted; ask those who run the server for it"
    ]


def test_who_is_granted_nothing_gets_no_further(server: str, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="invalid_scope"):
        at(server, tmp_path, "nothing").run()
    with pytest.raises(ServerError, match="refused this client"):
        at(server, tmp_path, keys=("unknown",)).run()


def test_a_token_that_ends_in_the_middle_of_a_run_is_taken_anew(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    with sekmet.running(folder, settings(lifetime=1)) as base_url:
        load(base_url, [COHORT / f"{name}.json" for name in NAMES], LOADER)
        site = at(base_url, tmp_path)
        assert site.run() == "" and len(site.verdicts()) == 2
