"""What a card says and offers. Pure: a Screening, or what a draft order would change in it, becomes JSON.

Source: CDS Hooks 2.0, "Card attributes": a summary under 140 characters, details in Markdown. `autoLaunchable` and
`isRecommended` are of its successor; some clients want them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapter.alerts.answers import Answers
from adapter.alerts.hygiene import State
from adapter.eligibility.parts import facts_of
from adapter.eligibility.screening import Screening, Verdict
from adapter.eligibility.trial import Trial
from adapter.facts.model import Reason
from adapter.fhir.dates import day_text
from adapter.fhir.systems import BASE
from adapter.fhir.terminology import FactSpec, Grade
from adapter.resources.shape import Resource, Value, coded, reference, subject_uuid

SUMMARY = 139
"""The most characters of a summary."""
CANDIDATE = "candidate"
_LOINC = "http://loinc.org"
_MEASURABLE = frozenset({Reason.NO_DATA, Reason.STALE, Reason.UNDATED, Reason.PARTIAL_DATE, Reason.UNIT_UNRESOLVED})
_FEW = 3
_SPECIAL = re.compile(r"([\\`*_\[\]#|])")


@dataclass(frozen=True, slots=True)
class Matter:
    """What a card tells. `about` is the candidate, or the draft order, so that its history can be found."""

    about: str
    state: State
    summary: str
    detail: str
    suggestions: tuple["Suggestion", ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A draft that the user can take over into the chart. `uuid` is the same every time."""

    label: str
    uuid: str
    draft: Resource

    def to_dict(self) -> Resource:
        """A suggestion of CDS Hooks 2.0."""
        action: Resource = {"type": "create", "description": self.label, "resource": self.draft}
        label = shortened(self.label, 80)
        return {"label": label, "uuid": self.uuid, "isRecommended": False, "actions": [action]}


@dataclass(frozen=True, slots=True)
class Lost:
    """A criterion that a draft order would decide against the patient. `through`: the last day, None where time does
    not help.
    """

    order: str
    verdict: Verdict
    through: int | None


def card(matter: Matter, trial: Trial, answers: Answers, uuid: str, dossier: str) -> Resource:
    """A card of CDS Hooks 2.0. `dossier` is the address of the dossier, empty where there is none."""
    source = {"label": shortened(trial.title, 80)}
    link: Resource = {"label": "Dossier", "url": dossier, "type": "absolute", "autoLaunchable": False}
    choices: list[Resource] = [
        {"code": r.code, "display": r.display, "system": f"{BASE}/CodeSystem/override-reason"} for r in answers.reasons
    ]
    found: dict[str, Value] = {
        "uuid": uuid,
        "summary": matter.summary,
        "detail": matter.detail,
        "indicator": "info",
        "source": source,
        "suggestions": [one.to_dict() for one in matter.suggestions],
        "selectionBehavior": "any" if matter.suggestions else "",
        "overrideReasons": choices if matter.about == CANDIDATE else [],
        "links": [link] if dossier else [],
    }
    return {name: value for name, value in found.items() if value not in ("", [])}


def candidate(screening: Screening, trial: Trial, user: str) -> Matter:
    """What there is to say of a patient who may fit. `user` is the reference of whoever is looking."""
    openly = screening.open
    state = State(screening.status, tuple(sorted(verdict.criterion.id for verdict in openly)))
    if screening.status == "eligible":
        summary = f"Fits the trial {trial.id} by the records: all {len(screening.criteria)} criteria are in favour"
    else:
        left = "criterion is" if len(openly) == 1 else "criteria are"
        rest = len(screening.criteria) - len(openly)
        summary = f"May fit the trial {trial.id}: {len(openly)} {left} still open, the other {rest} in favour"
    detail = "\n".join(_detail(screening, openly))
    return Matter(CANDIDATE, state, shortened(summary, SUMMARY), detail, tuple(_suggestions(screening, trial, user)))


def excluding(lost: Sequence[Lost], trial: Trial) -> Matter:
    """What there is to say of one draft order: the criterion that stays longest comes first."""
    ordered = sorted(lost, key=lambda one: (one.through is not None, -(one.through or 0), one.verdict.criterion.id))
    first = ordered[0]
    until = "" if first.through is None else f" through {day_text(first.through)}"
    told = f"{first.order} would exclude from the trial {trial.id}{until}: {first.verdict.criterion.title}"
    lines = ["If it is carried out today, and not again:", "", *(_lost(one) for one in ordered)]
    lines += ["", "The order is yours to make; this is only what it means for the trial."]
    state = State("order", tuple(sorted(one.verdict.criterion.id for one in ordered)))
    return Matter(f"order:{first.order}"[:200], state, shortened(told, SUMMARY), "\n".join(lines))


