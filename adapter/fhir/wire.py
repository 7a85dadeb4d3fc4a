"""HTTP to one FHIR server: one origin, limits, retries, and errors that tell what the server said.

Nothing of a patient stands in an error: a URL is told by its resource type only.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter

from adapter.errors import ServerError
from adapter.fhir.outcome import named, outcome_text

T = TypeVar("T")
_AGAIN = frozenset({429, 502, 503, 504})
_MOVED = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_CHUNK = 1 << 20
_BACKOFF = tenacity.wait_exponential(multiplier=0.2, max=20) + tenacity.wait_random(0, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a FHIR server is and how much may be asked of it. Times in seconds, sizes in bytes.

    `most_requests` and `longest_wait` (all pauses together) are the budget of a run.
    """

    base_url: str
    ca_bundle: Path | None = None
    client_certificate: tuple[Path, Path] | None = None
    proxy: str | None = None
    timeout: tuple[float, float] = (10, 60)
    retries: int = 5
    most_requests: int = 1_000_000
    longest_wait: float = 600
    page_bytes: int = 1 << 26
    threads: int = 8


class Auth(Protocol):
    """What a request carries to be let in."""

    def headers(self) -> Mapping[str, str]:
        """The headers of the next request."""

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Whether there is something fresh to try after the server refused these headers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers with small letters, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _AgainError(Exception):
    """An answer after which the same may be asked again; `after` seconds where the server said so."""

    def __init__(self, error: ServerError, after: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.after = error, after


@dataclass(slots=True)
class Wire:
    """The connections to one server, safe to be used by several threads."""

    server: Server
    auth: Auth
    sleep: Callable[[float], None] = tenacity.nap.sleep
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    session: requests.Session = field(init=False)
    asked: int = 0
    waited: float = 0
    skew: timedelta = timedelta(0)
    """How far the server's clock is ahead of ours, by its last answer."""
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.session = session_of(self.server)

    def url(self, path: str) -> str:
        """A path below the base, or a link that a server gave, which must not leave the server's origin."""
        found = _sent(self.server.base_url.rstrip("/") + "/", path)
        if not same_origin(found, self.server.base_url):
            raise ServerError("the server links to another origin, which is not followed; check its base URL settings")
        return found

    def next_page(self, link: str) -> str:
        """A link to a next page, which must lie below the base, or be the base itself with a query, as HAPI's is."""
        found, base = self.url(link), urlsplit(_sent(self.server.base_url)).path.rstrip("/")
        if not f"{urlsplit(found).path}/".startswith(f"{base}/"):
            raise ServerError("a next page lies beside the base, which is not followed; check server.base-url")
        return found

    def send(
        self,
        method: str,
        path: str,
        read: Callable[[Answer], T],
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | str | None = None,
        repeatable: bool = True,
        into: BinaryIO | None = None,
    ) -> T:
        """One request and what `read` makes of its answer; asked again where that is safe and may help. A body of any
        size goes `into` a file; then the answer has none.

        Raises ServerError, whose `status` is that of the answer.
        """

        def once() -> T:
            return read(self._ask(method, self.url(path), headers or {}, data, into))

        again = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.server.retries if repeatable else 1),
            wait=self._pause,
            retry=tenacity.retry_if_exception_type(_AgainError),
            sleep=self._wait,
            reraise=True,
        )
        try:
            return again(once)
        except _AgainError as last:
            raise last.error from None

    def _pause(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        told = error.after if isinstance(error, _AgainError) else None
        return told if told is not None else _BACKOFF(state)

    def _wait(self, seconds: float) -> None:
        with self._lock:
            self.waited += seconds
            if self.waited > self.server.longest_wait:
                raise ServerError("the server asks for longer pauses than a run may take; try again later")
        self.sleep(seconds)

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | str | None, into: BinaryIO | None
    ) -> Answer:
        let_in = self._let_in()
        answer = self._answer(method, url, {**headers, **let_in}, data, into)
        if answer.status == 401 and self.auth.renew(let_in):
            answer = self._answer(method, url, {**headers, **self._let_in()}, data, into)
        for _ in range(5):
            if answer.status not in _MOVED or method not in ("GET", "HEAD"):
                break
            url = self.url(urljoin(url, answer.headers.get("location", "")))
            answer = self._answer(method, url, {**headers, **self._let_in()}, data, into)
        if answer.status in _AGAIN:
            raise _AgainError(refused(answer, method, url), self._retry_after(answer))
        if answer.status >= 300:
            raise refused(answer, method, url)
        return answer

    def _let_in(self) -> Mapping[str, str]:
        """The headers of `auth`; a token server in trouble may mend itself as any server may."""
        try:
            return self.auth.headers()
        except ServerError as error:
            if error.status is None or error.status in _AGAIN:
                raise _AgainError(error) from None
            raise

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | str | None, into: BinaryIO | None
    ) -> Answer:
        self._count()
        where = f"{method} {named(url)}"
        try:
            with self.session.request(
                method, url, headers=headers, data=data, stream=True, timeout=self.server.timeout, allow_redirects=False
            ) as response:
                body = (
                    self._body(response, where)
                    if into is None or response.status_code != 200
                    else _kept(response, into)
                )
                self._compare_clocks(response.headers.get("Date", ""))
                return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)
        except requests.exceptions.SSLError:
            raise ServerError(f"{where}: the server's certificate cannot be verified; set server.ca-bundle") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            told = f"{where}: no whole answer ({type(error).__name__}); check the network and server.base-url"
            raise _AgainError(ServerError(told)) from None

    def _body(self, response: requests.Response, where: str) -> bytes:
        body = bytearray()
        while chunk := response.raw.read(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self.server.page_bytes:
                raise ServerError(f"{where}: more than {self.server.page_bytes} bytes; ask for smaller pages")
        return bytes(body)

    def _compare_clocks(self, date: str) -> None:
        with suppress(ValueError, TypeError):
            self.skew = parsedate_to_datetime(date) - self.now()

    def _count(self) -> None:
        with self._lock:
            self.asked += 1
            if self.asked > self.server.most_requests:
                raise ServerError(
                    f"more than {self.server.most_requests} requests in one run; see server.most-requests"
                )

    def _retry_after(self, answer: Answer) -> float | None:
        """`Retry-After` in seconds, whether it was told as seconds or as a date (RFC 9110 section 10.2.3)."""
        text = answer.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text)
        with suppress(ValueError, TypeError):
            return max(0.0, (parsedate_to_datetime(text) - self.now()).total_seconds()) if text else None
        return None


