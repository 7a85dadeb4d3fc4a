"""What to ask a server for, derived from the trial and its mappings. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from adapter.connection import CohortSection
from adapter.eligibility.trial import Trial
from adapter.fhir.client import Parameters
from adapter.fhir.concepts import Code
from adapter.fhir.elements import READ
from adapter.fhir.systems import ICD_10
from adapter.fhir.terminology import Grade, Terminology

T = TypeVar("T")
_ALWAYS = ("Patient", "Consent", "QuestionnaireResponse", "ResearchSubject")
"""Who he is, what people attested, whether he takes part."""
SUBJECTS = 20
"""Patients asked for in one search."""
TOKENS = 200
"""Codes asked for in one search."""


def types_read(trial: Trial, not_kept: Iterable[str] = ()) -> tuple[str, ...]:
    """The resource types that a criterion, or the gate of an assignment, reads; the Patient first."""
    specs = trial.tables.terminology.specs
    found = {*_ALWAYS, *(type_ for spec in specs for type_ in spec.sources)} - set(not_kept)
    return ("Patient", *sorted(found & READ.keys() - {"Patient", "Medication"}))


def whole(type_: str, subjects: Sequence[str], count: int) -> Parameters:
    """A search for everything of a type of some patients. No filter by code: local codes are what it would miss."""
    ids = ",".join(subject.removeprefix("Patient/") for subject in subjects)
    return [("_id" if type_ == "Patient" else "patient", ids), ("_count", str(count))]


def changed(since: str, count: int) -> Parameters:
    """A search for everything of a type that was written since an instant."""
    return [("_lastUpdated", f"ge{since}"), ("_count", str(count))]


def cohort_searches(cohort: CohortSection, trial: Trial, count: int) -> Iterator[tuple[str, Parameters, str]]:
    """Type, parameters and reason of every search that finds who could matter."""
    paging = ("_count", str(count))
    if cohort.everybody:
        yield "Patient", [paging], "everybody"
    if cohort.conditions == "all":
        yield "Condition", [paging], "a Condition of the trial"
    elif cohort.conditions == "codes":
        for tokens in chunks(sorted(condition_tokens(trial)), TOKENS):
            yield "Condition", [("code", ",".join(tokens)), paging], "a Condition of the trial"
    for clinic in cohort.clinics:
        kind = clinic.partition("/")[0]
        name = {"Location": "location", "Organization": "service-provider"}.get(kind, "type")
        yield "Encounter", [(name, clinic), paging], "an Encounter of a listed clinic"


def condition_tokens(trial: Trial) -> set[str]:
    """`system|code` of every code by which the mappings know a diagnosis of the trial's cohort, local codes too."""
    terminology = trial.tables.terminology
    specs = [spec for spec in terminology.specs if spec.name in trial.cohort]
    codes: set[Code] = set()
    for grade, value_set in (pair for spec in specs for pair in spec.sets):
        if grade is not Grade.NEVER:
            codes |= {(system, code) for system, found in value_set.exact.items() for code in found}
            codes |= {(system, code) for system, patterns in value_set.patterns.items() for code in _spelled(patterns)}
    codes |= {local for local, targets in terminology.maps.items() if codes.intersection(targets)}
    return {_token(terminology, system, code) for system, code in codes}


def _token(terminology: Terminology, system: str, code: str) -> str:
    """A code of ICD-10 is asked for whatever its system is called: each country has names of its own."""
    return code if terminology.systems.family.get(system) == ICD_10 else f"{system}|{code}"


def _spelled(patterns: Iterable[re.Pattern[str]]) -> Iterator[str]:
    """The codes of ICD-10's shape that one of the patterns takes, since a search cannot ask by pattern."""
    for pattern in patterns:
        stems = [f"{pattern.pattern[:1]}{number:02d}" for number in range(100)]
        ends = ["", *(f".{n:0{digits}d}" for digits in (1, 2, 3) for n in range(10**digits))]
        yield from (stem + end for stem in stems for end in ends if pattern.fullmatch(stem + end))


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values, so many at a time."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
