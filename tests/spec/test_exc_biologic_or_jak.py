"""Biologics and targeted small molecules for immune diseases within 4 weeks before screening."""

from __future__ import annotations

import pytest

from tests.builders import Json, administration, code, dispense, dosage, request, route, statement, words
from tests.spec.exclusion_builders import (
    MEDICATIONS,
    NAMELESS,
    NOTHING,
    ago,
    ahead,
    attested,
    each,
    judged,
    no,
    unknown,
    yes,
)
from tests.spec.table import Row, check, label, table

ID = "exc-biologic-or-jak"
BELIMUMAB = code("atc", "L04AG04")
TOFACITINIB = code("atc", "L04AF01")


def given(drug: Json, on: str | None = None) -> Json:
    return administration(drug, on or ago(10))


WINDOW = [
    yes("belimumab 28 days before screening", given(BELIMUMAB, ago(28))),
    no(
        "belimumab 29 days before screening, all types covered",
        given(BELIMUMAB, ago(29)),
        reason="outside-window",
    ),
    yes("belimumab on the day of screening", given(BELIMUMAB, ago(0))),
    no("belimumab dated tomorrow", given(BELIMUMAB, ahead(1))),
    yes(
        "screening 2026-10-01, belimumab 28 days before it",
        given(BELIMUMAB, "2026-09-03"),
        screening_date="2026-10-01",
    ),
    no(
        "screening 2026-10-01, belimumab 29 days before it",
        given(BELIMUMAB, "2026-09-02"),
        screening_date="2026-10-01",
    ),
    yes(
        "screening 2026-10-01, belimumab 2026-11-01",
        given(BELIMUMAB, "2026-11-01"),
        screening_date="2026-10-01",
    ),
    no(
        "the same, and what comes after screening is ignored",
        given(BELIMUMAB, "2026-11-01"),
        screening_date="2026-10-01",
        readings={"after-anchor": "ignored"},
    ),
    no(
        "screening 2026-10-01, randomised 2026-10-20, belimumab the day after",
        given(BELIMUMAB, "2026-10-21"),
        screening_date="2026-10-01",
        randomisation_date="2026-10-20",
    ),
    yes("belimumab in 2026-11", given(BELIMUMAB, "2026-11")),
    unknown("partial-date", "belimumab in 2026-10, which the window's first day cuts", given(BELIMUMAB, "2026-10")),
    no("belimumab in 2026-09", given(BELIMUMAB, "2026-09")),
    unknown("undated", "belimumab without a date", administration(BELIMUMAB, None)),
    yes("tofacitinib stated until 28 days ago", statement(TOFACITINIB, (ago(400), ago(28)), status="stopped")),
    no("tofacitinib stated until 29 days ago", statement(TOFACITINIB, (ago(400), ago(29)), status="stopped")),
    yes("tofacitinib stated since last year, going on", statement(TOFACITINIB, (ago(400), None))),
    yes(
        "30 days of tofacitinib handed over 57 days ago, the last is the 28th",
        dispense(TOFACITINIB, ago(57), 30),
    ),
    no(
        "30 days of tofacitinib handed over 58 days ago, the last is the 29th",
        dispense(TOFACITINIB, ago(58), 30),
    ),
    unknown("ordered-only", "tofacitinib ordered 10 days ago", request(TOFACITINIB, ago(10))),
    no("tofacitinib ordered 29 days ago", request(TOFACITINIB, ago(29))),
    no("tofacitinib proposed 10 days ago", request(TOFACITINIB, ago(10), intent="proposal")),
    judged("belimumab on hold 10 days ago", administration(BELIMUMAB, ago(10), status="on-hold")),
    judged("belimumab with an unknown status", administration(BELIMUMAB, ago(10), status="unknown")),
    no("belimumab not given", administration(BELIMUMAB, ago(10), status="not-done")),
    no("belimumab entered in error", administration(BELIMUMAB, ago(10), status="entered-in-error")),
    no("tofacitinib not taken", statement(TOFACITINIB, (ago(20), ago(10)), status="not-taken")),
]

SILENCE = [
    no("no record, all types covered", reason="no-record"),
    no("no record, the four medication types covered", complete=MEDICATIONS),
    unknown("not-covered", "no record, nothing covered", complete=NOTHING),
    unknown("not-covered", "no record, statements not covered", complete=[*MEDICATIONS[:1], *MEDICATIONS[2:]]),
    no(
        "administrations, statements and orders covered, the site keeps no dispenses",
        complete=[MEDICATIONS[0], MEDICATIONS[1], MEDICATIONS[3]],
        not_kept=["MedicationDispense"],
    ),
    unknown(
        "not-covered",
        "belimumab 29 days before, nothing covered",
        given(BELIMUMAB, ago(29)),
        complete=NOTHING,
    ),
    yes("belimumab 10 days ago, nothing covered", given(BELIMUMAB), complete=NOTHING),
]

