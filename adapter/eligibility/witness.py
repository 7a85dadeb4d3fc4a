"""Witnesses: several records that could prove one sentence. One that proves is enough; a doubtful one leaves it
open; silence counts only where the record was read completely.
"""

from collections.abc import Iterable

import msgspec

from adapter.eligibility.context import Context, Span
from adapter.eligibility.finding import Finding, evidence_of, unknown
from adapter.eligibility.truth import Truth
from adapter.facts.model import Fact, Reason, foremost
from adapter.fhir.dates import FIRST, Place, day_text
from adapter.fhir.terminology import Grade


class Witnesses(msgspec.Struct):
    """Facts sorted by what they say: proof, doubt with its reason, exempt, outside the window, listed only."""

    proofs: list[Fact] = msgspec.field(default_factory=list)
    doubts: list[tuple[Reason, Fact]] = msgspec.field(default_factory=list)
    exempt: list[Fact] = msgspec.field(default_factory=list)
    outside: list[Fact] = msgspec.field(default_factory=list)
    listed: list[Fact] = msgspec.field(default_factory=list)

    def add(self, fact: Fact, verdict: bool | Reason) -> None:
        """One witness: True proves, a Reason doubts, False is outside."""
        if verdict is True:
            self.proofs.append(fact)
        elif verdict is False:
            self.outside.append(fact)
        else:
            self.doubts.append((verdict, fact))


def in_window(context: Context, fact: Fact, span: Span) -> bool | Reason:
    """Whether a fact proves something inside a window; False outside it, a Reason where it is in doubt."""
    match context.place(fact.when, span):
        case Place.OUTSIDE:
            return False
        case Place.INSIDE:
            return fact.doubt or True
        case Place.PARTIAL:
            return with_doubt(Reason.PARTIAL_DATE, fact)
        case _:
            return with_doubt(Reason.UNDATED, fact)


def with_doubt(reason: Reason, fact: Fact) -> Reason:
    """The foremost of a reason of time and the doubt that the fact carries itself."""
    return foremost([reason, fact.doubt]) if fact.doubt else reason


def gather(context: Context, names: Iterable[str], types: Iterable[str], span: Span) -> Witnesses:
    """The facts of these names in a window, and the nameless records of the types that could be any of them."""
    found = Witnesses()
    for fact in (fact for name in names for fact in context.record.named(name)):
        if fact.grade is Grade.LISTED:
            found.listed.append(fact)
        elif fact.grade is Grade.EXEMPT:
            found.exempt.append(fact)
        else:
            found.add(fact, in_window(context, fact, span))
    add_nameless(context, found, types, span)
    return found


def add_nameless(context: Context, found: Witnesses, types: Iterable[str], span: Span) -> None:
    """A record without a readable name stands in the way of a NO of everything that its type could prove."""
    for fact in (fact for type_ in types for fact in context.record.named(f"nameless:{type_}")):
        verdict = in_window(context, fact, span)
        if verdict is not False:
            found.add(fact, verdict)


def settle(
    context: Context,
    found: Witnesses,
    types: tuple[str, ...],
    what: str,
    where: str,
    *,
    not_kept: bool = True,
) -> Finding:
    """The finding of gathered witnesses. `where` tells the window in words."""
    if found.proofs:
        sentence = f"{sentence_of(found.proofs)}: {what} {where}."
        return Finding(
            truth=Truth.YES, reason="within-window", explanation=sentence, evidence=evidence_of(found.proofs)
        )
    if found.doubts:
        return doubtful(found, what, where)
    return silence(context, found, types, what, where, not_kept=not_kept)


def doubtful(found: Witnesses, what: str, where: str) -> Finding:
    """UNKNOWN for the foremost of the doubts."""
    reason = foremost([reason for reason, _ in found.doubts])
    speaking = [fact for doubt, fact in found.doubts if doubt is reason]
    sentence = f"{sentence_of(speaking)}: {WHY[reason]} whether this is {what} {where}."
    needs = f"{NEEDS[reason]}: {names_of(speaking)}"
    return unknown(reason, sentence, [fact for _, fact in found.doubts], needs=needs)


