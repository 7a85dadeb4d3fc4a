"""How a server lets the program in: nothing, basic, a bearer token, or SMART Backend Services with `private_key_jwt`.

Source: hl7.org/fhir/smart-app-launch/backend-services.html. Secrets come from files or the environment only.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TypeVar
from urllib.parse import urljoin
from uuid import uuid4

import jwt
import msgspec
import requests
import urllib3

from adapter.errors import ServerError, UsageError
from adapter.fhir.wire import Server, same_origin, session_of

_LIFE = 240
"""Seconds that an assertion is good for; SMART allows five minutes."""
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SCOPE = re.compile(r"(?:system|user)/(\*|[A-Za-z]+)\.([a-z*]+)$")
_LARGEST = 1 << 20
S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same headers always: none, basic or a bearer token."""

    fixed: Mapping[str, str] = field(default_factory=dict)

    def headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return self.fixed

    def renew(self, refused: Mapping[str, str]) -> bool:
        """There is nothing fresh."""
        return False

    def granted(self, types: Iterable[str]) -> frozenset[str]:
        """What the server will show is not told before it is asked."""
        return frozenset(types)


def basic(user: str, password: str) -> Fixed:
    """RFC 7617, in UTF-8."""
    return Fixed({"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()})


def bearer(token: str) -> Fixed:
    """RFC 6750."""
    return Fixed({"Authorization": f"Bearer {token}"})


class _Discovery(msgspec.Struct):
    token_endpoint: str
    capabilities: tuple[str, ...] = ()
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = ()


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int = 300
    scope: str | None = None


class _Refusal(msgspec.Struct):
    error: str = ""
    error_description: str = ""


@dataclass(slots=True)
class Smart:
    """A client of SMART Backend Services. One token for all threads, taken anew shortly before it ends.

    `keys` is a JWKS file with private keys, read again when it changes; `reads` and `writes` are resource types.
    """

    server: Server
    client_id: str
    keys: Path
    reads: tuple[str, ...]
    writes: tuple[str, ...] = ()
    token_url: str | None = None
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    session: requests.Session = field(init=False)
    _lock: Lock = field(default_factory=Lock)
    _token: _Token | None = None
    _until: float = 0
    _found: _Discovery | None = None

    def __post_init__(self) -> None:
        self.session = session_of(self.server)

    def headers(self) -> Mapping[str, str]:
        """The Authorization of the next request. Raises ServerError where no token is given."""
        with self._lock:
            if self._token is None or self.now().timestamp() >= self._until:
                self._take()
            assert self._token is not None
            return {"Authorization": f"Bearer {self._token.access_token}"}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Forgets the token that was refused; another thread may have renewed it already."""
        with self._lock:
            if self._token and refused.get("Authorization") == f"Bearer {self._token.access_token}":
                self._token = None
        return True

    def granted(self, types: Iterable[str]) -> frozenset[str]:
        """Those of the types that the server lets this client search whole.

        An answer without `scope` grants what was asked (RFC 6749 section 5.1); a server that drops scopes in silence
        refuses the request itself, which leaves a hole then.
        """
        self.headers()
        told = self._token.scope if self._token else None
        return frozenset(types) if told is None else readable(told, types)

    def _take(self) -> None:
        found = self._discovered()
        asked_at = self.now().timestamp()
        self._token = self._granted_by(found)
        life = max(0, self._token.expires_in)
        self._until = asked_at + life - min(60, life // 10 + 1)

    def _granted_by(self, found: _Discovery) -> _Token:
        """A token for the first key that the server knows: during a rotation it may know one of them only."""
        keys = _private_keys(self.keys, found.token_endpoint_auth_signing_alg_values_supported)
        status, told = 0, ""
        for key_id, algorithm, key in keys:
            form = {
                "grant_type": "client_credentials",
                "scope": scopes(self.reads, self.writes, found.capabilities),
                "client_assertion_type": _ASSERTION,
                "client_assertion": self._assertion(found.token_endpoint, key_id, algorithm, key),
            }
            status, body = self._post(found.token_endpoint, form)
            if status == 200:
                return _decoded(body, _Token, "the token server's answer")
            told = _reason(body) or f"{status} without a reason"
            if _reason(body) and not told.startswith("invalid_client"):
                break
        _check_trouble("the token server", status)
        advice = "check auth.client-id, auth.keys and the scopes that it may have"
        raise ServerError(f"the token server refused this client: {told}; {advice}", 401)

    def _assertion(self, audience: str, key_id: str, algorithm: str, key: object) -> str:
        issued = int(self.now().timestamp())
        claims = {
            "iss": self.client_id, "sub": self.client_id, "aud": audience, "jti": str(uuid4()),
            "iat": issued, "exp": issued + _LIFE,
        }  # fmt: skip
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": key_id, "typ": "JWT"})  # type: ignore[arg-type]

    def _discovered(self) -> _Discovery:
        if self._found is None:
            url = urljoin(self.server.base_url.rstrip("/") + "/", ".well-known/smart-configuration")
            status, body = self._request("GET", url)
            _check_trouble("the server that names the token server", status)
            if status != 200:
                raise ServerError(f"{url} answers {status}; the server offers no SMART Backend Services there", status)
            self._found = self._checked(_decoded(body, _Discovery, ".well-known/smart-configuration"))
        return self._found

    def _checked(self, found: _Discovery) -> _Discovery:
        """The key goes only to where the configuration, or the server's own origin, says."""
        if self.token_url:
            return msgspec.structs.replace(found, token_endpoint=self.token_url)
        if not same_origin(found.token_endpoint, self.server.base_url):
            told = f"write auth.token-url = {found.token_endpoint!r}"
            raise UsageError(f"the server names a token server on another origin; if it is the right one, {told}")
        return found

    def _post(self, url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
        return self._request("POST", url, form)

    def _request(self, method: str, url: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        asked = "the token server" if form else "the server that names the token server"
        try:
            with self.session.request(
                method, url, data=form, headers={"Accept": "application/json"}, timeout=self.server.timeout,
                allow_redirects=False, stream=True,
            ) as response:  # fmt: skip
                status, body = response.status_code, response.raw.read(_LARGEST, decode_content=True)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise ServerError(f"no answer from {asked} ({type(error).__name__}); check the network") from None
        return status, body


def _check_trouble(asked: str, status: int) -> None:
    """A server in trouble refuses nobody: it may be asked again."""
    if status == 429 or status >= 500:
        raise ServerError(f"{asked} answers {status}; try again later", status)


def scopes(reads: Iterable[str], writes: Iterable[str], capabilities: Iterable[str]) -> str:
    """The least scopes, in version 2 of SMART; in version 1 where the server knows no other."""
    old = "permission-v1" in capabilities and "permission-v2" not in capabilities
    read, write = ("read", "write") if old else ("rs", "cu")
    wanted = [f"system/{one}.{read}" for one in sorted(set(reads))]
    return " ".join([*wanted, *(f"system/{one}.{write}" for one in sorted(set(writes)))])


def readable(scope: str, types: Iterable[str]) -> frozenset[str]:
    """Those of the types that a granted scope lets be read and searched without a condition."""
    found = {m[1] for one in scope.split() if (m := _SCOPE.fullmatch(one)) and _reads(m[2])}
    return frozenset(types) if "*" in found else frozenset(one for one in types if one in found)


def _reads(verbs: str) -> bool:
    return verbs in ("read", "*") or {"r", "s"} <= set(verbs) <= set("cruds")


def _private_keys(path: Path, allowed: Iterable[str]) -> list[tuple[str, str, object]]:
    """Id, algorithm and key of each private key that the server accepts."""
    try:
        keys = jwt.PyJWKSet.from_json(path.read_text(encoding="utf-8")).keys
    except OSError as error:
        raise UsageError(f"auth.keys: {path} cannot be read: {error.strerror}") from None
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise UsageError(f'auth.keys: {path} is no JWKS; write {{"keys": [...]}} with a private key') from None
    algorithms = set(allowed) or {"RS384", "ES384"}
    found = [(key.key_id or "", name, key.key) for key in keys if (name := _algorithm(key)) in algorithms]
    if not found:
        raise UsageError(f"auth.keys: {path} has no private key for {' or '.join(sorted(algorithms))}")
    return found


def _algorithm(key: jwt.PyJWK) -> str:
    """What SMART has a private key sign with; empty for any other key. ES384 is of the curve P-384 only."""
    curve = getattr(getattr(key.key, "curve", None), "name", "")
    known = {("RSA", ""): "RS384", ("EC", "secp384r1"): "ES384"}
    return known.get((key.key_type or "", curve), "") if hasattr(key.key, "private_bytes") else ""


def _reason(body: bytes) -> str:
    try:
        found = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, ValueError):
        return ""
    return f"{found.error}{f': {found.error_description}' if found.error_description else ''}"[:200]


def _decoded(body: bytes, kind: type[S], what: str) -> S:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, ValueError):
        raise ServerError(f"{what} is not what SMART describes") from None
