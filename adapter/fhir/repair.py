"""The slow path of decoding: mends what is wrong but plain, and names the path of what is not.

Mended, each with a note: lone surrogates, nulls inside arrays, raw control characters in strings. Refused,
with the path: wrong JSON types, NaN and Infinity, numbers that cannot be meant. Refused whole: what is no UTF-8
and what is no JSON.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from adapter.errors import UnreadableError
from adapter.fhir.elements import Element
from adapter.fhir.numbers import refused_number

Repair = tuple[str, str]
"""Path and what was done there."""

S = TypeVar("S", bound=msgspec.Struct)

_SURROGATE = re.compile("[\ud800-\udfff]")
_AT = re.compile(r"^(?P<problem>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_EXPECTED = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_LONGEST_INTEGER = 40
_encoder = msgspec.json.Encoder(decimal_format="number")


class _Constant(str):
    """NaN, Infinity or -Infinity where a JSON value should be."""


def repaired(data: bytes, struct: type[S]) -> tuple[S, tuple[Repair, ...]]:
    """The struct, read tolerantly, and what was mended. Raises UnreadableError."""
    notes: list[Repair] = []
    try:
        tree = _parse(_text(data))
        if not isinstance(tree, dict):
            raise UnreadableError("", f"expected an object, got {_json_type(tree)}")
        clean = _clean(tree, "", notes)
    except RecursionError:
        raise UnreadableError("", "nested too deeply") from None
    if isinstance(contained := clean.get("contained"), list):
        clean["contained"] = [msgspec.Raw(_encoder.encode(one)) for one in contained]
    try:
        value = msgspec.convert(clean, type=struct)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    if isinstance(value, Element) and (refused := refused_number(value, clean)):
        raise UnreadableError(*refused)
    return value, tuple(notes) or _control_characters(data)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError("", f"not UTF-8 text (byte {error.start + 1}); export it as UTF-8") from None


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < _LONGEST_INTEGER else Decimal(digits)


def _decimal(digits: str) -> Decimal | _Constant:
    """An exponent beyond what a Decimal can hold is no number that a record means."""
    try:
        return Decimal(digits)
    except InvalidOperation:
        return _Constant(digits)


_decoder = json.JSONDecoder(parse_float=_decimal, parse_int=_integer, parse_constant=_Constant, strict=False)


def _parse(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
            raise UnreadableError("", "truncated: the text ends before the resource does") from None
        raise UnreadableError("", f"not valid JSON: {error.msg} at character {error.pos + 1}") from None


def _clean(value: Any, path: str, notes: list[Repair]) -> Any:
    if isinstance(value, _Constant):
        raise UnreadableError(path, f"{value} is no number of JSON")
    if isinstance(value, dict):
        below = f"{path}." if path else ""
        return {_name(key): _clean(one, f"{below}{_name(key)}", notes) for key, one in value.items()}
    if isinstance(value, list):
        return list(_elements(value, path, notes))
    if isinstance(value, str) and _SURROGATE.search(value):
        notes.append((path, "half of a surrogate pair was replaced by U+FFFD"))
        return _SURROGATE.sub("\ufffd", value)
    return value


def _name(key: str) -> str:
    return _SURROGATE.sub("\ufffd", key)


def _elements(values: list[Any], path: str, notes: list[Repair]) -> Iterator[Any]:
    for index, one in enumerate(values):
        at = f"{path}[{index}]"
        if one is None:
            notes.append((at, "a null in a list was left out"))
        else:
            yield _clean(one, at, notes)


def _refusal(message: str) -> UnreadableError:
    """msgspec's message, with the element path in FHIR's own spelling."""
    found = _AT.match(message)
    problem, path = (found["problem"], found["path"] or "") if found else (message, "")
    if types := _EXPECTED.match(problem):
        problem = f"expected {types[1].removesuffix(' | null')}, got {types[2]}"
    return UnreadableError(path.removeprefix("."), problem)


def _json_type(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _control_characters(data: bytes) -> tuple[Repair, ...]:
    if any(byte < 0x20 for byte in data.strip()):
        return (("", "control characters stand unescaped in a string"),)
    return ()