def shortened(text: str, most: int) -> str:
    """The text on one line, cut where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def plain(text: str) -> str:
    """Words of a record as Markdown shows them: no mark-up, no HTML."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;"))


def _lost(one: Lost) -> str:
    until = "" if one.through is None else f", through {day_text(one.through)}"
    return f"- **{plain(one.verdict.criterion.title)}**{until}: {plain(one.verdict.finding.explanation)}"


def _detail(screening: Screening, openly: Sequence[Verdict]) -> Iterator[str]:
    decided = [verdict for verdict in screening.criteria if verdict.in_favour]
    counted = f"{len(decided)} of {len(screening.criteria)} criteria"
    yield f"{counted} are in favour, none is against, as of {day_text(screening.as_of)}."
    if openly:
        yield "\n**Missing**\n"
        yield from (f"- {plain(verdict.criterion.title)}: {plain(_needed(verdict))}" for verdict in openly)
    proved = [verdict for verdict in decided if verdict.finding.evidence]
    if proved:
        yield "\n**In favour, by the records**\n"
        yield from (_proved(verdict) for verdict in proved)
    if len(decided) > len(proved):
        titles = ", ".join(verdict.criterion.title for verdict in decided if not verdict.finding.evidence)
        yield f"\nNothing on record, and read completely: {plain(titles)}."


def _needed(verdict: Verdict) -> str:
    return verdict.finding.needs or verdict.finding.explanation


def _proved(verdict: Verdict) -> str:
    named = sorted({evidence.reference for evidence in verdict.finding.evidence})
    more = f" and {len(named) - _FEW} more" if len(named) > _FEW else ""
    told = plain(shortened(verdict.finding.explanation, 120))
    return f"- **{plain(verdict.criterion.title)}**: {told} ({plain(', '.join(named[:_FEW]))}{more})"


def _suggestions(screening: Screening, trial: Trial, user: str) -> Iterator[Suggestion]:
    found = [(spec, verdict) for verdict in screening.open for spec in _tests(verdict, trial)]
    for spec, verdict in found[:_FEW]:
        code, name = _coding(spec) or ("", spec.name)
        yield Suggestion(f"Order: {name}", _uuid(screening, code), _test(code, name, verdict, screening))
    label = f"Discuss the trial {trial.id} with the patient"
    yield Suggestion(label, _uuid(screening, "task"), _task(screening, label, user))


def _uuid(screening: Screening, role: str) -> str:
    return str(subject_uuid(screening.trial, screening.patient, f"suggestion {role}"))


def _tests(verdict: Verdict, trial: Trial) -> list[FactSpec]:
    """The measurements that could settle a criterion; a score of many items is no test to be ordered."""
    if verdict.finding.reason not in _MEASURABLE:
        return []
    wanted = facts_of(verdict.criterion, trial)
    specs = [spec for spec in trial.tables.terminology.specs if spec.name in wanted and spec.sources == {"Observation"}]
    tests = [spec for spec in specs if _coding(spec)]
    return tests if len(tests) <= _FEW else []


def _coding(spec: FactSpec) -> tuple[str, str] | None:
    """The first LOINC code by which the fact is known, and its name."""
    counting = (value_set for grade, value_set in spec.sets if grade is Grade.COUNTS)
    names = (pair for value_set in counting for pair in value_set.names.items())
    return next(((code, name) for (system, code), name in names if system == _LOINC), None)


def _test(code: str, name: str, verdict: Verdict, screening: Screening) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "code": {**coded(_LOINC, code, name), "text": name},
        "subject": reference(screening.patient),
        "reasonCode": [{"text": f"Trial {screening.trial}: {verdict.criterion.title}"}],
    }


def _task(screening: Screening, label: str, user: str) -> Resource:
    asked_by = {"requester": reference(user)} if user.partition("/")[0] in ("Practitioner", "PractitionerRole") else {}
    return {
        "resourceType": "Task",
        "status": "draft",
        "intent": "proposal",
        "description": label,
        "for": reference(screening.patient),
        "authoredOn": day_text(screening.as_of),
        **asked_by,
    }
