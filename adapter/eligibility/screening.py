"""One patient, one trial, one day -> a Screening: a verdict per criterion, what is missing, and what time alone
would change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Literal

import msgspec

from adapter.eligibility.attestation import with_attestation
from adapter.eligibility.context import Anchor, Context, cut_at, vague_facts, without_future
from adapter.eligibility.finding import Finding
from adapter.eligibility.predicates.person import latest_consents
from adapter.eligibility.silence import Silence, Silent, silence
from adapter.eligibility.trial import Criterion, Trial
from adapter.eligibility.truth import Truth
from adapter.errors import Issue
from adapter.facts.model import Fact, PatientRecord
from adapter.fhir.dates import day_text

Status = Literal["eligible", "ineligible", "undetermined"]
_REPEATABLE = ("Observation/", "QuestionnaireResponse/", "Consent/")
_LOOKAHEAD = 24


class Asked(msgspec.Struct, frozen=True, gc=False):
    """The question of a screening: the day, the anchors that the caller gives, and the types that the site does not
    keep.
    """

    as_of: date
    anchors: Mapping[str, date] = msgspec.field(default_factory=dict)
    not_kept: frozenset[str] = frozenset()


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The answer to one criterion; `changes_on` is the first later day on which it would read differently by itself.

    `silence`: where it is what everybody gets who has nothing that the criterion asks for.
    """

    criterion: Criterion
    finding: Finding
    readings: tuple[str, ...]
    changes_on: int | None = None
    silence: Silence | None = None

    @property
    def against(self) -> bool:
        """Whether this alone makes the patient ineligible."""
        return self.finding.truth is (Truth.NO if self.criterion.kind == "inclusion" else Truth.YES)

    @property
    def in_favour(self) -> bool:
        """Whether this criterion is satisfied."""
        return self.finding.truth is (Truth.YES if self.criterion.kind == "inclusion" else Truth.NO)

    def written(self) -> object:
        """What msgspec encodes as `to_dict`; written once for all who get the same."""
        if self.silence is None:
            return self.to_dict()
        if self.silence.json is None:
            self.silence.json = msgspec.Raw(msgspec.json.encode(self.to_dict()))
        return self.silence.json

    def to_dict(self) -> dict[str, object]:
        """The criterion object of the JSON contract."""
        return {
            "id": self.criterion.id,
            "kind": self.criterion.kind,
            "truth": str(self.finding.truth),
            "reason": self.finding.reason,
            "text": self.criterion.sentence,
            "explanation": self.finding.explanation,
            "changes_on": None if self.changes_on is None else day_text(self.changes_on),
            "evidence": [evidence.to_dict() for evidence in self.finding.evidence],
            "children": [child.to_dict() for child in self.finding.children],
            "readings": list(self.readings),
        }


class Screening(msgspec.Struct, frozen=True, gc=False):
    """Everything the program can say of one patient and one trial on one day."""

    trial: str
    patient: str
    as_of: int
    status: Status
    anchors: Mapping[str, Anchor]
    eligible_from: int | None
    criteria: tuple[Verdict, ...]
    issues: tuple[Issue, ...]
    versions: Mapping[str, str]
    record: PatientRecord

    @property
    def open(self) -> tuple[Verdict, ...]:
        """The criteria that are not known."""
        return tuple(verdict for verdict in self.criteria if verdict.finding.truth is Truth.UNKNOWN)

    def to_dict(self) -> dict[str, object]:
        """The JSON object of the contract, schema `profiles/screening.schema.json`."""
        return self._dict([verdict.to_dict() for verdict in self.criteria])

    def written(self) -> dict[str, object]:
        """What msgspec encodes as `to_dict`, sooner."""
        return self._dict([verdict.written() for verdict in self.criteria])

    def _dict(self, criteria: Sequence[object]) -> dict[str, object]:
        return {
            "trial": self.trial,
            "patient": self.patient,
            "as_of": day_text(self.as_of),
            "status": self.status,
            "anchors": {
                name: {"date": day_text(anchor.day), "assumed": anchor.assumed} for name, anchor in self.anchors.items()
            },
            "eligible_from": None if self.eligible_from is None else day_text(self.eligible_from),
            "criteria": criteria,
            "open": [{"criterion": v.criterion.id, "needs": v.finding.needs} for v in self.open],
            "issues": [issue.to_dict() for issue in self.issues],
            "versions": dict(self.versions),
        }


def screen(record: PatientRecord, trial: Trial, asked: Asked, versions: Mapping[str, str]) -> Screening:
    """Screens one patient. Pure: the same record, trial and question give the same Screening."""
    as_of = asked.as_of.toordinal()
    record = without_future(record, as_of)
    asking = _Asking(record, trial, asked, as_of, vague_facts(record))
    silent = asking.silent()
    verdicts = tuple(asking.verdict(criterion, silent.get(criterion.id)) for criterion in trial.criteria)
    return Screening(
        trial=trial.id,
        patient=record.patient,
        as_of=as_of,
        status=status_of(verdicts),
        anchors=asking.context(as_of).anchors,
        eligible_from=asking.eligible_from(verdicts),
        criteria=verdicts,
        issues=record.issues,
        versions=versions,
        record=record,
    )


