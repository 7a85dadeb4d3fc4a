"""Unstable doses of immunosuppressants in the 12 weeks before screening.

The window's first day is the 84th before screening (2026-08-30); the days from it to the end are compared
with each other, ingredient by ingredient.
"""

from __future__ import annotations

import pytest

from tests.builders import (
    Json,
    administration,
    attestation,
    code,
    dispense,
    dosage,
    quantity,
    request,
    route,
    statement,
    words,
)
from tests.spec.exclusion_builders import (
    MEDICATIONS,
    NAMELESS,
    NOTHING,
    ago,
    ahead,
    attested,
    judged,
    no,
    unknown,
    yes,
)
from tests.spec.table import Row, check, label, table

ID = "exc-unstable-immunosuppressant"
MMF = code("atc", "L04AA06")
CYCLOPHOSPHAMIDE = code("atc", "L01AA01")
TACROLIMUS = code("atc", "L04AD02")
METHOTREXATE = code("atc", "L04AX03")
PREDNISONE = code("atc", "H02AB07")
TOPICAL = code("snomed", "6064005")


def taken(
    start: str | None,
    end: str | None = None,
    dose: Json | str | None = "1000",
    drug: Json = MMF,
    *,
    status: str | None = None,
) -> Json:
    """A statement over a period; ``dose`` is milligrams once a day, or a whole Dosage."""
    given = dosage(dose) if isinstance(dose, str) else dose
    return statement(drug, (start, end), status=status or ("completed" if end else "active"), dosage=given)


def ordered(
    authored: str,
    start: str | None = None,
    end: str | None = None,
    dose: str = "1000",
    drug: Json = MMF,
    *,
    status: str = "active",
    intent: str = "order",
    not_to_do: bool | None = None,
) -> Json:
    return request(
        drug,
        authored,
        status=status,
        intent=intent,
        do_not_perform=not_to_do,
        dosage=dosage(dose, start=start, end=end),
    )


def supplied(on: str, days: int, dose: str = "1000", drug: Json = MMF) -> Json:
    return dispense(drug, on, days, dosage=dosage(dose))


def infused(on: str, dose: str = "750") -> Json:
    return administration(CYCLOPHOSPHAMIDE, on, route=route("IV"), dose=quantity(dose, "mg"))


def doubled(drug: Json) -> tuple[Json, Json]:
    return taken(ago(200), ago(41), "10", drug), taken(ago(40), None, "20", drug)


CONSTANT = [
    no("1000 mg of mycophenolate a day for 200 days, all covered", taken(ago(200))),
    no("none of them used, all covered", reason="no-record"),
    unknown("not-covered", "none of them on record, nothing covered", complete=NOTHING),
    unknown("not-covered", "1000 mg a day for 200 days, nothing covered", taken(ago(200)), complete=NOTHING),
    no("1000 mg a day for 200 days, the four medication types covered", taken(ago(200)), complete=MEDICATIONS),
    unknown(
        "not-covered",
        "1000 mg a day for 200 days, administrations not covered",
        taken(ago(200)),
        complete=MEDICATIONS[1:],
    ),
    no(
        "1000 mg a day for 200 days, the site keeps no administrations",
        taken(ago(200)),
        complete=MEDICATIONS[1:],
        not_kept=["MedicationAdministration"],
    ),
    no(
        "mycophenolate and tacrolimus, both constant",
        taken(ago(200)),
        taken(ago(300), None, "3", TACROLIMUS),
    ),
    no("begun on the 84th day before screening: every day of the window is alike", taken(ago(84))),
    no("ended on the 85th day before screening", taken(ago(300), ago(85))),
    no("stated until the day of screening: a stop would begin tomorrow", taken(ago(200), ago(0))),
    no(
        "two statements of the same dose on the same days",
        taken(ago(200)),
        taken(ago(150)),
    ),
    no(
        "the same dose in another record from the next day on",
        taken(ago(200), ago(41)),
        taken(ago(40)),
    ),
    no(
        "1 g a day, then 1000 mg a day",
        taken(ago(200), ago(41), dosage(1, "g")),
        taken(ago(40), None, dosage(1000, "mg")),
    ),
    no("the other dose was given before the window only", taken(ago(300), ago(85), "2000"), taken(ago(84))),
    no(
        "a higher dose from tomorrow on is not yet there",
        taken(ago(200)),
        ordered(ago(1), ahead(1), None, "2000"),
    ),
    no("ordered for 200 days until two months from now", ordered(ago(200), ago(200), ahead(60))),
]

