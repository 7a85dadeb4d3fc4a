"""Ways to break a FHIR resource: its JSON tree, then its text. Everything is drawn from one seeded `random.Random`."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Tree = dict[str, Any]
Place = tuple[Any, Any]
"""A container and the key or index of one value in it."""

DATES = (
    *(
        "2026-02-30",
        "2026-13",
        "0000",
        "2026-00-00",
        "26-1-1",
        "2026-11-22T25:00:00Z",
        "yesterday",
        "9999-12-31",
        "0001",
    ),
    *("2026-11-31T10:00:00+08:00", "2026-11-22T10:00", "2026-11-22T10:00:00+25:00", "٢٠٢٦-٠١-٠١", "２０２６-11"),
)
WORDS = (
    *("", " ", "\u0000", "\u202eright to left", "e\u0301\u0323" * 20, "𠮷野家", "🩺" * 50, "\ufeff", "\u2028", "ＩＶ"),
    *(
        "null",
        "NaN",
        "-",
        "×" * 3000,
        "Patient/",
        "#",
        "#none",
        "urn:uuid:",
        "http://",
        "%s%n{0}",
        "a\tb\r\nc",
        "'; DROP",
    ),
)
NUMBERS = (10**400, -(10**400), 1e308, -0.0, 1e-320, 10**19, 0, -1, 0.1 + 0.2, 2**63, 99999999999999999999.5)
TYPES = ("observation", "PATIENT", "Basic", "Bundle", "Dragon", "", "AuditEvent", "medicationrequest", "Patient")
TOKENS = (
    *(b"NaN", b"Infinity", b"-Infinity", b"nul", b"tru", b"01", b"1.", b".5", b"+1", b"1e999999", b"1e-999999"),
    *(b"1e99999999999999999999", b"-1E-99999999999999999999", b"'a'", b"undefined", b'"\\ud800"', b'"\\udc00\\ud800"'),
    *(b'"\\x"', b'"unclosed', b"{", b"}", b"[", b"]", b"\x00", b"/* */"),
)


def places(tree: Any) -> list[Place]:
    """Every value of a tree, by where it stands."""
    found: list[Place] = []
    waiting: list[Any] = [tree]
    while waiting:
        inner = waiting.pop()
        keys = inner if isinstance(inner, dict) else range(len(inner))
        for key in keys:
            found.append((inner, key))
            if isinstance(inner[key], dict | list):
                waiting.append(inner[key])
    return found


def nested(chance: Random) -> Any:
    """Something inside something, many times."""
    value: Any = chance.choice((None, "deep", 1))
    for _ in range(chance.choice((3, 60, 70, 150))):
        value = chance.choice(({"extension": [value]}, {"a": value}, [value]))
    return value


def another_type(chance: Random) -> Any:
    return chance.choice((True, False, 3, 2.5, "text", [], {}, [[]], [None], [{}], {"value": 1}, ["a", None, 1]))


def replaced(chance: Random, place: Place) -> Any:
    """What stands in a place after one mutation."""
    value = place[0][place[1]]
    match chance.randrange(12):
        case 0:
            return None
        case 1 | 2:
            return another_type(chance)
        case 3:
            return chance.choice(NUMBERS)
        case 4:
            return chance.choice(WORDS)
        case 5:
            return chance.choice(("\ud800", "\udfff x", "a\udc00\ud800b"))
        case 6:
            return nested(chance)
        case 7:
            return chance.choice(DATES)
        case 8:
            return [value, value] if not isinstance(value, list) else [*value, None, *value]
        case 9 if isinstance(value, str):
            return chance.choice((value.swapcase(), value.upper(), f" {value}\u3000", value[::-1], value[:-1]))
        case 10 if isinstance(value, int | float):
            return chance.choice((str(value), -value, [value], {"value": value}))
    return chance.choice((value, chance.choice(WORDS), chance.choice(DATES), chance.choice(NUMBERS)))


def mutated(chance: Random, resource: Tree) -> Tree:
    """The resource with up to three values dropped, replaced or renamed; its `id` may go, its patient may be lost."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        inside, key = chance.choice(places(resource) or [(resource, "resourceType")])
        match chance.randrange(5):
            case 0 if isinstance(inside, dict):
                inside.pop(key, None)
            case 1 if isinstance(inside, dict):
                inside[chance.choice((key.upper(), f"_{key}", "value", "status", "code", key + "\ud800"))] = inside.pop(
                    key
                )
            case 2 if chance.random() < 0.1:
                resource["resourceType"] = chance.choice(TYPES)
            case _:
                inside[key] = replaced(chance, (inside, key))
    return resource


# --- the text


def doubled_key(chance: Random, text: bytes) -> bytes:
    """A key given twice, the second time with something else."""
    at = chance.choice(_after(text, b"{") or [1])
    key = chance.choice(
        (b"status", b"code", b"subject", b"resourceType", b"id", b"valueQuantity", b"coding", b"reference")
    )
    value = chance.choice((b"null", b"[]", b'"x"', b"{}", b"1", b'"Observation"'))
    return text[:at] + b'"%s":%s,' % (key, value) + text[at:]


def token(chance: Random, text: bytes) -> bytes:
    """A value replaced by what is no JSON."""
    at = chance.choice(_after(text, b":") or [0])
    return text[:at] + chance.choice(TOKENS) + text[at + chance.randrange(6) :]


def cut(chance: Random, text: bytes) -> bytes:
    return text[: chance.randrange(len(text))]


def flipped(chance: Random, text: bytes) -> bytes:
    """Some bytes changed; never into a line break."""
    changed = bytearray(text)
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] = chance.choice(b'\x00\x07\x80\xc3\xff\xed{}[]",:\\')
    return bytes(changed)


def surrounded(chance: Random, text: bytes) -> bytes:
    before = chance.choice((b"", b"\xef\xbb\xbf", b" \t", b",", b"[", b"data: "))
    return before + text + chance.choice((b"", b"\r", b" ", b",", b"]", b"}", b"{}", b" garbage", b"\x00"))


def deepened(chance: Random, text: bytes) -> bytes:
    """Thousands of brackets: more than any parser's stack."""
    depth = chance.choice((300, 3000))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return b'{"x":' + opening * depth + b"1" + closing * depth + b"," + text[1:]


TEXT: tuple[Callable[[Random, bytes], bytes], ...] = (doubled_key, token, cut, flipped, surrounded)


def _after(text: bytes, mark: bytes) -> list[int]:
    found, at = [], text.find(mark)
    while at >= 0:
        found.append(at + 1)
        at = text.find(mark, at + 1)
    return found


def broken_texts(chance: Random, resources: list[bytes], count: int, *, whole: bool) -> Iterator[bytes]:
    """So many mutated resources, most of them with an id of their own, as one line of JSON text each.

    `whole`: only such as stay one JSON value.
    """
    for _ in range(count):
        resource = json.loads(chance.choice(resources))
        if resource["resourceType"] != "Patient" and chance.random() < 0.9:
            resource["id"] = f"broken-{chance.randrange(10**9)}"
        text = json.dumps(mutated(chance, resource)).encode()
        if chance.random() < 0.002:
            text = deepened(chance, text)
        if whole:
            yield doubled_key(chance, text) if chance.random() < 0.1 else text
        else:
            yield chance.choice(TEXT)(chance, text).replace(b"\n", b" ") if chance.random() < 0.3 else text
