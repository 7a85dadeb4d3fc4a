"""Which facts a concept means: value sets, local codes and texts looked up, in one cached step per concept.

Rules of `criteria.md`, "Codes and names": match on (system, code); text only through the shipped tables, exactly; one
known coding decides, but one that only doubts yields to an exact text; the narrower row wins; proof beside an exemption
is a conflict; a concept that no table places never proves, but may stand in the way.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from adapter.fhir.concepts import Code, Systems, Terms, codings, label, normal_text, placed_by_shape, readable_name
from adapter.fhir.elements import CodeableConcept, Coding
from adapter.fhir.systems import BASE, INSTRUMENTS


class Grade(StrEnum):
    """What a concept does for one fact. The order is that of precedence on one concept."""

    COUNTS = "counts"
    EXEMPT = "exempt"
    REVIEW = "review"
    NEVER = "never"
    BROAD = "broad"
    LISTED = "listed"
    CONFLICT = "conflict"
    UNMAPPED = "unmapped"


# Among several codings what proves or exempts is narrower than what doubts. For one code in several sets the sets that
# were cut out of a range (never, exempt, listed) are narrower than the range; a listed code is narrower than a pattern.
PRECEDENCE = (Grade.COUNTS, Grade.EXEMPT, Grade.REVIEW, Grade.NEVER, Grade.BROAD, Grade.LISTED)
ONE_CODE = (Grade.NEVER, Grade.EXEMPT, Grade.COUNTS, Grade.LISTED, Grade.REVIEW, Grade.BROAD)


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A FHIR ValueSet as loaded: exact codes, and patterns per system that match a whole code."""

    id: str
    exact: Mapping[str, frozenset[str]]
    patterns: Mapping[str, tuple[re.Pattern[str], ...]]
    names: Mapping[Code, str] = field(default_factory=dict)

    def holds(self, system: str, code: str) -> bool:
        """Whether this system's own rows hold the code; families are the caller's business."""
        if code in self.exact.get(system, ()):
            return True
        return any(pattern.fullmatch(code) for pattern in self.patterns.get(system, ()))