START_AND_STOP = [
    yes("begun on the 83rd day before screening, all covered", taken(ago(83))),
    yes("begun yesterday", taken(ago(1))),
    yes("begun on the day of screening", taken(ago(0))),
    unknown(
        "no-data",
        "begun 60 days ago, nothing covered: an earlier record may be missing",
        taken(ago(60)),
        complete=NOTHING,
    ),
    unknown(
        "no-data",
        "begun 60 days ago, statements not covered",
        taken(ago(60)),
        complete=[name for name in MEDICATIONS if name != "MedicationStatement"],
    ),
    yes("ended on the 84th day before screening", taken(ago(200), ago(84))),
    yes("ended yesterday, nothing after it: stopped from today on", taken(ago(200), ago(1))),
    yes("stopped 30 days ago", taken(ago(200), ago(30), status="stopped")),
    yes("taken only from 60 to 40 days ago", taken(ago(60), ago(40))),
    yes(
        "mycophenolate constant, tacrolimus begun 30 days ago",
        taken(ago(200)),
        taken(ago(30), None, "3", TACROLIMUS),
    ),
    yes(
        "mycophenolate stopped and azathioprine begun instead",
        taken(ago(200), ago(41)),
        taken(ago(40), None, "100", code("atc", "L04AX01")),
    ),
    yes("begun in 2026-09, inside the window", taken("2026-09")),
    unknown("partial-date", "begun in 2026-08, which the window's first day cuts", taken("2026-08")),
    no("begun in 2026-07", taken("2026-07")),
    yes(
        "screening 2026-10-01, begun 2026-11-01: after screening it counts too",
        taken("2026-11-01"),
        screening_date="2026-10-01",
    ),
    no(
        "the same, and what comes after screening is ignored",
        taken("2026-11-01"),
        screening_date="2026-10-01",
        readings={"after-anchor": "ignored"},
    ),
    no(
        "screening 2026-10-01, randomised 2026-10-20, begun the day after",
        taken("2026-10-21"),
        screening_date="2026-10-01",
        randomisation_date="2026-10-20",
    ),
    no("screening 2026-10-01, begun 84 days before it", taken("2026-07-09"), screening_date="2026-10-01"),
    yes("screening 2026-10-01, begun 83 days before it", taken("2026-07-10"), screening_date="2026-10-01"),
]

