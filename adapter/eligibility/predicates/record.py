"""`record`: something was done, given or diagnosed, inside a window or ever."""

from adapter.eligibility.context import Context, Span, Within
from adapter.eligibility.finding import Finding
from adapter.eligibility.predicates.base import Settings
from adapter.eligibility.witness import Witnesses, add_nameless, gather, in_window, settle, with_doubt
from adapter.facts.model import Fact, Reason, foremost
from adapter.fhir.dates import FIRST
from adapter.fhir.terminology import Grade


class Record(Settings, frozen=True):
    """A record of a fact counts inside the window, or ever where there is none.

    `planned` names facts of what is still to come, which need a person. `excised-by` names the procedure that makes an
    exempt diagnosis exempt: without it, or the course being over, the diagnosis counts.
    """

    record: str
    what: str
    types: tuple[str, ...]
    within: Within | None = None
    planned: str | None = None
    excised_by: str | None = None

    def find(self, context: Context) -> Finding:
        span = context.span(self.within) if self.within else context.ever()
        found = gather(context, [self.record], self.types, span)
        if self.excised_by:
            self._weigh_exempt(context, found, span)
        if self.planned:
            self._add_planned(context, found, span)
        where = f"in {span.text()}" if self.within else "at any time"
        return settle(context, found, self.types, self.what, where)

    def _add_planned(self, context: Context, found: Witnesses, span: Span) -> None:
        for fact in context.record.named(self.planned or ""):
            context.mark_event(fact.when, span)
            if not fact.when.dated or fact.when.last_hi >= span.start:
                found.add(fact, fact.doubt or Reason.NEEDS_JUDGEMENT)

    def _weigh_exempt(self, context: Context, found: Witnesses, span: Span) -> None:
        """An exempt diagnosis stays exempt when it is over or was cut out; where that is in doubt, so is the
        diagnosis.
        """
        for fact in found.exempt[:]:
            verdict = in_window(context, fact, span)
            gone = self._is_gone(context, fact)
            if verdict is False or gone is True:
                continue
            found.exempt.remove(fact)
            found.add(fact, verdict if gone is False else gone)

    def _is_gone(self, context: Context, fact: Fact) -> bool | Reason:
        """Resolved, in remission, inactive, abated, or excised on or after its onset."""
        if fact.course and context.is_over(fact.course):
            return True
        names = (self.excised_by or "", *(name for name in context.record.facts if name.startswith("procedure:")))
        operations = {id(f): f for name in names for f in context.record.named(name)}.values()
        verdicts = [self._removes(context, operation, fact) for operation in operations]
        if True in verdicts:
            return True
        doubts = [verdict for verdict in verdicts if isinstance(verdict, Reason)]
        return foremost(doubts) if doubts else False

    def _removes(self, context: Context, operation: Fact, diagnosis: Fact) -> bool | Reason:
        linked = diagnosis.source.reference in operation.links
        if operation.name != self.excised_by and not linked:
            return False
        when = operation.when
        if when.dated and (when.first_lo > context.end or when.last_hi < diagnosis.when.first_lo):
            return False
        if operation.doubt is not None and not linked:
            return operation.doubt
        if not when.dated:
            return Reason.UNDATED
        return True if not diagnosis.when.dated or when.first_lo >= diagnosis.when.first_hi else Reason.PARTIAL_DATE


class Diagnosed(Settings, frozen=True):
    """A diagnosis that stands, whatever its date; one that is over needs a person."""

    diagnosed: str
    what: str
    types: tuple[str, ...]

    def find(self, context: Context) -> Finding:
        found = Witnesses()
        for fact in context.record.named(self.diagnosed):
            if fact.when.dated and fact.when.first_lo > context.end:
                found.add(fact, False)
            elif fact.grade is Grade.LISTED:
                found.listed.append(fact)
            else:
                found.add(fact, self._standing(context, fact))
        add_nameless(context, found, self.types, Span(FIRST, context.end, 0, False, "ever"))
        return settle(context, found, self.types, self.what, "on record")

    def _standing(self, context: Context, fact: Fact) -> bool | Reason:
        if fact.course and context.is_over(fact.course):
            return with_doubt(Reason.NEEDS_JUDGEMENT, fact)
        return fact.doubt or True
