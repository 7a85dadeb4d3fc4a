"""What people say of a criterion, weighed against what the record says. `criteria.md`, "Attestation"."""

from adapter.eligibility.context import ByReading, Context, Span
from adapter.eligibility.finding import Finding, evidence_of, no_silence, unknown
from adapter.eligibility.latest import Outcome, latest
from adapter.eligibility.truth import Truth
from adapter.facts.model import RANK, Fact, Reason
from adapter.fhir.dates import day_text


def with_attestation(context: Context, criterion: str, found: Finding, days: int | ByReading) -> Finding:
    """The finding after attestation: it decides what the record leaves open, and over a NO of silence; an old one is
    stale.
    """
    facts = context.record.named(f"attested:{criterion}")
    if not facts:
        return found
    span = Span(
        context.end - context.number(days),
        context.end,
        context.number(days),
        context.end == context.as_of,
        "the as-of date",
    )
    said = latest(context, facts, span, _says)
    if isinstance(said.outcome, bool):
        return _decided(Truth.YES if said.outcome else Truth.NO, said.facts, found)
    if said.outcome is Reason.NO_DATA or not said.facts:
        return found
    overrules = said.outcome is Reason.CONFLICT and found.truth is Truth.NO and found.silent
    speaks = found.truth is Truth.UNKNOWN and RANK[said.outcome] <= RANK[Reason(found.reason)]
    if not (overrules or speaks):
        return found
    text = f"{_told(said.facts)}: {_WHY.get(said.outcome, 'it cannot be used')}. {found.explanation}"
    return unknown(
        said.outcome, text, said.facts, needs=f"a new attestation, or {found.needs}", children=found.children
    )


def _decided(truth: Truth, facts: tuple[Fact, ...], found: Finding) -> Finding:
    evidence = tuple(dict.fromkeys((*evidence_of(facts), *found.evidence)))
    told = _told(facts)
    if found.truth is Truth.UNKNOWN or (found.truth is Truth.NO and not no_silence(found)):
        text = f"{told}. The record alone: {found.explanation}"
        return Finding(truth=truth, reason="attested", explanation=text, evidence=evidence, children=found.children)
    if found.truth is truth:
        return found
    text = f"{told}, but the record says: {found.explanation}"
    return Finding(
        truth=Truth.UNKNOWN, reason=Reason.CONFLICT.value, explanation=text, evidence=evidence, children=found.children,
        needs="a person to resolve the contradiction between attestation and record",
    )  # fmt: skip


def _says(fact: Fact) -> Outcome:
    truth = fact.result.truth if fact.result else None
    return Reason.NEEDS_JUDGEMENT if truth is None else truth


def _told(facts: tuple[Fact, ...]) -> str:
    answers = {fact.result.truth for fact in facts if fact.result}
    side = "that it holds" if answers == {True} else "that it does not hold" if answers == {False} else "both ways"
    day = max((fact.when.last_hi for fact in facts if fact.when.dated), default=None)
    return f"Attested {side}" + (f" on {day_text(day)}" if day else "")


_WHY = {
    Reason.STALE: "too old",
    Reason.CONFLICT: "two attestations of one day contradict each other",
    Reason.PARTIAL_DATE: "its date is not exact enough",
    Reason.UNDATED: "it has no date",
}
