"""A live vaccine within 12 weeks before random allocation, or expected; zoster vaccines are exempt."""

from __future__ import annotations

import pytest

from tests.builders import (
    Json,
    attestation,
    code,
    codes,
    immunization,
    immunization_recommendation,
    service_request,
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

ID = "exc-live-vaccine"
MMR = code("cvx", "03")
ZOSTER_LIVE = code("cvx", "121")
UNSPECIFIED = code("cvx", "999")


def given(vaccine: Json, on: str | None = None) -> Json:
    return immunization(vaccine, on or ago(20))


WINDOW = [
    yes("measles, mumps and rubella 84 days before", given(MMR, ago(84))),
    no("measles, mumps and rubella 85 days before, covered", given(MMR, ago(85)), reason="outside-window"),
    yes("on the as-of day, which stands for randomisation", given(MMR, ago(0))),
    no("dated tomorrow", given(MMR, ahead(1))),
    yes(
        "randomised 2026-11-10, given 84 days before it",
        given(MMR, "2026-08-18"),
        randomisation_date="2026-11-10",
    ),
    no(
        "randomised 2026-11-10, given 85 days before it",
        given(MMR, "2026-08-17"),
        randomisation_date="2026-11-10",
    ),
    no(
        "randomised 2026-11-10, given the day after",
        given(MMR, "2026-11-11"),
        randomisation_date="2026-11-10",
    ),
    yes("randomised 2026-11-10, given on that day", given(MMR, "2026-11-10"), randomisation_date="2026-11-10"),
    no(
        "randomisation is set for 2026-12-20, given 85 days before it",
        given(MMR, "2026-09-26"),
        randomisation_date="2026-12-20",
    ),
    yes(
        "randomisation is set for 2026-12-20, given 84 days before it",
        given(MMR, "2026-09-27"),
        randomisation_date="2026-12-20",
    ),
    yes(
        "the window hangs on randomisation, not on screening",
        given(MMR, ago(80)),
        screening_date=ago(10),
    ),
    no("screening 2026-10-01 moves nothing", given(MMR, ago(85)), screening_date="2026-10-01"),
    yes("in 2026-09", given(MMR, "2026-09")),
    unknown("partial-date", "in 2026-08, which the window's first day cuts", given(MMR, "2026-08")),
    no("in 2026-07", given(MMR, "2026-07")),
    unknown("undated", "without a date", immunization(MMR, None)),
    unknown("undated", "the date in words only", immunization(MMR, None, occurrenceString="this autumn")),
    unknown("undated", "without a date, recorded 84 days before", immunization(MMR, None, recorded=ago(84))),
    no(
        "without a date, recorded 85 days before: given before that",
        immunization(MMR, None, recorded=ago(85)),
    ),
]

STATUSES = [
    no("not done", immunization(MMR, ago(20), status="not-done")),
    no("entered in error", immunization(MMR, ago(20), status="entered-in-error")),
    judged("status missing", immunization(MMR, ago(20), status=None)),
    no("status missing, 85 days before", immunization(MMR, ago(85), status=None)),
]

SILENCE = [
    no("no record, all types covered", reason="no-record"),
    no("no record, Immunization covered", complete=["Immunization"]),
    unknown("not-covered", "no record, nothing covered", complete=NOTHING),
    unknown("not-covered", "no record, Procedure covered, Immunization not", complete=["Procedure"]),
    unknown("not-covered", "given 85 days before, nothing covered", given(MMR, ago(85)), complete=NOTHING),
    yes("given 20 days ago, nothing covered", given(MMR), complete=NOTHING),
    unknown("not-covered", "a zoster vaccine, nothing covered", given(ZOSTER_LIVE), complete=NOTHING),
]

LIVE = {
    "02": "oral polio",
    "03": "measles, mumps, rubella",
    "04": "measles, rubella",
    "05": "measles",
    "06": "rubella",
    "07": "mumps",
    "38": "rubella, mumps",
    "94": "measles, mumps, rubella, varicella",
    "21": "varicella",
    "111": "nasal influenza, trivalent",
    "149": "nasal influenza, quadrivalent",
    "151": "nasal influenza, unspecified",
    "333": "nasal influenza, self-administered",
    "125": "nasal H1N1 influenza",
    "25": "oral typhoid",
    "37": "yellow fever",
    "183": "yellow fever, alternative",
    "184": "yellow fever, unspecified",
    "19": "BCG",
    "116": "rotavirus, pentavalent",
    "119": "rotavirus, monovalent",
    "74": "rotavirus, tetravalent",
    "122": "rotavirus, unspecified",
    "178": "bivalent oral polio",
    "179": "monovalent oral polio",
    "182": "oral polio, unspecified",
    "143": "adenovirus 4 and 7",
    "54": "adenovirus 4",
    "55": "adenovirus 7",
    "317": "chikungunya, live",
    "174": "oral cholera, live",
    "56": "dengue, tetravalent",
    "204": "Ebola, live",
    "169": "hepatitis A, live",
    "75": "vaccinia",
    "105": "vaccinia, diluted",
    "80": "Venezuelan equine encephalitis",
}
UNCLEAR = {
    "82": "adenovirus, unspecified",
    "330": "dengue, unspecified",
    "325": "orthopox, unspecified",
    "206": "MVA-BN",
    "129": "Japanese encephalitis, unspecified",
    "26": "cholera, unspecified",
    "91": "typhoid, unspecified",
    "89": "polio, unspecified",
    "88": "influenza, unspecified",
    "85": "hepatitis A, unspecified",
    "214": "Ebola, unspecified",
    "999": "unknown vaccine",
    "78": "tularemia",
}
NOT_LIVE = {
    "10": "inactivated polio",
    "36": "varicella-zoster immune globulin",
    "134": "inactivated Japanese encephalitis",
    "998": "no vaccine given",
    "67": "malaria",
}
LIVE_ATC = {
    "J07AN01": "BCG",
    "J07AP01": "oral typhoid",
    "J07AE02": "live cholera",
    "J07BA03": "live Japanese encephalitis",
    "J07BB03": "live influenza",
    "J07BD01": "measles",
    "J07BD51": "measles, mumps",
    "J07BD52": "measles, mumps, rubella",
    "J07BD53": "measles, rubella",
    "J07BD54": "measles, mumps, rubella, varicella",
    "J07BE01": "mumps",
    "J07BF01": "oral polio, monovalent",
    "J07BF02": "oral polio, trivalent",
    "J07BF04": "oral polio, bivalent",
    "J07BH01": "rotavirus",
    "J07BH02": "rotavirus, pentavalent",
    "J07BJ01": "rubella",
    "J07BJ51": "rubella, mumps",
    "J07BK01": "varicella",
    "J07BL01": "yellow fever",
    "J07BP01": "live chikungunya",
}
LIVE_SNOMED = {
    "836402002": "BCG product",
    "1121000221106": "yellow fever product",
    "871738001": "mumps product",
    "1081000221109": "rotavirus product",
    "1051000221104": "oral polio product",
    "971000221109": "oral typhoid product",
    "1011000221100": "oral cholera product",
    "42284007": "BCG administered",
    "38598009": "measles, mumps, rubella administered",
    "425897001": "chickenpox, first dose",
    "428502009": "chickenpox, second dose",
    "432636005": "measles, mumps, rubella, varicella administered",
}


def vaccines(system: str, names: dict[str, str]) -> list[tuple[str, Json]]:
    return [(f"{name} ({system.upper()} {one})", code(system, one)) for one, name in names.items()]


PRODUCTS = [
    *each(yes, "{} is live", vaccines("cvx", LIVE), given),
    *each(yes, "{} is live", vaccines("atc", LIVE_ATC), given),
    *each(yes, "{} is live", vaccines("snomed", LIVE_SNOMED), given),
    *each(judged, "{} is for a person to judge", vaccines("cvx", UNCLEAR), given),
    *each(
        judged,
        "{} is for a person to judge",
        [
            ("smallpox and mpox, mixed (ATC J07BX01)", code("atc", "J07BX01")),
            ("Ebola, mixed (ATC J07BX02)", code("atc", "J07BX02")),
            ("dengue (ATC J07BX04)", code("atc", "J07BX04")),
            ("measles, product not said (ATC group J07BD)", code("atc", "J07BD")),
            ("varicella or zoster, product not said (ATC group J07BK)", code("atc", "J07BK")),
            ("yellow fever, product not said (ATC group J07BL)", code("atc", "J07BL")),
            (
                "live herpesvirus 3, varicella or zoster (SNOMED 2221000221107)",
                code("snomed", "2221000221107"),
            ),
            ("live herpesvirus 3 administered (SNOMED 871898007)", code("snomed", "871898007")),
        ],
        given,
    ),
    no("an unknown vaccine 85 days before", given(UNSPECIFIED, ago(85))),
    yes("an unknown vaccine, and yellow fever", given(UNSPECIFIED), given(code("cvx", "37"))),
    *each(no, "{} is not live", vaccines("cvx", NOT_LIVE), given),
    *each(
        no,
        "{} is not live",
        [
            ("enterovirus 71 (ATC J07BX06)", code("atc", "J07BX06")),
            ("chikungunya particles (ATC J07BP02)", code("atc", "J07BP02")),
            ("inactivated Japanese encephalitis (ATC J07BA02)", code("atc", "J07BA02")),
            ("inactivated hepatitis A (ATC J07BC02)", code("atc", "J07BC02")),
        ],
        given,
    ),
    *each(
        no,
        "{} is exempt",
        [
            ("live zoster (CVX 121)", ZOSTER_LIVE),
            ("recombinant zoster (CVX 187)", code("cvx", "187")),
            ("zoster, unspecified (CVX 188)", code("cvx", "188")),
            ("live zoster (ATC J07BK02)", code("atc", "J07BK02")),
            ("recombinant zoster (ATC J07BK03)", code("atc", "J07BK03")),
            ("带状疱疹疫苗", words("带状疱疹疫苗")),
        ],
        given,
    ),
    yes("a zoster vaccine, and varicella", given(ZOSTER_LIVE), given(code("cvx", "21"))),
    unknown(
        "conflict",
        "one vaccine coded as varicella and as zoster",
        given(codes(("cvx", "21"), ("cvx", "121"))),
    ),
    yes(
        "CVX under its other address",
        given(code("http://terminology.hl7.org/CodeSystem/CVX", "03")),
    ),
    yes("水痘疫苗 (varicella)", given(words("水痘疫苗"))),
    yes("麻腮风疫苗 (measles, mumps, rubella)", given(words("麻腮风疫苗"))),
]

NAMES = [
    unknown("unmapped-code", "a vaccine with a local code and no name", given(NAMELESS)),
    no("a vaccine with a local code and no name, 85 days before", given(NAMELESS, ago(85))),
    no(
        "a vaccine with a local code and no name, not done",
        immunization(NAMELESS, ago(20), status="not-done"),
    ),
    unknown("unmapped-code", "CVX 3 without its zero is no code of the list", given(code("cvx", "3"))),
    unknown(
        "unmapped-code",
        "a text that speaks of a live vaccine",
        given(words("live attenuated vaccine, batch 77")),
    ),
    no("a local code named tetanus toxoid", given(code("local", "V-1", "tetanus toxoid"))),
]

PLANNED = [
    judged("yellow fever recommended for next month", immunization_recommendation(code("cvx", "37"), ahead(30))),
    judged("an unspecified vaccine recommended", immunization_recommendation(UNSPECIFIED, ahead(30))),
    no("a zoster vaccine recommended", immunization_recommendation(code("cvx", "187"), ahead(30))),
    no("a live zoster vaccine recommended", immunization_recommendation(ZOSTER_LIVE, ahead(30))),
    no("inactivated polio recommended", immunization_recommendation(code("cvx", "10"), ahead(30))),
    judged("yellow fever ordered for next month", service_request(code("cvx", "37"), ahead(30))),
    *[
        no(
            f"an order for yellow fever that is {status}",
            service_request(code("cvx", "37"), ahead(30), status=status),
        )
        for status in ("revoked", "entered-in-error")
    ],
    no(
        "an order that yellow fever is not to be given",
        service_request(code("cvx", "37"), ahead(30), do_not_perform=True),
    ),
    judged(
        "yellow fever recommended, nothing covered",
        immunization_recommendation(code("cvx", "37"), ahead(30)),
        complete=NOTHING,
    ),
    yes(
        "yellow fever recommended, and measles, mumps and rubella given 20 days ago",
        immunization_recommendation(code("cvx", "37"), ahead(30)),
        given(MMR),
    ),
    no(
        "yellow fever recommended; the doctor says that it will not be given",
        immunization_recommendation(code("cvx", "37"), ahead(30)),
        attestation(ID, False, ago(3)),
        reason="attested",
    ),
]

ROWS = table(
    ID,
    "Live vaccine within 12 weeks before randomisation, or planned",
    [*WINDOW, *STATUSES, *SILENCE, *PRODUCTS, *NAMES, *PLANNED, *attested(ID, given(MMR))],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_live_vaccine(row: Row) -> None:
    check(row)
