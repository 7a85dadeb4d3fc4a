"""The address that an EHR calls: CDS Hooks 2.0 over FastAPI. Thin: reads the request, asks, writes the response."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException

from adapter import __version__
from adapter.alerts.answer import Desk, cards_for, note_feedback
from adapter.alerts.call import Call, CallError, Feedback, read_call, read_feedback
from adapter.alerts.services import discovery, hook_of
from adapter.alerts.token import Door
from adapter.errors import AdapterError

_JSON = "application/json"
_AT_ONCE = 4
"""Calls that are worked on at once; more would only take the interpreter from each other."""
_PATIENCE = 8
"""How many times the largest body is read to its end, so that its sender hears the refusal."""
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_CODES = {400: "invalid", 401: "login", 404: "not-found", 412: "incomplete", 413: "too-long", 415: "not-supported"}
Told = Callable[..., object]
"""Writes a line of the log: an event, and figures by name."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the address needs."""

    desk: Desk
    door: Door
    told: Told


def hooks_app(hooks: Hooks) -> FastAPI:
    """The services, their feedback, the dossiers behind the cards."""
    app = FastAPI(title="trial-adapter", version=__version__, docs_url=None, redoc_url=None)
    settings = hooks.desk.settings.hooks
    app.add_middleware(
        CORSMiddleware, allow_origins=settings.origins, allow_credentials=True, allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "Accept", "X-Requested-With"],
    )  # fmt: skip
    add_faults(app, hooks.told)
    _add_services(app, hooks)
    _add_dossiers(app, hooks)
    return app


def add_faults(app: FastAPI, told: Told) -> None:
    """Every fault as an OperationOutcome; the log names the kind of an unforeseen one, no word of its text."""

    @app.exception_handler(CallError)
    async def refused(_: Request, error: CallError) -> Response:
        return outcome(error.status, str(error))

    @app.exception_handler(HTTPException)
    async def not_here(_: Request, error: HTTPException) -> Response:
        return outcome(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(AdapterError)
    async def failed(_: Request, error: AdapterError) -> Response:
        told("call failed", kind=type(error).__name__)
        return outcome(503, "the service cannot answer now")


def outcome(status: int, problem: str, headers: Mapping[str, str] | None = None) -> Response:
    """An OperationOutcome of FHIR R4."""
    issue = {"severity": "error", "code": _CODES.get(status, "exception"), "diagnostics": problem}
    more = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return _response({"resourceType": "OperationOutcome", "issue": [issue]}, status, {**(headers or {}), **more})


def _add_services(app: FastAPI, hooks: Hooks) -> None:
    desk, settings, few = hooks.desk, hooks.desk.settings.hooks, CapacityLimiter(_AT_ONCE)

    @app.get("/cds-services", responses={200: {"description": "The services"}})
    async def services() -> Response:
        return _response(discovery(desk.rules.trial, desk.types))

    @app.post("/cds-services/{service}", openapi_extra=_body(Call), responses=_responses("Cards, or none", 412))
    async def call(service: str, request: Request) -> Response:
        hook = hook_of(desk.rules.trial.id, service)
        if hook is None:
            raise CallError(404, "no such service; GET /cds-services names them")
        data = await body(request, settings.body_bytes)

        def answered() -> bytes:
            issuer = hooks.door.check(request.headers.get("authorization"), f"/cds-services/{service}")
            return _ENCODER.encode({"cards": cards_for(desk, read_call(data, hook), issuer)})

        try:
            working = to_thread.run_sync(answered, limiter=few, abandon_on_cancel=True)
            content = await asyncio.wait_for(working, settings.answer_seconds)
        except TimeoutError:
            raise CallError(503, "no answer in time") from None
        return Response(content, media_type=_JSON, headers={"Cache-Control": "no-store"})

    @app.post("/cds-services/{service}/feedback", openapi_extra=_body(Feedback), responses=_responses("Noted"))
    async def feedback(service: str, request: Request) -> Response:
        if hook_of(desk.rules.trial.id, service) is None:
            raise CallError(404, "no such service; GET /cds-services names them")
        data = await body(request, settings.body_bytes)

        def noted() -> int:
            hooks.door.check(request.headers.get("authorization"), f"/cds-services/{service}/feedback")
            return note_feedback(desk, read_feedback(data))

        await run_in_threadpool(noted)
        return _response({})


def _add_dossiers(app: FastAPI, hooks: Hooks) -> None:
    @app.get("/dossiers/{key}", responses={200: {"description": "A dossier"}, 404: {"description": "No more"}})
    async def dossier(key: str) -> Response:
        text = hooks.desk.dossiers.text(key)
        if text is None:
            raise CallError(404, "this dossier is no more; open the chart again")
        private = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
        return Response(text, media_type="text/plain; charset=utf-8", headers=private)


async def body(request: Request, most: int, kind: str = _JSON) -> bytes:
    """The body of a request. Raises CallError where it is no JSON (415, which keeps out the forms of other sites) or
    larger than `most` bytes (413).
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise CallError(415, f"Content-Type must be {kind}")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= most:
            parts.append(part)
        elif size > _PATIENCE * most:
            break
    if size > most:  # said when the sender listens: whoever is still sending hears no answer
        raise CallError(413, f"more than {most} bytes")
    return b"".join(parts)


def _response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    more = {"Cache-Control": "no-store", **(headers or {})}
    return Response(_ENCODER.encode(content), status, more, _JSON)


def _responses(good: str, *further: int) -> dict[int | str, dict[str, Any]]:
    refused = (400, 401, 404, 413, 415, 503, *further)
    told: dict[int | str, dict[str, Any]] = {status: {"description": "An OperationOutcome"} for status in refused}
    return {200: {"description": good}, **told}


def _body(kind: type) -> dict[str, Any]:
    """The schema of a body, for the OpenAPI document."""
    _, named = msgspec.json.schema_components([kind], ref_template="#/{name}")
    return {"requestBody": {"required": True, "content": {_JSON: {"schema": _inlined(named[kind.__name__], named)}}}}


def _inlined(schema: Any, named: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(one, named) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(named[schema["$ref"].removeprefix("#/")], named)
    return {name: _inlined(value, named) for name, value in schema.items() if not (name == "default" and value == "")}
