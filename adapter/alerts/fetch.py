"""Reads what a prefetch lacks, with the token of the call, from the server on record and from no other."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from adapter.alerts.call import Call
from adapter.connection import Connection
from adapter.errors import AdapterError
from adapter.facts.vocabulary import Vocabulary
from adapter.fhir.auth import bearer
from adapter.fhir.client import Client
from adapter.fhir.wire import Server, Wire
from adapter.sources.events import Event
from adapter.sync.reading import Reader
from adapter.sync.start import server_of


def same_server(one: str, other: str) -> bool:
    """Whether two base URLs are the same but for case of the host and a slash at the end."""
    return _base(one) == _base(other)


def _base(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")


def is_known(settings: Connection, base_url: str) -> bool:
    """Whether an address is the server of this site: only there the token of a call may go, only its ids mean the
    store's patients.
    """
    return any(same_server(base_url, one) for one in (settings.server.base_url, *settings.hooks.fhir_servers))


def fetching(
    settings: Connection, words: Vocabulary, call: Call, types: Sequence[str], at_hand: Sequence[Event]
) -> tuple[Mapping[str, list[Event]], list[Event]]:
    """Everything of these types of the patient, without what the server did not give in time, and the Medications."""
    token = call.fhir_authorization
    if token is None or call.fhir_server is None or not is_known(settings, call.fhir_server):
        return {}, []
    server = _quick(server_of(settings), call.fhir_server, settings.hooks.fetch_seconds)
    client = Client(Wire(server, bearer(token.access_token)))
    reader = Reader(client, words, frozenset(types), settings.server.page_size, settings.server.threads)
    try:
        answered = list(reader.whole(types, [call.context.patient]))
        given = {one.task.type: list(one.events) for one in answered if not one.hole}
        drugs = reader.drugs([*at_hand, *(event for events in given.values() for event in events)])
        return given, list(drugs)
    except AdapterError:
        return {}, []


def _quick(server: Server, base_url: str, seconds: float) -> Server:
    """The server as the EHR calls it, without patience: somebody is waiting."""
    return Server(
        base_url=base_url, ca_bundle=server.ca_bundle, client_certificate=server.client_certificate, proxy=server.proxy,
        timeout=(seconds, seconds), retries=1, most_requests=200, longest_wait=seconds, threads=server.threads,
    )  # fmt: skip
