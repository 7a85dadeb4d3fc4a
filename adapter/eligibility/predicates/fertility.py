"""`not-applicable`, `tests-negative` and `expecting`: questions that depend on gender, age and the ability to bear
children.
"""

from adapter.eligibility.context import Context, Span, Within
from adapter.eligibility.finding import Evidence, Finding, evidence_of, unknown
from adapter.eligibility.latest import Latest, Outcome, latest
from adapter.eligibility.predicates.base import Settings
from adapter.eligibility.predicates.logic import conjunction
from adapter.eligibility.predicates.result import is_positive, open_result, told
from adapter.eligibility.truth import Truth
from adapter.eligibility.witness import NEEDS, WHY, listed, sentence_of, with_doubt
from adapter.facts.model import Course, Fact, Reason, Sign, foremost
from adapter.fhir.dates import Place, day_text
from adapter.fhir.terminology import Grade

_FEMALE = ("female", "other", "unknown")


def gender_of(context: Context) -> str:
    """`male`, `female` (also for other and unknown), or empty where the record does not say."""
    gender = context.record.person.gender if context.record.person else None
    return "female" if gender in _FEMALE else gender or ""


def gender_evidence(context: Context) -> tuple[Evidence, ...]:
    """The Patient's gender as evidence."""
    person = context.record.person
    if person is None or person.gender is None:
        return ()
    return (Evidence(context.record.patient, person.version, "gender", person.gender, person.gender, None, "gender"),)


def childbearing(context: Context, reading: str) -> bool | None:
    """Whether a woman's age lies in the childbearing age; None where the birth date cannot tell."""
    low, high = (int(part) for part in str(context.reading(reading)).split("-"))
    ages = context.age(context.end)
    if ages is None:
        return None
    context.mark_birthdays((low, high + 1))
    answers = {low <= age <= high for age in ages}
    return answers.pop() if len(answers) == 1 else None


def not_applicable(context: Context, truth: Truth, because: str, facts: tuple[Fact, ...] = ()) -> Finding:
    """The sentence does not concern this patient."""
    evidence = (*gender_evidence(context), *evidence_of(facts))
    return Finding(truth=truth, reason="not-applicable", explanation=f"Not applicable: {because}.", evidence=evidence)


def sure(context: Context, name: str) -> tuple[Fact, ...]:
    """The facts of a name that count without doubt, up to the end."""
    facts = context.record.named(name)
    return tuple(
        f for f in facts
        if f.grade in (Grade.COUNTS, Grade.BROAD)
        and f.doubt is None
        and not (f.when.dated and f.when.first_lo > context.end)
    )  # fmt: skip


class Contraception(Settings, frozen=True):
    """Attested, or not applicable: documented as not fertile, or a woman above the childbearing age."""

    agrees_unless_infertile: str
    childbearing_age: str
    needs: str

    def find(self, context: Context) -> Finding:
        facts = sure(context, self.agrees_unless_infertile)
        if facts:
            return not_applicable(context, Truth.YES, f"documented as not fertile ({sentence_of(facts)})", facts)
        if gender_of(context) == "female" and self._is_past(context):
            return not_applicable(context, Truth.YES, "a woman above the childbearing age")
        doubtful = [f for f in context.record.named(self.agrees_unless_infertile) if f.doubt]
        if doubtful:
            reason = foremost([f.doubt for f in doubtful if f.doubt])
            text = f"{sentence_of(doubtful)}: {WHY[reason]} whether the patient is fertile."
            return unknown(reason, text, doubtful, needs=f"{NEEDS[reason]}, or {self.needs}")
        text = "The record does not say that the patient agrees to use effective contraception."
        return unknown(Reason.NO_DATA, text, needs=self.needs)

    def _is_past(self, context: Context) -> bool:
        high = int(str(context.reading(self.childbearing_age)).split("-")[1])
        ages = context.age(context.end)
        context.mark_birthdays((high + 1,))
        return ages is not None and ages[0] > high