DOSE = [
    yes("1000 mg until 41 days ago, 2000 mg since", taken(ago(200), ago(41)), taken(ago(40), None, "2000")),
    yes("2000 mg until 41 days ago, 1000 mg since", taken(ago(200), ago(41), "2000"), taken(ago(40))),
    yes(
        "1000 mg, then 2000 mg, nothing covered: the change is proven",
        taken(ago(200), ago(41)),
        taken(ago(40), None, "2000"),
        complete=NOTHING,
    ),
    yes("the new dose since the 83rd day", taken(ago(200), ago(84)), taken(ago(83), None, "2000")),
    no("the new dose since the 84th day", taken(ago(200), ago(85)), taken(ago(84), None, "2000")),
    yes("the new dose since today", taken(ago(200), ago(1)), taken(ago(0), None, "2000")),
    yes(
        "higher for one week, then as before",
        taken(ago(200), ago(51)),
        taken(ago(50), ago(44), "2000"),
        taken(ago(43)),
    ),
    yes(
        "1000 mg until 2026-09, 2000 mg from 2026-10",
        taken(ago(200), "2026-09"),
        taken("2026-10", None, "2000"),
    ),
    yes(
        "once a day, then the same tablet twice a day",
        taken(ago(200), ago(41), dosage(500, times=1)),
        taken(ago(40), None, dosage(500, times=2)),
    ),
    no(
        "1000 mg once a day, then 500 mg twice a day: the same daily dose",
        taken(ago(200), ago(41), dosage(1000, times=1)),
        taken(ago(40), None, dosage(500, times=2)),
    ),
    no(
        "twice a day, then every 12 hours",
        taken(ago(200), ago(41), dosage(500, times=2)),
        taken(ago(40), None, dosage(500, times=1, period=12, per="h")),
    ),
    no(
        "twice a day, then the code BID",
        taken(ago(200), ago(41), dosage(500, times=2)),
        taken(ago(40), None, dosage(500, times=None, timing=code("timing", "BID"))),
    ),
    no(
        "twice a day, then 每日两次",
        taken(ago(200), ago(41), dosage(500, times=2)),
        taken(ago(40), None, dosage(500, times=None, timing=words("每日两次"))),
    ),
    no(
        "2 mg every other day, then 1 mg a day",
        taken(ago(200), ago(41), dosage(2, period=2), TACROLIMUS),
        taken(ago(40), None, dosage(1), TACROLIMUS),
    ),
    yes(
        "1 mg a day, then 1 mg every other day",
        taken(ago(200), ago(41), dosage(1), TACROLIMUS),
        taken(ago(40), None, dosage(1, period=2), TACROLIMUS),
    ),
    no("methotrexate 10 mg once a week, constant", taken(ago(200), None, dosage(10, per="wk"), METHOTREXATE)),
    no(
        "methotrexate 10 mg once a week, then 10 mg every 7 days",
        taken(ago(200), ago(41), dosage(10, per="wk"), METHOTREXATE),
        taken(ago(40), None, dosage(10, period=7), METHOTREXATE),
    ),
    yes(
        "methotrexate 10 mg a week, then 15 mg a week",
        taken(ago(200), ago(41), dosage(10, per="wk"), METHOTREXATE),
        taken(ago(40), None, dosage(15, per="wk"), METHOTREXATE),
    ),
    yes(
        "by mouth, then the same dose into the vein",
        taken(ago(200), ago(41), dosage(1000, route=route("PO"))),
        taken(ago(40), None, dosage(1000, route=route("IV"))),
    ),
    yes(
        "1000 mg of the mofetil, then 720 mg of the sodium salt: not the same by number",
        taken(ago(200), ago(41), "1000", code("rxnorm", "68149")),
        taken(ago(40), None, "720", code("rxnorm", "7145")),
    ),
    no(
        "leflunomide under its old ATC code, then under the new one",
        taken(ago(200), ago(41), "20", code("atc", "L04AA13")),
        taken(ago(40), None, "20", code("atc", "L04AK01")),
    ),
    no(
        "azathioprine by RxNorm, then by ATC",
        taken(ago(200), ago(41), "50", code("rxnorm", "1256")),
        taken(ago(40), None, "50", code("atc", "L04AX01")),
    ),
    no(
        "tacrolimus by its Chinese name, then by ATC",
        taken(ago(200), ago(41), "3", words("他克莫司")),
        taken(ago(40), None, "3", TACROLIMUS),
    ),
]


def by_turns(*lines: Json) -> list[tuple[str, Json]]:
    """The same dosage lines in one order and in one statement."""
    return [
        ("one order", request(MMF, ago(300), dosage=lines)),
        ("one statement", statement(MMF, (ago(300), None), dosage=lines)),
    ]


def line(dose: int, start: str, end: str | None = None) -> Json:
    """So many milligrams twice a day from one day to another."""
    return dosage(dose, times=2, start=start, end=end)


LINES = [
    *[
        yes(f"{record}: 500 mg twice a day until 40 days ago, 750 mg twice a day since", told)
        for record, told in by_turns(line(500, ago(300), ago(40)), line(750, ago(39)))
    ],
    *[
        yes(f"{record}: 750 mg twice a day until 40 days ago, 500 mg twice a day since, told in this order", told)
        for record, told in by_turns(line(500, ago(39)), line(750, ago(300), ago(40)))
    ],
    *[
        yes(f"{record}: the same dose until 60 days ago and again since 39: 20 days without it", told)
        for record, told in by_turns(line(500, ago(300), ago(60)), line(500, ago(39)))
    ],
    *[
        no(f"{record}: the same dose until 40 days ago and again since the next day", told)
        for record, told in by_turns(line(500, ago(300), ago(40)), line(500, ago(39)))
    ],
    *[
        no(f"{record}: 750 mg twice a day until the 85th day before screening, 500 mg twice a day since", told)
        for record, told in by_turns(line(750, ago(300), ago(85)), line(500, ago(84)))
    ],
    *[
        yes(f"{record}: the last of its lines ended 30 days ago", told)
        for record, told in by_turns(line(750, ago(300), ago(200)), line(500, ago(199), ago(30)))
    ],
    *[
        no(f"{record}: 500 mg in the morning and 1000 mg in the evening, both since 300 days", told)
        for record, told in by_turns(dosage(500, start=ago(300)), dosage(1000, start=ago(300)))
    ],
]

