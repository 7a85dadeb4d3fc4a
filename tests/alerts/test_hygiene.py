"""When a card is worth the interruption, and when it comes again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapter.alerts.answers import shipped_answers
from adapter.alerts.hygiene import DAY, Budget, Seen, State, decide
from adapter.report.alerts import report_lines, reported
from adapter.store.database import transaction
from tests.alerts.ehr import Ehr, Json, candidate, prefetch_of, resources, running

FITS, MISSING = prefetch_of(resources("eligible")), prefetch_of(candidate())
EXCLUDED = prefetch_of([*candidate(), {
    "resourceType": "Procedure", "id": "pex", "status": "completed", "subject": {"reference": "Patient/eligible"},
    "performedDateTime": "2026-11-20", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "20720000"}]},
}])  # fmt: skip


@pytest.fixture
def ehr(tmp_path: Path) -> Iterator[Ehr]:
    with running(tmp_path) as found:
        yield found


def shown(ehr: Ehr, prefetch: Json, user: str = "Practitioner/1") -> list[str]:
    return [card["uuid"] for card in ehr.cards("patient-view", "eligible", prefetch, user)]


def test_a_state_is_shown_once_to_each_person(ehr: Ehr) -> None:
    assert len(shown(ehr, FITS)) == 1
    ehr.later(minutes=11)
    assert shown(ehr, FITS) == []
    assert len(shown(ehr, FITS, "Practitioner/2")) == 1


def test_a_chart_that_is_drawn_again_shows_the_same_card(ehr: Ehr) -> None:
    first = shown(ehr, FITS)
    ehr.later(minutes=9, seconds=59)
    assert shown(ehr, FITS) == first
    ehr.later(seconds=1)
    assert shown(ehr, FITS) == []


def test_it_comes_again_when_there_is_something_new_to_do(ehr: Ehr) -> None:
    assert shown(ehr, MISSING)
    ehr.later(days=1)
    assert shown(ehr, FITS), "she fits now"
    ehr.later(days=1)
    assert shown(ehr, MISSING) == [], "what is missing was told before"


def test_progress_alone_is_no_news(ehr: Ehr) -> None:
    without = [one for one in candidate() if one["resourceType"] not in ("Consent", "QuestionnaireResponse")]
    assert shown(ehr, prefetch_of(without))
    ehr.later(days=1)
    assert shown(ehr, MISSING) == []


def test_after_an_exclusion_is_over_it_is_news_again(ehr: Ehr) -> None:
    assert shown(ehr, MISSING)
    ehr.later(hours=1)
    assert shown(ehr, EXCLUDED) == []
    ehr.later(hours=1)
    assert shown(ehr, MISSING)


DENIES = {
    "type": "deny",
    "data": [{"meaning": "related", "reference": {"reference": "https://trial-adapter.example/fhir/ResearchStudy/ln-msc-il2"}}],
}  # fmt: skip

REASONS = [
    # outcome, reason, days later, the same person sees it, another person sees it
    ("accepted", "", 27, False, False),
    ("accepted", "", 28, True, True),
    ("overridden", "not-now", 13, False, True),
    ("overridden", "not-now", 14, True, True),
    ("overridden", "already-discussed", 27, False, False),
    ("overridden", "already-discussed", 28, True, True),
    ("overridden", "patient-declined", 300, False, False),
    ("overridden", "not-suitable", 300, False, False),
    ("overridden", "records-wrong", 300, False, True),
    ("overridden", "a reason of the EHR's own", 300, False, True),
    ("overridden", "", 300, False, True),
]


def card_of(viewer: str, state: State, outcome: str = "", reason: str = "", *, closed: bool = False) -> Seen:
    """A card of the beginning of time, answered at once."""
    return Seen("id", 0, viewer, state, True, closed, outcome, reason, 0 if outcome else None)


def again(state: State, seen: Seen, days: float, viewer: str = "a") -> bool:
    budget = Budget(per_viewer=1, per_day=1, of_viewer=0, of_day=0)
    return decide(state, viewer, int(days * DAY), [seen], shipped_answers(), budget).what == "show"


OPEN = State("undetermined", ("inc-proteinuria",))


@pytest.mark.parametrize(("outcome", "reason", "days", "same", "another"), REASONS)
def test_an_answer_says_when_it_comes_again(outcome: str, reason: str, days: int, same: bool, another: bool) -> None:
    seen = card_of("a", OPEN, outcome, reason)
    assert (again(OPEN, seen, days), again(OPEN, seen, days, "b")) == (same, another)


NEWS = [
    ("nothing new", OPEN, False),
    ("one more to settle", State("undetermined", ("inc-consent", "inc-proteinuria")), True),
    ("another to settle", State("undetermined", ("inc-consent",)), True),
    ("one less to settle", State("undetermined", ()), False),
    ("another status", State("eligible", ()), True),
]


@pytest.mark.parametrize(("state", "news"), [row[1:] for row in NEWS], ids=[row[0] for row in NEWS])
def test_only_what_somebody_can_do_is_news(state: State, news: bool) -> None:
    assert again(state, card_of("a", OPEN), 1) == news
    assert again(state, card_of("a", OPEN, "overridden", "records-wrong"), 1) == news
    assert again(state, card_of("a", OPEN, "overridden", "patient-declined"), 1) is False
    assert again(state, card_of("a", OPEN, "overridden", "not-suitable"), 1) == (state.status != OPEN.status)


def test_not_suitable_counts_until_the_status_is_another(ehr: Ehr) -> None:
    (card,) = shown(ehr, MISSING)
    ehr.feedback(card, "overridden", "not-suitable")
    ehr.later(days=1)
    assert shown(ehr, FITS, "Practitioner/2")


@pytest.mark.parametrize(
    ("more", "seen"),
    [
        ({"resourceType": "ResearchSubject", "status": status, "id": "rs", "study": {"reference": "ResearchStudy/ln-msc-il2"},
          "individual": {"reference": "Patient/eligible"}}, seen)
        for status, seen in [
            ("candidate", True), ("potential-candidate", True), ("eligible", True), ("screening", True), ("ineligible", True),
            ("pending-on-study", False), ("on-study", False), ("on-study-intervention", False), ("on-study-observation", False),
            ("follow-up", False), ("off-study", False), ("withdrawn", False), ("not-registered", False),
        ]
    ],
    ids=lambda value: value["status"] if isinstance(value, dict) else "",
)  # fmt: skip
def test_no_candidate_card_from_pending_on_study_on(ehr: Ehr, more: Json, seen: bool) -> None:
    assert bool(shown(ehr, prefetch_of([*resources("eligible"), more]))) == seen


@pytest.mark.parametrize("change", [{"status": "rejected"}, {"provision": DENIES}], ids=["rejected", "denied"])
def test_who_declined_is_never_told_of(ehr: Ehr, change: Json) -> None:
    given = [one | change if one["resourceType"] == "Consent" else one for one in candidate()]
    assert shown(ehr, prefetch_of(given)) == []


@pytest.mark.parametrize(
    ("budget", "first", "second", "other"),
    [
        ({"cards_per_user": 1}, True, False, True),
        ({"cards_per_day": 1}, True, False, False),
        ({"cards_per_user": 0}, False, False, False),
    ],
)
def test_nobody_is_interrupted_more_often_than_the_budget_says(
    tmp_path: Path, budget: Json, first: bool, second: bool, other: bool
) -> None:
    orders = [_order("L01FA01", "rituximab"), _order("L04AA26", "belimumab")]
    with running(tmp_path, **budget) as ehr:
        assert bool(_ordered(ehr, orders[0], "Practitioner/1")) == first
        assert bool(_ordered(ehr, orders[1], "Practitioner/1")) == second
        assert bool(_ordered(ehr, orders[0], "Practitioner/2")) == other
        ehr.later(days=1)
        assert bool(_ordered(ehr, orders[1], "Practitioner/1")) == (budget.get("cards_per_user") != 0)


def _order(code: str, name: str) -> Json:
    return {"resourceType": "MedicationRequest", "id": "d1", "status": "draft", "intent": "order", "subject": {"reference": "Patient/eligible"},
            "medicationCodeableConcept": {"text": name, "coding": [{"system": "http://www.whocc.no/atc", "code": code}]}}  # fmt: skip


def _ordered(ehr: Ehr, order: Json, user: str) -> list[Json]:
    orders = {"draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]}}
    return ehr.cards("order-sign", "eligible", FITS, user, context=orders)


def test_silent_mode_measures_and_shows_nothing(tmp_path: Path) -> None:
    with running(tmp_path, silent=True) as ehr:
        assert shown(ehr, FITS) == []
        with transaction(ehr.desk.engine) as db:
            found = reported(db, "ln-msc-il2")
        assert (found.measured, found.shown, found.precision) == (1, 0, None)


def test_the_report_counts_what_came_of_the_cards(ehr: Ehr) -> None:
    answers = {
        "a": ("accepted", ""),
        "b": ("overridden", "not-now"),
        "c": ("overridden", ""),
        "d": ("overridden", "not-now"),
        "e": None,
    }
    cards = {user: shown(ehr, FITS, user)[0] for user in answers}
    for user, answer in answers.items():
        if answer:
            ehr.feedback(cards[user], *answer)
    with transaction(ehr.desk.engine) as db:
        found = reported(db, "ln-msc-il2")
        assert reported(db, "ln-msc-il2", "2026-11-23").shown == 0
    assert (found.shown, found.accepted, found.unanswered, found.patients, found.viewers) == (5, 1, 1, 1, 5)
    assert found.overridden == {"no reason": 1, "not-now": 2} and found.precision == 0.25
    assert "  precision   25% of those answered" in list(report_lines(found))


def test_feedback_on_a_card_that_is_not_ours_is_taken_and_changes_nothing(ehr: Ehr) -> None:
    ehr.feedback("00000000-0000-0000-0000-000000000000", "accepted")
    assert shown(ehr, FITS)
