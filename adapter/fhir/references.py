"""One spelling for every way in which FHIR refers to a resource: references compare as text."""

import re
from functools import lru_cache

from adapter.errors import UnreadableError
from adapter.fhir.decode import decode
from adapter.fhir.elements import Identifier, Medication, Patient, Reference, Resource

_LITERAL = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/([^/?#]+)(?:/_history/[^/]*)?")
_CONDITIONAL = re.compile(r"(?:.*/)?[A-Z][A-Za-z]+\?identifier=([^&]+)")
_BARE_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_TYPED = re.compile(r"([A-Z][A-Za-z]+)/")


def key_of(reference: Reference) -> str | None:
    """`Type/id`, `urn:uuid:...`, `#id` (contained), `identifier:system|value`, or the URL as it is.

    None where the reference names nothing (only a display). The base of an absolute URL and `/_history/n` are
    dropped: within one input, `Type/id` is one resource.
    """
    if reference.reference:
        key = key_of_text(reference.reference)
        return f"{reference.type}/{key}" if reference.type and _BARE_ID.fullmatch(key) else key
    return identifier_key(reference.identifier) if reference.identifier else None


@lru_cache(maxsize=8192)
def key_of_text(text: str) -> str:
    """The key of a literal reference or a fullUrl."""
    text = text.strip()
    if text.startswith(("urn:", "#")):
        return text
    if found := _LITERAL.fullmatch(text):
        return f"{found[1]}/{found[2]}"
    if found := _CONDITIONAL.fullmatch(text):
        return f"identifier:{found[1]}"
    return text


def identifier_key(identifier: Identifier) -> str | None:
    """`identifier:system|value`, None without a value."""
    value = (identifier.value or "").strip()
    return f"identifier:{identifier.system or ''}|{value}" if value else None


def type_of(reference: Reference) -> str | None:
    """The resource type that is referred to, where the reference tells it."""
    found = _TYPED.match(key_of_text(reference.reference)) if reference.reference else None
    return found[1] if found else reference.type


def contained_medication(resource: Resource, reference: str | None) -> Medication | None:
    """The Medication inside `resource` that `#id` means; None where there is none that can be read."""
    found = _contained(resource, reference)
    return found if isinstance(found, Medication) else None


def contained_patient(resource: Resource, reference: str | None) -> Patient | None:
    """The Patient inside `resource` that `#id` means; None where there is none that can be read."""
    found = _contained(resource, reference)
    return found if isinstance(found, Patient) else None


def _contained(resource: Resource, reference: str | None) -> Resource | None:
    wanted = (reference or "").lstrip("#")
    for raw in resource.contained or ():
        try:
            _, inner, _ = decode(bytes(raw))
        except UnreadableError:
            continue
        if inner is not None and (inner.id or "").lstrip("#") == wanted:
            return inner
    return None
