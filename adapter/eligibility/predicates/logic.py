"""`any` and `all`: Kleene's or and and over predicates, with the reason of the child that speaks first."""

from msgspec.structs import replace

from adapter.eligibility.context import Context
from adapter.eligibility.finding import Finding, foremost_of, joined
from adapter.eligibility.predicates.base import Predicate
from adapter.eligibility.truth import Truth
from adapter.facts.model import Reason

_NOT_MEASURED = {Reason.NO_DATA.value, Reason.STALE.value}


class AnyOf:
    """YES as soon as one child is; NO only when all are. A NO rests on silence as soon as one child's does.

    `one_suffices` names the reading that says whether a NO of one test stands while the other was not measured.
    """

    __slots__ = ("children", "one_suffices")

    def __init__(self, children: tuple[Predicate, ...], one_suffices: str | None = None) -> None:
        self.children = children
        self.one_suffices = one_suffices

    def find(self, context: Context) -> Finding:
        """The disjunction."""
        findings = tuple(_labelled(child, child.find(context)) for child in self.children)
        proofs = [f for f in findings if f.truth is Truth.YES]
        if proofs:
            return decided(Truth.YES, proofs[0].reason, proofs, findings)
        open_ = [f for f in findings if f.truth is Truth.UNKNOWN]
        if open_ and not self._one_test_decides(context, findings, open_):
            return left_open(open_, findings)
        closed = [f for f in findings if f.truth is Truth.NO]
        told = next((f.reason for f in closed if f.reason != "no-record"), "no-record")
        return decided(Truth.NO, told, closed, findings)

    def _one_test_decides(self, context: Context, findings: tuple[Finding, ...], open_: list[Finding]) -> bool:
        if self.one_suffices is None or len(open_) == len(findings):
            return False
        unmeasured = all(finding.reason in _NOT_MEASURED for finding in open_)
        return unmeasured and context.reading(self.one_suffices) == "yes"


class AllOf:
    """NO as soon as one child is; YES only when all are."""

    __slots__ = ("children",)

    def __init__(self, children: tuple[Predicate, ...]) -> None:
        self.children = children

    def find(self, context: Context) -> Finding:
        """The conjunction."""
        return conjunction(tuple(_labelled(child, child.find(context)) for child in self.children))


def _labelled(child: Predicate, found: Finding) -> Finding:
    """A child is called by what it asks for."""
    return found if found.label else replace(found, label=str(getattr(child, "what", "")))


def conjunction(findings: tuple[Finding, ...]) -> Finding:
    """Kleene's and over findings that are there already."""
    against = [f for f in findings if f.truth is Truth.NO]
    if against:
        return decided(Truth.NO, against[0].reason, against, findings)
    open_ = [f for f in findings if f.truth is Truth.UNKNOWN]
    if open_:
        return left_open(open_, findings)
    return decided(Truth.YES, findings[0].reason, list(findings), findings)


def decided(truth: Truth, reason: str, deciding: list[Finding], children: tuple[Finding, ...]) -> Finding:
    """A decision with the evidence and the sentences of the children that decided."""
    return Finding(
        truth=truth,
        reason=reason,
        explanation=joined(finding.explanation for finding in deciding),
        evidence=tuple(dict.fromkeys(e for finding in deciding for e in finding.evidence)),
        children=children,
        silent=truth is Truth.NO and any(finding.silent for finding in deciding),
    )


def left_open(open_: list[Finding], children: tuple[Finding, ...]) -> Finding:
    """An open question: told by the child whose reason speaks first; what every open child needs."""
    first = foremost_of(open_)
    return Finding(
        truth=Truth.UNKNOWN,
        reason=first.reason,
        explanation=first.explanation,
        evidence=tuple(dict.fromkeys(e for finding in open_ for e in finding.evidence)),
        children=children,
        needs="; ".join(dict.fromkeys(finding.needs for finding in open_ if finding.needs)),
    )
