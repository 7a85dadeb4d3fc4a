"""Subscriptions on the FHIR server: one for each type that the trial reads, without a code filter, since local codes
are what it would miss. Ids are deterministic, so that saying it twice changes nothing.

Source: FHIR R4, Subscription. With a payload HAPI names the resource in the path, tells of deletions where the channel
asks for it, and tries again; of an empty notification it does neither.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from adapter.alerts.notices import HEADER
from adapter.connection import Connection
from adapter.errors import UsageError
from adapter.fhir.client import Client
from adapter.fhir.wire import Wire
from adapter.resources.judges import judge
from adapter.resources.shape import Resource, encoded, study_uuid
from adapter.sync.plan import types_read
from adapter.sync.rules import Rules
from adapter.sync.start import auth_of, server_of

DELETIONS = "http://hapifhir.io/fhir/StructureDefinition/subscription-send-delete-messages"
_PATIENCE, _PAUSE = 15.0, 0.5
"""Seconds that a server may take to activate a Subscription, and between two looks."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of the Subscription of a type: `done` is created, renewed or kept."""

    type: str
    id: str
    done: str
    status: str

    @property
    def is_active(self) -> bool:
        """Whether the server delivers."""
        return self.status == "active"

    def line(self) -> str:
        """A line for people."""
        return f"{self.type:28}{self.done:10}{self.status:12}Subscription/{self.id}"


class _Held(msgspec.Struct, frozen=True):
    status: str = ""
    criteria: str = ""
    channel: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


def subscribed(settings: Connection, rules: Rules, endpoint: str) -> list[Row]:
    """Creates what is missing, renews what is off or differs. Raises UsageError, ServerError."""
    secret = settings.notifications_secret()
    if not secret:
        raise UsageError("notifications.secret-file is missing: the server sends it, so that nobody else can")
    if not endpoint.lower().startswith(("https://", "http://")):
        raise UsageError("no endpoint: write hooks.url, or --endpoint https://...")
    client = _client(settings)
    done = [(type_, _put(client, wanted(rules, type_, endpoint, secret))) for type_ in watched(rules)]
    until = time.monotonic() + _PATIENCE
    return [Row(type_, name, what, _settled(client, name, until)) for type_, (name, what) in done]


def removed(settings: Connection, rules: Rules) -> Iterator[str]:
    """Takes the Subscriptions off the server."""
    client = _client(settings)
    for type_ in watched(rules):
        key = f"Subscription/{name_of(rules, type_)}"
        if client.read(key) is not None:
            client.delete(key)
            yield f"{type_:28}removed   {key}"


def watched(rules: Rules) -> Sequence[str]:
    """The types of which the server is to tell."""
    return (*types_read(rules.trial, rules.not_kept), "Medication")


def name_of(rules: Rules, type_: str) -> str:
    """The id of the Subscription of a type."""
    return str(study_uuid(rules.trial.id, f"subscription {type_}"))


def wanted(rules: Rules, type_: str, endpoint: str, secret: str) -> Resource:
    """The Subscription of a type."""
    return {
        "resourceType": "Subscription",
        "id": name_of(rules, type_),
        "status": "requested",
        "reason": f"Changes that may matter to the trial {rules.trial.id}",
        "criteria": f"{type_}?",
        "channel": {
            "extension": [{"url": DELETIONS, "valueBoolean": True}],
            "type": "rest-hook",
            "endpoint": f"{endpoint.rstrip('/')}/notifications/{type_}",
            "payload": "application/fhir+json",
            "header": [f"{HEADER}: {secret}"],
        },
    }


def _put(client: Client, resource: Resource) -> tuple[str, str]:
    """The id and what was done. One that delivers as wanted is left alone."""
    name = str(resource["id"])
    data = client.read(f"Subscription/{name}")
    if data is not None:
        held = msgspec.json.decode(data, type=_Held)
        same = _plain(held.channel) == msgspec.json.decode(encoded({"channel": resource["channel"]}))["channel"]
        if held.status in ("active", "requested") and held.criteria == resource["criteria"] and same:
            return name, "kept"
    data_out = encoded(resource)
    if faults := judge(resource, data_out):
        raise UsageError(
            f"the Subscription would not be valid: {faults[0].path}: {faults[0].problem}; correct the endpoint"
        )
    client.put(f"Subscription/{name}", data_out)
    return name, "created" if data is None else "renewed"


def _plain(raw: msgspec.Raw) -> object:
    return msgspec.json.decode(raw) if bytes(raw) else None


def _settled(client: Client, name: str, until: float) -> str:
    """The status once the server has decided."""
    while True:
        data = client.read(f"Subscription/{name}")
        status = msgspec.json.decode(data, type=_Held).status if data else "gone"
        if status != "requested" or time.monotonic() > until:
            return status
        time.sleep(_PAUSE)


def _client(settings: Connection) -> Client:
    server = server_of(settings)
    return Client(Wire(server, auth_of(settings, server, ("Subscription",), writes=("Subscription",))))
