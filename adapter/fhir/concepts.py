"""Codings and texts in one normal form: canonical systems, ICD codes without daggers, NFKC text."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from adapter.fhir.elements import CodeableConcept, Coding
from adapter.fhir.systems import ATC, ICD_10

_ICD = re.compile(r"[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,6})?\Z")
_ATC = re.compile(r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?\Z")
_MORPHOLOGY = re.compile(r"M?(\d{4})(?:0?)/(\d)\Z")
ICD_9 = "http://hl7.org/fhir/sid/icd-9-cm"
ICD_O = "http://terminology.hl7.org/CodeSystem/icd-o-3"

Code = tuple[str, str]
"""(canonical system, normalised code)"""


@dataclass(frozen=True, slots=True)
class Systems:
    """Canonical URI of each alias, and the family that a system's rows hold for."""

    canonical: dict[str, str]
    family: dict[str, str]

    def codes(self, coding: Coding) -> tuple[Code, ...]:
        """The codes that one Coding stands for: none without system and code, two for a dual ICD code."""
        if not coding.system or not coding.code:
            return ()
        system = self.canonical.get(coding.system.strip().rstrip("/").lower(), coding.system.strip().rstrip("/"))
        code = coding.code.strip()
        if self.family.get(system) == ICD_10:
            return tuple((system, part) for part in icd_parts(code))
        if system == ATC:
            return ((system, code.upper()),)
        if system == ICD_9 and code.isdigit() and len(code) in (3, 4):
            return ((system, f"{code[:2]}.{code[2:]}"),)
        if system == ICD_O and (match := _MORPHOLOGY.match(code.upper())):
            return ((system, f"{match[1]}/{match[2]}"),)
        return ((system, code),)


def icd_parts(code: str) -> list[str]:
    """`M32.101†` and `m32101` as M32.101; the dual code `M32.101+N08.5*` as its two codes."""
    folded = unicodedata.normalize("NFKC", code).upper()
    if match := _MORPHOLOGY.match(folded):  # a morphology code sent under the ICD-10 system
        return [f"M{match[1]}/{match[2]}"]
    parts = (part.strip(" .,;") for part in re.split(r"[+*†‡\s/]+|(?<=\d)-(?=[A-Z])", folded))
    return [_dotted(part) for part in parts if part]


def _dotted(code: str) -> str:
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 and code[3] != "." and _ICD.match(code) else code


def placed_by_shape(code: Code, family: dict[str, str]) -> bool:
    """Whether an ICD chapter or an ATC group places this code, though no table of ours lists it."""
    system, value = code
    if family.get(system) == ICD_10:
        return _ICD.match(value) is not None
    return system == ATC and _ATC.match(value) is not None


@lru_cache(maxsize=8192)
def normal_text(text: str) -> str:
    """NFKC, case folded, blanks collapsed: the form in which texts are compared."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def codings(concept: CodeableConcept | None) -> tuple[Coding, ...]:
    """The codings of a concept that may be absent."""
    return (concept.coding or ()) if concept else ()


def in_order(concept: CodeableConcept | None) -> list[Coding]:
    """The codings in an order of their own, so that the order in which they were sent changes nothing."""
    return sorted(codings(concept), key=lambda c: (c.system or "", c.code or "", c.display or ""))


def readable_name(concept: CodeableConcept) -> str:
    """The text of a concept, else a display; empty where a person could read neither."""
    if concept.text and concept.text.strip():
        return concept.text.strip()
    return next((c.display.strip() for c in in_order(concept) if c.display and c.display.strip()), "")


def label(concept: CodeableConcept | None) -> str:
    """What to call a concept in a sentence: its name, else its code."""
    if concept is None:
        return ""
    return readable_name(concept) or next((c.code for c in in_order(concept) if c.code), "")


class Terms:
    """Finds which of many terms a text contains: a Latin term at a word start, a short one as a whole word, others
    anywhere.

    The terms are asked for when the first text comes: most runs meet few texts that no table places.
    """

    __slots__ = ("_found", "_terms")

    def __init__(self, terms: Callable[[], Iterable[str]] = tuple) -> None:
        self._terms = terms
        self._found: re.Pattern[str] | None = None

    def first(self, text: str) -> str | None:
        """The first term that the normalised text contains."""
        if self._found is None:
            patterns = sorted({_term_pattern(normal_text(term)) for term in self._terms()}, key=lambda p: (-len(p), p))
            self._found = re.compile("|".join(patterns) if patterns else r"(?!)")
        match = self._found.search(text)
        return match[0] if match else None


def _term_pattern(term: str) -> str:
    escaped = re.escape(term)
    if not re.match(r"[a-z0-9]", term):
        return escaped
    end = r"(?![a-z0-9])" if len(term) <= 4 else ""
    return rf"(?<![a-z0-9]){escaped}{end}"
