"""Severe, active or recurrent infection, current or within 4 weeks before random allocation.

Named infections (tuberculosis, atypical mycobacteria, hepatitis B and C, HIV, zoster) and sepsis count by
themselves; any other is for a person to judge; onychomycosis never counts.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import (
    Json,
    Moment,
    administration,
    attestation,
    code,
    codes,
    component,
    condition,
    immunization,
    loinc,
    observation,
    quantity,
    words,
)
from tests.spec.exclusion_builders import (
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

ID = "exc-severe-infection"
ZOSTER = code("icd10", "B02.9")
PNEUMONIA = code("icd10", "J18.9")
HBSAG = loinc("5195-3")
HBV_DNA = loinc("42595-9")
HCV_RNA = loinc("11011-4")
HIV_RNA = loinc("20447-9")
ANTI_HCV = loinc("16128-1")
HIV_SCREEN = loinc("56888-1")
ANTI_HBC = loinc("16933-4")
ANTI_HBS = loinc("22322-2")
IGRA = loinc("71773-6")
POSITIVE = code("snomed", "10828004")
NEGATIVE = code("snomed", "260385009")


def over(concept: Json, onset: Moment = None, abated: Moment = None, **more: Any) -> Json:
    """An infection that is called resolved."""
    return condition(concept, onset, clinical="resolved", abatement=abated, **more)


def active(concept: Json, onset: Moment = None) -> Json:
    return condition(concept, onset or ago(40))


def examined(test: Json, result: object, on: str | None = "2015-03-02", **more: Any) -> Json:
    return observation(test, result, on=on, **more)


def load(
    test: Json, value: str, on: str = "2015-03-02", *, unit: str = "[IU]/mL", comparator: str | None = None
) -> Json:
    return observation(test, value, unit, on, comparator=comparator)


WINDOW = [
    yes("zoster, active since 40 days ago", active(ZOSTER)),
    yes("zoster over, abated 28 days before", over(ZOSTER, ago(60), ago(28))),
    no("zoster over, abated 29 days before, covered", over(ZOSTER, ago(60), ago(29)), reason="outside-window"),
    yes("zoster over, began 28 days before and abated 20 days before", over(ZOSTER, ago(28), ago(20))),
    yes("zoster over, began 10 days before, abated when is not said", over(ZOSTER, ago(10))),
    no("zoster over, began 29 days before, abated when is not said", over(ZOSTER, ago(29))),
    no("zoster over, without any date", over(ZOSTER)),
    yes("zoster over, no onset and no abatement, recorded 28 days before", over(ZOSTER, recorded=ago(28))),
    no("zoster over, no onset and no abatement, recorded 29 days before", over(ZOSTER, recorded=ago(29))),
    no("zoster over, began 60 days ago, recorded yesterday", over(ZOSTER, ago(60), recorded=ago(1))),
    yes("zoster over, went on from 60 to 5 days ago", over(ZOSTER, (ago(60), ago(5)))),
    no("zoster over, went on from 60 to 29 days ago", over(ZOSTER, (ago(60), ago(29)))),
    no("zoster with the onset tomorrow is not used", over(ZOSTER, ahead(1))),
    yes("zoster over, began in 2026-11", over(ZOSTER, "2026-11", ago(1))),
    unknown(
        "partial-date",
        "zoster over, abated in 2026-10, which the window's first day cuts",
        over(ZOSTER, ago(90), "2026-10"),
    ),
    no("zoster over, abated in 2026-09", over(ZOSTER, ago(100), "2026-09")),
    yes(
        "randomised 2026-11-10, zoster abated 28 days before it",
        over(ZOSTER, "2026-09-01", "2026-10-13"),
        randomisation_date="2026-11-10",
    ),
    no(
        "randomised 2026-11-10, zoster abated 29 days before it",
        over(ZOSTER, "2026-09-01", "2026-10-12"),
        randomisation_date="2026-11-10",
    ),
    no(
        "randomised 2026-10-01, zoster began two weeks later",
        active(ZOSTER, "2026-10-15"),
        randomisation_date="2026-10-01",
    ),
    no(
        "randomisation is set for 2026-12-10, zoster abated 20 days ago",
        over(ZOSTER, ago(40), ago(20)),
        randomisation_date="2026-12-10",
    ),
    yes(
        "the window hangs on randomisation, not on screening",
        over(ZOSTER, ago(60), ago(20)),
        screening_date=ago(1),
    ),
]

ACTIVE = [
    *[
        yes(
            f"zoster, clinical status {status}, since 40 days ago",
            condition(ZOSTER, ago(40), clinical=status),
        )
        for status in ("recurrence", "relapse")
    ],
    yes("zoster called active, 90 days after its onset", active(ZOSTER, ago(90))),
    judged("zoster called active, 91 days after its onset", active(ZOSTER, ago(91))),
    yes("sepsis called active, 90 days after its onset", active(code("icd10", "A41.9"), ago(90))),
    judged("sepsis called active, 91 days after its onset", active(code("icd10", "A41.9"), ago(91))),
    yes("zoster without a clinical status, began 60 days ago", condition(ZOSTER, ago(60), clinical=None)),
    no("zoster without a clinical status, began 400 days ago", condition(ZOSTER, ago(400), clinical=None)),
    no(
        "zoster called active, but abated 50 days ago: the abatement wins",
        condition(ZOSTER, ago(60), abatement=ago(50)),
    ),
    yes("zoster called active, its end foreseen in 3 days", condition(ZOSTER, None, abatement=ahead(3))),
    yes(
        "zoster called active since 40 days ago, its end foreseen in 2027", condition(ZOSTER, ago(40), abatement="2027")
    ),
    yes(
        "hepatitis B of 2010 without a clinical status, its end foreseen in 2027",
        condition(code("icd10", "B18.1"), "2010", clinical=None, abatement="2027"),
    ),
    *[
        yes(
            f"{name} without a clinical status, since 2010: chronic",
            condition(concept, "2010-04-01", clinical=None),
        )
        for name, concept in (
            ("hepatitis B", code("icd10", "B18.1")),
            ("hepatitis C", code("icd10", "B18.2")),
            ("HIV infection", code("icd10", "B24")),
            ("tuberculosis", code("icd10", "A15.0")),
        )
    ],
    yes("tuberculosis called active, without any date", condition(code("icd10", "A15.0"), None)),
    yes("chronic hepatitis B, active since 2010", active(code("icd10", "B18.1"), "2010-04-01")),
    no("tuberculosis of 2010, resolved", over(code("icd10", "A15.0"), "2010-04-01")),
    no(
        "tuberculosis of 2010, abated in 2011",
        condition(code("icd10", "A15.0"), "2010-04-01", abatement="2011-01"),
    ),
    yes(
        "tuberculosis called active, its end foreseen in 30 days",
        condition(code("icd10", "A15.0"), "2025-04-01", abatement=ahead(30)),
    ),
    yes("tuberculosis, abated 10 days ago", condition(code("icd10", "A15.0"), "2025-04-01", abatement=ago(10))),
    *[
        judged(
            f"active tuberculosis, verification {status}",
            condition(code("icd10", "A15.0"), ago(40), verification=status),
        )
        for status in ("unconfirmed", "provisional", "differential")
    ],
    yes(
        "active tuberculosis, verification missing",
        condition(code("icd10", "A15.0"), ago(40), verification=None),
    ),
    *[
        no(
            f"active tuberculosis, verification {status}",
            condition(code("icd10", "A15.0"), ago(40), verification=status),
        )
        for status in ("refuted", "entered-in-error")
    ],
    no(
        "unconfirmed tuberculosis of 2010, resolved",
        over(code("icd10", "A15.0"), "2010-04-01", verification="unconfirmed"),
    ),
]


def icd(*named: tuple[str, str], system: str = "icd10") -> list[tuple[str, Json]]:
    return [(f"{name} ({one})", code(system, one)) for one, name in named]


NAMED = [
    *each(
        yes,
        "{}, active",
        [
            *icd(
                ("A15.0", "tuberculosis of lung"),
                ("A16.2", "tuberculosis of lung, not confirmed"),
                ("A17.0", "tuberculous meningitis"),
                ("A19.9", "miliary tuberculosis"),
                ("A31.0", "pulmonary mycobacteria"),
                ("A31.9", "mycobacterial infection"),
                ("B16.9", "acute hepatitis B"),
                ("B17.0", "delta superinfection"),
                ("B17.1", "acute hepatitis C"),
                ("B18.0", "chronic hepatitis B with delta"),
                ("B18.1", "chronic hepatitis B"),
                ("B18.2", "chronic hepatitis C"),
                ("B20", "HIV disease"),
                ("B22.7", "HIV disease"),
                ("B24", "HIV disease, unspecified"),
                ("Z21", "asymptomatic HIV"),
                ("B02.9", "zoster"),
                ("B02.2", "zoster with nervous involvement"),
                ("A40.9", "streptococcal sepsis"),
                ("A41.9", "sepsis"),
                ("B18.100", "chronic hepatitis B, national code"),
            ),
            *icd(
                ("B17.10", "acute hepatitis C, ICD-10-CM"),
                ("B19.10", "hepatitis B, ICD-10-CM"),
                ("B19.20", "hepatitis C, ICD-10-CM"),
                ("B20", "HIV disease, ICD-10-CM"),
                ("A41.9", "sepsis, ICD-10-CM"),
                ("A31.0", "pulmonary mycobacteria, ICD-10-CM"),
                system="icd10cm",
            ),
            *icd(
                ("56717001", "tuberculosis"),
                ("427099000", "active tuberculosis"),
                ("154283005", "pulmonary tuberculosis"),
                ("88415009", "mycobacteriosis"),
                ("240413000", "disseminated atypical mycobacteria"),
                ("277869007", "mycobacterial pneumonia"),
                ("66071002", "hepatitis B"),
                ("61977001", "chronic hepatitis B"),
                ("76795007", "acute hepatitis B"),
                ("50711007", "hepatitis C"),
                ("128302006", "chronic hepatitis C"),
                ("86406008", "HIV infection"),
                ("62479008", "AIDS"),
                ("165816005", "HIV positive"),
                ("4740000", "zoster"),
                ("91302008", "sepsis"),
                ("76571007", "septic shock"),
                system="snomed",
            ),
            ("带状疱疹", words("带状疱疹")),
            ("慢性乙型肝炎", words("慢性乙型肝炎")),
            ("肺结核", words("肺结核")),
            ("herpes zoster as text", words("herpes zoster")),
        ],
        active,
    ),
    *each(
        judged,
        "{} is for a person to judge",
        [
            ("latent tuberculosis (ICD-10-CM Z22.7)", code("icd10cm", "Z22.7")),
            ("IGRA without active tuberculosis (ICD-10-CM R76.12)", code("icd10cm", "R76.12")),
            ("inactive tuberculosis (SNOMED 11999007)", code("snomed", "11999007")),
            ("hepatitis B carrier (SNOMED 235871004)", code("snomed", "235871004")),
            ("hepatitis C carrier (SNOMED 235872006)", code("snomed", "235872006")),
            ("carrier of viral hepatitis (ICD-10 Z22.5)", code("icd10", "Z22.5")),
        ],
        active,
    ),
    *each(
        no,
        "{} is no infection",
        [
            ("onychomycosis (ICD-10 B35.1)", code("icd10", "B35.1")),
            ("onychomycosis (ICD-10-CM B35.1)", code("icd10cm", "B35.1")),
            ("onychomycosis (SNOMED 414941008)", code("snomed", "414941008")),
            ("onychomycosis by a dermatophyte (SNOMED 402134005)", code("snomed", "402134005")),
            ("onychomycosis of toenails (SNOMED 403059006)", code("snomed", "403059006")),
            ("灰指甲", words("灰指甲")),
            ("onychomycosis as text", words("onychomycosis")),
            ("sequelae of tuberculosis (B90.9)", code("icd10", "B90.9")),
            ("sequelae of infection (B94.8)", code("icd10", "B94.8")),
            ("a staphylococcus as cause elsewhere (B95.6)", code("icd10", "B95.6")),
            ("a virus as cause elsewhere (B97.8)", code("icd10", "B97.8")),
            ("history of tuberculosis (ICD-10-CM Z86.11)", code("icd10cm", "Z86.11")),
            ("immune to hepatitis B (SNOMED 271511000)", code("snomed", "271511000")),
            ("HIV negative (SNOMED 165815009)", code("snomed", "165815009")),
            ("history of zoster (SNOMED 681221000119108)", code("snomed", "681221000119108")),
        ],
        active,
    ),
    no("a zoster vaccine is not zoster", immunization(code("cvx", "187"), ago(10))),
    yes("onychomycosis, and zoster", active(code("icd10", "B35.1")), active(ZOSTER)),
]

OTHER = [
    *each(
        judged,
        "{}, active, is for a person to judge",
        [
            *icd(
                ("A09", "gastroenteritis"),
                ("B25.9", "cytomegaloviral disease"),
                ("B37.0", "candidiasis"),
                ("B44.9", "aspergillosis"),
                ("B48.5", "pneumocystosis"),
                ("B15.9", "hepatitis A"),
                ("B99", "other infectious disease"),
                ("J06.9", "upper respiratory infection"),
                ("J18.9", "pneumonia"),
                ("N39.0", "urinary tract infection"),
                ("L03.1", "cellulitis"),
                ("K65.0", "peritonitis"),
                ("M00.9", "pyogenic arthritis"),
                ("G00.9", "bacterial meningitis"),
                ("B35.3", "tinea pedis"),
            ),
            *icd(("B59", "pneumocystosis, ICD-10-CM"), ("L03.115", "cellulitis, ICD-10-CM"), system="icd10cm"),
            *icd(
                ("40733004", "infectious disease"),
                ("87628006", "bacterial infection"),
                ("34014006", "viral disease"),
                ("3218000", "mycosis"),
                ("17322007", "parasitic disease"),
                ("233604007", "pneumonia"),
                ("68566005", "urinary tract infection"),
                system="snomed",
            ),
            ("肺炎", words("肺炎")),
        ],
        active,
    ),
    judged("pneumonia, active, its end foreseen in 3 days", condition(PNEUMONIA, ago(10), abatement=ahead(3))),
    judged("pneumonia over, abated 28 days before", over(PNEUMONIA, ago(60), ago(28))),
    no("pneumonia over, abated 29 days before", over(PNEUMONIA, ago(60), ago(29))),
    no("pneumonia over, without any date", over(PNEUMONIA)),
    no(
        "pneumonia without a clinical status, began 400 days ago",
        condition(PNEUMONIA, ago(400), clinical=None),
    ),
    no("pneumonia refuted", condition(PNEUMONIA, ago(10), verification="refuted")),
    yes("pneumonia, and sepsis", active(PNEUMONIA), active(code("icd10", "A41.9"))),
    no(
        "pneumonia only as the reason of a drug: no infection record here",
        administration(code("atc", "J01CA04"), ago(10), reason=PNEUMONIA),
    ),
    no(
        "a broad mycosis code beside onychomycosis: the narrower one decides",
        active(codes(("snomed", "3218000"), ("snomed", "414941008"))),
    ),
]

TESTS = [
    *[
        yes(f"{name} positive in 2015, never again tested", examined(loinc(test), POSITIVE))
        for name, test in (("HBsAg", "5195-3"), ("HBV DNA", "29610-3"))
    ],
    no(
        "HBsAg positive in 2015, negative in 2020",
        examined(HBSAG, POSITIVE),
        examined(HBSAG, NEGATIVE, "2020-01-01"),
    ),
    yes(
        "HBsAg negative in 2015, positive in 2020",
        examined(HBSAG, NEGATIVE),
        examined(HBSAG, POSITIVE, "2020-01-01"),
    ),
    unknown("conflict", "HBsAg positive and negative on one day", examined(HBSAG, NEGATIVE), examined(HBSAG, POSITIVE)),
    yes(
        "the latest HBsAg has no value: it hides nothing",
        examined(HBSAG, POSITIVE),
        examined(HBSAG, None, ago(3)),
    ),
    no("HBsAg positive, dated tomorrow", examined(HBSAG, POSITIVE, ahead(1))),
    no(
        "randomised 2026-10-01, HBsAg positive two weeks later",
        examined(HBSAG, POSITIVE, "2026-10-15"),
        randomisation_date="2026-10-01",
    ),
    *[
        yes(f"HBsAg {says}", examined(HBSAG, result))
        for says, result in (
            ("answered LA6576-8 (positive)", loinc("LA6576-8")),
            ("detected", code("snomed", "260373001")),
            ("阳性", "阳性"),
            ("(+)", "(+)"),
            ("positive, as text", "Positive"),
            ("positive, with full-width brackets", "（+）"),
        )
    ],
    yes("HBsAg interpreted as POS", observation(HBSAG, on="2015-03-02", interpretation="POS")),
    *[
        no(f"HBsAg {says}", examined(HBSAG, result))
        for says, result in (
            ("answered LA6577-6 (negative)", loinc("LA6577-6")),
            ("not detected", code("snomed", "260415000")),
            ("阴性", "阴性"),
            ("(-)", "(-)"),
        )
    ],
    *[
        judged(f"HBsAg {says}", examined(HBSAG, result))
        for says, result in (
            ("indeterminate", code("snomed", "82334004")),
            ("弱阳性 (weakly positive)", "弱阳性"),
            ("±", "±"),
            ("'not negative', a text of no table", "not negative"),
        )
    ],
    *[
        yes(f"HBsAg positive, status {status}", examined(HBSAG, POSITIVE, status=status))
        for status in ("final", "amended", "corrected")
    ],
    judged("HBsAg positive, preliminary: it never proves", examined(HBSAG, POSITIVE, status="preliminary")),
    judged(
        "HBsAg negative in 2015, preliminary positive in 2020",
        examined(HBSAG, NEGATIVE),
        examined(HBSAG, POSITIVE, "2020-01-01", status="preliminary"),
    ),
    judged(
        "HBsAg positive in 2015, preliminary negative in 2020: it would change the answer",
        examined(HBSAG, POSITIVE),
        examined(HBSAG, NEGATIVE, "2020-01-01", status="preliminary"),
    ),
    no(
        "HBsAg negative in 2015, preliminary negative in 2020: it would change nothing",
        examined(HBSAG, NEGATIVE),
        examined(HBSAG, NEGATIVE, "2020-01-01", status="preliminary"),
    ),
    *[
        no(f"HBsAg positive, status {status}", examined(HBSAG, POSITIVE, status=status))
        for status in ("registered", "cancelled", "entered-in-error")
    ],
    judged("HBsAg positive, status unknown", examined(HBSAG, POSITIVE, status="unknown")),
    judged("HBsAg positive, status missing", examined(HBSAG, POSITIVE, status=None)),
    unknown(
        "undated",
        "HBsAg negative in 2015, positive without a date: it could be the later one",
        examined(HBSAG, NEGATIVE),
        examined(HBSAG, POSITIVE, None),
    ),
    no(
        "HBsAg negative in 2015, positive without a date but reported in 2014",
        examined(HBSAG, NEGATIVE),
        examined(HBSAG, POSITIVE, None, issued="2014-01-01T08:00:00+08:00"),
    ),
    unknown(
        "partial-date",
        "HBsAg negative on 2020-06-15, positive in 2020",
        examined(HBSAG, NEGATIVE, "2020-06-15"),
        examined(HBSAG, POSITIVE, "2020"),
    ),
    no(
        "HBsAg negative on 2020-06-15, positive in 2019",
        examined(HBSAG, NEGATIVE, "2020-06-15"),
        examined(HBSAG, POSITIVE, "2019"),
    ),
    *[
        yes(f"{name} 500, of 2015", load(test, "500"))
        for name, test in (("HBV DNA", HBV_DNA), ("HCV RNA", HCV_RNA), ("HIV RNA", HIV_RNA))
    ],
    *[
        no(f"{name} below 20", load(test, "20", comparator="<"))
        for name, test in (("HBV DNA", HBV_DNA), ("HCV RNA", HCV_RNA), ("HIV RNA", HIV_RNA))
    ],
    no("HBV DNA 0", load(HBV_DNA, "0")),
    yes("HBV DNA above 1000000", load(HBV_DNA, "1000000", comparator=">")),
    yes("HBV DNA 0.5", load(HBV_DNA, "0.5")),
    *[
        yes(f"{name} 1500, {how}: above 0 in any unit", examined(test, result))
        for name, test in (("HBV DNA", HBV_DNA), ("HCV RNA", HCV_RNA), ("HIV RNA", HIV_RNA))
        for how, result in (("without a unit", quantity(1500)), ("as a bare integer", 1500))
    ],
    *[
        yes(f"HBV DNA 1500 {unit}: above 0 in any unit", load(HBV_DNA, "1500", unit=unit))
        for unit in ("cp/mL", "10*3[IU]/mL", "[IU]/L", "IU/毫升")
    ],
    yes("HBV DNA 3.2 {Log_IU}/mL: above 0 in any unit", load(HBV_DNA, "3.2", unit="{Log_IU}/mL")),
    yes("HBV DNA 3.2 log10 IU/mL: above 0 in any unit", load(HBV_DNA, "3.2", unit="log10 IU/mL")),
    no("HBV DNA below 20, without a unit", examined(HBV_DNA, quantity(20, comparator="<"))),
    no("HBV DNA 0, without a unit", examined(HBV_DNA, quantity(0))),
    no("HBV DNA 0, as a bare integer", examined(HBV_DNA, 0)),
    no(
        "HBV DNA 500 in 2015, below 20 in 2020",
        load(HBV_DNA, "500"),
        load(HBV_DNA, "20", "2020-01-01", comparator="<"),
    ),
    no("HBV DNA not detected", examined(HBV_DNA, "未检出")),
    yes("HBsAg negative, HBV DNA 500: either is enough", examined(HBSAG, NEGATIVE), load(HBV_DNA, "500")),
    yes("HBV DNA 500 IU/mL, written as text", examined(HBV_DNA, "500 IU/mL")),
    unknown("unit-unresolved", "HBV DNA 'about 500', a text with a digit", examined(HBV_DNA, "about 500")),
    unknown("unit-unresolved", "HBV DNA '2次均未检出' (not detected, twice)", examined(HBV_DNA, "2次均未检出")),
    unknown("unit-unresolved", "HBV DNA '1 次阴性' (negative once)", examined(HBV_DNA, "1 次阴性")),
    unknown("unit-unresolved", "HBV DNA '1500 xyz', no known unit", examined(HBV_DNA, "1500 xyz")),
    unknown("unit-unresolved", "HBV DNA '1500', as text without a unit", examined(HBV_DNA, "1500")),
    unknown("unit-unresolved", "HBV DNA '1.2E3 IU/mL', written as text", examined(HBV_DNA, "1.2E3 IU/mL")),
    unknown("unit-unresolved", "HCV RNA '2次均未检出' (not detected, twice)", examined(HCV_RNA, "2次均未检出")),
    unknown("unit-unresolved", "HIV RNA '1500 xyz', no known unit", examined(HIV_RNA, "1500 xyz")),
    unknown("unit-unresolved", "HBV DNA '<20 IU/mL', as text: not exactly a number", examined(HBV_DNA, "<20 IU/mL")),
    yes("HCV RNA 500 copies/mL, written as text", examined(HCV_RNA, "500 copies/mL")),
    yes(
        "HBsAg positive as a part of a panel of 2015",
        observation(
            words("hepatitis panel"),
            on="2015-03-02",
            components=[component(HBSAG, POSITIVE), component(ANTI_HCV, NEGATIVE)],
        ),
    ),
    no(
        "HBsAg positive as a part of a panel that was cancelled",
        observation(
            words("hepatitis panel"),
            on="2015-03-02",
            status="cancelled",
            components=[component(HBSAG, POSITIVE)],
        ),
    ),
    judged("IGRA positive", examined(IGRA, POSITIVE, ago(30))),
    judged("IGRA positive (LOINC 45323-3)", examined(loinc("45323-3"), POSITIVE, ago(30))),
    no("IGRA negative", examined(IGRA, NEGATIVE, ago(30))),
    judged("anti-HBc positive, HBsAg negative", examined(ANTI_HBC, POSITIVE), examined(HBSAG, NEGATIVE)),
    judged("anti-HBc positive (LOINC 13952-7), HBsAg not tested", examined(loinc("13952-7"), POSITIVE)),
    no(
        "anti-HBc and anti-HBs positive, HBsAg negative: not isolated, but immune",
        examined(ANTI_HBC, POSITIVE),
        examined(ANTI_HBS, POSITIVE),
        examined(HBSAG, NEGATIVE),
    ),
    judged(
        "anti-HBc positive, anti-HBs and HBsAg negative",
        examined(ANTI_HBC, POSITIVE),
        examined(ANTI_HBS, NEGATIVE),
        examined(HBSAG, NEGATIVE),
    ),
    no("anti-HBc negative", examined(ANTI_HBC, NEGATIVE)),
    yes("anti-HBc positive, HBsAg positive", examined(ANTI_HBC, POSITIVE), examined(HBSAG, POSITIVE)),
    no("anti-HBs positive alone: immunity", examined(words("anti-HBs"), POSITIVE)),
    judged("anti-HCV positive, no RNA result", examined(ANTI_HCV, POSITIVE)),
    judged("anti-HCV positive (LOINC 13955-0), no RNA result", examined(loinc("13955-0"), POSITIVE)),
    no(
        "anti-HCV positive in 2015, HCV RNA below 15 in 2012",
        examined(ANTI_HCV, POSITIVE),
        load(HCV_RNA, "15", "2012-01-01", comparator="<"),
    ),
    no(
        "anti-HCV positive, HCV RNA not detected",
        examined(ANTI_HCV, POSITIVE),
        examined(HCV_RNA, "未检出", "2016-01-01"),
    ),
    yes("anti-HCV positive, HCV RNA 500", examined(ANTI_HCV, POSITIVE), load(HCV_RNA, "500")),
    judged("HIV antigen and antibody reactive, no RNA result", examined(HIV_SCREEN, POSITIVE)),
    judged("HIV antibody reactive (LOINC 7918-6), no RNA result", examined(loinc("7918-6"), POSITIVE)),
    no(
        "HIV screen reactive, HIV RNA below 20",
        examined(HIV_SCREEN, POSITIVE),
        load(HIV_RNA, "20", comparator="<"),
    ),
    yes("HIV screen reactive, HIV RNA 500", examined(HIV_SCREEN, POSITIVE), load(HIV_RNA, "500")),
    no("HIV screen negative", examined(HIV_SCREEN, NEGATIVE)),
]

SILENCE = [
    no("no record, all types covered", reason="no-record"),
    no("no record, Condition and Observation covered", complete=["Condition", "Observation"]),
    unknown("not-covered", "no record, nothing covered", complete=NOTHING),
    unknown("not-covered", "no record, only Condition covered", complete=["Condition"]),
    unknown("not-covered", "no record, only Observation covered", complete=["Observation"]),
    unknown("not-covered", "HBsAg negative, nothing covered", examined(HBSAG, NEGATIVE), complete=NOTHING),
    unknown(
        "not-covered",
        "zoster of last year, over, nothing covered",
        over(ZOSTER, ago(400), ago(380)),
        complete=NOTHING,
    ),
    yes("active zoster, nothing covered", active(ZOSTER), complete=NOTHING),
    yes("HBsAg positive in 2015, nothing covered", examined(HBSAG, POSITIVE), complete=NOTHING),
]

NAMES = [
    unknown("unmapped-code", "an active Condition with a local code and no name", active(NAMELESS)),
    no("a Condition with a local code and no name, over since 29 days", over(NAMELESS, ago(60), ago(29))),
    no("an active Condition named low back pain", active(code("local", "C-1", "low back pain"))),
    unknown("unmapped-code", "infection of unknown origin, as text", active(words("infection of unknown origin"))),
    unknown(
        "unmapped-code",
        "肺结核待排 (tuberculosis to be ruled out): doubt does not release",
        active(words("肺结核待排")),
    ),
    unknown("unmapped-code", "rule out tuberculosis", active(words("rule out tuberculosis"))),
    no("family history of tuberculosis", active(words("family history of tuberculosis"))),
    no(
        "infection of unknown origin, over since 29 days",
        over(words("infection of unknown origin"), ago(60), ago(29)),
    ),
    yes(
        "infection of unknown origin, and zoster",
        active(words("infection of unknown origin")),
        active(ZOSTER),
    ),
]

ATTESTED = [
    *attested(ID, active(ZOSTER)),
    no(
        "active pneumonia; the doctor says not severe",
        active(PNEUMONIA),
        attestation(ID, False, ago(3)),
        reason="attested",
    ),
    yes(
        "active pneumonia; the doctor says severe",
        active(PNEUMONIA),
        attestation(ID, True, ago(3)),
        reason="attested",
    ),
    no(
        "anti-HCV positive; the doctor says no",
        examined(ANTI_HCV, POSITIVE),
        attestation(ID, False, ago(3)),
        reason="attested",
    ),
    unknown(
        "conflict",
        "HBsAg positive; the doctor says no",
        examined(HBSAG, POSITIVE),
        attestation(ID, False, ago(3)),
    ),
    yes(
        "zoster over since 29 days is silence; the doctor says yes",
        over(ZOSTER, ago(60), ago(29)),
        attestation(ID, True, ago(3)),
        reason="attested",
    ),
    yes(
        "refuted tuberculosis is silence; the doctor says yes",
        condition(code("icd10", "A15.0"), ago(40), verification="refuted"),
        attestation(ID, True, ago(3)),
        reason="attested",
    ),
]

ROWS = table(
    ID,
    "Severe infection, current or within 4 weeks before randomisation",
    [*WINDOW, *ACTIVE, *NAMED, *OTHER, *TESTS, *SILENCE, *NAMES, *ATTESTED],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_severe_infection(row: Row) -> None:
    check(row)
