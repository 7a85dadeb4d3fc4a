"""Where a server delivers what its rest-hook Subscriptions found. Nothing of a body is used, whoever sent it.

Source: FHIR R4, Subscription; HAPI FHIR puts the resource at the endpoint's path and its own, and repeats for ever
what is not answered with 204 and nothing.
"""

import hmac
import re
from collections.abc import Callable
from hashlib import sha256

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from adapter.alerts.app import add_faults
from adapter.alerts.call import CallError

HEADER = "X-Trial-Adapter-Secret"
"""The header with the secret, as `Subscription.channel.header` names it."""
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_LARGEST = 16 << 20
Enqueue = Callable[[str, str], None]
"""Keeps a type and the id of a resource, empty for something of the type."""


def add_notices(app: FastAPI, secret: str, types: frozenset[str], enqueue: Enqueue) -> None:
    """The endpoints of the Subscriptions, one a type."""

    async def notice(request: Request, channel: str, type_: str = "", id_: str = "") -> Response:
        given = request.headers.get(HEADER, "")
        if not hmac.compare_digest(sha256(given.encode()).digest(), sha256(secret.encode()).digest()):
            raise CallError(401, f"{HEADER} is missing or wrong")
        if channel not in types or (type_ and (type_ != channel or not _ID.fullmatch(id_))):
            raise CallError(404, "no Subscription of ours delivers here")
        await _drained(request)
        await run_in_threadpool(enqueue, channel, id_)
        return Response(status_code=204)

    told = {204: {"description": "Noted"}, **{n: {"description": "An OperationOutcome"} for n in (401, 404, 413, 503)}}
    for path, methods in (
        ("/notifications/{channel}", ["POST"]),
        ("/notifications/{channel}/{type_}/{id_}", ["PUT", "POST", "DELETE"]),
    ):
        for method in methods:
            app.add_api_route(path, notice, methods=[method], responses=told, status_code=204)  # type: ignore[arg-type]


async def _drained(request: Request) -> None:
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > _LARGEST:
            raise CallError(413, f"more than {_LARGEST} bytes")


def notices_app(secret: str, types: frozenset[str], enqueue: Enqueue, told: Callable[..., object]) -> FastAPI:
    """An address that takes notifications and nothing else."""
    app = FastAPI(title="trial-adapter", docs_url=None, redoc_url=None)
    add_faults(app, told)
    add_notices(app, secret, types, enqueue)
    return app