class TestsNegative(Settings, frozen=True):
    """For a woman of childbearing age the latest result of every named test is negative; else not applicable.

    `unspecified` are results that do not say which of the tests they are.
    """

    tests_negative: dict[str, str]
    unspecified: str
    within: Within
    childbearing_age: str
    unable: str

    def find(self, context: Context) -> Finding:
        gender = gender_of(context)
        if gender == "male":
            return not_applicable(context, Truth.YES, "a man")
        if gender == "female" and childbearing(context, self.childbearing_age) is False:
            return not_applicable(context, Truth.YES, "a woman outside the childbearing age")
        facts = sure(context, self.unable)
        if gender == "female" and facts:
            return not_applicable(context, Truth.YES, f"not able to bear children ({sentence_of(facts)})", facts)
        found = self._tests(context)
        if not gender and found.truth is not Truth.YES:
            text = f"The gender is not recorded. {found.explanation}"
            return Finding(
                truth=Truth.UNKNOWN, reason=Reason.NO_DATA.value, explanation=text, evidence=found.evidence,
                children=found.children, needs="the gender, or both tests negative",
            )  # fmt: skip
        return found

    def _tests(self, context: Context) -> Finding:
        span = context.inclusion_span(self.within)
        children = [self._test(context, fact, what, span) for fact, what in self.tests_negative.items()]
        specified = {f.source.reference for name in self.tests_negative for f in context.record.named(name)}
        others = [f for f in context.record.named(self.unspecified) if f.source.reference not in specified]
        loose = latest(context, others, span, is_negative)
        undecided = any(child.truth is Truth.UNKNOWN for child in children)
        if loose.facts and loose.outcome is not Reason.STALE and (undecided or loose.outcome is not True):
            children.append(open_result(loose, Reason.NEEDS_JUDGEMENT, "pregnancy test without a specimen", span))
        return conjunction(tuple(children))

    def _test(self, context: Context, name: str, what: str, span: Span) -> Finding:
        answer = latest(context, context.record.named(name), span, is_negative)
        if isinstance(answer.outcome, Reason):
            return open_result(answer, answer.outcome, what, span)
        truth = Truth.YES if answer.outcome else Truth.NO
        reason = "negative" if answer.outcome else "positive"
        return Finding(
            truth=truth, reason=reason, explanation=f"{told(what, answer)}.", label=what,
            evidence=evidence_of(answer.facts),
        )  # fmt: skip


def is_negative(fact: Fact) -> Outcome:
    """The opposite of a positive result; a doubt stays one."""
    outcome = is_positive(fact)
    return outcome if isinstance(outcome, Reason) else not outcome


