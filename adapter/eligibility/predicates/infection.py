"""`treated-in-stay` and `treated-for`: drugs given for a disease, in hospital or anywhere."""

from collections.abc import Iterable

from adapter.eligibility.context import Context, Span, Within
from adapter.eligibility.finding import Finding
from adapter.eligibility.predicates.base import Settings
from adapter.eligibility.predicates.course import touches
from adapter.eligibility.witness import Witnesses, add_nameless, in_window, settle
from adapter.facts.model import Course, Fact, Reason, foremost
from adapter.fhir.dates import When
from adapter.fhir.terminology import Grade


class TreatedFor(Settings, frozen=True):
    """A drug of a class was used in the window for a disease.

    Its stated reason is the only indication; without one, a Condition of `disease` going on during the drug's days
    in the
    window. An exempt reason exempts; no indication, and a drug that is often given to prevent, need a person.
    """

    treated_for: str
    disease: tuple[str, ...]
    what: str
    types: tuple[str, ...]
    within: Within

    def find(self, context: Context) -> Finding:
        span = context.span(self.within)
        found = Witnesses()
        for fact in context.record.named(self.treated_for):
            self._add(context, found, fact, span)
        add_nameless(context, found, self.types, span)
        return settle(context, found, self.types, self.what, f"in {span.text()}")

    def _add(self, context: Context, found: Witnesses, fact: Fact, span: Span) -> None:
        verdict = in_window(context, fact, span)
        if verdict is False:
            found.outside.append(fact)
            return
        indication = indication_of(context, fact, self.disease, span)
        if indication == "exempt":
            found.exempt.append(fact)
        elif indication == "infection":
            preventive = fact.grade is Grade.REVIEW and "infection" in stated(context, fact, self.disease)
            found.add(fact, _without_grade(fact, verdict) if preventive else verdict)
        elif fact.grade is Grade.UNMAPPED:
            found.add(fact, verdict)
        else:
            doubts = [Reason.NEEDS_JUDGEMENT, *([verdict] if isinstance(verdict, Reason) else [])]
            found.add(fact, foremost(doubts))


def _without_grade(fact: Fact, verdict: bool | Reason) -> bool | Reason:
    """A preventive drug with a stated infection counts: the doubt that its grade alone gave is gone."""
    if fact.doubt is Reason.NEEDS_JUDGEMENT and verdict is Reason.NEEDS_JUDGEMENT:
        return True
    return verdict


def indication_of(context: Context, fact: Fact, disease: tuple[str, ...], span: Span) -> str:
    """`infection`, `exempt`, or `` where no indication proves either."""
    words = stated(context, fact, disease)
    if words:
        return "infection" if "infection" in words else "exempt" if words == {"exempt"} else ""
    ongoing = {c.grade for c in _conditions(context, disease) if _during(context, c, fact.when, span)}
    if ongoing & {Grade.COUNTS, Grade.BROAD}:
        return "infection"
    return "exempt" if ongoing == {Grade.EXEMPT} else ""


def stated(context: Context, fact: Fact, disease: tuple[str, ...]) -> set[str]:
    """What the stated reasons of a drug or a stay mean: codes, and Conditions referred to."""
    use = fact.use
    if use is None:
        return set()
    words = set(use.indications)
    by_reference = {c.source.reference: c for c in _conditions(context, disease)}
    for reference in use.because:
        condition = by_reference.get(reference)
        words.add(_word(condition) if condition else "other")
    return words


def _word(condition: Fact) -> str:
    if condition.grade is Grade.EXEMPT:
        return "exempt"
    return "infection" if condition.doubt is None else "doubt"


def _conditions(context: Context, disease: tuple[str, ...]) -> Iterable[Fact]:
    return [fact for name in disease for fact in context.record.named(name)]


def _during(context: Context, condition: Fact, when: When, span: Span) -> bool:
    """Whether a Condition was going on during the drug's days in the window."""
    if condition.doubt is not None or not when.dated:
        return False
    _mark_course(context, condition, span)
    last_lo, _ = when.end(context.as_of)
    days = Span(max(when.first_hi, span.start), min(max(last_lo, when.first_hi), span.end), 0, False, "the treatment")
    return going_on_during(context, condition, days) is True


def _mark_course(context: Context, condition: Fact, span: Span) -> None:
    """The course of a Condition may enter or leave the window before the drug does."""
    course = condition.course
    for when in (course.onset, course.abatement, course.recorded) if course else ():
        context.mark_event(when, span)


def going_on_during(context: Context, condition: Fact, days: Span) -> bool | Reason:
    """Whether a Condition was going on at some time of these days: begun by their end, not over before their start."""
    course = condition.course
    if course is None:
        return False
    began = course.onset or course.recorded
    if began is None:
        return touches(context, condition, days)
    began = began.cut(context.as_of)
    if began.first_lo > days.end:
        return False
    if course.abatement:
        over = course.abatement.cut(context.as_of)
        if over.last_hi < days.start:
            return False
        return True if over.first_lo >= days.start and began.first_hi <= days.end else Reason.PARTIAL_DATE
    if _is_going_on(context, course, began, days):
        return True if began.first_hi <= days.end else Reason.PARTIAL_DATE
    return days.start <= began.first_lo and began.first_hi <= days.end