def _kept(response: requests.Response, into: BinaryIO) -> bytes:
    into.seek(0)
    into.truncate()
    while chunk := response.raw.read(_CHUNK, decode_content=True):
        into.write(chunk)
    return b""


def again(problem: str) -> Exception:
    """For `read`: the answer is broken, and asking again may help."""
    return _AgainError(ServerError(problem))


def session_of(server: Server) -> requests.Session:
    """A session that takes nothing from the environment: no proxy, no netrc, no cookies; TLS is verified."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.verify = str(server.ca_bundle) if server.ca_bundle else True
    if server.client_certificate:
        session.cert = (str(server.client_certificate[0]), str(server.client_certificate[1]))
    if server.proxy:
        session.proxies = {"http": server.proxy, "https": server.proxy}
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=2, pool_maxsize=server.threads))
    return session


def refused(answer: Answer, method: str, url: str) -> ServerError:
    """The error of an answer that is none, with what its OperationOutcome says."""
    told = outcome_text(answer.body)
    return ServerError(f"{method} {named(url)}: {answer.status}{f' ({told})' if told else ''}", answer.status)


def _sent(base: str, path: str = "") -> str:
    """The URL as `requests` would send it, so that what is judged is what is asked: readers of URLs differ on
    backslashes. Twice, since the first time may bring dots to light that the second takes away.
    """
    prepared = requests.PreparedRequest()
    try:
        prepared.prepare_url(urljoin(base, path), None)
        prepared.prepare_url(str(prepared.url), None)
        _origin(str(prepared.url))
    except (ValueError, requests.RequestException):
        raise ServerError(
            "an address is none that can be asked, so it is not followed; check server.base-url"
        ) from None
    return str(prepared.url)


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs lead to the same scheme, host and port. Raises ServerError for what is no URL."""
    return _origin(_sent(one)) == _origin(_sent(other))


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)
