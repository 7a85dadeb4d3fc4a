"""Which numbers of a decoded resource cannot be meant: written as a string, not finite, or of an absurd size.

msgspec takes the string "1.5" for a Decimal as readily as the number 1.5, and 1e900 too. Both are told apart
here, with a cheap suspicion on the fast path and an exact answer, with the path, on the slow one.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

import msgspec

from adapter.fhir.elements import Element

MAX_EXPONENT = 50
"""Orders of magnitude beyond which a number is a mistake: no measurement comes near."""

_QUOTED_VALUE = re.compile(rb'"value"\s*:\s*"([^"]*)"')
_QUOTED_PERIOD = re.compile(rb'"period(?:Max)?"\s*:\s*"')

_Field = tuple[str, str]
_fields: dict[type, tuple[_Field, ...]] = {}


def _classes(hint: object) -> Iterator[type]:
    """The Decimal and struct classes that a type hint leads to."""
    if isinstance(hint, type) and issubclass(hint, Decimal | Element):
        yield hint
    for inner in get_args(hint):
        yield from _classes(inner)


def _leads(hint: object, seen: frozenset[type]) -> bool:
    return any(
        cls is Decimal
        or (cls not in seen and any(_leads(f.type, seen | {cls}) for f in msgspec.structs.fields(cls)))
        for cls in _classes(hint)
    )


def numeric_fields(struct: type) -> tuple[_Field, ...]:
    """The fields of a struct that are numbers or lead to some: (name in Python, name in FHIR)."""
    known = _fields.get(struct)
    if known is None:
        own = frozenset({struct})
        known = tuple((f.name, f.encode_name) for f in msgspec.structs.fields(struct) if _leads(f.type, own))
        _fields[struct] = known
    return known


def has_numbers(struct: type) -> bool:
    """Whether a resource of this struct can hold a number; also makes its fields and those below known."""
    for field in msgspec.structs.fields(struct):
        for cls in _classes(field.type):
            if cls is not Decimal and cls not in _fields:
                numeric_fields(cls)
                has_numbers(cls)
    return bool(numeric_fields(struct))


def suspicious_numbers(resource: Element, data: bytes) -> bool:
    """Whether `data`, from which `resource` was decoded, needs the exact look of `refused_number`."""
    found: list[Decimal] = []
    _gather(resource, found)
    if not found:
        return False
    return (
        any(not -MAX_EXPONENT <= number.adjusted() <= MAX_EXPONENT for number in found)
        or any(_is_one_of(text, found) for text in _QUOTED_VALUE.findall(data))
        or (b'"period' in data and _QUOTED_PERIOD.search(data) is not None)
    )


def _gather(value: Element, found: list[Decimal]) -> None:
    for name, _ in _fields[type(value)]:
        inner = getattr(value, name)
        if inner is None:
            continue
        kind = type(inner)
        if kind is Decimal:
            found.append(inner)
        elif kind is tuple:
            for one in inner:
                _gather(one, found)
        else:
            _gather(inner, found)


def _is_one_of(text: bytes, numbers: list[Decimal]) -> bool:
    """Whether a quoted text could be what one of the numbers was read from."""
    try:
        number = Decimal(text.decode())
    except (InvalidOperation, ValueError):
        return b"\\" in text
    return not number.is_finite() or number in numbers


def refused_number(resource: Element, tree: Mapping[str, Any], path: str = "") -> tuple[str, str] | None:
    """Path and fault of the first number that cannot be meant; `tree` is the JSON that `resource` was made of."""
    for name, written in numeric_fields(type(resource)):
        value, json = getattr(resource, name), tree.get(written)
        if value is None or json is None:
            continue
        for at, one, raw in _each(value, json, f"{path}.{written}" if path else written):
            refused = _fault(at, one, raw) if isinstance(one, Decimal) else refused_number(one, raw, at)
            if refused:
                return refused
    return None


def _each(value: Any, json: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(value, tuple):
        for index, (one, raw) in enumerate(zip(value, json, strict=True)):
            yield f"{path}[{index}]", one, raw
    else:
        yield path, value, json


def _fault(path: str, number: Decimal, raw: object) -> tuple[str, str] | None:
    if isinstance(raw, str):
        return path, "expected a number, got a string"
    if not number.is_finite() or not -MAX_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        return path, f"a number of more than {MAX_EXPONENT} orders of magnitude cannot be meant"
    return None
