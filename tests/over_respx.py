"""Routes of respx for `requests`: respx itself stands in for httpx only."""

import io
from typing import Any

import httpx
import requests
import respx
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from adapter.fhir.wire import Wire


class OverRespx(BaseAdapter):
    """Answers requests by the routes of a router."""

    def __init__(self, router: respx.Router) -> None:
        super().__init__()
        self.router = router

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        asked = httpx.Request(str(request.method), str(request.url), headers=dict(request.headers), content=body or b"")
        came = self.router.handler(asked)
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = came.status_code, str(request.url), request
        answer.headers.update(came.headers)
        kept = {name: value for name, value in came.headers.items() if name.lower() != "content-encoding"}
        answer.raw = HTTPResponse(
            io.BytesIO(came.content), headers=kept, status=came.status_code, preload_content=False
        )
        return answer

    def close(self) -> None:
        """There is nothing to close."""


def mounted(wire: Wire, router: respx.Router) -> Wire:
    """The wire with its requests answered by the routes."""
    for scheme in ("http://", "https://"):
        wire.session.mount(scheme, OverRespx(router))
    return wire
