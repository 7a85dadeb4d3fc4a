"""What one resource says, as bytes: its items by kind, numbers exact."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import msgspec

from adapter.errors import Issue
from adapter.facts.model import Consented, Enrolment, Fact, Person
from adapter.facts.vocabulary import Item


class _Items(msgspec.Struct, array_like=True):
    facts: tuple[Fact, ...] = ()
    consents: tuple[Consented, ...] = ()
    enrolments: tuple[Enrolment, ...] = ()
    persons: tuple[Person, ...] = ()
    issues: tuple[Issue, ...] = ()


def _encode(value: Any) -> str:
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(type(value).__name__)


def _decode(kind: type, value: Any) -> Any:
    if kind is Fraction:
        return Fraction(value)
    raise TypeError(kind.__name__)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_encode, order="deterministic")
_DECODER = msgspec.msgpack.Decoder(_Items, dec_hook=_decode)


def to_bytes(items: Iterable[Item]) -> bytes:
    """The items of one resource; the same items give the same bytes."""
    found = list(items)
    return _ENCODER.encode(
        _Items(
            tuple(one for one in found if isinstance(one, Fact)),
            tuple(one for one in found if isinstance(one, Consented)),
            tuple(one for one in found if isinstance(one, Enrolment)),
            tuple(one for one in found if isinstance(one, Person)),
            tuple(sorted(one for one in found if isinstance(one, Issue))),
        )
    )


def from_bytes(content: bytes) -> tuple[Item, ...]:
    """The items again."""
    found = _DECODER.decode(content)
    return (*found.facts, *found.consents, *found.enrolments, *found.persons, *found.issues)
