"""respx routes for `requests`, which respx does not mock by itself: an adapter for the session."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import httpx
import requests
import respx
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from adapter.fhir.wire import Wire

PACKED = "X-Content-Encoding"
"""What a route writes instead of Content-Encoding, since respx itself would unpack the body, or fail to."""


class OverRespx(HTTPAdapter):
    """Hands every request to a router. Bodies stay packed and keep their Content-Length, as on a wire."""

    def __init__(self, router: respx.Router) -> None:
        super().__init__()
        self.router = router

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        asked = httpx.Request(
            str(request.method), str(request.url), headers=dict(request.headers), content=request.body
        )  # type: ignore[arg-type]
        try:
            came = self.router.handler(asked)
        except httpx.TimeoutException as error:
            raise requests.ReadTimeout(str(error)) from error
        except httpx.TransportError as error:
            raise requests.ConnectionError(str(error)) from error
        assert isinstance(came.stream, httpx.SyncByteStream)
        headers = {
            name.removeprefix("x-") if name == PACKED.lower() else name: one for name, one in came.headers.items()
        }
        return self.build_response(request, raw(came.status_code, headers, b"".join(came.stream)))


def raw(status: int, headers: Mapping[str, str], body: bytes) -> HTTPResponse:
    """What urllib3 would have read from a socket."""
    return HTTPResponse(BytesIO(body), dict(headers), status, preload_content=False, request_method="GET")


def mount(session: requests.Session, router: respx.Router) -> None:
    """All that the session asks goes to the router."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, OverRespx(router))


def mounted(wire: Wire, router: respx.Router) -> Wire:
    """The wire with its requests answered by the routes."""
    mount(wire.session, router)
    return wire
