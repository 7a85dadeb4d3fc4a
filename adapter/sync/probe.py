"""`trial-adapter probe`: what a server says it does against what it does, and what the sync makes of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar
from uuid import uuid4

import msgspec

from adapter.errors import ServerError
from adapter.fhir.client import JSON, Client, Page
from adapter.fhir.wire import Answer
from adapter.sync.plan import whole

T = TypeVar("T")
Verdict = Literal["yes", "no", "not tried"]
_NOBODY = "Patient/trial-adapter-probe-nobody"
_LATER = "2099-01-01T00:00:00Z"


class _Named(msgspec.Struct):
    name: str = ""
    code: str = ""


class _Resource(msgspec.Struct, rename="camel"):
    type: str = ""
    interaction: tuple[_Named, ...] = ()
    search_param: tuple[_Named, ...] = ()
    operation: tuple[_Named, ...] = ()


class _Rest(msgspec.Struct):
    resource: tuple[_Resource, ...] = ()
    interaction: tuple[_Named, ...] = ()
    operation: tuple[_Named, ...] = ()


class _Software(msgspec.Struct):
    name: str = "a server without a name"
    version: str = ""


class Statement(msgspec.Struct, rename="camel"):
    """The CapabilityStatement, as far as it is compared."""

    fhir_version: str = ""
    software: _Software = msgspec.field(default_factory=_Software)
    rest: tuple[_Rest, ...] = ()

    def of(self, type_: str) -> _Resource:
        """What it says of a resource type."""
        found = [one for rest in self.rest for one in rest.resource if one.type == type_]
        return found[0] if found else _Resource()

    def operations(self) -> set[str]:
        """The operations that it names anywhere, without `$`."""
        found = [
            one for rest in self.rest for one in (*rest.operation, *(o for r in rest.resource for o in r.operation))
        ]
        return {one.name.lstrip("$") for one in found}

    def interactions(self) -> set[str]:
        """The interactions with the system as a whole."""
        return {one.code for rest in self.rest for one in rest.interaction}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing: what is said of it, what was seen, and what the sync does."""

    what: str
    said: bool | None
    seen: Verdict
    then: str


