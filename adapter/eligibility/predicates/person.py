"""`age`, `consented` and `attested`: what is known of the person and what people said."""

from datetime import date, timedelta

from adapter.eligibility.context import Context
from adapter.eligibility.finding import Evidence, Finding, unknown
from adapter.eligibility.predicates.base import Settings
from adapter.eligibility.truth import Truth
from adapter.facts.model import Consented, Reason
from adapter.fhir.dates import Place, completed_years, day_text, plus_years


class Age(Settings, frozen=True):
    """Older than `over` years and at most `up_to` on the day of an anchor.

    The reading decides the year after either birthday: `review` asks a person, `exact` counts days,
    `completed-years` years.
    """

    age: str
    over: int
    up_to: int
    reading: str

    def find(self, context: Context) -> Finding:
        anchor = context.anchors[self.age]
        person = context.record.person
        if person is None or person.born is None:
            return unknown(Reason.NO_DATA, "The birth date is not recorded.", needs="the birth date")
        on = date.fromordinal(anchor.day)
        policy = str(context.reading(self.reading))
        days = (person.born[1] - person.born[0]).days
        answers = {self._of(person.born[0] + timedelta(n), on, policy) for n in range(days + 1)}
        if anchor.assumed:
            self._mark_birthdays(context, person.born)
        evidence = (
            Evidence(
                context.record.patient, person.version, "birthDate", person.birth_text,
                f"age {self._age_text(person.born, on)} on {day_text(anchor.day)}", None, "age",
            ),
        )  # fmt: skip
        return self._told(answers, evidence, self._age_text(person.born, on), day_text(anchor.day))

    def _of(self, born: date, on: date, policy: str) -> Truth:
        low, high = plus_years(born, self.over), plus_years(born, self.up_to)
        years = completed_years(born, on)
        if on <= low or years > self.up_to:
            return Truth.NO
        if years == self.over or (years == self.up_to and on != high):
            if policy == "review":
                return Truth.UNKNOWN
            young = years == self.over
            return Truth.YES if young == (policy == "exact") else Truth.NO
        return Truth.YES

    def _mark_birthdays(self, context: Context, born: tuple[date, date]) -> None:
        for first in dict.fromkeys(born):
            for years in (self.over, self.over + 1, self.up_to, self.up_to + 1):
                day = plus_years(first, years).toordinal()
                context.mark(day)
                context.mark(day + 1)

    def _age_text(self, born: tuple[date, date], on: date) -> str:
        low, high = completed_years(born[1], on), completed_years(born[0], on)
        return str(low) if low == high else f"{low} or {high}"

    def _told(self, answers: set[Truth], evidence: tuple[Evidence, ...], years: str, on: str) -> Finding:
        sentence = f"{years} completed years on {on}"
        limits = f"older than {self.over} and at most {self.up_to}"
        if len(answers) > 1:
            text = f"{sentence}; the birth date is not exact enough to tell whether this is {limits}."
            return Finding(
                truth=Truth.UNKNOWN, reason=Reason.PARTIAL_DATE.value, explanation=text, evidence=evidence,
                needs="the exact birth date",
            )  # fmt: skip
        truth = next(iter(answers))
        if truth is Truth.UNKNOWN:
            text = f"{sentence}: in the year that the protocol leaves open ({limits})."
            return Finding(
                truth=truth, reason=Reason.NEEDS_JUDGEMENT.value, explanation=text, evidence=evidence,
                needs=f"a signed reading of {self.reading}, or a clinician's judgement",
            )  # fmt: skip
        inside = truth is Truth.YES
        text = f"{sentence}: {'' if inside else 'not '}{limits}."
        reason = "within-bounds" if inside else "outside-bounds"
        return Finding(truth=truth, reason=reason, explanation=text, evidence=evidence)


class ConsentGiven(Settings, frozen=True):
    """The latest research Consent for this study is active and permits."""

    consented: bool

    def find(self, context: Context) -> Finding:
        latest = latest_consents(context.record.consents, context.end)
        if not latest:
            text = "No research consent for this study is recorded with a date up to the as-of date."
            return unknown(Reason.NO_DATA, text, needs="the signed research consent for this study")
        evidence = tuple(_evidence(consent) for consent in latest)
        answers = {_permits(consent) for consent in latest}
        told = "; ".join(dict.fromkeys(f"{c.status} consent signed {_day(c)}" for c in latest))
        if len(answers) > 1:
            return Finding(
                truth=Truth.UNKNOWN, reason=Reason.CONFLICT.value, explanation=f"Contradicting consents: {told}.",
                evidence=evidence, needs="which of the consents holds",
            )  # fmt: skip
        if not answers.pop():
            text = f"Consent refused or withdrawn: {told}."
            return Finding(truth=Truth.NO, reason="refused", explanation=text, evidence=evidence)
        return self._in_force(context, latest, evidence, told)

    def _in_force(
        self, context: Context, latest: list[Consented], evidence: tuple[Evidence, ...], told: str
    ) -> Finding:
        periods = [consent.period for consent in latest if consent.period]
        for period in periods:
            context.mark(period.last_hi + 1)
            context.mark(period.first_lo)
        places = {period.place(context.end, context.end, context.as_of) for period in periods}
        text = f"Research consent for this study: {told}."
        if Place.OUTSIDE in places or Place.PARTIAL in places:
            begun = all(period.first_lo <= context.end for period in periods)
            reason = Reason.PARTIAL_DATE if Place.OUTSIDE not in places else Reason.STALE if begun else Reason.NO_DATA
            return Finding(
                truth=Truth.UNKNOWN, reason=reason.value, explanation=f"{text} Its period is not now.",
                evidence=evidence, needs="a consent that is in force",
            )  # fmt: skip
        return Finding(truth=Truth.YES, reason="signed", explanation=text, evidence=evidence)


def latest_consents(consents: tuple[Consented, ...], end: int) -> list[Consented]:
    """The consents of the latest signature day up to the end; a partial date is cut there and stands at its last
    day.
    """
    days = [(when.cut(end).last_hi, c) for c in consents if (when := c.signed) and when.first_lo <= end]
    last = max((day for day, _ in days), default=None)
    return [consent for day, consent in days if day == last]


def _permits(consent: Consented) -> bool:
    return consent.status == "active" and not consent.denies


def _day(consent: Consented) -> str:
    return consent.signed.text[:10] if consent.signed else "without a date"


def _evidence(consent: Consented) -> Evidence:
    source = consent.source
    used = f"{consent.status} research consent for this study"
    return Evidence(source.reference, source.version, source.path, source.written, used, None, "consent")


class Attested(Settings, frozen=True):
    """Only a person can say: the record alone leaves it open. `needs` says what to ask for."""

    attested: bool
    needs: str
    because: str

    def find(self, context: Context) -> Finding:
        return unknown(Reason.NO_DATA, self.because, needs=self.needs)
