"""The files under `mappings/` as they are written, read leniently, so that one fault does not hide the next."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from adapter.errors import AdapterError
from adapter.fhir.concepts import Code, Systems
from adapter.fhir.files import load_json, load_yaml
from adapter.fhir.systems import INSTRUMENTS

T = TypeVar("T")


class Concept(msgspec.Struct, frozen=True):
    code: str
    display: str = ""


class Filter(msgspec.Struct, frozen=True):
    property: str
    op: str
    value: str


class Include(msgspec.Struct, frozen=True):
    system: str
    concept: tuple[Concept, ...] = ()
    filter: tuple[Filter, ...] = ()


class Compose(msgspec.Struct, frozen=True):
    include: tuple[Include, ...] = ()


class ValueSetFile(msgspec.Struct, frozen=True):
    id: str
    url: str
    title: str
    status: str
    description: str
    compose: Compose


class MapElement(msgspec.Struct, frozen=True):
    code: str
    target: tuple[Concept, ...] = ()


class MapGroup(msgspec.Struct, frozen=True):
    source: str
    target: str
    element: tuple[MapElement, ...]


class ConceptMapFile(msgspec.Struct, frozen=True):
    id: str
    url: str
    group: tuple[MapGroup, ...]


class CodeList(msgspec.Struct, frozen=True):
    system: str
    source: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MappingFiles:
    """Everything under `mappings/` that can be read, and the faults of what cannot."""

    root: Path
    sets: dict[Path, ValueSetFile]
    maps: dict[Path, ConceptMapFile]
    facts: dict[str, dict[str, list[str]]]
    systems: Systems
    faults: tuple[str, ...]

    def short(self, path: Path) -> str:
        return path.relative_to(self.root.parent).as_posix()


def tried(path: Path, shape: type[T], faults: list[str]) -> T | None:
    try:
        return load_json(path, shape)
    except AdapterError as error:
        faults.append(str(error))
        return None


def filter_fault(name: str, row: Filter) -> str | None:
    if (row.property, row.op) != ("code", "regex"):
        return f"{name}: the filter {row.property} {row.op} is not understood; write property `code`, op `regex`"
    try:
        re.compile(row.value)
    except re.error as error:
        return f"{name}: the regex {row.value!r} is wrong: {error}; correct it"
    return None


def holder(files: MappingFiles) -> Callable[[Code], bool]:
    exact: set[Code] = set()
    patterns: dict[str, list[re.Pattern[str]]] = {}
    for one in files.sets.values():
        for include in one.compose.include:
            exact |= {(include.system, concept.code) for concept in include.concept}
            compiled = [re.compile(row.value) for row in include.filter if not filter_fault("", row)]
            patterns.setdefault(include.system, []).extend(compiled)

    def holds(code: Code) -> bool:
        system, value = code
        spoken = [system, *([files.systems.family[system]] if system in files.systems.family else [])]
        return any((s, value) in exact or any(p.fullmatch(value) for p in patterns.get(s, ())) for s in spoken)

    return holds


def code_lists(files: MappingFiles) -> dict[str, set[str]]:
    """By system, or family, every code listed in value sets, concept maps, instruments and `mappings/check/`."""
    codes: set[Code] = set()
    for one in files.sets.values():
        codes |= {(include.system, concept.code) for include in one.compose.include for concept in include.concept}
    for map_ in files.maps.values():
        for group in map_.group:
            codes |= {(group.target, target.code) for element in group.element for target in element.target}
            codes |= {(group.source, element.code) for element in group.element}
    for path in sorted((files.root / "check").glob("*.json")):
        listed = load_json(path, CodeList)
        codes |= {(listed.system, code) for code in listed.codes}
    for path in sorted((files.root / "instruments").glob("*.yaml")):
        items = cast(dict[str, list[dict[str, str]]], load_yaml(path)[0])["items"]
        codes |= {(INSTRUMENTS, f"{path.stem}-{item['code']}") for item in items}
    found: dict[str, set[str]] = {}
    for system, code in codes:
        for name in {system, files.systems.family.get(system, system)}:
            found.setdefault(name, set()).add(code)
    return found