MISSING = [
    unknown("no-data", "taken for 200 days, the dose is not said", taken(ago(200), None, None)),
    unknown("no-data", "a dosage without a dose", taken(ago(200), None, dosage(None))),
    unknown("no-data", "500 mg, how often is not said", taken(ago(200), None, dosage(500, times=None))),
    unknown("no-data", "the dose in words only", taken(ago(200), None, dosage(None, times=None, text="0.5 g bid"))),
    unknown("no-data", "1000 mg a day, since when is not said", statement(MMF, None, dosage=dosage(1000))),
    unknown("no-data", "1000 mg a day until next month, since when is not said", taken(None, ahead(30))),
    yes("1000 mg a day until 40 days ago, since when is not said: the stop is proven", taken(None, ago(40))),
    unknown(
        "no-data",
        "one drug constant, the other without a dose",
        taken(ago(200)),
        taken(ago(200), None, None, TACROLIMUS),
    ),
    yes("one drug without a dose, the other doubled", taken(ago(200), None, None), *doubled(TACROLIMUS)),
    no("the drug without a dose was taken before the window only", taken(ago(200), ago(85), None)),
]

SAME_DAY = [
    unknown(
        "conflict",
        "1000 mg and 2000 mg, both since 200 days ago",
        taken(ago(200)),
        taken(ago(200), None, "2000"),
    ),
    yes(
        "1000 mg since 200 days ago, 2000 mg since 40 days ago: the later start replaced the other",
        taken(ago(200)),
        taken(ago(40), None, "2000"),
    ),
    no(
        "1000 mg since 300 days ago, 2000 mg since 200 days ago: replaced before the window",
        taken(ago(300)),
        taken(ago(200), None, "2000"),
    ),
    yes(
        "the new dose begins on the day on which the old one ends",
        taken(ago(200), ago(40)),
        taken(ago(40), None, "2000"),
    ),
    unknown(
        "conflict",
        "the statement says 1000 mg, the order 2000 mg, both since 200 days ago",
        taken(ago(200)),
        ordered(ago(200), ago(200), None, "2000"),
    ),
    no(
        "statement and order agree",
        taken(ago(200)),
        ordered(ago(200), ago(200)),
    ),
    unknown(
        "conflict",
        "1000 mg a day stated all along, 2000 mg administered 3 days ago: more than was stated",
        taken(ago(200)),
        administration(MMF, ago(3), dose=quantity(2000, "mg")),
    ),
    no(
        "1000 mg a day stated all along, 1000 mg administered 3 days ago",
        taken(ago(200)),
        administration(MMF, ago(3), dose=quantity(1000, "mg")),
    ),
    no(
        "1000 mg a day stated all along, 500 mg administered 3 days ago: a part of the day's dose",
        taken(ago(200)),
        administration(MMF, ago(3), dose=quantity(500, "mg")),
    ),
    no(
        "1000 mg and 2000 mg on the same days, all before the window",
        taken(ago(300), ago(100)),
        taken(ago(300), ago(100), "2000"),
    ),
]

GAPS = [
    no(
        "14 days without a record between two of the same dose",
        taken(ago(200), ago(60)),
        taken(ago(45)),
    ),
    yes(
        "15 days without a record between two of the same dose",
        taken(ago(200), ago(60)),
        taken(ago(44)),
    ),
    no(
        "15 days without a record, and the reading allows 30",
        taken(ago(200), ago(60)),
        taken(ago(44)),
        readings={"refill-gap-days": 30},
    ),
    yes(
        "10 days without a record, and the reading allows 7",
        taken(ago(200), ago(60)),
        taken(ago(49)),
        readings={"refill-gap-days": 7},
    ),
    no("14 days without a record that reach into the window", taken(ago(200), ago(90)), taken(ago(75))),
    yes("15 days without a record that reach into the window", taken(ago(200), ago(90)), taken(ago(74))),
    yes(
        "5 days without a record, then another dose",
        taken(ago(200), ago(60)),
        taken(ago(54), None, "2000"),
    ),
    no(
        "20 days between two statements, 10 of them with a supply at home",
        taken(ago(200), ago(60)),
        supplied(ago(59), 10),
        taken(ago(39)),
    ),
]

