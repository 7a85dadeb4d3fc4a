"""An infection that needed treatment within 2 weeks before screening."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import (
    Json,
    Moment,
    administration,
    attestation,
    code,
    condition,
    dispense,
    dosage,
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

ID = "exc-treated-infection"
AMOXICILLIN = code("atc", "J01CA04")
COTRIMOXAZOLE = code("atc", "J01EE01")
PNEUMONIA = code("icd10", "J18.9")
NAIL = code("icd10", "B35.1")
PREVENTION = words("prophylaxis")


def treated(on: Moment = None, drug: Json = AMOXICILLIN, **more: Any) -> Json:
    """Amoxicillin for pneumonia, 5 days ago if nothing else is said."""
    settings = {"reason": PNEUMONIA} | more
    return administration(drug, on or ago(5), **settings)


def untold(on: Moment = None, drug: Json = AMOXICILLIN, **more: Any) -> Json:
    """A drug whose record gives no reason."""
    return treated(on, drug, reason=None, **more)


def infection(onset: Moment, abated: Moment = None, concept: Json = PNEUMONIA, **more: Any) -> Json:
    settings = {"clinical": "resolved" if abated else "active"} | more
    return condition(concept, onset, abatement=abated, **settings)


WINDOW = [
    yes("amoxicillin for pneumonia 14 days before screening", treated(ago(14))),
    no(
        "amoxicillin for pneumonia 15 days before screening, covered",
        treated(ago(15)),
        reason="outside-window",
    ),
    yes("on the day of screening", treated(ago(0))),
    no("dated tomorrow", treated(ahead(1))),
    yes("screening 2026-10-01, 14 days before it", treated("2026-09-17"), screening_date="2026-10-01"),
    no("screening 2026-10-01, 15 days before it", treated("2026-09-16"), screening_date="2026-10-01"),
    yes("screening 2026-10-01, given 2026-11-01", treated("2026-11-01"), screening_date="2026-10-01"),
    no(
        "the same, and what comes after screening is ignored",
        treated("2026-11-01"),
        screening_date="2026-10-01",
        readings={"after-anchor": "ignored"},
    ),
    unknown("partial-date", "in 2026-11, which the window's first day cuts", treated("2026-11")),
    no("in 2026-10", treated("2026-10")),
    unknown("undated", "without a date", administration(AMOXICILLIN, None, reason=PNEUMONIA)),
    yes(
        "stated until 14 days before screening",
        statement(AMOXICILLIN, (ago(20), ago(14)), status="completed", reason=PNEUMONIA),
    ),
    no(
        "stated until 15 days before screening",
        statement(AMOXICILLIN, (ago(20), ago(15)), status="completed", reason=PNEUMONIA),
    ),
    yes(
        "7 days handed over 20 days ago, pneumonia since 21 days",
        dispense(AMOXICILLIN, ago(20), 7),
        infection(ago(21)),
    ),
    no(
        "6 days handed over 20 days ago, pneumonia since 21 days",
        dispense(AMOXICILLIN, ago(20), 6),
        infection(ago(21)),
    ),
    unknown(
        "ordered-only",
        "only ordered, 5 days ago, for pneumonia",
        request(AMOXICILLIN, ago(5), reason=PNEUMONIA),
    ),
    no("only ordered, 15 days ago", request(AMOXICILLIN, ago(15), reason=PNEUMONIA)),
    no("only proposed, 5 days ago", request(AMOXICILLIN, ago(5), intent="proposal", reason=PNEUMONIA)),
    no("an order not to give it", request(AMOXICILLIN, ago(5), do_not_perform=True, reason=PNEUMONIA)),
]

STATUSES = [
    *[yes(f"administration {status}", treated(status=status)) for status in ("in-progress", "stopped")],
    *[no(f"administration {status}", treated(status=status)) for status in ("not-done", "entered-in-error")],
    *[judged(f"administration {status}", treated(status=status)) for status in ("on-hold", "unknown")],
    judged("administration without a status", treated(status=None)),
    *[
        no(f"statement {status}", statement(AMOXICILLIN, (ago(9), ago(5)), status=status, reason=PNEUMONIA))
        for status in ("intended", "not-taken")
    ],
]

INDICATION = [
    judged("no indication", untold()),
    yes("pneumonia as a Condition that goes on", untold(), infection(ago(7))),
    yes("pneumonia that began on the day of the drug", untold(), infection(ago(5))),
    judged("pneumonia that began the day after the drug", untold(), infection(ago(4))),
    yes("pneumonia that abated on the day of the drug", untold(), infection(ago(12), ago(5))),
    yes("pneumonia whose end is foreseen in 5 days", untold(), infection(ago(7), ahead(5), clinical="active")),
    judged("pneumonia that abated the day before the drug", untold(), infection(ago(12), ago(6))),
    yes(
        "the drug for 30 days, pneumonia until 14 days before screening",
        statement(AMOXICILLIN, (ago(30), ago(1)), status="completed"),
        infection(ago(30), ago(14)),
    ),
    judged(
        "the drug for 30 days, pneumonia until 15 days before: over by the drug's days in the window",
        statement(AMOXICILLIN, (ago(30), ago(1)), status="completed"),
        infection(ago(30), ago(15)),
    ),
    *[
        yes(
            f"{drug} without a reason since 300 days, {name} of 2010 without a clinical status: chronic",
            statement(code("atc", atc), (ago(300), None)),
            condition(code("icd10", icd), "2010", clinical=None),
        )
        for drug, atc, name, icd in (
            ("entecavir", "J05AF10", "hepatitis B", "B18.1"),
            ("sofosbuvir", "J05AP08", "hepatitis C", "B18.2"),
            ("rifampicin", "J04AB02", "tuberculosis", "A15.0"),
            ("dolutegravir", "J05AJ03", "HIV disease", "B24"),
        )
    ],
    judged(
        "entecavir without a reason since 300 days, hepatitis B abated in 2012",
        statement(code("atc", "J05AF10"), (ago(300), None)),
        condition(code("icd10", "B18.1"), "2010", clinical=None, abatement="2012"),
    ),
    judged(
        "amoxicillin without a reason, pneumonia of 400 days ago without a clinical status",
        untold(),
        infection(ago(400), clinical=None),
    ),
    yes(
        "the reason is a reference to pneumonia",
        infection(ago(7), id="c1"),
        treated(reason=None, reason_reference="Condition/c1"),
    ),
    yes("the reason is a text: 肺炎", treated(reason=words("肺炎"))),
    yes("the reason is a text: 尿路感染", treated(reason=words("尿路感染"))),
    judged("the reason is prophylaxis", treated(reason=PREVENTION)),
    judged(
        "the reason is prophylaxis, and pneumonia goes on: a stated reason is the only one",
        treated(reason=PREVENTION),
        infection(ago(7)),
    ),
    judged("the infection is unconfirmed", untold(), infection(ago(7), verification="unconfirmed")),
    judged("the infection is refuted: as without one", untold(), infection(ago(7), verification="refuted")),
    judged("the Condition is no infection", untold(), infection(ago(400), concept=code("icd10", "M32.1"))),
    judged("no indication, and nothing covered", untold(), complete=NOTHING),
    *[
        yes(f"the reason is {name}", treated(reason=code(system, one)))
        for name, system, one in (
            ("gastroenteritis (A09)", "icd10", "A09"),
            ("zoster (B02.9)", "icd10", "B02.9"),
            ("candidiasis (B37.0)", "icd10", "B37.0"),
            ("tinea pedis (B35.3)", "icd10", "B35.3"),
            ("other infectious disease (B99)", "icd10", "B99"),
            ("upper respiratory infection (J06.9)", "icd10", "J06.9"),
            ("lower respiratory infection (J22)", "icd10", "J22"),
            ("urinary tract infection (N39.0)", "icd10", "N39.0"),
            ("cellulitis (L03.1)", "icd10", "L03.1"),
            ("skin infection (L08.9)", "icd10", "L08.9"),
            ("peritonitis (K65.0)", "icd10", "K65.0"),
            ("pyogenic arthritis (M00.9)", "icd10", "M00.9"),
            ("meningitis (G00.9)", "icd10", "G00.9"),
            ("cellulitis (ICD-10-CM L03.115)", "icd10cm", "L03.115"),
            ("urinary tract infection (SNOMED 68566005)", "snomed", "68566005"),
            ("bacterial pneumonia (SNOMED 53084003)", "snomed", "53084003"),
        )
    ],
]

NAILS = [
    no("terbinafine for onychomycosis", treated(drug=code("atc", "D01BA02"), reason=NAIL), reason="exempt"),
    no(
        "itraconazole, onychomycosis as the only Condition",
        untold(drug=code("atc", "J02AC02")),
        infection(ago(90), concept=NAIL),
        reason="exempt",
    ),
    no(
        "terbinafine for 灰指甲",
        treated(drug=code("atc", "D01BA02"), reason=words("灰指甲")),
        reason="exempt",
    ),
    no(
        "terbinafine for onychomycosis (SNOMED 414941008)",
        treated(drug=code("atc", "D01BA02"), reason=code("snomed", "414941008")),
        reason="exempt",
    ),
    yes(
        "itraconazole without a reason, onychomycosis and pneumonia",
        untold(drug=code("atc", "J02AC02")),
        infection(ago(90), concept=NAIL),
        infection(ago(7)),
    ),
    yes(
        "terbinafine for onychomycosis, and amoxicillin for pneumonia",
        treated(drug=code("atc", "D01BA02"), reason=NAIL),
        treated(),
    ),
]

DRUGS = [
    *[
        yes(f"{name} for an infection", treated(drug=code("atc", atc)))
        for name, atc in (
            ("ceftriaxone (J01DD04)", "J01DD04"),
            ("fluconazole (J02AC01)", "J02AC01"),
            ("rifampicin (J04AB02)", "J04AB02"),
            ("oseltamivir (J05AH02)", "J05AH02"),
            ("metronidazole by mouth (P01AB01)", "P01AB01"),
            ("albendazole (P02CA03)", "P02CA03"),
            ("griseofulvin (D01BA01)", "D01BA01"),
            ("artemether and lumefantrine (P01BF01)", "P01BF01"),
        )
    ],
    *[
        judged(f"{name} without a reason", untold(drug=code("atc", atc)))
        for name, atc in (
            ("co-trimoxazole (J01EE01)", "J01EE01"),
            ("isoniazid (J04AC01)", "J04AC01"),
            ("aciclovir (J05AB01)", "J05AB01"),
        )
    ],
    judged("co-trimoxazole for prophylaxis", treated(drug=COTRIMOXAZOLE, reason=PREVENTION)),
    yes("co-trimoxazole for pneumonia", treated(drug=COTRIMOXAZOLE)),
    yes("aciclovir for zoster", treated(drug=code("atc", "J05AB01"), reason=code("icd10", "B02.9"))),
    no("co-trimoxazole without a reason, 15 days before", untold(ago(15), COTRIMOXAZOLE)),
    *[
        no(f"{name}, also beside pneumonia", untold(drug=drug), infection(ago(7)))
        for name, drug in (
            ("hydroxychloroquine (P01BA02)", code("atc", "P01BA02")),
            ("hydroxychloroquine (RxNorm 5521)", code("rxnorm", "5521")),
            ("chloroquine (P01BA01)", code("atc", "P01BA01")),
            ("terbinafine cream (D01AE15)", code("atc", "D01AE15")),
            ("eye drops with levofloxacin (S01AE05)", code("atc", "S01AE05")),
            ("an intestinal antibiotic (A07AA09)", code("atc", "A07AA09")),
            ("prednisone (H02AB07)", code("atc", "H02AB07")),
            ("vitamin C, a local code", code("local", "D-12", "vitamin C")),
        )
    ],
    no("hydroxychloroquine with pneumonia as its reason", treated(drug=code("atc", "P01BA02"))),
    no("amoxicillin put on the skin", treated(route=code("snomed", "6064005"))),
    yes("amoxicillin by mouth", treated(route=route("PO"))),
    no(
        "an anti-infective stated with the route 外用",
        statement(AMOXICILLIN, (ago(9), ago(5)), reason=PNEUMONIA, dosage=dosage(1, "g", route=words("外用"))),
    ),
    unknown("unmapped-code", "a drug with a local code and no name", untold(drug=NAMELESS)),
    no("a drug with a local code and no name, 15 days before", untold(ago(15), NAMELESS)),
    no("a drug with a local code and no name, not given", untold(drug=NAMELESS, status="not-done")),
]

SILENCE = [
    no("no record, all types covered", reason="no-record"),
    no("no record, the four medication types covered", complete=MEDICATIONS),
    unknown("not-covered", "no record, nothing covered", complete=NOTHING),
    unknown("not-covered", "no record, dispenses not covered", complete=[*MEDICATIONS[:2], MEDICATIONS[3]]),
    no(
        "the site keeps no dispenses",
        complete=[*MEDICATIONS[:2], MEDICATIONS[3]],
        not_kept=["MedicationDispense"],
    ),
    unknown("not-covered", "pneumonia goes on, nothing covered", infection(ago(7)), complete=NOTHING),
    no("pneumonia goes on, no drug, all covered: it is not treated", infection(ago(7))),
    yes("amoxicillin for pneumonia, nothing covered", treated(), complete=NOTHING),
]

ATTESTED = [
    *attested(ID, treated()),
    no("no indication; the doctor says no", untold(), attestation(ID, False, ago(3)), reason="attested"),
    yes("no indication; the doctor says yes", untold(), attestation(ID, True, ago(3)), reason="attested"),
]

ROWS = table(
    ID,
    "Treated infection within 2 weeks before screening",
    [*WINDOW, *STATUSES, *INDICATION, *NAILS, *DRUGS, *SILENCE, *ATTESTED],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_treated_infection(row: Row) -> None:
    check(row)
