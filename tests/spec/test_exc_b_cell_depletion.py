"""Rituximab or any other B cell depletion within 24 weeks before screening."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import (
    Json,
    administration,
    also,
    attestation,
    code,
    codes,
    coding,
    dispense,
    dosage,
    medication,
    patient,
    questionnaire_response,
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
    each,
    judged,
    no,
    unknown,
    yes,
)
from tests.spec.table import Row, check, label, table

ID = "exc-b-cell-depletion"
RITUXIMAB = code("atc", "L01FA01")
BELIMUMAB = code("atc", "L04AG04")


def given(drug: Json, on: str | None = None) -> Json:
    return administration(drug, on or ago(30))


def rituximab(on: str | None, **more: Any) -> Json:
    return administration(RITUXIMAB, on, **more)


WINDOW = [
    yes("rituximab 168 days before screening", rituximab(ago(168))),
    no("rituximab 169 days before screening, all types covered", rituximab(ago(169)), reason="outside-window"),
    yes("rituximab on the day of screening", rituximab(ago(0))),
    no("rituximab dated tomorrow is not used", rituximab(ahead(1))),
    yes(
        "screening 2026-10-01, rituximab 168 days before it",
        rituximab("2026-04-16"),
        screening_date="2026-10-01",
    ),
    no(
        "screening 2026-10-01, rituximab 169 days before it",
        rituximab("2026-04-15"),
        screening_date="2026-10-01",
    ),
    yes(
        "screening 2026-10-01, rituximab 2026-10-20: after screening it counts too",
        rituximab("2026-10-20"),
        screening_date="2026-10-01",
    ),
    no(
        "the same, and the reading says that what comes after screening is ignored",
        rituximab("2026-10-20"),
        screening_date="2026-10-01",
        readings={"after-anchor": "ignored"},
    ),
    yes(
        "after-anchor ignored: rituximab on the day of screening still counts",
        rituximab("2026-10-01"),
        screening_date="2026-10-01",
        readings={"after-anchor": "ignored"},
    ),
    yes(
        "screening 2026-10-01, randomised 2026-10-20, rituximab on the day of randomisation",
        rituximab("2026-10-20"),
        screening_date="2026-10-01",
        randomisation_date="2026-10-20",
    ),
    no(
        "screening 2026-10-01, randomised 2026-10-20, rituximab the day after changes nothing",
        rituximab("2026-10-21"),
        screening_date="2026-10-01",
        randomisation_date="2026-10-20",
    ),
    yes("17:00 UTC on the 169th day before is the 168th day in Shanghai", rituximab(f"{ago(169)}T17:00:00Z")),
    no("15:59 UTC on the 169th day before is that day in Shanghai", rituximab(f"{ago(169)}T15:59:59Z")),
    yes(
        "one infusion 169 days before, one 20 days before: one that proves is enough",
        rituximab(ago(169)),
        rituximab(ago(20)),
    ),
]

DATES = [
    yes("rituximab in 2026-07, which lies inside the window", rituximab("2026-07")),
    no("rituximab in 2026-05, which lies outside", rituximab("2026-05")),
    unknown("partial-date", "rituximab in 2026-06, which the window's first day cuts", rituximab("2026-06")),
    unknown("partial-date", "rituximab in 2026", rituximab("2026")),
    no("rituximab in 2025", rituximab("2025")),
    yes("rituximab in 2026-11: cut at the as-of date it lies inside", rituximab("2026-11")),
    no("rituximab in 2026-12, all of it in the future", rituximab("2026-12")),
    unknown("undated", "rituximab without a date", rituximab(None)),
    unknown(
        "undated",
        "a statement without a period, asserted 168 days before screening",
        statement(RITUXIMAB, None, asserted=ago(168)),
    ),
    no(
        "a statement without a period, asserted 169 days before screening: taken before that",
        statement(RITUXIMAB, None, asserted=ago(169)),
    ),
    yes(
        "stated until 168 days before screening",
        statement(RITUXIMAB, ("2026-01-01", ago(168)), status="completed"),
    ),
    no(
        "stated until 169 days before screening",
        statement(RITUXIMAB, ("2026-01-01", ago(169)), status="completed"),
    ),
    yes("stated since 2025 and still going on", statement(RITUXIMAB, ("2025-01-01", None))),
    yes(
        "stated until 100 days ago, start not said",
        statement(RITUXIMAB, (None, ago(100)), status="completed"),
    ),
    unknown(
        "partial-date",
        "stated from 2025 to 2026-06, which the window's first day cuts",
        statement(RITUXIMAB, ("2025", "2026-06"), status="completed"),
    ),
    yes(
        "stated from 2026-06 to 100 days ago: one certain day is inside",
        statement(RITUXIMAB, ("2026-06", ago(100)), status="completed"),
    ),
    no("stated from tomorrow on", statement(RITUXIMAB, (ahead(1), None))),
    yes(
        "an infusion over a period that ends on the 168th day",
        administration(RITUXIMAB, (f"{ago(169)}T22:00:00+08:00", f"{ago(168)}T02:00:00+08:00")),
    ),
    unknown(
        "not-covered",
        "rituximab on 2026-02-30: the record cannot be read, so administrations were not all read",
        rituximab("2026-02-30"),
    ),
    yes(
        "one rituximab on 2026-02-30, another 20 days ago",
        rituximab("2026-02-30"),
        rituximab(ago(20)),
    ),
]

DISPENSES = [
    yes("handed over 168 days before screening", dispense(RITUXIMAB, ago(168))),
    no(
        "handed over 169 days before screening, days of supply not said: that one day",
        dispense(RITUXIMAB, ago(169)),
    ),
    yes("handed over 175 days before for 8 days, the last is the 168th", dispense(RITUXIMAB, ago(175), 8)),
    no("handed over 175 days before for 7 days, the last is the 169th", dispense(RITUXIMAB, ago(175), 7)),
    unknown("undated", "prepared, but no day of handing over", dispense(RITUXIMAB, None, prepared=ago(20))),
]

ORDERS = [
    unknown("ordered-only", "only an order, 168 days before screening", request(RITUXIMAB, ago(168))),
    no("only an order, 169 days before screening", request(RITUXIMAB, ago(169))),
    unknown(
        "ordered-only",
        "an order in the window, nothing covered",
        request(RITUXIMAB, ago(20)),
        complete=NOTHING,
    ),
    yes("an order and the infusion", request(RITUXIMAB, ago(21)), rituximab(ago(20))),
    unknown("undated", "an order without any date", request(RITUXIMAB, None)),
    unknown("partial-date", "an order of 2026-06", request(RITUXIMAB, "2026-06")),
    unknown(
        "ordered-only",
        "ordered 300 days ago for the time until 168 days ago",
        request(RITUXIMAB, ago(300), dosage=dosage(500, start=ago(300), end=ago(168))),
    ),
    no(
        "ordered 300 days ago for the time until 169 days ago",
        request(RITUXIMAB, ago(300), dosage=dosage(500, start=ago(300), end=ago(169))),
    ),
    no(
        "written 10 days ago for a time long before the window: the dosage's period places it",
        request(RITUXIMAB, ago(10), dosage=dosage(500, start=ago(300), end=ago(200))),
    ),
    *[
        unknown("ordered-only", f"intent {intent}", request(RITUXIMAB, ago(20), intent=intent))
        for intent in ("original-order", "reflex-order", "filler-order", "instance-order")
    ],
    *[
        no(f"intent {intent} is no order", request(RITUXIMAB, ago(20), intent=intent))
        for intent in ("proposal", "plan")
    ],
    *[
        unknown("ordered-only", f"order status {status}", request(RITUXIMAB, ago(20), status=status))
        for status in ("completed", "stopped")
    ],
    *[
        no(f"order status {status}", request(RITUXIMAB, ago(20), status=status))
        for status in ("draft", "cancelled", "entered-in-error")
    ],
    no("an order not to give it", request(RITUXIMAB, ago(20), do_not_perform=True)),
]


def version(status: str, **meta: str) -> Json:
    """One version of the same administration of rituximab."""
    return rituximab(ago(20), id="m1", status=status, meta=meta)


VERSIONS = [
    no(
        "completed; not done in the version that was updated a day later",
        version("completed", lastUpdated="2026-11-04T08:00:00+08:00"),
        version("not-done", lastUpdated="2026-11-05T08:00:00+08:00"),
    ),
    yes(
        "not done; completed in the version that was updated a day later",
        version("completed", lastUpdated="2026-11-05T08:00:00+08:00"),
        version("not-done", lastUpdated="2026-11-04T08:00:00+08:00"),
    ),
    no(
        "completed at 00:00 in Shanghai on the 5th; not done at 20:00 UTC on the 4th, four hours later",
        version("completed", lastUpdated="2026-11-05T00:00:00+08:00"),
        version("not-done", lastUpdated="2026-11-04T20:00:00Z"),
    ),
    yes(
        "not done at 00:00 in Shanghai on the 5th; completed at 20:00 UTC on the 4th, four hours later",
        version("not-done", lastUpdated="2026-11-05T00:00:00+08:00"),
        version("completed", lastUpdated="2026-11-04T20:00:00Z"),
    ),
    no(
        "completed at a tenth of a second past; not done 23 milliseconds after it",
        version("completed", lastUpdated="2026-11-04T20:00:00.1Z"),
        version("not-done", lastUpdated="2026-11-04T20:00:00.123Z"),
    ),
    no(
        "completed in version 9, not done in version 10",
        version("completed", versionId="9", lastUpdated="2026-11-05T08:00:00+08:00"),
        version("not-done", versionId="10", lastUpdated="2026-11-05T08:00:00+08:00"),
    ),
]

STATUSES = [
    *[
        yes(f"administration {status}", rituximab(ago(20), status=status))
        for status in ("completed", "in-progress", "stopped")
    ],
    *[no(f"administration {status}", rituximab(ago(20), status=status)) for status in ("not-done", "entered-in-error")],
    *[judged(f"administration {status}", rituximab(ago(20), status=status)) for status in ("on-hold", "unknown")],
    judged("administration without a status", rituximab(ago(20), status=None)),
    no("administration on-hold, 169 days before screening", rituximab(ago(169), status="on-hold")),
    *[
        yes(f"statement {status}", statement(RITUXIMAB, (ago(40), ago(20)), status=status))
        for status in ("active", "completed", "stopped")
    ],
    *[
        no(f"statement {status}", statement(RITUXIMAB, (ago(40), ago(20)), status=status))
        for status in ("intended", "not-taken", "entered-in-error")
    ],
    *[
        judged(f"statement {status}", statement(RITUXIMAB, (ago(40), ago(20)), status=status))
        for status in ("on-hold", "unknown")
    ],
    judged("statement without a status", statement(RITUXIMAB, (ago(40), ago(20)), status=None)),
    yes("dispense completed", dispense(RITUXIMAB, ago(20))),
    *[
        no(f"dispense {status}", dispense(RITUXIMAB, ago(20), status=status))
        for status in ("preparation", "in-progress", "cancelled", "declined", "stopped", "entered-in-error")
    ],
    *[judged(f"dispense {status}", dispense(RITUXIMAB, ago(20), status=status)) for status in ("on-hold", "unknown")],
    judged("dispense without a status", dispense(RITUXIMAB, ago(20), status=None)),
]

SILENCE = [
    no("no record, all types covered", reason="no-record"),
    unknown("not-covered", "no record, nothing covered", complete=NOTHING),
    no("no record, the four medication types covered", complete=MEDICATIONS),
    *[
        unknown(
            "not-covered",
            f"no record, three medication types covered, {left_out} not",
            complete=[name for name in MEDICATIONS if name != left_out],
        )
        for left_out in MEDICATIONS
    ],
    no(
        "three types covered, the site keeps no dispenses",
        complete=["MedicationAdministration", "MedicationStatement", "MedicationRequest"],
        not_kept=["MedicationDispense"],
    ),
    no(
        "only administrations covered, the site keeps none of the other three",
        complete=["MedicationAdministration"],
        not_kept=["MedicationStatement", "MedicationDispense", "MedicationRequest"],
    ),
    unknown(
        "not-covered",
        "only orders covered, the site keeps none of the other three: nothing shows what was taken",
        complete=["MedicationRequest"],
        not_kept=["MedicationAdministration", "MedicationStatement", "MedicationDispense"],
    ),
    unknown("not-covered", "the site keeps none of the four types", complete=NOTHING, not_kept=MEDICATIONS),
    unknown(
        "not-covered",
        "the site keeps no dispenses, statements are not covered",
        complete=["MedicationAdministration", "MedicationRequest"],
        not_kept=["MedicationDispense"],
    ),
    unknown("not-covered", "only Condition and Procedure covered", complete=["Condition", "Procedure"]),
    unknown("not-covered", "rituximab 169 days before, nothing covered", rituximab(ago(169)), complete=NOTHING),
    yes("rituximab 20 days ago, nothing covered", rituximab(ago(20)), complete=NOTHING),
    unknown(
        "undated",
        "rituximab without a date, nothing covered: the better reason is told",
        rituximab(None),
        complete=NOTHING,
    ),
    unknown(
        "needs-judgement",
        "an order and an administration on hold: a person can decide more than an order tells",
        request(RITUXIMAB, ago(20)),
        rituximab(ago(20), status="on-hold"),
    ),
    unknown(
        "partial-date",
        "one record cut by the window, one without a date",
        rituximab("2026-06"),
        rituximab(None),
    ),
]

AGENTS = [
    *each(
        yes,
        "{} counts",
        [
            ("rituximab (ATC L01FA01)", code("atc", "L01FA01")),
            ("rituximab (ATC of before 2022, L01XC02)", code("atc", "L01XC02")),
            ("rituximab (RxNorm 121191)", code("rxnorm", "121191")),
            ("rituximab (English text)", words("rituximab")),
            ("Rituximab with capitals and blanks", words("  RITUXIMAB ")),
            ("rituximab in full-width letters", words("ｒｉｔｕｘｉｍａｂ")),
            ("利妥昔单抗", words("利妥昔单抗")),
            ("a local code with the text 利妥昔单抗", code("local", "D-12", text="利妥昔单抗")),
            ("obinutuzumab (L01FA03)", code("atc", "L01FA03")),
            ("obinutuzumab (old L01XC15)", code("atc", "L01XC15")),
            ("obinutuzumab (RxNorm 974779)", code("rxnorm", "974779")),
            ("ofatumumab (oncology, L01FA02)", code("atc", "L01FA02")),
            ("ofatumumab (immunology, L04AG12)", code("atc", "L04AG12")),
            ("ofatumumab (old L01XC10)", code("atc", "L01XC10")),
            ("ofatumumab (RxNorm 712566)", code("rxnorm", "712566")),
            ("ocrelizumab (L04AG08)", code("atc", "L04AG08")),
            ("ocrelizumab (old L04AA36)", code("atc", "L04AA36")),
            ("ocrelizumab (RxNorm 1876366)", code("rxnorm", "1876366")),
            ("inebilizumab (L04AG10)", code("atc", "L04AG10")),
            ("inebilizumab (old L04AA47)", code("atc", "L04AA47")),
            ("inebilizumab (RxNorm 2373951)", code("rxnorm", "2373951")),
            ("ublituximab (L04AG14)", code("atc", "L04AG14")),
            ("ublituximab product (RxNorm 2626359)", code("rxnorm", "2626359")),
            ("divozilimab (L04AG15)", code("atc", "L04AG15")),
            ("inotuzumab ozogamicin, a CD22 antibody (L01FB01)", code("atc", "L01FB01")),
            ("moxetumomab pasudotox (L01FB02)", code("atc", "L01FB02")),
            ("inotuzumab (old L01XC26)", code("atc", "L01XC26")),
            ("moxetumomab (old L01XC34)", code("atc", "L01XC34")),
            ("blinatumomab (L01FX07)", code("atc", "L01FX07")),
            ("blinatumomab (old L01XC19)", code("atc", "L01XC19")),
            ("blinatumomab (RxNorm 1597258)", code("rxnorm", "1597258")),
            ("tafasitamab (L01FX12)", code("atc", "L01FX12")),
            ("tafasitamab (old L01XC35)", code("atc", "L01XC35")),
            ("loncastuximab tesirine (L01FX22)", code("atc", "L01FX22")),
            ("mosunetuzumab (L01FX25)", code("atc", "L01FX25")),
            ("epcoritamab (L01FX27)", code("atc", "L01FX27")),
            ("glofitamab (L01FX28)", code("atc", "L01FX28")),
            ("odronextamab (L01FX34)", code("atc", "L01FX34")),
            ("CAR-T axicabtagene (L01XL03)", code("atc", "L01XL03")),
            ("CAR-T axicabtagene (old L01XX70)", code("atc", "L01XX70")),
            ("CAR-T tisagenlecleucel (L01XL04)", code("atc", "L01XL04")),
            ("CAR-T tisagenlecleucel (old L01XX71)", code("atc", "L01XX71")),
            ("CAR-T brexucabtagene (L01XL06)", code("atc", "L01XL06")),
            ("CAR-T lisocabtagene (L01XL08)", code("atc", "L01XL08")),
            ("CAR-T obecabtagene (L01XL12)", code("atc", "L01XL12")),
        ],
        given,
    ),
    *each(
        judged,
        "{} is for a person to judge",
        [
            ("alemtuzumab (L04AG06)", code("atc", "L04AG06")),
            ("alemtuzumab (old L04AA34)", code("atc", "L04AA34")),
            ("alemtuzumab (RxNorm 117055)", code("rxnorm", "117055")),
            ("daratumumab, a CD38 antibody (L01FC01)", code("atc", "L01FC01")),
            ("isatuximab (L01FC02)", code("atc", "L01FC02")),
            ("daratumumab (old L01XC24)", code("atc", "L01XC24")),
            ("isatuximab (old L01XC38)", code("atc", "L01XC38")),
            ("CAR-T ciltacabtagene (L01XL05)", code("atc", "L01XL05")),
            ("CAR-T idecabtagene (L01XL07)", code("atc", "L01XL07")),
        ],
        given,
    ),
    no("daratumumab 169 days before screening", given(code("atc", "L01FC01"), ago(169))),
    yes("daratumumab and rituximab", given(code("atc", "L01FC01")), given(RITUXIMAB)),
    *each(
        no,
        "{} is no B cell depletion here",
        [
            ("belimumab (L04AG04)", BELIMUMAB),
            ("belimumab (old L04AA26)", code("atc", "L04AA26")),
            ("belimumab (RxNorm 1092437)", code("rxnorm", "1092437")),
            ("belimumab (贝利尤单抗)", words("贝利尤单抗")),
            ("telitacicept (泰它西普)", words("泰它西普")),
            ("bevacizumab (L01FG01)", code("atc", "L01FG01")),
            ("tocilizumab (L04AC07)", code("atc", "L04AC07")),
            ("omeprazole (A02BC01)", code("atc", "A02BC01")),
            ("hydroxychloroquine (P01BA02)", code("atc", "P01BA02")),
        ],
        given,
    ),
]

NAMES = [
    yes(
        "the drug as a reference to a Medication",
        medication(RITUXIMAB, id="m1"),
        administration("Medication/m1", ago(20)),
    ),
    yes(
        "the drug as a contained Medication",
        also(
            administration("#m1", ago(20)),
            contained=[{"resourceType": "Medication", "id": "m1", "code": RITUXIMAB}],
        ),
    ),
    yes(
        "a local code first, the ATC code second: one known coding decides",
        given(codes(("local", "D-12"), ("atc", "L01FA01"))),
    ),
    yes("the ATC code with the wrong text: the code decides", given(code("atc", "L01FA01", text="vitamin C"))),
    no(
        "the ATC code of hydroxychloroquine with the text rituximab: the code decides",
        given(code("atc", "P01BA02", text="rituximab")),
    ),
    no("code L01FA01 of another system, named vitamin C", given(code("local", "L01FA01", "vitamin C"))),
    unknown(
        "unmapped-code",
        "an unknown RxNorm product displayed as rituximab 10 MG/ML: a display never proves",
        given(code("rxnorm", "99999901", "rituximab 10 MG/ML Injection")),
    ),
    unknown(
        "unmapped-code",
        "a text that only contains the name",
        given(words("rituximab biosimilar, home infusion")),
    ),
    unknown("unmapped-code", "生物制剂 (a biologic, which one is not said)", given(words("生物制剂"))),
    unknown(
        "unmapped-code",
        "a local code displayed as 某生物制剂",
        given({"coding": [coding("local", "D-12", "某生物制剂")]}),
    ),
    no("生物制剂 169 days before screening", given(words("生物制剂"), ago(169))),
    no("生物制剂 not given", administration(words("生物制剂"), ago(20), status="not-done")),
    unknown("unmapped-code", "生物制剂, nothing covered", given(words("生物制剂")), complete=NOTHING),
    yes("生物制剂 and rituximab", given(words("生物制剂")), given(RITUXIMAB)),
    no("allergy to rituximab, as the name of a drug record: a denial", given(words("allergy to rituximab"))),
    unknown("unmapped-code", "a drug with a local code and no name at all", given(NAMELESS)),
    *[
        unknown("unmapped-code", f"a nameless drug in a {record['resourceType']}", record)
        for record in (statement(NAMELESS, (ago(40), ago(20))), dispense(NAMELESS, ago(20)))
    ],
    no("a nameless drug 169 days before screening", given(NAMELESS, ago(169))),
    no("a nameless drug that was not given", administration(NAMELESS, ago(20), status="not-done")),
    no("a local code named vitamin C", given(code("local", "D-12", "vitamin C"))),
    no("a text without such a word: 维生素C", given(words("维生素C"))),
    yes("rituximab by an unusual route counts all the same", rituximab(ago(20), route=route("IV"))),
    yes("a man", patient("male"), rituximab(ago(20))),
]

ATTESTED = [
    *attested(ID, rituximab(ago(20))),
    no(
        "an order only; the doctor says no",
        request(RITUXIMAB, ago(20)),
        attestation(ID, False, ago(3)),
        reason="attested",
    ),
    yes(
        "rituximab without a date; the doctor says yes",
        rituximab(None),
        attestation(ID, True, ago(3)),
        reason="attested",
    ),
    yes(
        "rituximab 169 days before is silence; the doctor says yes",
        rituximab(ago(169)),
        attestation(ID, True, ago(3)),
        reason="attested",
    ),
    yes(
        "rituximab not given is silence; the doctor says yes",
        rituximab(ago(20), status="not-done"),
        attestation(ID, True, ago(3)),
        reason="attested",
    ),
    no("the doctor's no is 30 days old", attestation(ID, False, ago(30)), reason="attested", complete=NOTHING),
    no(
        "the doctor's no is 31 days old, and the reading allows 60",
        attestation(ID, False, ago(31)),
        reason="attested",
        complete=NOTHING,
        readings={"attestation-days": 60},
    ),
    unknown(
        "stale",
        "the doctor's no is 15 days old, and the reading allows 14",
        attestation(ID, False, ago(15)),
        complete=NOTHING,
        readings={"attestation-days": 14},
    ),
    *[
        unknown(
            "not-covered",
            f"the attestation is {status}: as if absent",
            attestation(ID, False, ago(3), status=status),
            complete=NOTHING,
        )
        for status in ("preliminary", "registered", "cancelled", "entered-in-error")
    ],
    *[
        unknown(
            "not-covered",
            f"the word of a {who.split('/')[0]} does not attest",
            attestation(ID, False, ago(3), by=who),
            complete=NOTHING,
        )
        for who in ("Patient/p1", "RelatedPerson/r1")
    ],
    unknown(
        "not-covered",
        "an attestation about another criterion",
        attestation("exc-apheresis", False, ago(3)),
        complete=NOTHING,
    ),
    unknown(
        "not-covered",
        "an attestation dated tomorrow is not used",
        attestation(ID, False, ahead(1)),
        complete=NOTHING,
    ),
    no(
        "yes 10 days ago, no 3 days ago: the latest day decides",
        attestation(ID, True, ago(10)),
        attestation(ID, False, ago(3)),
        reason="attested",
        complete=NOTHING,
    ),
    yes(
        "no 10 days ago, yes 3 days ago",
        attestation(ID, False, ago(10)),
        attestation(ID, True, ago(3)),
        reason="attested",
        complete=NOTHING,
    ),
    unknown(
        "conflict",
        "yes and no on one day",
        attestation(ID, True, ago(3)),
        attestation(ID, False, ago(3)),
        complete=NOTHING,
    ),
    yes(
        "the questionnaire's item lies in a group, its answer is yes",
        questionnaire_response({ID: True}, ago(3), nested=True),
        reason="attested",
    ),
    no(
        "an amended questionnaire",
        questionnaire_response({ID: False}, ago(3), status="amended"),
        reason="attested",
        complete=NOTHING,
    ),
    no(
        "a questionnaire that names no form",
        questionnaire_response({ID: False}, ago(3), questionnaire=None),
        reason="attested",
        complete=NOTHING,
    ),
    *[
        unknown("not-covered", says, record, complete=NOTHING)
        for says, record in (
            (
                "a questionnaire in progress",
                questionnaire_response({ID: False}, ago(3), status="in-progress"),
            ),
            (
                "a questionnaire of another trial",
                questionnaire_response(
                    {ID: False},
                    ago(3),
                    questionnaire="https://trial-adapter.example/fhir/Questionnaire/other",
                ),
            ),
            (
                "a questionnaire filled in by the patient",
                questionnaire_response({ID: False}, ago(3), by="Patient/p1"),
            ),
        )
    ],
    unknown(
        "stale",
        "a questionnaire 31 days old",
        questionnaire_response({ID: False}, ago(31)),
        complete=NOTHING,
    ),
]

ROWS = table(
    ID,
    "B cell depletion within 24 weeks before screening",
    [*WINDOW, *DATES, *DISPENSES, *ORDERS, *VERSIONS, *STATUSES, *SILENCE, *AGENTS, *NAMES, *ATTESTED],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_b_cell_depletion(row: Row) -> None:
    check(row)
