"""What every emitter uses: the shape of a resource, ids, references, codes, and the bytes of it.

Here alone stands what is R4 and not R5, apart from the elements that each emitter names.
"""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Union
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from adapter.fhir.systems import BASE, UCUM

Value = Union[Mapping[str, "Value"], Sequence["Value"], str, int, Decimal, bool]  # noqa: UP007, quoted names want it
Resource = Mapping[str, Value]
"""A FHIR resource as JSON, its elements in the order of the specification."""

DIGEST = f"{BASE}/StructureDefinition/content-digest"
"""The extension by which a resource that nobody edited is known."""
URI = "urn:ietf:rfc:3986"
_SPACE = uuid5(NAMESPACE_URL, BASE)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def study_uuid(study: str, role: str) -> UUID:
    """UUIDv5 of (study, role)."""
    return uuid5(_SPACE, f"{study}\n{role}")


def subject_uuid(study: str, patient: str, role: str) -> UUID:
    """UUIDv5 of (study, patient, role): the same for the same patient, telling nothing of him."""
    return uuid5(_SPACE, f"{study}\n{patient}\n{role}")


def encoded(resource: Resource) -> bytes:
    """One line of JSON; decimals as they are, without loss."""
    return _ENCODER.encode(resource)


def pretty(resource: Resource) -> bytes:
    """JSON for people, two blanks a level."""
    return msgspec.json.format(encoded(resource), indent=2) + b"\n"


def built(type_: str, id_: str | UUID, profile: str, elements: Mapping[str, Value | None]) -> dict[str, Value]:
    """A resource that claims one of our profiles; elements that are None or empty are left out."""
    head: dict[str, Value] = {
        "resourceType": type_,
        "id": str(id_),
        "meta": {"profile": [f"{BASE}/StructureDefinition/{profile}"]},
    }
    return head | {name: value for name, value in elements.items() if value is not None and value not in ("", [], {})}


def key_of(resource: Resource) -> str:
    """`Type/id`."""
    return f"{resource['resourceType']}/{resource['id']}"


def reference(key: str) -> dict[str, Value]:
    """A reference to `Type/id`."""
    return {"reference": key}


def versioned(key: str, version: str | None) -> Resource:
    """A reference to the version that was read, where it is known. Its display says it too, since servers such as
    HAPI strip versions from references.
    """
    if not version or "/" not in key or ":" in key:
        return reference(key)
    return reference(f"{key}/_history/{version}") | {"display": f"version {version}"}


def coded(system: str, code: str, display: str = "") -> Resource:
    """A CodeableConcept of one coding."""
    coding = {"system": system, "code": code}
    return {"coding": [coding | {"display": display} if display else coding]}


def quantity(value: Decimal, unit: str, code: str) -> Resource:
    """A Quantity with a UCUM code."""
    return {"value": value, "unit": unit, "system": UCUM, "code": code}


def narrative(lines: Sequence[str]) -> Resource:
    """A generated narrative, a paragraph a line."""
    body = "".join(f"<p>{escape(line, quote=False)}</p>" for line in lines)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'}


def sealed(resource: Resource) -> Resource:
    """The resource with the digest of its own content, so that a person's edit shows."""
    seal: Value = {"url": DIGEST, "valueString": _digest(resource)}
    others = [one for one in mappings(resource.get("extension")) if one.get("url") != DIGEST]
    head = {name: resource[name] for name in ("resourceType", "id", "meta", "text") if name in resource}
    rest = {name: value for name, value in resource.items() if name not in (*head, "extension")}
    return head | {"extension": [seal, *others]} | rest


def is_untouched(resource: Resource) -> bool:
    """Whether the content still is what its digest says, whatever a server added to meta and text."""
    extensions = resource.get("extension")
    told = [e.get("valueString") for e in mappings(extensions) if e.get("url") == DIGEST]
    return told == [_digest(resource)]


def _digest(resource: Resource) -> str:
    """SHA-256 over what people may edit: all but id, meta, text and the digest itself, keys sorted."""
    own = {k: v for k, v in resource.items() if k not in ("resourceType", "id", "meta", "text", "extension")}
    if others := [e for e in mappings(resource.get("extension")) if e.get("url") != DIGEST]:
        own["extension"] = others
    return hashlib.sha256(msgspec.json.encode(plain(own), order="sorted")).hexdigest()


def plain(value: Value) -> Value:
    """Numbers as texts in one spelling, since 120 and 120.0 are one number and servers choose."""
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int | Decimal):
        return f"{Decimal(value).normalize():f}"
    return [plain(one) for one in value]


def mappings(value: Value | None) -> list[Mapping[str, Value]]:
    """The objects of a list; none where it is no list."""
    many = value if isinstance(value, Sequence) and not isinstance(value, str) else []
    return [one for one in many if isinstance(one, Mapping)]
