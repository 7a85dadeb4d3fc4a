"""Why a drug was given or a patient stayed: stated reasons, sorted into infection, exempt, doubt and other."""

from collections.abc import Iterable

from adapter.facts.vocabulary import Vocabulary
from adapter.fhir.elements import CodeableConcept
from adapter.fhir.terminology import Grade

INFECTION = "condition:infection"
NAMED = ("condition:named-infection", "condition:zoster-or-sepsis")
_WORDS = {
    Grade.COUNTS: "infection",
    Grade.BROAD: "infection",
    Grade.EXEMPT: "exempt",
    Grade.REVIEW: "doubt",
    Grade.UNMAPPED: "doubt",
    Grade.CONFLICT: "doubt",
}


def meanings(reasons: Iterable[CodeableConcept] | None, vocabulary: Vocabulary) -> tuple[str, ...]:
    """One word per stated reason, in order of weight: infection, doubt, exempt, other."""
    words = {_meaning(reason, vocabulary) for reason in reasons or ()}
    return tuple(word for word in ("infection", "doubt", "exempt", "other") if word in words)


def _meaning(reason: CodeableConcept, vocabulary: Vocabulary) -> str:
    matches = vocabulary.terminology.meaning("Condition", reason).matches
    words = {
        _WORDS.get(match.grade, "other")
        for match in matches
        if match.fact.name == INFECTION or match.fact.name in NAMED
    }
    return next((word for word in ("infection", "doubt", "exempt") if word in words), "other")
