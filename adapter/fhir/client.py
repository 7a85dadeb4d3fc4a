"""The only door to a FHIR server: searches page by page, reads, histories and transactions. FHIR R4 http.html.

Resources are handed on as the bytes in which they came, so that numbers stay what they were.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from adapter.errors import ServerError
from adapter.fhir.outcome import outcome_text
from adapter.fhir.wire import Answer, Wire, again

T = TypeVar("T")
R = TypeVar("R")
Parameters = Sequence[tuple[str, str]]
JSON = "application/fhir+json"
_FORM = "application/x-www-form-urlencoded"
_FRESH = {"Accept": JSON, "Cache-Control": "no-cache"}
_LONGEST_URL = 1500
_MOST_PAGES = 100_000


class _Link(msgspec.Struct):
    relation: str = ""
    url: str = ""


class _Mode(msgspec.Struct):
    mode: str = "match"


class _Request(msgspec.Struct):
    method: str = ""
    url: str = ""


class _Response(msgspec.Struct):
    status: str = ""
    etag: str = ""


class Entry(msgspec.Struct, rename="camel"):
    """One entry of a Bundle, its resource as bytes; a deletion in a history has none."""

    full_url: str = ""
    resource: msgspec.Raw = msgspec.Raw(b"")
    search: _Mode = msgspec.field(default_factory=_Mode)
    request: _Request = msgspec.field(default_factory=_Request)
    response: _Response = msgspec.field(default_factory=_Response)

    @property
    def deleted(self) -> str:
        """`Type/id` of a resource that this entry of a history says is deleted, else empty."""
        parts = self.request.url.split("?")[0].split("/_history")[0].rstrip("/").split("/")
        return "/".join(parts[-2:]) if self.request.method == "DELETE" and len(parts) > 1 else ""


class Page(msgspec.Struct):
    """One page of a search or a history."""

    total: int | None = None
    link: tuple[_Link, ...] = ()
    entry: tuple[Entry, ...] = ()
    type: str = ""
    resource_type: str = msgspec.field(default="", name="resourceType")

    @property
    def following(self) -> str:
        """The URL of the next page; empty on the last."""
        return next((one.url for one in self.link if one.relation == "next"), "")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the server says of the search itself."""
        return tuple(outcome_text(bytes(one.resource)) for one in self.entry if one.search.mode == "outcome")

    @property
    def found(self) -> Iterator[Entry]:
        """The entries that are resources or deletions."""
        return (one for one in self.entry if one.search.mode != "outcome")


_decode_page = msgspec.json.Decoder(Page).decode


@dataclass(frozen=True, slots=True)
class Client:
    """A FHIR server, asked."""

    wire: Wire

    def get(self, path: str) -> bytes:
        """What a GET below the base gives."""
        return self.wire.send("GET", path, lambda answer: answer.body, headers=_FRESH)

    def read(self, key: str) -> bytes | None:
        """The resource `Type/id` as it is now; None where the server never had it, or has deleted it."""
        try:
            return self.wire.send("GET", key, _whole, headers=_FRESH)
        except ServerError as error:
            if error.status in (404, 410):
                return None
            raise

    def put(self, key: str, resource: bytes) -> None:
        """Makes the resource `Type/id` what it is to be. It is the same however often it is done."""
        self.wire.send("PUT", key, lambda answer: None, headers={"Content-Type": JSON}, data=resource)

    def delete(self, key: str) -> None:
        """Takes the resource `Type/id` away; where it is gone already, that is well."""
        self.wire.send("DELETE", key, lambda answer: None)

    def search(self, type_: str, parameters: Parameters, *, private: bool = True) -> Iterator[Page]:
        """Every page of a search, asked anew of the server. `private`: the values mean patients, so they go into the
        body of a POST, where no log of URLs sees them.
        """
        form = urlencode(parameters)
        if private or len(form) > _LONGEST_URL:
            headers = {**_FRESH, "Content-Type": _FORM}
            first = self.wire.send("POST", f"{type_}/_search", _page, headers=headers, data=form)
        else:
            first = self.wire.send("GET", f"{type_}?{form}", _page, headers=_FRESH)
        yield from self._pages(first)

    def history(self, type_: str, since: str, count: int) -> Iterator[Page]:
        """What happened to resources of a type since an instant, deletions too."""
        asked = urlencode([("_since", since), ("_count", str(count))])
        yield from self._pages(self.wire.send("GET", f"{type_}/_history?{asked}", _page, headers=_FRESH))

    def transaction(self, bundle: bytes) -> Page:
        """Carries out a transaction of nothing but PUTs, which may be asked twice; the answer, entry by entry."""
        return self.wire.send("POST", "", _page, headers={"Accept": JSON, "Content-Type": JSON}, data=bundle)

    def _pages(self, page: Page) -> Iterator[Page]:
        seen: set[str] = set()
        yield page
        while page.following:
            following = self.wire.next_page(page.following)
            if following in seen or len(seen) >= _MOST_PAGES:
                raise ServerError("the pages of a search lead in a circle; nothing of it can be called complete")
            seen.add(following)
            page = self.wire.send("GET", following, _page, headers=_FRESH)
            yield page


def _page(answer: Answer) -> Page:
    try:
        page = _decode_page(answer.body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise again("an answer is no whole FHIR Bundle in JSON; check server.base-url and the server's log") from None
    if page.resource_type != "Bundle":
        raise ServerError(f"an answer is a {page.resource_type[:40] or 'thing'} and no Bundle; check server.base-url")
    return page


def _whole(answer: Answer) -> bytes:
    try:
        msgspec.json.decode(answer.body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        raise again("an answer is no whole JSON; check server.base-url and the server's log") from None
    return answer.body


def in_parallel(work: Callable[[T], R], tasks: Iterable[T], threads: int) -> Iterator[R]:
    """What `work` makes of every task, in the order of the tasks, several at once."""
    with ThreadPoolExecutor(max_workers=threads) as pool:
        yield from pool.map(work, tasks)
