"""Who calls: the JWT of a CDS client. Source: CDS Hooks 2.0, "Trusting CDS Clients".

A refusal says nothing of its reason to the caller; the log names the reason, never the token.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

import jwt
import msgspec
import requests

from adapter.alerts.call import CallError
from adapter.connection import Caller, Connection
from adapter.errors import UsageError

ALGORITHMS = ("RS384", "ES384")
LONGEST = 16 << 10
"""Characters of a token that is looked at."""
LIFE = 3600
"""Seconds between `iat` and `exp`, at most: so long a `jti` has to be remembered."""
_FRESH, _PAUSE = 600, 10
"""Seconds that keys are good for, and between two looks for a key that is not among them."""
_LARGEST = 1 << 20
_WEAKEST = 2048


@dataclass(slots=True)
class Keys:
    """The public keys of one caller. A key that is not known is looked for again, since keys are rotated."""

    place: str
    folder: Path
    ca_bundle: Path | None
    clock: Callable[[], float]
    _found: Mapping[str, jwt.PyJWK] = field(default_factory=dict)
    _read: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def key(self, kid: str) -> jwt.PyJWK | None:
        """The key of an id; None where there is no such key. Raises OSError or ValueError where none can be read."""
        with self._lock:
            age = self.clock() - self._read
            if age > _FRESH or (kid not in self._found and age > _PAUSE):
                self._read = self.clock()
                self._found = _keys(self._text())
            return self._found.get(kid)

    def _text(self) -> bytes:
        if not is_url(self.place):
            return (self.folder / self.place).read_bytes()
        verify = str(self.ca_bundle) if self.ca_bundle else True
        with requests.Session() as session:
            session.trust_env = False
            with session.get(self.place, timeout=(3, 5), allow_redirects=False, verify=verify, stream=True) as response:
                if response.status_code != 200:
                    raise OSError(f"HTTP {response.status_code}")
                data: bytes = response.raw.read(_LARGEST + 1, decode_content=True)
        if len(data) > _LARGEST:
            raise ValueError("too large")
        return data


def is_url(place: str) -> bool:
    """Whether keys are at an address, and not in a file."""
    return place.lower().startswith(("https://", "http://"))


def _keys(data: bytes) -> dict[str, jwt.PyJWK]:
    """The usable keys of a JWKS by id: RSA of 2048 bits or more for RS384, P-384 for ES384."""
    found = {}
    for key in msgspec.json.decode(data, type=dict[str, list[dict[str, object]]]).get("keys", []):
        kind, kid = key.get("kty"), key.get("kid")
        wanted = {"RSA": "RS384", "EC": "ES384"}.get(str(kind))
        if wanted is None or not isinstance(kid, str) or (kind == "EC" and key.get("crv") != "P-384"):
            continue
        try:
            made = jwt.PyJWK({**key, "alg": wanted})
        except jwt.PyJWTError:  # one that is broken takes nothing from the others
            continue
        if getattr(made.key, "key_size", 0) >= (_WEAKEST if kind == "RSA" else 384):
            found[kid] = made
    return found


class Claims(msgspec.Struct, frozen=True):
    """What a token says. `aud` may be a list of the one address."""

    iss: str
    aud: str | list[str]
    exp: float
    iat: float
    jti: str


@dataclass(slots=True)
class Door:
    """Lets callers in, each token once. `callers` by issuer; without any, everybody."""

    callers: Mapping[str, tuple[Caller, Keys]]
    url: str
    skew: int
    clock: Callable[[], float] = time.time
    told: Callable[[str], object] = lambda reason: None
    _used: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _since: float = 0

    def __post_init__(self) -> None:
        self._since = self.clock() // 1  # what was used before a restart is not remembered, so is not taken

    def check(self, authorization: str | None, path: str) -> str:
        """The issuer of a call to a path; empty where nobody is asked who he is. Raises CallError, 401."""
        if not self.callers:
            return ""
        try:
            return self._checked(authorization or "", f"{self.url.rstrip('/')}{path}")
        except _RefusedError as refused:
            self.told(str(refused))
            raise CallError(401, "the token was not accepted") from None

    def _checked(self, authorization: str, audience: str) -> str:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _RefusedError("no bearer token")
        if len(token) > LONGEST:
            raise _RefusedError("too long")
        header, claims = _unverified(token)
        caller, keys = self.callers.get(claims.iss, (None, None))
        if caller is None or keys is None:
            raise _RefusedError("iss is not on the list")
        if (jku := header.get("jku")) is not None and jku != caller.keys:
            raise _RefusedError("jku is not the address on the list")
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise _RefusedError("alg is neither RS384 nor ES384")
        _verify(token, _key(keys, header, str(algorithm)), str(algorithm))
        self._timely(claims)
        if claims.aud not in (audience, [audience]):
            raise _RefusedError("aud is not the address that was called")
        self._once(claims)
        return claims.iss

    def _timely(self, claims: Claims) -> None:
        now = self.clock()
        if claims.exp <= now - self.skew:
            raise _RefusedError("expired")
        if claims.iat > now + self.skew:
            raise _RefusedError("issued in the future")
        if not 0 < claims.exp - claims.iat <= LIFE:
            raise _RefusedError("good for too long")
        if claims.iat < self._since:
            raise _RefusedError("issued before the start")

    def _once(self, claims: Claims) -> None:
        now = self.clock()
        with self._lock:
            if len(self._used) > 10_000:
                self._used = {key: until for key, until in self._used.items() if until > now}
            if not claims.jti or (claims.iss, claims.jti) in self._used:
                raise _RefusedError("jti is empty or was used before")
            self._used[claims.iss, claims.jti] = claims.exp + self.skew


class _RefusedError(Exception):
    """Why a token is not accepted, for the log."""


def _unverified(token: str) -> tuple[Mapping[str, object], Claims]:
    """Header and claims, to know whose key to ask for."""
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
        return header, msgspec.convert(claims, Claims)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise _RefusedError(f"not readable: {type(error).__name__}") from None


def _key(keys: Keys, header: Mapping[str, object], algorithm: str) -> jwt.PyJWK:
    try:
        key = keys.key(str(header.get("kid", "")))
    except (OSError, ValueError, jwt.PyJWTError) as error:
        raise _RefusedError(f"the keys cannot be read: {type(error).__name__}") from None
    if key is None or key.algorithm_name != algorithm:
        raise _RefusedError("kid names no key of this alg")
    return key


def _verify(token: str, key: jwt.PyJWK, algorithm: str) -> None:
    try:
        jwt.PyJWS().decode(token, key.key, algorithms=[algorithm])
    except jwt.PyJWTError as error:
        raise _RefusedError(f"signature: {type(error).__name__}") from None


def door_of(settings: Connection, told: Callable[[str], object], clock: Callable[[], float] = time.time) -> Door:
    """The door of a site. Raises UsageError for callers whose keys or address cannot be right."""
    hooks = settings.hooks
    for caller in hooks.callers:
        if is_url(caller.keys) and not _is_safe(caller.keys):
            raise UsageError(f"hooks.callers: keys {caller.keys!r} must be an https address or a file")
    if hooks.callers and not hooks.url:
        raise UsageError("hooks.callers needs hooks.url, the address as the EHR calls it: the `aud` of its tokens")
    ca_bundle = settings.path(settings.server.ca_bundle) if settings.server.ca_bundle else None
    callers = {one.issuer: (one, Keys(one.keys, settings.folder, ca_bundle, time.monotonic)) for one in hooks.callers}
    return Door(callers, hooks.url, hooks.skew_seconds, clock, told)


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("127.0.0.1", "localhost", "::1")