COUNTED = [
    ("belimumab (RxNorm 1092437)", code("rxnorm", "1092437")),
    ("贝利尤单抗", words("贝利尤单抗")),
    ("倍力腾", words("倍力腾")),
    ("telitacicept (泰它西普)", words("泰它西普")),
    ("telitacicept (brand 泰爱)", words("泰爱")),
    ("etanercept (RxNorm 214555)", code("rxnorm", "214555")),
    ("etanercept type (益赛普)", words("益赛普")),
    ("infliximab (RxNorm 191831)", code("rxnorm", "191831")),
    ("adalimumab (RxNorm 327361)", code("rxnorm", "327361")),
    ("golimumab (RxNorm 819300)", code("rxnorm", "819300")),
    ("certolizumab pegol (RxNorm 709271)", code("rxnorm", "709271")),
    ("tocilizumab (RxNorm 612865)", code("rxnorm", "612865")),
    ("tofacitinib (RxNorm 1357536)", code("rxnorm", "1357536")),
    ("baricitinib (RxNorm 2047232)", code("rxnorm", "2047232")),
    ("upadacitinib (RxNorm 2196092)", code("rxnorm", "2196092")),
    ("ruxolitinib (RxNorm 1193326)", code("rxnorm", "1193326")),
    ("apremilast (RxNorm 1492727)", code("rxnorm", "1492727")),
    ("abatacept (RxNorm 614391)", code("rxnorm", "614391")),
    ("secukinumab (RxNorm 1599788)", code("rxnorm", "1599788")),
    ("ustekinumab (RxNorm 847083)", code("rxnorm", "847083")),
    ("anifrolumab product (RxNorm 2565286)", code("rxnorm", "2565286")),
    ("deucravacitinib product (RxNorm 2612098)", code("rxnorm", "2612098")),
    ("abrocitinib product (RxNorm 2591487)", code("rxnorm", "2591487")),
    ("ritlecitinib product (RxNorm 2641607)", code("rxnorm", "2641607")),
    *[
        (f"{name} ({atc})", code("atc", atc))
        for name, atc in (
            ("etanercept", "L04AB01"),
            ("infliximab", "L04AB02"),
            ("adalimumab", "L04AB04"),
            ("certolizumab pegol", "L04AB05"),
            ("golimumab", "L04AB06"),
            ("belimumab, old code", "L04AA26"),
            ("tocilizumab", "L04AC07"),
            ("sarilumab", "L04AC14"),
            ("secukinumab", "L04AC10"),
            ("ixekizumab", "L04AC13"),
            ("ustekinumab", "L04AC05"),
            ("canakinumab", "L04AC08"),
            ("anakinra", "L04AC03"),
            ("cendakimab, the newest interleukin inhibitor", "L04AC27"),
            ("abatacept", "L04AA24"),
            ("belatacept", "L04AA28"),
            ("apremilast", "L04AA32"),
            ("alefacept", "L04AA15"),
            ("tofacitinib, old code", "L04AA29"),
            ("baricitinib", "L04AF02"),
            ("baricitinib, old code", "L04AA37"),
            ("upadacitinib", "L04AF03"),
            ("upadacitinib, old code", "L04AA44"),
            ("filgotinib", "L04AF04"),
            ("filgotinib, old code", "L04AA45"),
            ("peficitinib", "L04AF06"),
            ("deucravacitinib", "L04AF07"),
            ("ritlecitinib", "L04AF08"),
            ("deuruxolitinib", "L04AF09"),
            ("ruxolitinib, a JAK inhibitor among the cytostatics", "L01EJ01"),
            ("abrocitinib, a JAK inhibitor among the dermatologicals", "D11AH08"),
            ("dupilumab", "D11AH05"),
            ("tralokinumab", "D11AH07"),
            ("lebrikizumab", "D11AH10"),
            ("nemolizumab", "D11AH12"),
            ("eculizumab", "L04AJ01"),
            ("eculizumab, old code", "L04AA25"),
            ("ravulizumab, old code", "L04AA43"),
            ("avacopan", "L04AJ05"),
            ("natalizumab", "L04AG03"),
            ("natalizumab, old code", "L04AA23"),
            ("vedolizumab", "L04AG05"),
            ("vedolizumab, old code", "L04AA33"),
            ("anifrolumab", "L04AG11"),
            ("teprotumumab", "L04AG13"),
            ("fingolimod", "L04AE01"),
            ("fingolimod, old code", "L04AA27"),
            ("siponimod", "L04AE03"),
            ("siponimod, old code", "L04AA42"),
            ("efgartigimod alfa", "L04AL01"),
            ("efgartigimod alfa, code of before 2026", "L04AA58"),
            ("alemtuzumab, which is also for review as B cell depletion", "L04AG06"),
            ("alemtuzumab, old code", "L04AA34"),
        )
    ],
]