@dataclass(frozen=True, slots=True)
class Probe:
    """A server under examination. `write` allows a patient of our own, who is deleted at the end."""

    client: Client
    types: Sequence[str]
    write: bool = False

    def rows(self) -> Iterator[Row]:
        """Every row of the table; asks the server as it goes."""
        statement = self.statement()
        said = f"{statement.software.name} {statement.software.version}".strip()
        fits = statement.fhir_version.startswith("4.0")
        yield Row(f"{said}, FHIR {statement.fhir_version or '?'}", None, "yes" if fits else "no", "R4 is needed")
        yield from self._searches(statement)
        yield self._paging()
        yield self._last_updated(statement)
        yield self._history(statement)
        yield from self._operations(statement)
        if self.write:
            yield from self._writes(statement)
        else:
            yield Row("writing", None, "not tried", "--write tries it with a patient of its own")

    def statement(self) -> Statement:
        """The CapabilityStatement. Raises ServerError where there is none that can be read."""
        try:
            return msgspec.json.decode(self.client.get("metadata"), type=Statement)
        except (msgspec.DecodeError, ValueError):
            raise ServerError("metadata is no CapabilityStatement; check server.base-url") from None

    def _searches(self, statement: Statement) -> Iterator[Row]:
        for type_ in self.types:
            parameter = "_id" if type_ == "Patient" else "patient"
            said = any(one.name == parameter for one in statement.of(type_).search_param)
            found = _attempted(partial(self._of_nobody, type_))
            name = f"{type_} by {parameter}"
            if isinstance(found, ServerError):
                yield Row(name, said, "no", f"not covered: {found}")
            elif found:
                yield Row(name, said, "no", "gives everybody's instead: complete, but slow")
            else:
                yield Row(name, said, "yes", "read whole, by POST")

    def _of_nobody(self, type_: str) -> int:
        """How many entries a search for two patients gives who are not there."""
        pages = self.client.search(type_, whole(type_, [_NOBODY, f"{_NOBODY}-2"], 5))
        return len(list(next(pages).found))

    def _paging(self) -> Row:
        pages: list[Page] = []

        def read() -> bool:
            for page in self.client.search("Patient", [("_count", "1")], private=False):
                pages.append(page)
                if len(pages) == 2:
                    break
            return True

        found = _attempted(read)
        if isinstance(found, ServerError):
            return Row("next links", None, "no", str(found))
        if len(pages) == 1 and pages[0].entry:
            more = (pages[0].total or 0) > len(pages[0].entry)
            return Row(
                "next links",
                None,
                "no" if more else "not tried",
                "one page is all there is" if not more else "no link to the rest",
            )
        return Row("next links", None, "yes" if len(pages) > 1 else "not tried", "followed, on the same origin")

    def _last_updated(self, statement: Statement) -> Row:
        said = any(one.name == "_lastUpdated" for one in statement.of("Patient").search_param)
        found = _attempted(
            lambda: next(
                self.client.search("Patient", [("_lastUpdated", f"ge{_LATER}"), ("_count", "1")], private=False)
            )
        )
        if isinstance(found, ServerError):
            return Row("_lastUpdated", said, "no", "everybody is read whole, every reconcile-hours")
        ignored = any(True for _ in found.found)
        return Row("_lastUpdated", said, "no" if ignored else "yes", "finds new members, and changes without a history")

    def _history(self, statement: Statement) -> Row:
        said = any(one.code == "history-type" for one in statement.of("Patient").interaction)
        found = _attempted(lambda: next(self.client.history("Patient", _LATER, 1)))
        fine = not isinstance(found, ServerError) and not any(True for _ in found.found)
        then = (
            "changes and deletions by history" if fine else "changes by _lastUpdated, deletions every reconcile-hours"
        )
        return Row("_history by type, _since", said, "yes" if fine else "no", then)

    def _operations(self, statement: Statement) -> Iterator[Row]:
        names = statement.operations()
        patient = {"resourceType": "Patient", "gender": "female"}
        body = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient}]}
        found = _attempted(lambda: self._send("POST", "Patient/$validate", body))
        yield Row("$validate", "validate" in names, "no" if isinstance(found, ServerError) else "yes", "not needed")
        yield Row("$everything", "everything" in names, "not tried", "not needed")
        yield Row("$export", "export" in names, "not tried", "the first reading, with sync.export = true")
        yield Row(
            "Subscription",
            bool(statement.of("Subscription").type),
            "not tried",
            "not used yet: the schedule finds what changed",
        )

    def _writes(self, statement: Statement) -> Iterator[Row]:
        key = f"Patient/trial-adapter-probe-{uuid4().hex[:12]}"
        one = {"resourceType": "Patient", "id": key.partition("/")[2], "active": False}
        first = _attempted(lambda: self._send("PUT", key, one))
        if isinstance(first, ServerError):
            yield Row("PUT under an id of ours", None, "no", f"nothing can be written: {first}")
            return
        yield Row("PUT under an id of ours", None, "yes", "every resource has an id of its making")
        again = _attempted(lambda: self._send("PUT", key, one))
        same = isinstance(again, Answer) and again.headers.get("etag") == first.headers.get("etag")
        yield Row("PUT without a change keeps the version", None, "yes" if same else "no", "such a PUT is not sent")
        _attempted(lambda: self._send("PUT", key, {**one, "gender": "other"}))
        stale = _attempted(
            lambda: self._send("PUT", key, {**one, "gender": "male"}, {"If-Match": first.headers.get("etag", 'W/"1"')})
        )
        refused = isinstance(stale, ServerError) and stale.status in (409, 412)
        told = (
            f"refused with {stale.status}" if isinstance(stale, ServerError) else "a person's edit could be overwritten"
        )
        yield Row("If-Match", None, "yes" if refused else "no", told)
        entry = {"resource": {**one, "gender": "female"}, "request": {"method": "PUT", "url": key}}
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        sent = _attempted(lambda: self.client.transaction(msgspec.json.encode(bundle)))
        fine = not isinstance(sent, ServerError)
        yield Row(
            "transaction",
            "transaction" in statement.interactions(),
            "yes" if fine else "no",
            "a patient's resources go together" if fine else f"nothing can be written: {sent}",
        )
        gone = _attempted(lambda: self._send("DELETE", key, None))
        yield Row(
            "DELETE",
            None,
            "no" if isinstance(gone, ServerError) else "yes",
            f"remove {key} yourself" if isinstance(gone, ServerError) else "the patient of this probe is gone",
        )

    def _send(self, method: str, path: str, body: object, headers: dict[str, str] | None = None) -> Answer:
        data = msgspec.json.encode(body) if body is not None else None
        given = {"Accept": JSON, "Content-Type": JSON, **(headers or {})}
        return self.client.wire.send(method, path, lambda answer: answer, headers=given, data=data)


def _attempted(ask: Callable[[], T]) -> T | ServerError:
    try:
        return ask()
    except ServerError as error:
        return error


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """The table for a person."""
    width = max(len(row.what) for row in rows)
    yield f"{'':{width}}  says   does       so"
    for row in rows:
        said = "-" if row.said is None else "yes" if row.said else "no"
        yield f"{row.what:{width}}  {said:<5}  {row.seen:<9}  {row.then}"


def is_usable(rows: Sequence[Row]) -> bool:
    """Whether nothing that the sync needs failed."""
    needed = ("next links", "PUT under an id of ours", "transaction")
    failed = [row for row in rows if row.seen == "no"]
    return not any(row.then.startswith("not covered") or row.what in needed or ", FHIR " in row.what for row in failed)
