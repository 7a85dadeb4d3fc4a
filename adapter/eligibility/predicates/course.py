"""`course`: a Condition is active, or its course touches a window. `active`: it is going on now."""

from adapter.eligibility.context import Context, Span, Within
from adapter.eligibility.finding import Finding
from adapter.eligibility.predicates.base import Settings
from adapter.eligibility.witness import Witnesses, settle, with_doubt
from adapter.facts.model import Course as CourseOf
from adapter.facts.model import Fact, Reason, foremost
from adapter.fhir.dates import Place, When
from adapter.fhir.terminology import Grade


class Course(Settings, frozen=True):
    """Active at the end, or with onset or abatement in the window (recordedDate only where neither is given).

    `acute-days`: active for longer than that since its onset needs a
    person.
    `judgement`: whatever is found needs a person. `unless-also` are facts that say more of the same record.
    """

    course: str
    what: str
    types: tuple[str, ...]
    within: Within
    acute_days: int | None = None
    judgement: bool = False
    unless_also: tuple[str, ...] = ()

    def find(self, context: Context) -> Finding:
        span = context.span(self.within)
        found = Witnesses()
        said = {f.source.reference for name in self.unless_also for f in context.record.named(name)}
        for fact in context.record.named(self.course):
            if fact.grade is Grade.EXEMPT:
                found.exempt.append(fact)
            elif fact.source.reference not in said:
                found.add(fact, self._verdict(context, fact, span))
        for fact in context.record.named("nameless:Condition"):
            touched = touches(context, fact, span)
            if touched is not False:
                found.add(fact, with_doubt(Reason.UNMAPPED_CODE, fact))
        return settle(context, found, self.types, self.what, f"now or in {span.text()}")

    def _verdict(self, context: Context, fact: Fact, span: Span) -> bool | Reason:
        touched = touches(context, fact, span)
        if touched is False:
            return False
        if touched is not True:
            return with_doubt(touched, fact)
        if self.judgement or self._is_drawn_out(context, fact):
            return fact.doubt or Reason.NEEDS_JUDGEMENT
        return fact.doubt or True

    def _is_drawn_out(self, context: Context, fact: Fact) -> bool:
        onset = fact.course.onset if fact.course else None
        if self.acute_days is None or onset is None or fact.course is None:
            return False
        context.mark(onset.first_hi + self.acute_days + 1)
        return onset.first_hi < context.end - self.acute_days and not fact.course.abated


def touches(context: Context, fact: Fact, span: Span) -> bool | Reason:
    """Whether a Condition is active at the end or its course touches the window."""
    course = fact.course or CourseOf()
    onset, abatement = (when.cut(context.as_of) if when else None for when in (course.onset, course.abatement))
    if onset and onset.first_lo > context.end:
        return False
    for when in (onset, abatement):
        context.mark_event(when, span)
    active = context.active(course)
    if active is True:
        return True
    places = [context.place(when, span) for when in (onset, abatement) if when]
    if not places and course.recorded:
        places = [context.place(course.recorded.cut(context.as_of), span)]
    if any(place is Place.INSIDE for place in places) or _goes_through(onset, abatement, span):
        return True
    doubts = [Reason.PARTIAL_DATE for place in places if place is Place.PARTIAL]
    if active is not False and active is not Reason.UNDATED:
        doubts.append(active)
    if active is Reason.UNDATED:
        doubts.append(Reason.UNDATED)
    return foremost(doubts) if doubts else False


def _goes_through(onset: When | None, abatement: When | None, span: Span) -> bool:
    """Begun before the window and over after it."""
    return bool(onset and abatement and onset.first_hi < span.start and abatement.first_lo > span.end)


class Active(Settings, frozen=True):
    """A Condition of these facts is going on now; `listed` rows are shown and hold nothing open."""

    active: str
    what: str
    types: tuple[str, ...]

    def find(self, context: Context) -> Finding:
        found = Witnesses()
        for fact in context.record.named(self.active):
            if fact.when.dated and fact.when.first_lo > context.end:
                found.add(fact, False)
            else:
                self._add(context, found, fact)
        for fact in context.record.named("nameless:Condition"):
            if context.active(fact.course or CourseOf()) is not False:
                found.add(fact, with_doubt(Reason.UNMAPPED_CODE, fact))
        return settle(context, found, self.types, self.what, "now")

    def _add(self, context: Context, found: Witnesses, fact: Fact) -> None:
        active = context.active(fact.course or CourseOf())
        if active is False:
            found.outside.append(fact)
        elif fact.grade is Grade.LISTED:
            found.listed.append(fact)
        elif active is True:
            found.add(fact, fact.doubt or True)
        else:
            found.add(fact, with_doubt(active, fact))