def _is_going_on(context: Context, course: Course, began: When, days: Span) -> bool:
    """Not said to be over: called active, chronic, or begun less than a year before these days."""
    if context.is_over(course):
        return False
    called = course.clinical in ("active", "recurrence", "relapse")
    return called or course.chronic or began.last_hi >= days.start - 365


class TreatedInStay(Settings, frozen=True):
    """A drug given intravenously inside a stay in hospital, both in the window, for a disease on record.

    Covered silence of the stay or of the drug is enough for NO, unless an order stands for the missing drug.
    """

    treated_in_stay: str
    stay: str
    disease: tuple[str, ...]
    what: str
    drug_types: tuple[str, ...]
    stay_types: tuple[str, ...]
    within: Within

    def find(self, context: Context) -> Finding:
        span = context.span(self.within)
        stays, drugs, orders = Witnesses(), Witnesses(), Witnesses()
        for fact in context.record.named(self.stay):
            stays.add(fact, in_window(context, fact, span))
        for fact in context.record.named(self.treated_in_stay):
            self._sort_drug(context, fact, span, drugs, orders)
        for fact in (fact for type_ in self.drug_types for fact in context.record.named(f"nameless:{type_}")):
            if fact.use is None or fact.use.intravenous is not False:
                drugs.add(fact, in_window(context, fact, span))
        found = self._pairs(context, stays, drugs, orders, span)
        where = f"in {span.text()}"
        if found.proofs or found.doubts:
            return settle(context, found, (*self.stay_types, *self.drug_types), self.what, where)
        return self._silent(context, (stays, drugs, orders), found, where)

    def _sort_drug(self, context: Context, fact: Fact, span: Span, drugs: Witnesses, orders: Witnesses) -> None:
        """Only the named types prove; an order or another record of the drug leaves it open."""
        if fact.use and fact.use.intravenous is False:
            return
        verdict = in_window(context, fact, span)
        if fact.type in self.drug_types:
            unrouted = fact.use is None or fact.use.intravenous is None
            both = Reason.NEEDS_JUDGEMENT if verdict is True and unrouted else verdict
            drugs.add(fact, both)
        elif verdict is not False:
            orders.add(fact, verdict if isinstance(verdict, Reason) else Reason.NEEDS_JUDGEMENT)

    def _pairs(self, context: Context, stays: Witnesses, drugs: Witnesses, orders: Witnesses, span: Span) -> Witnesses:
        """Every stay with every drug inside it; a pair is as sure as its least sure part."""
        found = Witnesses()
        for stay, stay_doubt in _verdicts(stays):
            for drug, drug_doubt in (*_verdicts(drugs), *_verdicts(orders)):
                inside = _inside(context, drug.when, stay.when)
                if inside is False:
                    continue
                doubts = [d for d in (stay_doubt, drug_doubt, inside) if isinstance(d, Reason)]
                if not self._has_diagnosis(context, stay, drug, span):
                    doubts.append(Reason.NEEDS_JUDGEMENT)
                found.add(drug, foremost(doubts) if doubts else True)
                found.add(stay, foremost(doubts) if doubts else True)
        return found

    def _has_diagnosis(self, context: Context, stay: Fact, drug: Fact, span: Span) -> bool:
        words = stated(context, drug, self.disease) | stated(context, stay, self.disease)
        if "infection" in words:
            return True
        conditions = [c for c in _conditions(context, self.disease) if c.grade in (Grade.COUNTS, Grade.BROAD)]
        for condition in conditions:
            _mark_course(context, condition, span)
        return any(c.doubt is None and going_on_during(context, c, span) is True for c in conditions)

    def _silent(
        self, context: Context, parts: tuple[Witnesses, Witnesses, Witnesses], found: Witnesses, where: str
    ) -> Finding:
        """NO where the silence of the stays, or of the drugs without an order for one, is covered."""
        stays, drugs, orders = parts
        found.outside = [*stays.outside, *drugs.outside]
        has_stay, has_drug = bool(stays.proofs or stays.doubts), bool(drugs.proofs or drugs.doubts)
        ordered = bool(orders.doubts) and not has_drug
        for present, types in ((has_stay, self.stay_types), (has_drug or ordered, self.drug_types)):
            if not present and not context.covers(types, not_kept=False):
                return settle(context, found, types, self.what, where, not_kept=False)
        if ordered and not has_stay:
            found.doubts = orders.doubts
        both = (*self.stay_types, *self.drug_types)
        return settle(context, found, both, self.what, where, not_kept=False)


def _verdicts(found: Witnesses) -> list[tuple[Fact, Reason | None]]:
    return [*((fact, None) for fact in found.proofs), *((fact, reason) for reason, fact in found.doubts)]


def _inside(context: Context, drug: When, stay: When) -> bool | Reason:
    """Whether the drug was given on a calendar day of the stay."""
    if not drug.dated or not stay.dated:
        return Reason.UNDATED
    stay_lo, stay_hi = stay.end(context.as_of)
    drug_lo, drug_hi = drug.end(context.as_of)
    if drug.first_lo > stay_hi or drug_hi < stay.first_lo:
        return False
    sure = drug.first_hi <= stay_lo and drug_lo >= stay.first_hi
    return True if sure else Reason.PARTIAL_DATE
