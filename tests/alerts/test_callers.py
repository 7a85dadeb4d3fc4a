"""Who may ask: every way in which a token can be wrong, over HTTP, with the status that the EHR sees."""

import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from adapter.connection import Caller
from adapter.errors import UsageError
from tests.alerts.ehr import TRIAL, Ehr, Json, prefetch_of, resources, running

URL = "https://trials.example"
PATH = f"/cds-services/{TRIAL}-patient-view"
ISSUER = "https://ehr.example"
KEYS: dict[str, Any] = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "weak": rsa.generate_private_key(public_exponent=65537, key_size=1024),
    "ec": ec.generate_private_key(ec.SECP384R1()),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "fresh": ec.generate_private_key(ec.SECP384R1()),
    "foreign": ec.generate_private_key(ec.SECP384R1()),
}


def public(*names: str) -> Json:
    """A JWKS of some of the keys."""
    forms = [(name, RSAAlgorithm if name in ("rsa", "weak") else ECAlgorithm) for name in names]
    return {"keys": [{**form.to_jwk(KEYS[name].public_key(), as_dict=True), "kid": name} for name, form in forms]}


def token(key: str = "ec", alg: str = "", header: Json | None = None, **changed: Any) -> str:
    """What a record system signs; `changed` claims, None takes one away."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": URL + PATH, "iat": now, "exp": now + 300, "jti": str(uuid4()), **changed}
    algorithm = alg or ("RS384" if key in ("rsa", "weak") else "ES384")
    told = {"kid": key, "typ": "JWT", **(header or {})}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, KEYS[key], algorithm, headers=told)


def made_by_hand(header: Json, claims: Json | None = None, secret: bytes | None = None) -> str:
    """A token that no library would make; with a secret signed by HMAC."""
    now = int(time.time())
    body = claims or {"iss": ISSUER, "aud": URL + PATH, "iat": now, "exp": now + 300, "jti": str(uuid4())}
    text = ".".join(_b64(json.dumps(part).encode()) for part in (header, body))
    signature = hmac.new(secret, text.encode(), hashlib.sha384).digest() if secret else b""
    return f"{text}.{_b64(signature)}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def public_pem() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    found: bytes = KEYS["rsa"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("callers")
    broken = {"kty": "EC", "kid": "broken", "crv": "P-384", "x": "!", "y": "?"}
    keys = [broken, {"kty": "oct", "kid": "oct", "k": "AA"}, *public("rsa", "weak", "ec", "p256")["keys"]]
    (found / "keys.json").write_text(json.dumps({"keys": keys}))
    return found


@pytest.fixture(scope="module")
def ehr(folder: Path) -> Iterator[Ehr]:
    with running(folder, callers=(Caller(issuer=ISSUER, keys="keys.json"),)) as found:
        yield found


def asked(ehr: Ehr, authorization: str | None, path: str = PATH) -> requests.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    context = {"userId": "Practitioner/1", "patientId": "eligible"}
    body = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": context,
        "prefetch": prefetch_of(resources("eligible")),
    }
    return ehr.post(path, body, headers=headers)


@pytest.mark.parametrize("key", ["rsa", "ec"], ids=["RS384", "ES384"])
def test_a_caller_on_the_list_is_answered(ehr: Ehr, key: str) -> None:
    assert asked(ehr, f"Bearer {token(key)}").status_code == 200
    assert asked(ehr, f"Bearer {token(key, header={'jku': 'keys.json'})}").status_code == 200
    assert asked(ehr, f"Bearer {token(key, aud=[URL + PATH])}").status_code == 200


now = time.time
REFUSED: list[tuple[str, Callable[[], str | None], str]] = [
    ("no header", lambda: None, "no bearer token"),
    ("another scheme", lambda: "Basic dXNlcjpwYXNz", "no bearer token"),
    ("an empty token", lambda: "Bearer ", "no bearer token"),
    ("no JWT", lambda: "Bearer a.b.c", "not readable"),
    ("nothing but dots", lambda: "Bearer ..", "not readable"),
    ("forged: signed by a key of somebody else", lambda: f"Bearer {token('foreign', header={'kid': 'ec'})}", "signature"),
    ("forged: a claim changed after signing", lambda: f"Bearer {_changed(token())}", "signature"),
    ("forged: no signature", lambda: f"Bearer {token().rpartition('.')[0]}.", "signature"),
    ("expired", lambda: f"Bearer {token(iat=int(now()) - 30, exp=int(now()) - 61)}", "expired"),
    ("expired, within its life", lambda: f"Bearer {token(iat=int(now()) - 400, exp=int(now()) - 61)}", "expired"),
    ("issued in the future", lambda: f"Bearer {token(iat=int(now()) + 120, exp=int(now()) + 300)}", "issued in the future"),
    ("issued before the service started", lambda: f"Bearer {token(iat=int(now()) - 1000)}", "issued before the start"),
    ("good for a day", lambda: f"Bearer {token(exp=int(now()) + 86_400)}", "good for too long"),
    ("aud of another service", lambda: f"Bearer {token(aud=URL + PATH + 's')}", "aud"),
    ("aud of another host", lambda: f"Bearer {token(aud='https://other.example' + PATH)}", "aud"),
    ("aud is the host only", lambda: f"Bearer {token(aud=URL)}", "aud"),
    ("aud with a second address", lambda: f"Bearer {token(aud=[URL + PATH, 'https://other.example'])}", "aud"),
    ("iss is not on the list", lambda: f"Bearer {token(iss='https://evil.example')}", "iss"),
    ("jku is not the one on the list", lambda: f"Bearer {token(header={'jku': 'https://evil.example/jwks.json'})}", "jku"),
    ("alg=none", lambda: f"Bearer {made_by_hand({'alg': 'none', 'typ': 'JWT', 'kid': 'ec'})}", "alg"),
    ("HS256 with the public key", lambda: f"Bearer {made_by_hand({'alg': 'HS256', 'typ': 'JWT', 'kid': 'rsa'}, secret=public_pem())}", "alg"),
    ("HS384 with the public key", lambda: f"Bearer {made_by_hand({'alg': 'HS384', 'typ': 'JWT', 'kid': 'rsa'}, secret=public_pem())}", "alg"),
    ("RS256", lambda: f"Bearer {token('rsa', alg='RS256')}", "alg"),
    ("RS384 said of an EC key", lambda: f"Bearer {token('rsa', header={'kid': 'ec'})}", "kid"),
    ("an unknown kid", lambda: f"Bearer {token(header={'kid': 'nobody'})}", "kid"),
    ("the kid of a broken key", lambda: f"Bearer {token(header={'kid': 'broken'})}", "kid"),
    ("no kid", lambda: f"Bearer {made_by_hand({'alg': 'ES384', 'typ': 'JWT'})}", "kid"),
    ("a key of 1024 bits", lambda: f"Bearer {token('weak')}", "kid"),
    ("a key on P-256", lambda: f"Bearer {token('p256', alg='ES256', header={'kid': 'p256'})}", "alg"),
    ("no jti", lambda: f"Bearer {token(jti=None)}", "not readable"),
    ("an empty jti", lambda: f"Bearer {token(jti='')}", "jti"),
    ("no exp", lambda: f"Bearer {token(exp=None)}", "not readable"),
    ("no iat", lambda: f"Bearer {token(iat=None)}", "not readable"),
    ("17 kB", lambda: f"Bearer {token(filling='x' * 17_000)}", "too long"),
]  # fmt: skip


def _changed(signed: str) -> str:
    head, _, tail = signed.split(".")
    claims = {
        "iss": ISSUER,
        "aud": URL + PATH,
        "iat": int(now()),
        "exp": int(now()) + 300,
        "jti": "mine",
        "sub": "admin",
    }
    return f"{head}.{_b64(json.dumps(claims).encode())}.{tail}"


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize(("authorization", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_every_other_token_is_refused_with_401(ehr: Ehr, authorization: Callable[[], str | None], why: str) -> None:
    ehr.log.clear()
    answer = asked(ehr, authorization())
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["issue"][0]["diagnostics"] == "the token was not accepted", "the caller is not told why"
    assert why in ehr.log[-1][1]["why"], "the log is"


def test_a_token_is_good_for_one_call(ehr: Ehr) -> None:
    once = f"Bearer {token()}"
    assert [asked(ehr, once).status_code for _ in range(3)] == [200, 401, 401]


def test_a_token_of_one_megabyte_is_not_even_read(ehr: Ehr) -> None:
    with contextlib.suppress(requests.RequestException):  # the door may be shut while the header is still coming
        assert asked(ehr, f"Bearer {token(filling='x' * 1_000_000)}").status_code == 400
    assert asked(ehr, f"Bearer {token()}").status_code == 200


def test_feedback_is_guarded_by_its_own_address(ehr: Ehr) -> None:
    body = {"feedback": [{"card": "c", "outcome": "accepted", "outcomeTimestamp": "2026-11-22T04:00:00Z"}]}
    for address, status in ((PATH, 401), (f"{PATH}/feedback", 200)):
        bearer = {"Authorization": f"Bearer {token(aud=URL + address)}"}
        assert ehr.post(f"{PATH}/feedback", body, headers=bearer).status_code == status


def test_discovery_is_open(ehr: Ehr) -> None:
    assert requests.get(f"{ehr.base_url}/cds-services", timeout=5).status_code == 200


def test_a_rotated_key_is_found_after_a_pause(ehr: Ehr, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ehr.door.callers[ISSUER][1]
    assert asked(ehr, f"Bearer {token()}").status_code == 200
    (folder / "keys.json").write_text(json.dumps(public("rsa", "fresh")))
    clock = keys.clock
    assert asked(ehr, f"Bearer {token('fresh')}").status_code == 401, "just looked"
    monkeypatch.setattr(keys, "clock", lambda: clock() + 11)
    assert asked(ehr, f"Bearer {token('fresh')}").status_code == 200
    assert asked(ehr, f"Bearer {token('ec')}").status_code == 401, "the old key is gone"
    (folder / "keys.json").write_text("no longer readable")
    monkeypatch.setattr(keys, "clock", lambda: clock() + 12 + 600)
    assert asked(ehr, f"Bearer {token('fresh')}").status_code == 401, "keys that cannot be read let nobody in"
    (folder / "keys.json").write_text(json.dumps(public("rsa", "weak", "ec", "p256")))
    monkeypatch.setattr(keys, "clock", lambda: clock() + 13 + 1200)
    assert asked(ehr, f"Bearer {token()}").status_code == 200


@pytest.mark.parametrize("keys", ["http://ehr.example/jwks.json", "http://127.0.0.1.evil.example/jwks.json"])
def test_keys_come_over_tls_only(tmp_path: Path, keys: str) -> None:
    with pytest.raises(UsageError, match="https"), running(tmp_path, callers=(Caller(issuer=ISSUER, keys=keys),)):
        pass


# --- what a browser may do ---


def test_a_browser_of_a_listed_origin_may_ask_and_no_other(tmp_path: Path) -> None:
    with running(tmp_path, origins=("https://ehr.example",)) as ehr:
        for origin, allowed in (("https://ehr.example", "https://ehr.example"), ("https://evil.example", None)):
            asks = {
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type",
            }
            answer = requests.options(ehr.base_url + PATH, headers=asks, timeout=5)
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed
            assert (answer.status_code == 200) == (allowed is not None)
        form = ehr.post(PATH, b"{}", headers={"Content-Type": "text/plain"})
        assert form.status_code == 415, "a form of another site needs no preflight, so it is not taken"