SUPPLIES = [
    no(
        "30 days handed over again and again, the same dose",
        *[supplied(ago(day), 31) for day in (120, 90, 60, 30)],
    ),
    no("14 days between two supplies", supplied(ago(120), 60), supplied(ago(46), 60)),
    unknown("no-data", "15 days between two supplies", supplied(ago(120), 60), supplied(ago(45), 60)),
    no(
        "15 days between two supplies, and the reading allows 30",
        supplied(ago(120), 60),
        supplied(ago(45), 60),
        readings={"refill-gap-days": 30},
    ),
    yes("1000 mg in one supply, 2000 mg in the next", supplied(ago(120), 80), supplied(ago(40), 60, "2000")),
    unknown("no-data", "the last supply ended 30 days ago: that is no stop", supplied(ago(120), 91)),
    unknown("no-data", "the first supply was handed over 60 days ago", supplied(ago(60), 90)),
    unknown(
        "no-data",
        "the first administrations are 20, 19 and 18 days ago",
        *[administration(MMF, ago(day), dose=quantity(1000, "mg")) for day in (20, 19, 18)],
    ),
    no("a supply that was cancelled", dispense(MMF, ago(60), 90, status="cancelled", dosage=dosage(1000))),
]

ORDERS = [
    no("ordered since 200 days ago, the same dose", ordered(ago(200), ago(200))),
    yes("ordered since 60 days ago", ordered(ago(60), ago(60))),
    yes("written 60 days ago, no other date", ordered(ago(60))),
    unknown("no-data", "ordered since 60 days ago, nothing covered", ordered(ago(60), ago(60)), complete=NOTHING),
    no(
        "a repeat order of the same dose every month",
        *[ordered(ago(day)) for day in (120, 90, 60, 30)],
    ),
    yes(
        "1000 mg written 200 days ago, 2000 mg written 40 days ago",
        ordered(ago(200)),
        ordered(ago(40), dose="2000"),
    ),
    yes("ordered until 30 days ago, nothing after it", ordered(ago(200), ago(200), ago(30))),
    no(
        "ordered until 30 days ago, again since 15",
        ordered(ago(200), ago(200), ago(30)),
        ordered(ago(15), ago(15)),
    ),
    yes(
        "ordered until 30 days ago, again since 14",
        ordered(ago(200), ago(200), ago(30)),
        ordered(ago(14), ago(14)),
    ),
    unknown("no-data", "ordered for 200 days without a dose", request(MMF, ago(200))),
    *[
        no(
            f"a second order of 2000 mg with status {status} does not count",
            taken(ago(200)),
            ordered(ago(40), ago(40), None, "2000", status=status),
        )
        for status in ("draft", "cancelled", "entered-in-error")
    ],
    *[
        no(
            f"a second order of 2000 mg that is a {intent} does not count",
            taken(ago(200)),
            ordered(ago(40), ago(40), None, "2000", intent=intent),
        )
        for intent in ("proposal", "plan")
    ],
    no(
        "a second order of 2000 mg that says not to give it",
        taken(ago(200)),
        ordered(ago(40), ago(40), None, "2000", not_to_do=True),
    ),
]

PULSES = [
    judged(
        "cyclophosphamide infused 70, 40 and 10 days ago",
        infused(ago(70)),
        infused(ago(40)),
        infused(ago(10)),
    ),
    judged(
        "1 g of cyclophosphamide into the vein every 4 weeks, stated since 200 days ago",
        taken(ago(200), None, dosage(1, "g", period=4, per="wk", route=route("IV")), CYCLOPHOSPHAMIDE),
    ),
    no("the last infusion of cyclophosphamide 85 days before screening", infused(ago(115)), infused(ago(85))),
    no("cyclophosphamide 50 mg a day by mouth, constant", taken(ago(200), None, "50", CYCLOPHOSPHAMIDE)),
    yes(
        "cyclophosphamide 50 mg a day, then 100 mg a day",
        taken(ago(200), ago(41), "50", CYCLOPHOSPHAMIDE),
        taken(ago(40), None, "100", CYCLOPHOSPHAMIDE),
    ),
    yes("pulses of cyclophosphamide, and tacrolimus doubled", infused(ago(40)), *doubled(TACROLIMUS)),
]