class Expecting(Settings, frozen=True):
    """Pregnant or lactating now: by the latest test or status, or by a Condition begun not too long ago.

    `conditions` maps facts to the number of days for which they hold. NO needs a negative test or status, and coverage.
    """

    expecting: tuple[str, ...]
    status: str
    conditions: dict[str, int]
    nursing: dict[str, int]
    within: Within
    types: tuple[str, ...]
    childbearing_age: str

    def find(self, context: Context) -> Finding:
        gender = gender_of(context)
        if gender == "male":
            return not_applicable(context, Truth.NO, "a man")
        span = context.span(self.within)
        test = latest(context, self._tests(context), span, _says)
        proofs, doubts, old = self._conditions(context)
        if test.outcome is True:
            proofs += list(test.facts)
        if gender == "female" and childbearing(context, self.childbearing_age) is False:
            positive = [f for f in self._tests(context) if is_positive(f) is True]
            recent = [f for f in positive if context.place(f.when, span) is not Place.OUTSIDE]
            return self._outside(context, [*proofs, *recent], doubts)
        if proofs:
            text = f"{sentence_of(proofs)}: pregnant or lactating."
            return Finding(truth=Truth.YES, reason="on-record", explanation=text, evidence=evidence_of(proofs))
        return self._open(context, test, doubts, old, span)

    def _tests(self, context: Context) -> list[Fact]:
        return [fact for name in (*self.expecting, self.status) for fact in context.record.named(name)]

    def _conditions(self, context: Context) -> tuple[list[Fact], list[tuple[Reason, Fact]], list[Fact]]:
        """Conditions and nursing records that prove, that leave it open, and pregnancies that are overdue."""
        proofs: list[Fact] = []
        doubts: list[tuple[Reason, Fact]] = []
        old: list[Fact] = []
        for name, days in self.conditions.items():
            for fact in context.record.named(name):
                _sort(fact, _going_on(context, fact, days), proofs, doubts, old)
        for name, days in self.nursing.items():
            last = latest(context, context.record.named(name), _past(context, days), is_positive)
            if last.outcome is True:
                proofs += list(last.facts)
            elif isinstance(last.outcome, Reason) and last.facts and last.outcome is not Reason.STALE:
                doubts += [(last.outcome, fact) for fact in last.facts]
        return proofs, doubts, old

    def _outside(self, context: Context, proofs: list[Fact], doubts: list[tuple[Reason, Fact]]) -> Finding:
        facts = [*proofs, *(fact for _, fact in doubts)]
        if not facts:
            return not_applicable(context, Truth.NO, "a woman outside the childbearing age")
        text = f"{sentence_of(facts)}, though outside the childbearing age: a person must judge."
        return unknown(Reason.NEEDS_JUDGEMENT, text, facts, needs="a clinician's judgement of the pregnancy record")

    def _open(
        self, context: Context, test: Latest, doubts: list[tuple[Reason, Fact]], old: list[Fact], span: Span
    ) -> Finding:
        reasons = [reason for reason, _ in doubts]
        facts = [fact for _, fact in doubts]
        missing = context.covers(self.types)
        if test.outcome is not False:
            reasons.append(test.outcome if isinstance(test.outcome, Reason) else Reason.CONFLICT)
            facts += list(test.facts)
        if old and test.outcome is not False:
            reasons.append(Reason.STALE)
            facts += old
        if missing:
            reasons.append(Reason.NOT_COVERED)
        if reasons:
            return self._unknown(foremost(reasons), facts, missing, span)
        text = f"{told('pregnancy test or status', test)}; read completely: {listed(self.types)}."
        return Finding(truth=Truth.NO, reason="negative", explanation=text, evidence=evidence_of(test.facts))

    def _unknown(self, reason: Reason, facts: list[Fact], missing: tuple[str, ...], span: Span) -> Finding:
        since = day_text(span.start)
        if reason is Reason.NOT_COVERED:
            text = f"Nothing says that the patient is pregnant or lactating, but {listed(missing)} not read completely."
            return unknown(reason, text, facts, needs=f"a complete read of {listed(missing)}")
        if reason in (Reason.NO_DATA, Reason.STALE):
            text = f"No pregnancy test or status since {since}."
            return unknown(reason, text, facts, needs=f"a pregnancy test since {since}")
        text = f"{sentence_of(facts)}: {WHY[reason]} whether the patient is pregnant or lactating."
        return unknown(reason, text, facts, needs=f"{NEEDS[reason]}, or a pregnancy test since {since}")


def _sort(
    fact: Fact, verdict: bool | Reason, proofs: list[Fact], doubts: list[tuple[Reason, Fact]], old: list[Fact]
) -> None:
    if verdict is True:
        proofs.append(fact)
    elif verdict is Reason.STALE:
        old.append(fact)
    elif verdict is not False:
        doubts.append((verdict, fact))


def _going_on(context: Context, fact: Fact, days: int) -> bool | Reason:
    """Active and begun fewer than `days` days ago; overdue is STALE."""
    course = fact.course or Course()
    active = context.active(course)
    began = course.onset or course.recorded
    if active is False or (began and began.first_lo > context.end and course.onset):
        return False
    if began is None:
        return with_doubt(Reason.UNDATED, fact)
    young = context.younger(began, days - 1)
    if young is False:
        return Reason.STALE
    verdicts = [verdict for verdict in (active, young, fact.doubt) if isinstance(verdict, Reason)]
    return foremost(verdicts) if verdicts else True


def _past(context: Context, days: int) -> Span:
    return Span(context.end - days + 1, context.end, days - 1, context.end == context.as_of, "the as-of date")


def _says(fact: Fact) -> Outcome:
    """What a pregnancy test or status says; `unknown` as a status says nothing and needs a person."""
    if fact.result and fact.result.sign is Sign.INDETERMINATE:
        return Reason.NEEDS_JUDGEMENT
    return is_positive(fact)
