"""What a predicate found: a truth, its reason, one sentence, and the records behind it."""

from collections.abc import Iterable

import msgspec

from adapter.eligibility.truth import Truth
from adapter.facts.model import Fact, Reason, Result, foremost
from adapter.fhir.quantities import plain


class Evidence(msgspec.Struct, frozen=True, gc=False, order=True):
    """One record behind a finding: where it stood, the value as written, the value as used and how it was converted."""

    reference: str
    version: str | None
    path: str
    value: str
    used: str
    formula: str | None
    fact: str

    def to_dict(self) -> dict[str, str | None]:
        """The evidence object of the JSON contract."""
        return {
            "reference": self.reference,
            "version": self.version,
            "path": self.path,
            "value": self.value,
            "used": self.used,
            "formula": self.formula,
            "fact": self.fact,
        }


class Finding(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The answer of one predicate.

    `silent`: a NO that rests on silence only, which an attestation may overrule. `needs`: what would decide an UNKNOWN.
    `label` names a child among its siblings.
    """

    truth: Truth
    reason: str
    explanation: str
    evidence: tuple[Evidence, ...] = ()
    children: tuple["Finding", ...] = ()
    needs: str = ""
    silent: bool = False
    label: str = ""

    def to_dict(self) -> dict[str, object]:
        """A child finding in the JSON contract."""
        return {
            "label": self.label,
            "truth": str(self.truth),
            "reason": self.reason,
            "explanation": self.explanation,
            "evidence": [evidence.to_dict() for evidence in self.evidence],
            "children": [child.to_dict() for child in self.children],
        }


def evidence_of(facts: Iterable[Fact]) -> tuple[Evidence, ...]:
    """The evidence of facts, each once, in a fixed order."""
    return tuple(sorted({_evidence(fact) for fact in facts}, key=_order))


def _order(evidence: Evidence) -> tuple[str, ...]:
    return (evidence.reference, evidence.path, evidence.fact, evidence.value, evidence.used)


def _evidence(fact: Fact) -> Evidence:
    source = fact.source
    formula = fact.result.formula if fact.result else None
    return Evidence(source.reference, source.version, source.path, source.written, used_text(fact), formula, fact.name)


def used_text(fact: Fact) -> str:
    """A fact as the program used it: its name with value and date."""
    parts = [fact.label]
    if fact.result and (value := value_text(fact.result)):
        parts.append(value)
    if fact.use and fact.use.dose and fact.use.dose.daily is not None:
        parts.append(f"{plain(fact.use.dose.daily)} {fact.use.dose.unit} a day")
    if fact.course and fact.course.clinical:
        parts.append(fact.course.clinical)
    if fact.when.text and fact.when.dated:
        parts.append(fact.when.text)
    return ", ".join(part for part in parts if part)


def value_text(result: Result) -> str:
    """The value of a result as used."""
    if result.number is not None:
        return f"{result.number.text()} {result.unit}".strip()
    if result.sign is not None:
        return result.sign.value
    return "" if result.truth is None else ("yes" if result.truth else "no")


def unknown(
    reason: Reason,
    explanation: str,
    facts: Iterable[Fact] = (),
    *,
    needs: str = "",
    children: tuple[Finding, ...] = (),
) -> Finding:
    """A finding that leaves the question open."""
    return Finding(
        truth=Truth.UNKNOWN, reason=reason.value, explanation=explanation, evidence=evidence_of(facts),
        children=children, needs=needs,
    )  # fmt: skip


def no_silence(finding: Finding) -> bool:
    """Whether a NO is proved by a record."""
    return finding.truth is Truth.NO and not finding.silent


def foremost_of(findings: Iterable[Finding]) -> Finding:
    """Of several unknown findings the one whose reason speaks first."""
    told = [finding for finding in findings if finding.truth is Truth.UNKNOWN]
    first = foremost([Reason(finding.reason) for finding in told])
    return next(finding for finding in told if finding.reason == first.value)


def joined(sentences: Iterable[str]) -> str:
    """Sentences after each other, each once."""
    return " ".join(dict.fromkeys(sentence for sentence in sentences if sentence))