READINGS = [
    no(
        "start and stop ignored: begun 60 days ago",
        taken(ago(60)),
        readings={"unstable-dose": "ignore-start-stop"},
    ),
    no(
        "start and stop ignored: ended 30 days ago",
        taken(ago(200), ago(30)),
        readings={"unstable-dose": "ignore-start-stop"},
    ),
    yes(
        "start and stop ignored: another dose is a change all the same",
        *doubled(MMF),
        readings={"unstable-dose": "ignore-start-stop"},
    ),
    yes(
        "start and stop ignored: begun 60 days ago, changed 40 days ago",
        taken(ago(60), ago(41)),
        taken(ago(40), None, "2000"),
        readings={"unstable-dose": "ignore-start-stop"},
    ),
    yes("any change: 1000 mg, then 1100 mg", taken(ago(200), ago(41)), taken(ago(40), None, "1100")),
    no(
        "20 per cent tolerated: 1000 mg, then 1100 mg",
        taken(ago(200), ago(41)),
        taken(ago(40), None, "1100"),
        readings={"unstable-dose": 20},
    ),
    yes("20 per cent tolerated: begun 60 days ago", taken(ago(60)), readings={"unstable-dose": 20}),
    yes(
        "20 per cent tolerated: 1000 mg, then 1500 mg",
        taken(ago(200), ago(41)),
        taken(ago(40), None, "1500"),
        readings={"unstable-dose": 20},
    ),
]

AGENTS = [
    *[
        yes(f"{name}: doubled 40 days ago", *doubled(drug))
        for name, drug in (
            ("mycophenolate (ATC L04AA06)", MMF),
            ("mycophenolate mofetil (RxNorm 68149)", code("rxnorm", "68149")),
            ("mycophenolic acid (RxNorm 7145)", code("rxnorm", "7145")),
            ("mycophenolate (RxNorm 265323)", code("rxnorm", "265323")),
            ("吗替麦考酚酯", words("吗替麦考酚酯")),
            ("骁悉", words("骁悉")),
            ("cyclophosphamide (RxNorm 3002)", code("rxnorm", "3002")),
            ("ciclosporin (ATC L04AD01)", code("atc", "L04AD01")),
            ("ciclosporin (RxNorm 3008)", code("rxnorm", "3008")),
            ("tacrolimus (ATC L04AD02)", TACROLIMUS),
            ("tacrolimus (RxNorm 42316)", code("rxnorm", "42316")),
            ("他克莫司", words("他克莫司")),
            ("普乐可复", words("普乐可复")),
            ("voclosporin (ATC L04AD03)", code("atc", "L04AD03")),
            ("Tripterygium wilfordii (雷公藤)", words("雷公藤")),
            ("Tripterygium wilfordii (雷公藤多苷)", words("雷公藤多苷")),
            ("Tripterygium wilfordii (雷公藤多苷片)", words("雷公藤多苷片")),
            ("iguratimod (艾拉莫德)", words("艾拉莫德")),
            ("iguratimod (艾得辛)", words("艾得辛")),
            ("leflunomide (ATC L04AK01)", code("atc", "L04AK01")),
            ("leflunomide (old ATC L04AA13)", code("atc", "L04AA13")),
            ("leflunomide (RxNorm 27169)", code("rxnorm", "27169")),
            ("来氟米特", words("来氟米特")),
            ("爱若华", words("爱若华")),
            ("teriflunomide (ATC L04AK02)", code("atc", "L04AK02")),
            ("teriflunomide (old ATC L04AA31)", code("atc", "L04AA31")),
            ("azathioprine (ATC L04AX01)", code("atc", "L04AX01")),
            ("硫唑嘌呤", words("硫唑嘌呤")),
            ("依木兰", words("依木兰")),
            ("methotrexate (ATC L04AX03)", METHOTREXATE),
            ("methotrexate (ATC L01BA01)", code("atc", "L01BA01")),
            ("methotrexate (RxNorm 6851)", code("rxnorm", "6851")),
            ("sirolimus (ATC L04AH01)", code("atc", "L04AH01")),
            ("sirolimus (old ATC L04AA10)", code("atc", "L04AA10")),
            ("everolimus (ATC L04AH02)", code("atc", "L04AH02")),
            ("everolimus (old ATC L04AA18)", code("atc", "L04AA18")),
            ("mercaptopurine (ATC L01BB02)", code("atc", "L01BB02")),
            ("thalidomide (ATC L04AX02)", code("atc", "L04AX02")),
            ("chlorambucil (ATC L01AA02)", code("atc", "L01AA02")),
        )
    ],
    *[
        no(f"{name}: doubled 40 days ago, never counts", *doubled(drug))
        for name, drug in (
            ("tacrolimus ointment (ATC D11AH01)", code("atc", "D11AH01")),
            ("pimecrolimus cream (ATC D11AH02)", code("atc", "D11AH02")),
            ("ciclosporin eye drops (ATC S01XA18)", code("atc", "S01XA18")),
            ("prednisone (ATC H02AB07)", PREDNISONE),
            ("methylprednisolone (RxNorm 6902)", code("rxnorm", "6902")),
            ("hydroxychloroquine (ATC P01BA02)", code("atc", "P01BA02")),
            ("hydroxychloroquine (RxNorm 5521)", code("rxnorm", "5521")),
            ("belimumab (ATC L04AG04), which has its own criterion", code("atc", "L04AG04")),
        )
    ],
    no(
        "tacrolimus by RxNorm, put on the skin, begun 40 days ago",
        taken(ago(40), None, dosage(1, "g", route=TOPICAL), code("rxnorm", "42316")),
    ),
    *[
        judged(f"{name} begun 40 days ago is for a person to judge", taken(ago(40), None, "10", code("atc", atc)))
        for name, atc in (
            ("lenalidomide (L04AX04)", "L04AX04"),
            ("dimethyl fumarate (L04AX07)", "L04AX07"),
            ("ifosfamide (L01AA06)", "L01AA06"),
            ("cladribine (L04AA40)", "L04AA40"),
        )
    ],
    no(
        "lenalidomide until the 85th day before screening",
        taken(ago(200), ago(85), "10", code("atc", "L04AX04")),
    ),
]

