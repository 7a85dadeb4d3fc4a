"""Loads `mappings/` into a Terminology and its units: value sets, concept maps, systems, facts.yaml, units.yaml."""

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from adapter.errors import MappingError
from adapter.fhir.concepts import Code, Systems, Terms, normal_text
from adapter.fhir.elements import Element
from adapter.fhir.files import Json, data_dir, digest, load_json, load_yaml
from adapter.fhir.quantities import Conversion, Units, normal_unit
from adapter.fhir.systems import FREQUENCY, INGREDIENTS, TEXT
from adapter.fhir.terminology import FactSpec, Grade, Terminology, ValueSet

T = TypeVar("T")


_ASIDE = ("trials", "check", "alerts")
"""Folders that no verdict depends on through these tables: trials have digests of their own."""


class _Concept(Element, frozen=True):
    code: str
    display: str = ""


class _Filter(Element, frozen=True):
    property: str
    op: str
    value: str


class _Include(Element, frozen=True):
    system: str
    concept: tuple[_Concept, ...] = ()
    filter: tuple[_Filter, ...] = ()


class _Compose(Element, frozen=True):
    include: tuple[_Include, ...]


class _ValueSet(Element, frozen=True):
    id: str
    compose: _Compose


class _Target(Element, frozen=True):
    code: str


class _MapElement(Element, frozen=True):
    code: str
    target: tuple[_Target, ...] = ()


class _Group(Element, frozen=True):
    source: str
    target: str
    element: tuple[_MapElement, ...]


class _ConceptMap(Element, frozen=True):
    id: str
    group: tuple[_Group, ...]


class _System(msgspec.Struct, frozen=True):
    uri: str
    name: str
    family: str | None = None
    aliases: tuple[str, ...] = ()