@dataclass(frozen=True, slots=True)
class FactSpec:
    """One entry of `facts.yaml`: which concepts of which resource types are this fact."""

    name: str
    sources: frozenset[str]
    sets: tuple[tuple[Grade, ValueSet], ...]
    together: tuple[tuple[ValueSet, ValueSet, Grade], ...] = ()
    words: Terms = field(default_factory=Terms)
    released: Terms = field(default_factory=Terms)
    unit: str | None = None
    chronic: bool = False
    any_unit: bool = False
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A concept means a fact, in a grade; `term` is the doubtful word of an unmapped concept."""

    fact: FactSpec
    grade: Grade
    term: str = ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """All that a concept means for one resource type.

    `relevant` are the matches that can say something, `own` its codes of this project's systems. `nameless`: no
    table places
    it and no person could read it.
    """

    matches: tuple[Match, ...]
    nameless: bool = False
    own: tuple[Code, ...] = ()
    relevant: tuple[Match, ...] = ()

    @property
    def tells(self) -> bool:
        """Whether it can say something at all."""
        return bool(self.relevant or self.own)


@dataclass(frozen=True, slots=True)
class Terminology:
    """The loaded tables: `maps` translates local codes, `texts` normalised texts; `ingredients` and `frequencies`
    read drugs.
    """

    systems: Systems
    specs: tuple[FactSpec, ...]
    sets: Mapping[str, ValueSet]
    maps: Mapping[Code, tuple[Code, ...]]
    texts: Mapping[str, tuple[Code, ...]]
    ingredients: Mapping[Code, str]
    frequencies: Mapping[Code | str, str]
    names: Mapping[Code, str]
    own: frozenset[str] = frozenset({INSTRUMENTS})
    _cache: dict[tuple[str, CodeableConcept], Meaning] = field(default_factory=dict)
    _by_type: dict[str, tuple[FactSpec, ...]] = field(default_factory=dict)
    _answers: dict[tuple[str, CodeableConcept], bool] = field(default_factory=dict)
    _routes: list[ValueSet] = field(default_factory=list)

    def with_own(self, system: str) -> "Terminology":
        """The same tables, knowing one more code system of this project, such as a trial's attestations."""
        return replace(self, own=self.own | {system}, _cache={}, _by_type={}, _answers={})

    def meaning(self, type_: str, concept: CodeableConcept) -> Meaning:
        """What `concept` as the code of a resource of this type means. Cached: the same codes come again and again."""
        key = (type_, concept)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) > 50_000:
                self._cache.clear()
            found = self._cache[key] = self._mean(type_, concept)
        return found

    def member(self, value_set: str, concept: CodeableConcept | None) -> bool:
        """Whether an answer, route, class or status is in a value set, by coding or by exact text."""
        if concept is None:
            return False
        key = (value_set, concept)
        found = self._answers.get(key)
        if found is None:
            codes = self.codes(concept) or self.text_codes(concept.text)
            chosen = self.sets[value_set]
            found = self._answers[key] = any(self._holds(chosen, code) for code in codes)
        return found

    def codes(self, concept: CodeableConcept) -> tuple[Code, ...]:
        """The standard codes of a concept's codings, local ones translated by ConceptMap."""
        return tuple(code for coding in codings(concept) for code in self.coding_codes(coding))

    def coding_codes(self, coding: Coding) -> tuple[Code, ...]:
        """The standard codes of one coding."""
        return tuple(target for code in self.systems.codes(coding) for target in self.maps.get(code, (code,)))

    def label(self, concept: CodeableConcept | None) -> str:
        """What to call a concept in a sentence: its own name, else ours for one of its codes, else the bare code."""
        if concept is None:
            return ""
        if own := readable_name(concept):
            return own
        ours = sorted(self.names[code] for code in self.codes(concept) if code in self.names)
        return ours[0] if ours else label(concept)

    def text_codes(self, text: str | None) -> tuple[Code, ...]:
        """The codes that an exact text stands for."""
        return self.texts.get(normal_text(text), ()) if text else ()

    def route_name(self, codes: tuple[Code, ...]) -> str:
        """One name for all spellings of a route: the value set `route-<name>` that holds it; empty where none does."""
        if not self._routes:
            self._routes.extend(s for name, s in sorted(self.sets.items()) if name.startswith("route-"))
        return next((s.id for s in self._routes if any(self._holds(s, code) for code in codes)), "")

    def place_known(self, code: Code) -> bool:
        """Whether any table, ICD chapter or ATC group places a code."""
        own = code[0].startswith(BASE) or code[0] in self.own
        return (
            own or placed_by_shape(code, self.systems.family) or any(self._holds(s, code) for s in self.sets.values())
        )

    def _mean(self, type_: str, concept: CodeableConcept) -> Meaning:
        codes = tuple(code for code in self.codes(concept) if self.place_known(code))
        texts = self.text_codes(concept.text)
        specs = self._specs(type_)
        if not codes and not texts:
            name = readable_name(concept)
            unmapped = self._unmapped(specs, concept)
            return Meaning(unmapped, nameless=not name, relevant=unmapped)
        matches = []
        for spec in specs:
            grade = self._grade(spec, codes)
            if texts and (not codes or grade is Grade.REVIEW):
                grade = self._grade(spec, texts) or grade
            if grade:
                matches.append(Match(spec, grade))
        own = tuple(dict.fromkeys(code for code in codes if code[0] in self.own))
        relevant = tuple(match for match in matches if match.grade is not Grade.NEVER)
        return Meaning(tuple(matches), own=own, relevant=relevant)

    def _specs(self, type_: str) -> tuple[FactSpec, ...]:
        found = self._by_type.get(type_)
        if found is None:
            found = self._by_type[type_] = tuple(spec for spec in self.specs if type_ in spec.sources)
        return found

    def _grade(self, spec: FactSpec, codes: Iterable[Code]) -> Grade | None:
        codes = tuple(codes)
        for one, other, joint in spec.together:
            if any(self._holds(one, c) for c in codes) and any(self._holds(other, c) for c in codes):
                return joint
        grades = {grade for code in codes if (grade := self._grade_of_code(spec, code))}
        if Grade.COUNTS in grades and grades & {Grade.EXEMPT, Grade.NEVER}:
            return Grade.CONFLICT
        return next((grade for grade in PRECEDENCE if grade in grades), None)

    def _grade_of_code(self, spec: FactSpec, code: Code) -> Grade | None:
        """By the rows of the code's own system, else by those of its family (a CM row beats the family's)."""
        system, value = code
        family = self.systems.family.get(system)
        return _row(spec, system, value) or (_row(spec, family, value) if family and family != system else None)

    def _holds(self, value_set: ValueSet, code: Code) -> bool:
        system, value = code
        family = self.systems.family.get(system)
        return value_set.holds(system, value) or (family is not None and value_set.holds(family, value))

    def _unmapped(self, specs: Iterable[FactSpec], concept: CodeableConcept) -> tuple[Match, ...]:
        """The facts that an unplaced but readable concept might be: it contains one of their terms or doubtful
        words.
        """
        texts = [concept.text, *(coding.display for coding in codings(concept))]
        name = " | ".join(normal_text(text) for text in texts if text)
        matches = []
        for spec in specs:
            term = spec.words.first(name) if name else None
            if term and not spec.released.first(name):
                matches.append(Match(spec, Grade.UNMAPPED, term))
        return tuple(matches)


def _row(spec: FactSpec, system: str, code: str) -> Grade | None:
    """The grade of one code by the rows of one system: a row that lists the code before a pattern."""
    exact = {grade for grade, value_set in spec.sets if code in value_set.exact.get(system, ())}
    found = exact or {grade for grade, value_set in spec.sets if value_set.holds(system, code)}
    return next((grade for grade in ONE_CODE if grade in found), None)