STATUSES = [
    *[
        judged(f"a statement of mycophenolate that is {status}", taken(ago(60), None, status=status))
        for status in ("on-hold", "unknown")
    ],
    *[
        no(f"a statement of mycophenolate that is {status}", taken(ago(60), None, status=status))
        for status in ("not-taken", "intended", "entered-in-error")
    ],
    no(
        "1000 mg constant; a second statement of 2000 mg was entered in error",
        taken(ago(200)),
        taken(ago(40), None, "2000", status="entered-in-error"),
    ),
]

NAMES = [
    unknown(
        "unmapped-code",
        "免疫抑制剂 (an immunosuppressant), begun 40 days ago",
        taken(ago(40), None, "1", words("免疫抑制剂")),
    ),
    unknown(
        "unmapped-code",
        "a text that only contains 他克莫司",
        taken(ago(40), None, "1", words("某院自制他克莫司口服液")),
    ),
    unknown(
        "unmapped-code",
        "a drug with a local code and no name, begun 40 days ago",
        taken(ago(40), None, "1", NAMELESS),
    ),
    no(
        "a drug with a local code and no name, until the 85th day before",
        taken(ago(200), ago(85), "1", NAMELESS),
    ),
    no(
        "a local code named vitamin C, begun 40 days ago",
        taken(ago(40), None, "1", code("local", "D-12", "vitamin C")),
    ),
    yes("a nameless drug, and tacrolimus doubled", taken(ago(40), None, "1", NAMELESS), *doubled(TACROLIMUS)),
]

ATTESTED = [
    *attested(ID, *doubled(MMF)),
    no(
        "the dose is not said; the doctor says that it was stable",
        taken(ago(200), None, None),
        attestation(ID, False, ago(3)),
        reason="attested",
    ),
    yes(
        "the dose is not said; the doctor says that it was not stable",
        taken(ago(200), None, None),
        attestation(ID, True, ago(3)),
        reason="attested",
    ),
    no(
        "pulses of cyclophosphamide; the doctor says no",
        infused(ago(40)),
        infused(ago(10)),
        attestation(ID, False, ago(3)),
        reason="attested",
    ),
]

ROWS = table(
    ID,
    "Unstable immunosuppressant doses in the 12 weeks before screening",
    [
        *CONSTANT,
        *START_AND_STOP,
        *DOSE,
        *LINES,
        *MISSING,
        *SAME_DAY,
        *GAPS,
        *SUPPLIES,
        *ORDERS,
        *PULSES,
        *READINGS,
        *AGENTS,
        *STATUSES,
        *NAMES,
        *ATTESTED,
    ],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_unstable_immunosuppressant(row: Row) -> None:
    check(row)
