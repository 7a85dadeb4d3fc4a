"""From a call to its cards: the chart, the screening, what there is to say, and whether it is worth saying."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine

from adapter.alerts.answers import Answers
from adapter.alerts.call import ORDERS, Call, Feedback
from adapter.alerts.card import CANDIDATE, Matter, candidate, card, excluding
from adapter.alerts.chart import Stored, chart
from adapter.alerts.dossiers import Dossiers
from adapter.alerts.draft import lost, read_orders
from adapter.alerts.fetch import fetching, is_known
from adapter.alerts.hygiene import Decision, Seen, decide
from adapter.alerts.shown import budget_of, close, note_answer, note_card, seen_of, viewer_of
from adapter.assignment.held import CLOSED, ON_TRIAL
from adapter.connection import Connection
from adapter.eligibility.screening import Asked, Screening, screen
from adapter.facts.model import PatientRecord
from adapter.fhir.dates import day_text
from adapter.fhir.terminology import Grade
from adapter.report.dossier import dossier
from adapter.report.text import Page
from adapter.resources.judges import judge
from adapter.resources.shape import Resource, encoded, subject_uuid
from adapter.screen import versions_of
from adapter.store.cursors import latest
from adapter.store.database import instant, transaction
from adapter.store.knowledge import held_of
from adapter.sync.plan import types_read
from adapter.sync.rules import Rules
from adapter.sync.screening import vocabulary_of


@dataclass(slots=True)
class Desk:
    """What answers calls: a site, its store, the rules in force, and what people answered before."""

    settings: Connection
    engine: Engine
    rules: Rules
    answers: Answers
    dossiers: Dossiers
    now: Callable[[], datetime]

    @property
    def types(self) -> tuple[str, ...]:
        """The resource types that the criteria read."""
        return types_read(self.rules.trial, self.rules.not_kept)


def cards_for(desk: Desk, call: Call, issuer: str) -> list[Resource]:
    """The cards for a call. Raises CallError for a call that cannot be answered."""
    moment = desk.now()
    record = _record(desk, call, instant(moment))
    asked = Asked(moment.astimezone(desk.rules.zone).date(), desk.rules.anchors, desk.rules.not_kept)
    screening = screen(record, desk.rules.trial, asked, versions_of(desk.rules.trial))
    fits = is_candidate(screening, desk.rules)
    matters = _matters(desk, call, screening, asked) if fits else []
    return _worth_saying(desk, call, screening, asked, matters, viewer_of(issuer, call.context.user_id), fits)


def note_feedback(desk: Desk, feedback: Feedback) -> int:
    """Notes what people made of cards; how many of them were ours."""
    at, trial = instant(desk.now()), desk.rules.trial.id
    with transaction(desk.engine) as db:
        known = [
            note_answer(
                db,
                trial,
                one.card,
                one.outcome,
                one.override_reason.reason.code[:100] if one.override_reason else "",
                at,
            )
            for one in feedback.feedback
        ]
    return sum(known)


def is_candidate(screening: Screening, rules: Rules) -> bool:
    """Whether anybody should be told of the patient: he has the trial's diagnosis, nothing speaks against him, he has
    not declined, and is not in the trial already.
    """
    record = screening.record
    sick = any(f.grade is Grade.COUNTS for name in rules.trial.cohort for f in record.named(name))
    refused = [consent.denies or consent.status == "rejected" for consent in record.consents]
    declined = any(refused) and not any(c.status == "active" and not c.denies for c in record.consents)
    decided = any(one.status in ON_TRIAL | CLOSED for one in record.enrolments)
    return sick and screening.status != "ineligible" and not declined and not decided


def _record(desk: Desk, call: Call, at: int) -> PatientRecord:
    words = vocabulary_of(desk.rules)

    def stored() -> Stored:
        if call.fhir_server is not None and not is_known(desk.settings, call.fhir_server):
            return [], {}
        with transaction(desk.engine) as db:
            return held_of(db, call.context.patient, latest(db, at))

    return chart(call, desk.types, words, lambda *asked: fetching(desk.settings, words, *asked), stored)


def _matters(desk: Desk, call: Call, screening: Screening, asked: Asked) -> list[Matter]:
    trial = desk.rules.trial
    if call.hook not in ORDERS:
        return [candidate(screening, trial, call.context.user_id)]
    context = call.context
    drafts = read_orders(
        context.draft_orders, context.selections, context.patient, screening.as_of, vocabulary_of(desk.rules)
    )
    changed = (
        lost(screening, draft, lambda record: screen(record, trial, asked, screening.versions)) for draft in drafts
    )
    return [excluding(found, trial) for found in changed if found]


def _worth_saying(
    desk: Desk, call: Call, screening: Screening, asked: Asked, matters: Sequence[Matter], viewer: str, fits: bool
) -> list[Resource]:
    trial, subject, hooks = desk.rules.trial, screening.patient, desk.settings.hooks
    now, day = instant(desk.now()), day_text(screening.as_of)
    told: list[tuple[Matter, str]] = []
    with transaction(desk.engine) as db:
        seen = seen_of(db, trial.id, subject)
        if not fits and any(not one.closed for one in seen.get(CANDIDATE, ())):
            close(db, trial.id, subject, CANDIDATE)
        for matter in matters:
            budget = budget_of(db, day, viewer, hooks.cards_per_user, hooks.cards_per_day)
            decision = decide(matter.state, viewer, now, seen.get(matter.about, ()), desk.answers, budget)
            if decision.what == "show":
                id_ = str(subject_uuid(trial.id, subject, f"alert {viewer} {matter.about} {matter.state} {now}"))
                one = Seen(id_, now, viewer, matter.state, not hooks.silent, False, "", "", None)
                note_card(db, trial.id, call.hook, subject, matter.about, day, one)
                decision = Decision("show", decision.why, id_)
            if decision.id and not hooks.silent:
                told.append((matter, decision.id))
    return [_card(desk, matter, id_, screening, asked) for matter, id_ in told]


def _card(desk: Desk, matter: Matter, id_: str, screening: Screening, asked: Asked) -> Resource:
    url = desk.settings.hooks.url.rstrip("/")
    trial, link = desk.rules.trial, ""
    if url and matter.about == CANDIDATE:
        text = "\n".join(dossier(screening, trial, asked, Page()))
        link = f"{url}/dossiers/{desk.dossiers.keep(text)}"
    sound = tuple(one for one in matter.suggestions if not judge(one.draft, encoded(one.draft)))
    return card(replace(matter, suggestions=sound), trial, desk.answers, id_, link)