def status_of(verdicts: tuple[Verdict, ...]) -> Status:
    """`ineligible` when one decides against, `eligible` when all decide for, else `undetermined`."""
    if any(verdict.against for verdict in verdicts):
        return "ineligible"
    return "eligible" if all(verdict.in_favour for verdict in verdicts) else "undetermined"


@dataclass(frozen=True, slots=True)
class _Asking:
    """One record and one question, asked again for later days."""

    record: PatientRecord
    trial: Trial
    asked: Asked
    known: int
    vague: list[Fact]
    _later: dict[tuple[str, int], Finding] = field(default_factory=dict)
    _days: dict[int, Context] = field(default_factory=dict)

    def anchors(self, as_of: int) -> dict[str, Anchor]:
        """Given by the caller, else (consent) signed in the record, else the day of asking, assumed."""
        given = self.asked.anchors
        end = min(as_of, given["randomisation"].toordinal()) if "randomisation" in given else as_of
        found = {name: Anchor(given[name].toordinal(), False) for name in given}
        active = [c for c in self.record.consents if c.status == "active"]
        signed = latest_consents(tuple(active), end)
        if "consent" not in found and signed and signed[0].signed:
            found["consent"] = Anchor(signed[0].signed.cut(end).last_hi, False)
        names = ("consent", "screening", "randomisation")
        return {name: found.get(name, Anchor(as_of, True)) for name in names}

    def context(self, as_of: int) -> Context:
        """A fresh context of a day; what is the same for every criterion of that day is made once."""
        day = self._days.get(as_of)
        if day is None:
            anchors = self.anchors(as_of)
            randomised = anchors["randomisation"]
            end = as_of if randomised.assumed else min(as_of, randomised.day)
            record = cut_at(self.record, as_of, self.vague)
            day = Context(record, self.trial.readings, anchors, as_of, end, self.asked.not_kept)
            self._days[as_of] = day
        return Context(day.record, day.readings, day.anchors, as_of, day.end, day.not_kept)

    def silent(self) -> Silent:
        """What each criterion finds, in the situation of this patient, where there is nothing that it asks for."""
        context = self.context(self.known)
        situation = (self.known, *context.anchors.values(), context.not_kept, self.record.covered, self.record.unread)
        criteria = self.trial.criteria
        return self.trial.silences.known(
            situation, lambda: {c.id: silence(partial(self.find, c), context) for c in criteria}
        )

    def verdict(self, criterion: Criterion, silent: Silence | None) -> Verdict:
        if silent is not None and self.record.lacks(silent.names):
            return Verdict(criterion, silent.finding, silent.used, silence=silent)
        context = self.context(self.known)
        found = self.find(criterion, context)
        changes_on = self.first_change(criterion, found, sorted(context.marks))
        return Verdict(criterion, found, tuple(sorted(context.used)), changes_on)

    def find(self, criterion: Criterion, context: Context) -> Finding:
        found = criterion.holds.find(context)
        return with_attestation(context, criterion.id, found, self.trial.attestation_days)

    def on(self, criterion: Criterion, day: int) -> Finding:
        """The finding of a later day, if nothing else happened."""
        key = (criterion.id, day)
        if key not in self._later:
            self._later[key] = self.find(criterion, self.context(day))
        return self._later[key]

    def first_change(self, criterion: Criterion, found: Finding, days: list[int]) -> int | None:
        for day in days[:_LOOKAHEAD]:
            later = self.on(criterion, day)
            if (later.truth, later.reason) != (found.truth, found.reason):
                return day
        return None

    def eligible_from(self, verdicts: tuple[Verdict, ...]) -> int | None:
        """The first day on which no criterion decides against because of a window; what can be repeated is left
        aside.
        """
        lasting = [verdict for verdict in verdicts if not (verdict.against and _is_repeatable(verdict))]
        against = [verdict for verdict in lasting if verdict.against]
        if not against:
            return None
        days = sorted({day for verdict in against for day in self.turning_days(verdict)})
        for day in days:
            if not any(self._against_on(verdict.criterion, day) for verdict in lasting):
                return day
        return None

    def turning_days(self, verdict: Verdict) -> list[int]:
        """The later days on which a verdict might turn, found by asking again on each."""
        found: set[int] = set()
        waiting = [self.known]
        while waiting and len(found) < _LOOKAHEAD:
            context = self.context(waiting.pop())
            self.find(verdict.criterion, context)
            fresh = {day for day in context.marks if day not in found}
            found |= fresh
            waiting += sorted(fresh)[:1]
        return sorted(found)

    def _against_on(self, criterion: Criterion, day: int) -> bool:
        return Verdict(criterion, self.on(criterion, day), ()).against


def _is_repeatable(verdict: Verdict) -> bool:
    """Whether a decision against rests on tests, scores, attestations or consents alone, which can be done again."""
    evidence = verdict.finding.evidence
    return bool(evidence) and all(e.reference.startswith(_REPEATABLE) for e in evidence)
