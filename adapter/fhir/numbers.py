"""Which numbers of a decoded resource cannot be meant: written as a string, not finite, or of an absurd size.

msgspec takes the string "1.5" for a Decimal as readily as the number 1.5, and 1e900 too. Both are told apart
here, with a cheap suspicion on the fast path and an exact answer, with the path, on the slow one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import Any, get_args

import msgspec

from adapter.fhir.elements import Element, Quantity

MAX_EXPONENT = 50
"""Orders of magnitude beyond which a number is a mistake: no measurement comes near."""

# What could be wrong is told from the text: every number read is a Quantity's `value` or a Repeat's `period`.
_VALUE = re.compile(rb'"value"\s*:\s*(?:"|-?[0-9.]++[eE]|-?[0-9.]{50})')
_PERIOD = re.compile(rb'"period(?:Max)?"\s*:\s*(?:"|-?[0-9.]++[eE]|-?[0-9.]{50})')
_START = frozenset(b"+-.0123456789 NnIiSs\\\xef")
"""First bytes of a string that Decimal might take: also blanks, NaN, Infinity, full-width digits, escapes."""

_QUOTE = 0x22
_IDENTIFIERS = b'"identifier":['
_Field = tuple[str, str]
_fields: dict[type, tuple[_Field, ...]] = {}
_getters: dict[type, Callable[[Element], tuple[Any, ...]]] = {}


def _classes(hint: object) -> Iterator[type]:
    """The Decimal and struct classes that a type hint leads to."""
    if isinstance(hint, type) and issubclass(hint, Decimal | Element):
        yield hint
    for inner in get_args(hint):
        yield from _classes(inner)


def _leads(hint: object, wanted: type, seen: frozenset[type] = frozenset()) -> bool:
    """Whether a type hint leads to `wanted`, through structs that may hold themselves."""
    return any(
        cls is wanted
        or (
            cls not in seen
            and cls is not Decimal
            and any(_leads(field.type, wanted, seen | {cls}) for field in msgspec.structs.fields(cls))
        )
        for cls in _classes(hint)
    )


def _getter(names: list[str]) -> Callable[[Element], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def numeric_fields(struct: type) -> tuple[_Field, ...]:
    """The fields of a struct that are numbers or lead to some: (name in Python, name in FHIR)."""
    known = _fields.get(struct)
    if known is None:
        fields = msgspec.structs.fields(struct)
        known = tuple((f.name, f.encode_name) for f in fields if _leads(f.type, Decimal))
        _fields[struct] = known
        _getters[struct] = _getter([name for name, _ in known])
    return known


def has_numbers(struct: type) -> bool:
    """Whether a resource of this struct can hold a number; also makes its fields and those below known."""
    for field in msgspec.structs.fields(struct):
        for cls in _classes(field.type):
            if cls is not Decimal and cls not in _fields:
                numeric_fields(cls)
                has_numbers(cls)
    return bool(numeric_fields(struct))


def suspicious_numbers(resource: Element, data: bytes, periods: bool) -> bool:
    """Whether `data`, from which `resource` was decoded, needs the exact look of `refused_number`.

    `periods`: whether it holds dosages, the only place where a Repeat's numbers are used.
    """
    if periods and _PERIOD.search(data):
        return True
    begin = data.find(_IDENTIFIERS)
    if begin >= 0 and not _VALUE.search(data, data.find(b"]", begin)) and not _VALUE.search(data, 0, begin):
        return False  # the way of nearly every record: nothing but its own identifiers
    found = _VALUE.search(data)
    while found is not None:
        start, end = found.span()
        if data[end - 1] != _QUOTE:
            return True
        if data[end] in _START and not _is_identifier(data, start) and _is_read(resource, data, end):
            return True
        found = _VALUE.search(data, end)
    return False


def _is_identifier(data: bytes, start: int) -> bool:
    """Whether a `value` surely stands in a list of identifiers, the usual owners of quoted digits."""
    begin = data.rfind(_IDENTIFIERS, 0, start)
    return begin >= 0 and data.find(b"]", begin, start) < 0


def _is_read(resource: Element, data: bytes, start: int) -> bool:
    """Whether the quoted text could be what one of the resource's numbers was read from."""
    text = data[start : data.find(b'"', start)]
    try:
        number = Decimal(text.decode())
    except (InvalidOperation, ValueError):
        return b"\\" in text
    return not number.is_finite() or number in _numbers(resource)


def _numbers(value: Element) -> list[Decimal]:
    """Every number that was read."""
    found: list[Decimal] = []
    for inner in _getters[type(value)](value):
        kind = type(inner)
        if kind is Quantity:
            if inner.value is not None:
                found.append(inner.value)
        elif kind is tuple:
            for one in inner:
                found += _numbers(one)
        elif kind is Decimal:
            found.append(inner)
        elif inner is not None:
            found += _numbers(inner)
    return found


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
