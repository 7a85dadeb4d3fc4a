"""What may leave: both judges, `fhir.resources` and the official R4 schema, must find no fault with a resource.

Each misses what the other finds. `fhir.resources` is of R4B (it has no R4), takes any code, empty lists, numbers as
texts and ids of any length. The schema does not ask for the one of `medication[x]`, nor that there is only one, nor
for a required `status`, and believes in a 30th of February. Both are silent on what only a validator with the whole
specification knows: invariants, slices, profiles (`tests/hapi`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

MODEL = "fhir.resources R4B"
SCHEMA = "FHIR R4 schema"

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_STAND_IN = {"resourceType": "Device"}
"""Stands for each resource while the Bundle around them is judged: of a Device no element is required."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A reason for which a resource may not leave. No value of the resource stands in it, only names and places."""

    judge: str
    reference: str
    path: str
    problem: str


_Part = tuple[Mapping[str, object], bytes]


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Bundle(msgspec.Struct):
    entry: list[_Entry] = []


def judge(resource: Mapping[str, object], encoded: bytes) -> tuple[Fault, ...]:
    """The faults of a resource, given as it was built and as the bytes that would leave; none: it may leave.

    The resources of a Bundle are judged one by one, so that a fault names the resource that it is in.
    """
    if resource.get("resourceType") != "Bundle":
        return tuple(_faults(resource, encoded))
    envelope, inside = _opened(resource, encoded)
    outer = _faults(envelope, _ENCODER.encode(envelope))
    return (*outer, *(fault for part in inside for fault in judge(*part)))


def _faults(resource: Mapping[str, object], encoded: bytes) -> Iterator[Fault]:
    # Imported here, since together they take a quarter of a second, and most commands write nothing.
    from adapter.resources.schema import schema_faults

    kind = str(resource.get("resourceType", ""))
    reference = f"{kind}/{resource.get('id', '')}"
    yield from (Fault(MODEL, reference, path, problem) for path, problem in _model_faults(kind, encoded))
    yield from (Fault(SCHEMA, reference, path, problem) for path, problem in dict.fromkeys(schema_faults(resource)))


def _model_faults(kind: str, encoded: bytes) -> Iterator[tuple[str, str]]:
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    from adapter.resources.schema import steps

    try:
        get_fhir_model_class(kind).model_validate_json(encoded)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        yield from ((kind + steps(each["loc"]), each["msg"]) for each in found)
    except Exception as error:  # an unknown type inside is a KeyError, for one
        yield kind, f"refused with a {type(error).__name__}"


def _opened(bundle: Mapping[str, object], encoded: bytes) -> tuple[Mapping[str, object], list[_Part]]:
    """The Bundle with stand-ins, and each resource in it with its own bytes as they stand in the Bundle's."""
    entries = bundle.get("entry")
    if not isinstance(entries, list | tuple):
        return bundle, []
    held = [_resource_of(entry) for entry in entries]
    try:
        raw = msgspec.json.decode(encoded, type=_Bundle).entry
        inside = [(one, bytes(each.resource)) for one, each in zip(held, raw, strict=True) if one]
    except ValueError:  # no Bundle by its shape, so it is judged as a whole
        return bundle, []
    around = [{**entry, "resource": _STAND_IN} if one else entry for entry, one in zip(entries, held, strict=True)]
    return {**bundle, "entry": around}, inside


def _resource_of(entry: object) -> Mapping[str, object] | None:
    resource = entry.get("resource") if isinstance(entry, Mapping) else None
    return resource if isinstance(resource, Mapping) else None
