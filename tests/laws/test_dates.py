"""Time: partial dates agree with all their completions, windows hold both their edges, days are the site's."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapter
from adapter.errors import UnreadableError
from adapter.fhir.dates import Calendar, Place, When, completed_years, plus_years
from adapter.fhir.elements import Period
from adapter.screen import Site
from tests.builders import (
    Json,
    administration,
    as_json,
    bundle,
    code,
    condition,
    consent,
    dispense,
    encounter,
    immunization,
    observation,
    patient,
    procedure,
    route,
    statement,
    words,
)
from tests.laws.records import TODAY, ago, answers, screening, specification, trial, truth, written

SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = Calendar(SHANGHAI)
INSIDE, OUTSIDE, PARTIAL = Place.INSIDE, Place.OUTSIDE, Place.PARTIAL
EARLIEST, LATEST = date(2023, 1, 1), date(2029, 12, 31)

days = st.dates(EARLIEST, LATEST)
partial_texts = days.flatmap(lambda day: st.sampled_from([f"{day:%Y}", f"{day:%Y-%m}", f"{day:%Y-%m-%d}"]))
windows = st.tuples(days, st.integers(0, 800)).map(lambda at: (at[0].toordinal(), at[0].toordinal() + at[1]))


def completions(text: str) -> range:
    """The ordinals of the days that a partial date may mean."""
    if len(text) == 10:
        day = date.fromisoformat(text).toordinal()
        return range(day, day + 1)
    if len(text) == 7:
        year, month = int(text[:4]), int(text[5:])
        after = date(year + month // 12, month % 12 + 1, 1)
        return range(date(year, month, 1).toordinal(), after.toordinal())
    return range(date(int(text), 1, 1).toordinal(), date(int(text) + 1, 1, 1).toordinal())


def agreed(inside: set[bool]) -> Place:
    """What all completions say together."""
    return PARTIAL if len(inside) > 1 else INSIDE if inside == {True} else OUTSIDE


@given(partial_texts, windows, st.integers(0, 400))
def test_a_partial_day_lies_where_all_its_completions_up_to_today_lie(
    text: str, window: tuple[int, int], later: int
) -> None:
    start, end = window
    asked = end + later
    possible = [day for day in completions(text) if day <= asked]
    if possible:
        when = CALENDAR.at(text, "effectiveDateTime")
        expected = agreed({start <= day <= end for day in possible})
        assert when.place(start, end, asked) is expected
        assert when.cut(asked).place(start, end, asked) is expected
        assert (when.cut(asked).first_lo, when.cut(asked).last_hi) == (possible[0], possible[-1])


@given(partial_texts, windows)
def test_a_narrower_date_never_contradicts_the_wider_one(text: str, window: tuple[int, int]) -> None:
    asked = max(window[1], completions(text)[-1])
    wide = CALENDAR.at(text, "x").place(*window, asked)
    for day in completions(text)[:: max(1, len(completions(text)) // 12)]:
        narrow = CALENDAR.at(date.fromordinal(day).isoformat(), "x").place(*window, asked)
        assert narrow in (INSIDE, OUTSIDE)
        assert wide in (narrow, PARTIAL)


@st.composite
def periods(draw: st.DrawFn) -> tuple[str | None, str | None]:
    """A Period of any precisions that can be true: it may end on or after the first day on which it may start."""
    start = draw(st.none() | partial_texts)
    end = draw(st.none() | partial_texts) if start else draw(partial_texts)
    if start and end and completions(end)[-1] < completions(start)[0]:
        start, end = end, start
    return start, end


def overlaps(period: tuple[str | None, str | None], window: tuple[int, int], asked: int) -> set[bool]:
    """For every pair of first and last day that a Period may mean, whether it was going on in the window.

    What is on record today began by today, if it can have.
    """
    lasts = completions(period[1]) if period[1] else range(asked, asked + 1)
    firsts = completions(period[0]) if period[0] else range(1, lasts[-1] + 1)
    if firsts[0] <= asked:
        firsts = range(firsts[0], min(firsts[-1], asked) + 1)
    start, end = window
    edges = {firsts[0], firsts[-1], lasts[0], lasts[-1], start - 1, start, end, end + 1, asked}
    return {
        first <= end and last >= start
        for first in edges
        for last in edges
        if first in firsts and last in lasts and (first <= last or not period[1])
    }


@given(periods(), windows, st.integers(0, 400))
@settings(max_examples=500)
def test_a_stretch_lies_where_all_its_completions_lie(
    period: tuple[str | None, str | None], window: tuple[int, int], later: int
) -> None:
    asked = window[1] + later
    when = CALENDAR.during(Period(start=period[0], end=period[1]), "effectivePeriod")
    assert when is not None
    assert when.place(*window, asked) is agreed(overlaps(period, window, asked))


@given(days, st.integers(0, 300), windows)
def test_an_exact_stretch_is_inside_as_soon_as_one_day_of_it_is(
    first: date, length: int, window: tuple[int, int]
) -> None:
    last = first + timedelta(length)
    when = CALENDAR.during(Period(start=first.isoformat(), end=last.isoformat()), "performedPeriod")
    touches = any(window[0] <= first.toordinal() + n <= window[1] for n in range(length + 1))
    assert when is not None
    assert when.place(*window, window[1]) is (INSIDE if touches else OUTSIDE)


@given(days, st.integers(1, 200), windows)
def test_a_supply_of_n_days_is_its_day_and_the_n_minus_1_after_it(
    on: date, supplied: int, window: tuple[int, int]
) -> None:
    supply = CALENDAR.supply(on.isoformat(), supplied, "whenHandedOver")
    last = (on + timedelta(supplied - 1)).isoformat()
    period = CALENDAR.during(Period(start=on.isoformat(), end=last), "x")
    assert period is not None
    assert supply.place(*window, window[1]) is period.place(*window, window[1])


@given(days, windows)
def test_an_undated_event_is_outside_only_when_it_was_recorded_before_the_window(
    bound: date, window: tuple[int, int]
) -> None:
    undated = When(dated=False, bound=bound.toordinal())
    expected = OUTSIDE if bound.toordinal() < window[0] else Place.UNDATED
    assert undated.place(*window, window[1]) is expected
    assert When(dated=False).place(*window, window[1]) is Place.UNDATED


def test_a_period_that_ends_before_it_starts_cannot_be() -> None:
    with pytest.raises(UnreadableError, match=r"ends .* before it starts"):
        CALENDAR.during(Period(start="2026-05-02", end="2026-05-01"), "performedPeriod")


IMPOSSIBLE = [
    *("2026-02-29", "2026-02-30", "2100-02-29", "1900-02-29", "2026-04-31", "2026-13"),
    *("2026-00", "2026-00-10", "2026-1", "2026-01-1", "26", "02026"),
    *("20260101", "2026-W01-1", "2026/01/02", "01-02-2026", "2026-01-01T25:00:00Z", "2026-01-01T10:61:00Z"),
    *("2026-02-30T10:00:00Z", "2026-01-01T10:00:00+99:00", "0000", "0000-01-01", "２０２６-01-32", "yesterday"),
]


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_a_date_that_cannot_exist_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(UnreadableError, match="is not a date that exists") as refused:
        CALENDAR.at(text, "effectiveDateTime")
    assert refused.value.path == "effectiveDateTime"


@pytest.mark.parametrize("text", ["2028-02-29", "2000-02-29", "2028-02-29T23:59:60+08:00", "2026-12", "9999", "0001"])
def test_leap_days_leap_seconds_and_the_ends_of_the_calendar_exist(text: str) -> None:
    when = CALENDAR.at(text, "birthDate")
    assert date.fromordinal(when.first_lo).isoformat().startswith(text[:10])


# --- ages


@given(st.dates(date(1920, 1, 1), date(2020, 12, 31)), st.integers(0, 90))
def test_a_birthday_is_the_first_day_of_its_year_of_age(born: date, years: int) -> None:
    birthday = plus_years(born, years)
    assert completed_years(born, birthday) == years
    assert completed_years(born, birthday - timedelta(1)) == years - 1


@given(
    st.dates(date(1920, 1, 1), date(2020, 12, 31)), st.dates(date(2021, 1, 1), date(2060, 1, 1)), st.integers(0, 500)
)
def test_nobody_becomes_younger(born: date, on: date, later: int) -> None:
    assert completed_years(born, on) <= completed_years(born, on + timedelta(later))


@pytest.mark.parametrize(("year", "birthday"), [(2026, "2026-03-01"), (2028, "2028-02-29"), (2100, "2100-03-01")])
def test_the_birthday_of_29_february_is_1_march_in_common_years(year: int, birthday: str) -> None:
    assert plus_years(date(2008, 2, 29), year - 2008).isoformat() == birthday


@pytest.mark.parametrize(("on", "expected"), [("2026-02-28", "no"), ("2026-03-01", "no"), ("2026-03-02", "unknown")])
def test_the_18th_birthday_of_a_leap_day_counts_as_such(on: str, expected: str) -> None:
    assert truth("inc-age", [patient(born="2008-02-29")], as_of=date.fromisoformat(on)) == expected


@given(st.integers(1955, 2012), st.integers(1, 12), st.sampled_from(["year", "month"]))
def test_a_partial_birth_date_agrees_with_all_its_completions(year: int, month: int, precision: str) -> None:
    text = f"{year}" if precision == "year" else f"{year}-{month:02d}"
    exact = [date.fromordinal(day).isoformat() for day in completions(text)]
    sampled = exact if precision == "month" else sorted({*exact[::16], exact[325], exact[326], exact[-1]})
    told = {answers([patient(born=born)])["inc-age"] for born in sampled}
    partial = answers([patient(born=text)])["inc-age"]
    assert partial == (told.pop() if len(told) == 1 else ("unknown", "partial-date"))


# --- windows, through the whole program

INFECTION = words("pneumonia")
RITUXIMAB, BELIMUMAB, CEFTRIAXONE = code("atc", "L01FA01"), code("atc", "L04AG04"), code("atc", "J01DD04")
EVENTS: dict[str, tuple[str, int, Callable[[str], Json]]] = {
    "exc-b-cell-depletion": ("screening", 168, lambda on: administration(RITUXIMAB, on)),
    "exc-biologic-or-jak": ("screening", 28, lambda on: administration(BELIMUMAB, on)),
    "exc-apheresis": ("screening", 84, lambda on: procedure(words("血浆置换"), on)),
    "exc-treated-infection": ("screening", 14, lambda on: administration(CEFTRIAXONE, on, reason=INFECTION)),
    "exc-major-surgery": ("screening", 84, lambda on: procedure(words("剖腹探查术"), on, level="三级")),
    "exc-live-vaccine": ("randomisation", 84, lambda on: immunization(code("cvx", "03"), on)),
}
"""criterion -> its anchor, the days of its window, and the event that it asks for"""


@pytest.mark.parametrize("criterion", EVENTS)
@pytest.mark.parametrize("anchor_day", ["2026-11-22", "2028-03-10", "2027-03-10", "2027-01-01"])
def test_a_window_holds_both_its_edges_and_not_a_day_more(criterion: str, anchor_day: str) -> None:
    _, length, event = EVENTS[criterion]
    today = date.fromisoformat(anchor_day)
    edges = {0: "yes", 1: "yes", length - 1: "yes", length: "yes", length + 1: "no", length + 2: "no"}
    for days_ago, expected in edges.items():
        assert truth(criterion, [event(ago(days_ago, today))], as_of=today) == expected, f"{days_ago} days"


@pytest.mark.parametrize("criterion", EVENTS)
@given(st.integers(0, 300), st.integers(0, 40))
def test_a_window_counts_from_its_given_anchor_and_on_to_the_end(criterion: str, days_ago: int, back: int) -> None:
    anchor, length, event = EVENTS[criterion]
    given_day = TODAY - timedelta(back)
    inside = length + back >= days_ago
    if anchor == "randomisation":
        inside = inside and days_ago >= back  # nothing after the randomisation counts
    given_anchor = {f"{anchor}_date": given_day}
    assert truth(criterion, [event(ago(days_ago))], **given_anchor) == ("yes" if inside else "no")


@pytest.mark.parametrize("criterion", EVENTS)
@pytest.mark.parametrize("text", ["2026-11", "2026-10", "2026-09", "2026-08", "2026-06", "2026-05", "2026", "2025"])
def test_the_verdict_on_a_partial_date_agrees_with_all_its_completions(criterion: str, text: str) -> None:
    _, _, event = EVENTS[criterion]
    possible = [day for day in completions(text) if day <= TODAY.toordinal()]
    exact = possible[::9] + possible[:1] + possible[-1:] + [TODAY.toordinal() - n for n in (14, 28, 84, 168)]
    told = {truth(criterion, [event(date.fromordinal(day).isoformat())]) for day in set(exact) & set(possible)}
    answer = answers([event(text)])[criterion]
    if len(told) == 1:
        assert answer[0] == told.pop()
    else:
        assert answer == ("unknown", "partial-date")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ((ago(400), None), "yes"),
        ((ago(400), ago(168)), "yes"),
        ((ago(400), ago(169)), "no"),
        ((ago(168), ago(168)), "yes"),
        ((None, ago(168)), "yes"),
        ((None, ago(169)), "no"),
        (("2025", ago(100)), "yes"),
        (("2025", "2026-06"), "unknown"),
        (("2025", "2026-05"), "no"),
        (("2026", None), "yes"),
    ],
)
def test_a_stretch_of_use_counts_from_its_first_certain_day_in_the_window(
    text: tuple[str | None, str | None], expected: str
) -> None:
    record = statement(RITUXIMAB, text, status="completed")
    assert truth("exc-b-cell-depletion", [record]) == expected


@pytest.mark.parametrize(("on", "expected"), [(ago(197), "yes"), (ago(198), "no"), ("2026-05", "unknown")])
def test_a_supply_reaches_into_the_window_by_its_last_day(on: str, expected: str) -> None:
    assert truth("exc-b-cell-depletion", [dispense(RITUXIMAB, on, 30)]) == expected  # 197 - 29 = 168


def test_what_happens_tomorrow_is_told_and_not_used() -> None:
    tomorrow = ago(-1)
    for criterion, (_, _, event) in EVENTS.items():
        assert truth(criterion, [event(tomorrow)]) == "no"


# --- the site's calendar

moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31))
offsets = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
zones = st.sampled_from(["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu", "UTC"])


@given(moments, offsets, offsets, zones)
def test_one_instant_is_one_day_however_it_is_written(
    moment: datetime, one: timezone, other: timezone, zone: str
) -> None:
    instant = moment.replace(tzinfo=UTC)
    calendar = Calendar(ZoneInfo(zone))
    local = instant.astimezone(ZoneInfo(zone)).date().toordinal()
    for offset in (one, other, UTC):
        text = instant.astimezone(offset).isoformat(timespec="milliseconds")
        assert calendar.days(text, "issued") == (local, local)
        assert calendar.days(text.replace("+00:00", "Z"), "issued") == (local, local)


@given(partial_texts, zones)
def test_a_date_without_a_time_is_the_same_in_every_zone(text: str, zone: str) -> None:
    assert Calendar(ZoneInfo(zone)).days(text, "x") == CALENDAR.days(text, "x")


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        ("Asia/Shanghai", "2026-06-06T16:00:00Z", "yes"),  # midnight of the 168th day before
        ("Asia/Shanghai", "2026-06-06T15:59:59Z", "no"),
        ("Asia/Shanghai", "2026-06-07T00:00:00+08:00", "yes"),
        ("Asia/Shanghai", "2026-06-06T23:59:59+08:00", "no"),
        ("America/New_York", "2026-06-07T04:00:00Z", "yes"),
        ("America/New_York", "2026-06-07T03:59:59Z", "no"),
        ("UTC", "2026-06-07T00:00:00Z", "yes"),
        ("UTC", "2026-06-06T23:59:59.999Z", "no"),
    ],
)
def test_windows_are_days_of_the_sites_zone(zone: str, text: str, expected: str) -> None:
    record = as_json(bundle(patient(), administration(RITUXIMAB, text)))
    site = Site(zone=ZoneInfo(zone))
    (found,) = adapter.screen_bundle(record, trial(), as_of=TODAY, complete="all", site=site)
    verdict = next(v for v in found.criteria if v.criterion.id == "exc-b-cell-depletion")
    assert str(verdict.finding.truth) == expected


def test_a_stay_and_a_drug_meet_on_the_sites_calendar_days() -> None:
    given_drug = administration(CEFTRIAXONE, "2026-11-10T15:30:00Z", route=route("IV"), reason=INFECTION)
    left_that_day = encounter(("2026-11-05T10:00:00+08:00", "2026-11-10T09:00:00+08:00"))
    left_before = encounter(("2026-11-05T10:00:00+08:00", "2026-11-09T23:00:00+08:00"))
    assert truth("exc-hospital-iv-antibiotics", [given_drug, left_that_day]) == "yes"
    assert truth("exc-hospital-iv-antibiotics", [given_drug, left_before]) == "no"


@pytest.mark.parametrize(
    ("on", "expected"), [(ago(28), "yes"), (ago(29), "unknown"), (ago(0), "yes"), (ago(-1), "unknown")]
)
def test_a_result_is_in_time_for_28_days(on: str, expected: str) -> None:
    upcr = observation(code("loinc", "2890-2"), "1.5", "g/g", on=on)
    assert truth("inc-proteinuria", [upcr]) == expected


@pytest.mark.parametrize(("onset", "expected"), [(ago(314), "yes"), (ago(315), "unknown"), (ago(0), "yes")])
def test_a_pregnancy_lasts_fewer_than_315_days(onset: str, expected: str) -> None:
    assert truth("exc-pregnant-or-lactating", [condition(code("icd10", "Z33"), onset)]) == expected


# --- the ends of the calendar

CONSENTS = [
    consent("2026-11-02", over=("2026-11-22", None)),
    consent("2026-11-02", over=("2026-11-02", "2026-11-21")),
    consent("2026-12", over=("2026-11-02", "9999-12-31")),
]


@pytest.mark.parametrize("year", ["9999", "0001"])
@pytest.mark.parametrize("criterion", specification())
def test_no_date_is_too_far_away(criterion: str, year: str) -> None:
    for row in specification()[criterion][::4]:
        ends = [json.loads(as_json(one).replace(b'"2026-', f'"{year}-'.encode())) for one in row]
        mixed = [*row, *(one | {"id": f"{one['id']}-far"} for one in ends)]
        assert json.loads(written(screening(ends)))[0]["patient"] == "Patient/p1"
        assert json.loads(written(screening(mixed)))[0]["patient"] == "Patient/p1"


@pytest.mark.parametrize("left_out", range(4))
def test_a_period_without_an_end_changes_nothing_on_the_last_day_of_the_calendar(left_out: int) -> None:
    records = [one for number, one in enumerate(CONSENTS) if number != left_out]
    (told,) = json.loads(written(screening(records)))
    days = [one["changes_on"] for one in told["criteria"] if one["changes_on"]]
    assert all(day < "2100" for day in days)


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1, 3, 1), date(9999, 12, 31), date(9999, 1, 1)])
def test_a_question_may_be_asked_on_any_day_of_the_calendar(day: date) -> None:
    for _, _, event in EVENTS.values():
        for on in ("0001-01-01", day.isoformat(), "9999-12-31"):
            assert json.loads(written(screening([event(on), *CONSENTS], as_of=day)))[0]["as_of"] == day.isoformat()


@pytest.mark.parametrize("born", ["9999-12-31", "9999", "9981-12", "9950-01-01", "2026-11-23", "0001-01-01", "0001"])
def test_a_birth_date_at_an_end_of_the_calendar_makes_nobody_old_enough(born: str) -> None:
    assert truth("inc-age", [patient(born=born)]) in ("no", "unknown")
