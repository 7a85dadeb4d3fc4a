"""The official FHIR R4 JSON schema, judged by `jsonschema`, with the gaps closed that the specification does not leave.

As published it accepts a text for an object, an empty list or object, a reference to anything, any code where several
elements share a value set (`MedicationRequest.status`), and any number, since its patterns for numbers bind only texts.
`profiles/r4/README.md` tells which file is as published and which is added.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Protocol, TypeAlias, cast

import msgspec
from jsonschema import Draft6Validator, ValidationError
from jsonschema.validators import create

from adapter.fhir.files import data_dir, load_json

Definition: TypeAlias = Mapping[str, object]
Rules: TypeAlias = Mapping[str, dict[str, list[str]]]
"""Property -> `codes` or `targets` -> those allowed."""
Faults: TypeAlias = Iterator[ValidationError]

_REF = "#/definitions/"
_TARGET = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)(?:/[A-Za-z0-9.-]{1,64}(?:/_history/[A-Za-z0-9.-]{1,64})?|\?.+)")
_FREE = ("#", "urn:", "http:", "https:")
"""A reference that begins so may tell nothing of its target's type."""
_KINDS = {"object": "an object", "array": "a list", "string": "a text", "boolean": "true or false"}
_KINDS["number"] = "a number (int or Decimal, never float)"


class _Validator(Protocol):
    def iter_errors(self, instance: object) -> Iterator[ValidationError]: ...


class _Published(msgspec.Struct):
    definitions: dict[str, Definition]


def schema_faults(resource: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Path and problem of each violation. A problem never repeats what stands in the resource."""
    for error in _validators()["ResourceList"].iter_errors(resource):
        path = str(resource.get("resourceType", "")) + steps(error.absolute_path)
        for below, problem in _problems(error):
            yield path + below, problem


def steps(path: Iterable[str | int]) -> str:
    """`.activity[0].reference`, as FHIRPath writes it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _problems(error: ValidationError) -> Iterator[tuple[str, str]]:
    """What a violated keyword means, in words: jsonschema's own messages would repeat the value."""
    rule = cast("Collection[str]", error.validator_value)  # a text, of the keyword `type`
    value = cast("Mapping[str, object]", error.instance)  # of the keywords where it is used
    match error.validator:
        case "required":
            yield from ((f".{name}", "missing") for name in rule if name not in value)
        case "additionalProperties":
            unknown = value.keys() - _members(error.schema).keys()
            yield from ((f".{name}", "FHIR R4 has no such element") for name in sorted(unknown))
        case "type":
            yield "", f"not {_KINDS[str(rule)]}"
        case "enum":
            yield "", _none_of(rule)
        case "minItems" | "minProperties":
            yield "", "empty"
        case _:  # one of the keywords below, which speak for themselves
            yield "", error.message


def _none_of(names: Collection[str]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"none of {', '.join(list(names)[:12])}{more}"


# --- what FHIR means by a keyword; `codes` and `targets` are those of rules.json ---


def _ref(_: object, ref: str, value: object, __: Definition) -> Faults:
    """Resolved here, since jsonschema's own resolution, anew for each element, takes twice as long."""
    return _validators()[ref.removeprefix(_REF)].iter_errors(value)


def _one_of(_: object, choice: Collection[object], value: object, __: Definition) -> Faults:
    """Stands once, for any resource, and is decided by `resourceType`, as the published `discriminator` says."""
    kind = value.get("resourceType") if isinstance(value, Mapping) else None
    if {"$ref": f"{_REF}{kind}"} in choice:
        yield from _validators()[str(kind)].iter_errors(value)
    else:
        yield ValidationError("not one of the resource types that are written here", path=("resourceType",))


def _pattern(_: object, pattern: str, value: object, __: Definition) -> Faults:
    """Binds numbers too, by their text, and the whole of it: `$` alone lets a line break follow."""
    bound = isinstance(value, str | int | Decimal) and not isinstance(value, bool)
    if bound and not re.fullmatch(pattern, str(value)):
        yield ValidationError(f"not of the form of FHIR's {_forms()[pattern]}")


def _codes(_: object, codes: Collection[str], value: object, __: Definition) -> Faults:
    if value not in codes:
        yield ValidationError(_none_of(codes))


def _targets(_: object, targets: Collection[str], value: object, __: Definition) -> Faults:
    told = (_type_of(value.get("reference")), value.get("type")) if isinstance(value, Mapping) else ()
    if any(kind is not None and kind not in targets for kind in told):
        yield ValidationError(f"does not refer to {' or '.join(targets)}")


def _type_of(reference: object) -> str | None:
    """The type that a literal reference names; None where it may name none, "" where it has to."""
    if not isinstance(reference, str):
        return None
    if found := _TARGET.fullmatch(reference):
        return found[1]
    return None if reference.startswith(_FREE) else ""


def _is_number(_: object, value: object) -> bool:
    """A float is no longer the number that was meant."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_object(_: object, value: object) -> bool:
    return isinstance(value, dict | Mapping)


def _is_array(_: object, value: object) -> bool:
    return isinstance(value, list | tuple)


# --- the schema, made ready once ---


@lru_cache(maxsize=1)
def _published() -> dict[str, Definition]:
    return load_json(data_dir() / "profiles" / "r4" / "fhir.schema.json", _Published).definitions


@lru_cache(maxsize=1)
def _forms() -> dict[str, str]:
    """Pattern -> the primitive type that has it; of several (uri, url, canonical) the last."""
    return {str(each["pattern"]): name for name, each in _published().items() if "pattern" in each}


@lru_cache(maxsize=1)
def _validators() -> dict[str, _Validator]:
    """One for each definition."""
    rules = load_json(data_dir() / "profiles" / "r4" / "rules.json", dict[str, Rules])
    types = {"number": _is_number, "object": _is_object, "array": _is_array}
    own = {"$ref": _ref, "oneOf": _one_of, "pattern": _pattern, "codes": _codes, "targets": _targets}
    dialect = create(
        Draft6Validator.META_SCHEMA,
        {**Draft6Validator.VALIDATORS, **own},
        type_checker=Draft6Validator.TYPE_CHECKER.redefine_many(types),
    )
    return {name: dialect(_closed(each, rules.get(name, {}))) for name, each in _published().items()}


def _closed(definition: Definition, rules: Rules) -> Definition:
    """An object is one, and neither it nor a list in it is empty (hl7.org/fhir/R4/json.html); with its rules."""
    properties = {name: _closed_member(each, rules.get(name, {})) for name, each in _members(definition).items()}
    return {"type": "object", "minProperties": 1, **definition, "properties": properties} if properties else definition


def _closed_member(schema: Definition, rule: Definition) -> Definition:
    items = schema.get("items")
    if isinstance(items, dict):
        return {**schema, "minItems": 1, "items": _closed_member(items, rule)}
    if not rule:
        return schema
    # Beside a `$ref` a keyword would not count in draft 6, so what it refers to is put in its place.
    return {**_closed(_published()[str(schema["$ref"]).removeprefix(_REF)], {}), **rule}


def _members(definition: object) -> Mapping[str, Definition]:
    members = definition.get("properties", {}) if isinstance(definition, Mapping) else {}
    return members if isinstance(members, Mapping) else {}