class _Fact(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    sources: tuple[str, ...] = msgspec.field(name="from")
    counts: tuple[str, ...] = ()
    broad: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    together: tuple[tuple[str, str], ...] = ()
    together_grade: Grade = Grade.COUNTS
    unit: str | None = None
    chronic: bool = False
    any_unit: bool = False
    measured: bool = False
    words: tuple[str, ...] = ()
    released_by: tuple[str, ...] = ()


class _Unit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    factor: str
    formula: str | None = None
    note: str | None = None
    only: str | None = None


class Tables(msgspec.Struct, frozen=True):
    """Everything under `mappings/` that no trial owns. `digest` covers every file of it."""

    terminology: Terminology
    units: Units
    root: Path
    digest: str


def load_tables(root: Path | None = None, site_maps: Iterable[Path] = ()) -> Tables:
    """Reads the shipped mappings and a site's ConceptMap files. Raises MappingError with file and key."""
    root = root or data_dir() / "mappings"
    systems = load_systems(root / "systems.yaml")
    sets = {value_set.id: value_set for value_set in load_value_sets(root)}
    maps, texts = load_maps([*sorted((root / "conceptmaps").glob("*.json")), *site_maps], systems)
    specs = tuple(load_facts(root / "facts.yaml", sets, texts, systems))
    shared = [p for p in root.rglob("*") if p.is_file() and p.relative_to(root).parts[0] not in _ASIDE]
    ingredients = {code: target[0][1] for code, target in maps.items() if target[0][0] == INGREDIENTS}
    rates: dict[Code | str, str] = {text: codes[0][1] for text, codes in texts.items() if codes[0][0] == FREQUENCY}
    rates.update((code, target[0][1]) for code, target in maps.items() if target[0][0] == FREQUENCY)
    names = {code: name for value_set in sets.values() for code, name in value_set.names.items()}
    local = {code: target for code, target in maps.items() if target[0][0] not in (INGREDIENTS, FREQUENCY)}
    terminology = Terminology(systems, specs, sets, local, texts, ingredients, rates, names)
    return Tables(terminology, load_units(root / "units.yaml"), root, digest(shared, root))


def load_systems(path: Path) -> Systems:
    """Aliases and families of code systems."""
    rows = convert(load_yaml(path)[0], tuple[_System, ...], path)
    names = {alias.rstrip("/").lower(): row.uri for row in rows for alias in (row.uri, *row.aliases)}
    return Systems(names, {row.uri: row.family for row in rows if row.family})


def load_value_sets(root: Path) -> Iterator[ValueSet]:
    """Every ValueSet of `valuesets/`; an empty one is refused, since it would make a criterion blind."""
    for path in sorted((root / "valuesets").glob("*.json")):
        source = load_json(path, _ValueSet)
        exact: dict[str, set[str]] = {}
        patterns: dict[str, list[re.Pattern[str]]] = {}
        for include in source.compose.include:
            exact.setdefault(include.system, set()).update(concept.code for concept in include.concept)
            patterns.setdefault(include.system, []).extend(_pattern(row, path) for row in include.filter)
        if not any(exact.values()) and not any(patterns.values()):
            raise MappingError(f"{path}: the value set is empty; add a concept or a filter")
        yield ValueSet(
            source.id,
            {system: frozenset(codes) for system, codes in exact.items()},
            {system: tuple(found) for system, found in patterns.items() if found},
            {(row.system, c.code): c.display for row in source.compose.include for c in row.concept if c.display},
        )


def _pattern(row: _Filter, path: Path) -> re.Pattern[str]:
    if (row.property, row.op) != ("code", "regex"):
        raise MappingError(f"{path}: filter {row.property} {row.op}: only `code` `regex` is understood")
    try:
        return re.compile(row.value)
    except re.error as error:
        raise MappingError(f"{path}: the regex {row.value!r} is wrong: {error}") from None


def load_maps(
    paths: Iterable[Path], systems: Systems
) -> tuple[dict[Code, tuple[Code, ...]], dict[str, tuple[Code, ...]]]:
    """Local codes -> standard codes, and normalised texts -> standard codes; several maps add up."""
    maps: dict[Code, tuple[Code, ...]] = {}
    texts: dict[str, tuple[Code, ...]] = {}
    for path in paths:
        for group in load_json(path, _ConceptMap).group:
            source = systems.canonical.get(group.source.lower(), group.source)
            for element in group.element:
                targets = tuple((group.target, target.code) for target in element.target)
                if group.source == TEXT:
                    text = normal_text(element.code)
                    texts[text] = _added(texts.get(text, ()), targets)
                else:
                    maps[source, element.code] = _added(maps.get((source, element.code), ()), targets)
    return maps, texts


def _added(old: tuple[Code, ...], new: tuple[Code, ...]) -> tuple[Code, ...]:
    return tuple(dict.fromkeys((*old, *new)))


def load_facts(
    path: Path, sets: Mapping[str, ValueSet], texts: Mapping[str, tuple[Code, ...]], systems: Systems
) -> Iterator[FactSpec]:
    """The entries of facts.yaml; their doubtful words are joined by every text of their own tables."""
    document, lines = load_yaml(path)
    by_code: dict[Code, list[str]] = {}
    for text, codes in texts.items():
        for code in codes:
            by_code.setdefault(code, []).append(text)
    for name, entry in cast(dict[str, Json], document).items():
        fact = convert(entry, _Fact, path, lines[(name,)])
        graded = [(grade, set_id) for grade in Grade for set_id in _ids(fact, grade)]
        unknown = {s for _, s in graded} | {s for pair in fact.together for s in pair}
        for set_id in sorted(unknown - sets.keys()):
            raise MappingError(f"{path}:{lines[(name,)]}: {name}: no value set {set_id!r}; add valuesets/{set_id}.json")
        own = [sets[set_id] for grade, set_id in graded if grade in (Grade.COUNTS, Grade.BROAD, Grade.REVIEW)]
        yield FactSpec(
            name,
            frozenset(fact.sources),
            tuple((grade, sets[set_id]) for grade, set_id in graded),
            tuple((sets[one], sets[other], fact.together_grade) for one, other in fact.together),
            Terms(partial(_terms, own, fact.words, by_code, systems)),
            Terms(partial(tuple, fact.released_by)),
            fact.unit,
            fact.chronic,
            fact.any_unit,
            fact.measured,
        )


def _ids(fact: _Fact, grade: Grade) -> tuple[str, ...]:
    return cast(tuple[str, ...], getattr(fact, grade.value, ()))


def _terms(
    sets: list[ValueSet], words: tuple[str, ...], by_code: Mapping[Code, list[str]], systems: Systems
) -> list[str]:
    """The doubtful words of a fact and every text of its own tables; none where the fact has no doubtful words."""
    if not words:
        return []
    held = (texts for code, texts in by_code.items() if _any_holds(sets, code, systems))
    return [*words, *(text for texts in held for text in texts)]


def _any_holds(sets: list[ValueSet], code: Code, systems: Systems) -> bool:
    system, value = code
    family = systems.family.get(system, system)
    return any(s.holds(system, value) or (family != system and s.holds(family, value)) for s in sets)


def load_units(path: Path) -> Units:
    """Spellings and exact factors, spellings in their normal form."""
    raw = convert(load_yaml(path)[0], dict[str, dict[str, _Unit]], path)
    return {
        canonical: {
            normal_unit(spelling): Conversion(Fraction(unit.factor), unit.formula, unit.only)
            for spelling, unit in spellings.items()
        }
        for canonical, spellings in raw.items()
    }


def convert(value: Json, shape: type[T], path: Path, line: int = 1) -> T:
    """A loaded document in its shape, or a MappingError that names file, line and element."""
    try:
        return msgspec.convert(value, shape, strict=False)
    except msgspec.ValidationError as error:
        raise MappingError(f"{path}:{line}: {error}") from None