JUDGED = [
    ("intravenous immunoglobulin", "J06BA02"),
    ("subcutaneous immunoglobulin", "J06BA01"),
    ("omalizumab", "R03DX05"),
    ("reslizumab", "R03DX08"),
    ("mepolizumab", "R03DX09"),
    ("benralizumab", "R03DX10"),
    ("tezepelumab", "R03DX11"),
    ("fedratinib", "L01EJ02"),
    ("pacritinib", "L01EJ03"),
    ("momelotinib", "L01EJ04"),
    ("imlifidase", "L04AA41"),
    ("belumosudil", "L04AA48"),
    ("darvadstrocel, a mesenchymal stem cell product", "L04AX08"),
]

B_CELL = [
    ("rituximab", "L01FA01"),
    ("rituximab, old code", "L01XC02"),
    ("ofatumumab", "L04AG12"),
    ("ocrelizumab", "L04AG08"),
    ("ocrelizumab, old code", "L04AA36"),
    ("inebilizumab", "L04AG10"),
    ("ublituximab", "L04AG14"),
    ("divozilimab", "L04AG15"),
]

OTHER = [
    ("topical ruxolitinib", "D11AH09"),
    ("topical delgocitinib", "D11AH11"),
    ("topical tacrolimus", "D11AH01"),
    ("denosumab", "M05BX04"),
    ("bevacizumab", "L01FG01"),
    ("gefitinib, a kinase inhibitor for cancer", "L01EB01"),
    ("hydroxychloroquine", "P01BA02"),
    ("prednisone", "H02AB07"),
    ("mycophenolic acid", "L04AA06"),
]

AGENTS = [
    *each(yes, "{} counts", COUNTED, given),
    *each(judged, "{} is for a person to judge", [(f"{n} ({c})", code("atc", c)) for n, c in JUDGED], given),
    *each(no, "{} counts only as B cell depletion", [(f"{n} ({c})", code("atc", c)) for n, c in B_CELL], given),
    *each(no, "{} does not count", [(f"{n} ({c})", code("atc", c)) for n, c in OTHER], given),
    no("rituximab as text counts only as B cell depletion", given(words("利妥昔单抗"))),
    no("intravenous immunoglobulin 29 days before screening", given(code("atc", "J06BA02"), ago(29))),
    yes("intravenous immunoglobulin and belimumab", given(code("atc", "J06BA02")), given(BELIMUMAB)),
    yes("tofacitinib by mouth", administration(TOFACITINIB, ago(10), route=route("PO"))),
    *[
        no(f"tofacitinib on the skin ({words_})", administration(TOFACITINIB, ago(10), route=way))
        for words_, way in (
            ("SNOMED topical route", code("snomed", "6064005")),
            ("text topical", words("topical")),
        )
    ],
    no(
        "topical ruxolitinib stated with its route",
        statement(code("rxnorm", "1193326"), (ago(20), None), dosage=dosage(1, route=code("snomed", "6064005"))),
    ),
]

NAMES = [
    unknown("unmapped-code", "生物制剂, which one is not said", given(words("生物制剂"))),
    unknown(
        "unmapped-code",
        "a text that only contains the name belimumab",
        given(words("belimumab infusion no. 3")),
    ),
    unknown(
        "unmapped-code",
        "an unknown RxNorm product displayed as belimumab",
        given(code("rxnorm", "99999902", "belimumab 120 MG Injection")),
    ),
    no("生物制剂 29 days before screening", given(words("生物制剂"), ago(29))),
    no("allergy to belimumab, as the name of a drug record", given(words("allergy to belimumab"))),
    unknown("unmapped-code", "a drug with a local code and no name", given(NAMELESS)),
    no("a drug with a local code and no name, 29 days before screening", given(NAMELESS, ago(29))),
    no("a local code named vitamin C", given(code("local", "D-12", "vitamin C"))),
]

ROWS = table(
    ID,
    "Biologics and JAK inhibitors within 4 weeks before screening",
    [*WINDOW, *SILENCE, *AGENTS, *NAMES, *attested(ID, given(BELIMUMAB))],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_biologic_or_jak(row: Row) -> None:
    check(row)