def silence(
    context: Context,
    found: Witnesses,
    types: tuple[str, ...],
    what: str,
    where: str,
    *,
    not_kept: bool = True,
) -> Finding:
    """NO where every type was read completely, else `not-covered`."""
    missing = context.covers(types, not_kept=not_kept)
    aside = [*found.exempt, *found.outside, *found.listed]
    if missing:
        sentence = f"No record of {what} {where}, but {listed(missing)} {_were(missing)} not read completely."
        return unknown(Reason.NOT_COVERED, sentence, aside, needs=f"a complete read of {listed(missing)}")
    excused = sorted(set(types) & context.not_kept & set(context.covers(types, not_kept=False)))
    read = [type_ for type_ in types if type_ not in excused]
    sentence = f"No record of {what} {where}; read completely: {listed(read)}"
    sentence += f" ({listed(excused)} not kept by the site)." if excused else "."
    reason = "no-record"
    if found.exempt:
        reason, sentence = "exempt", f"{sentence_of(found.exempt)}: exempt by the protocol. {sentence}"
    elif found.outside:
        reason, sentence = "outside-window", f"{sentence_of(found.outside)}: outside. {sentence}"
    return Finding(
        truth=Truth.NO, reason=reason, explanation=sentence, evidence=evidence_of(aside), silent=True
    )  # fmt: skip


WHY = {
    Reason.CONFLICT: "the record contradicts itself as to",
    Reason.UNIT_UNRESOLVED: "the unit is missing or unknown, so it is open",
    Reason.PARTIAL_DATE: "the date is not exact enough to tell",
    Reason.UNDATED: "there is no date to tell",
    Reason.NEEDS_JUDGEMENT: "a person must judge",
    Reason.ORDERED_ONLY: "ordered, but no record tells",
    Reason.UNMAPPED_CODE: "no table knows this name or code, so it is open",
    Reason.STALE: "too old to tell",
    Reason.NOT_COVERED: "not read completely, so it is open",
    Reason.NO_DATA: "not enough is recorded to tell",
}

NEEDS = {
    Reason.CONFLICT: "a person to resolve the contradiction",
    Reason.UNIT_UNRESOLVED: "the unit of the result",
    Reason.PARTIAL_DATE: "the exact date",
    Reason.UNDATED: "the date",
    Reason.NEEDS_JUDGEMENT: "a clinician's judgement",
    Reason.ORDERED_ONLY: "whether the order was carried out",
    Reason.UNMAPPED_CODE: "a mapping of the local code or name",
    Reason.STALE: "a newer record",
    Reason.NOT_COVERED: "a complete read",
    Reason.NO_DATA: "a record",
}


def dated(fact: Fact) -> str:
    """`rituximab on 2026-07-30`, `rituximab from 2026-05-01 to 2026-06-01`, `rituximab, undated`."""
    when = fact.when
    if not when.dated:
        return f"{fact.label} without a date"
    if when.known() is not None:
        return f"{fact.label} on {day_text(when.first_lo)}"
    if when.stretch:
        start = "" if when.first_lo == FIRST else f"from {_day_or(when.first_lo, when.first_hi, when.text)}"
        end = "" if when.open else f"to {_day_or(when.last_lo, when.last_hi, when.text.rpartition('/')[2])}"
        return " ".join(filter(None, (fact.label, start, end)))
    return f"{fact.label} ({when.text[:10]})"


def _day_or(low: int, high: int, text: str) -> str:
    """The day on the site's calendar; a partial date as it was written."""
    return day_text(low) if low == high else text.partition("/")[0]


def sentence_of(facts: Iterable[Fact]) -> str:
    """At most three facts in words, and how many more there are; capitalised to begin a sentence."""
    told = list(dict.fromkeys(dated(fact) for fact in facts))
    text = "; ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")
    return text[:1].upper() + text[1:]


def names_of(facts: Iterable[Fact]) -> str:
    """Labels of facts, each once."""
    return ", ".join(list(dict.fromkeys(fact.label for fact in facts))[:3])


def listed(names: Iterable[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    told = list(names)
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}" if told else ""


def _were(names: tuple[str, ...]) -> str:
    return "was" if len(names) == 1 else "were"
