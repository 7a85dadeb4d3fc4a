"""A diagnosis of lupus nephritis: which codes and words are one, which only raise the question."""

import pytest

from tests.builders import Json, attestation, code, codes, condition, procedure, words
from tests.spec.table import Row, attestation_rows, check, label, table

LN = code("snomed", "68815009")
SLE = code("snomed", "55464009")
CONDITIONS = {"complete": ["Condition"]}


def diagnosed(concept: Json) -> list[Json]:
    return [condition(concept, "2025-01-01")]


def said(holds: bool, on: str = "2026-11-20") -> list[Json]:
    return [attestation("inc-lupus-nephritis", holds, on)]


rows = table(
    "inc-lupus-nephritis",
    "Lupus nephritis",
    [
        # the codes and names that are lupus nephritis
        Row("SNOMED 68815009, confirmed, active", diagnosed(LN), "yes"),
        Row("SNOMED 73286009, class I", diagnosed(code("snomed", "73286009")), "yes"),
        Row("SNOMED 4676006, class II", diagnosed(code("snomed", "4676006")), "yes"),
        Row("SNOMED 76521009, class III", diagnosed(code("snomed", "76521009")), "yes"),
        Row("SNOMED 36402006, class IV", diagnosed(code("snomed", "36402006")), "yes"),
        Row("SNOMED 52042003, class V", diagnosed(code("snomed", "52042003")), "yes"),
        Row("SNOMED 11013005, class VI", diagnosed(code("snomed", "11013005")), "yes"),
        Row("ICD-10-CM M32.14", diagnosed(code("icd10cm", "M32.14")), "yes"),
        Row(
            "ICD-10 M32.1 with N08.5, two codings of one Condition",
            diagnosed(codes(("icd10", "M32.1"), ("icd10", "N08.5"))),
            "yes",
        ),
        Row(
            "ICD-10 N08.5* with M32.1†, two codings with their signs",
            diagnosed(codes(("icd10", "N08.5*"), ("icd10", "M32.1†"))),
            "yes",
        ),
        Row("ICD-10 dual code M32.1+N08.5*", diagnosed(code("icd10", "M32.1+N08.5*")), "yes"),
        Row("national dual code M32.101+N08.5*", diagnosed(code("icd10", "M32.101+N08.5*")), "yes"),
        Row(
            "national M32.101 with N08.5, two codings of one Condition",
            diagnosed(codes(("icd10", "M32.101"), ("icd10", "N08.5"))),
            "yes",
        ),
        Row("ICD-10 dual code N08.5*M32.1+, the other way round", diagnosed(code("icd10", "N08.5*M32.1+")), "yes"),
        Row("ICD-10 dual code M32.1† N08.5*", diagnosed(code("icd10", "M32.1† N08.5*")), "yes"),
        Row("text 狼疮性肾炎", diagnosed(words("狼疮性肾炎")), "yes"),
        Row("text lupus nephritis", diagnosed(words("lupus nephritis")), "yes"),
        Row("text Lupus Nephritis, with two blanks", diagnosed(words("  Lupus  Nephritis ")), "yes"),
        Row("text in full-width letters", diagnosed(words("ｌｕｐｕｓ　ｎｅｐｈｒｉｔｉｓ")), "yes"),
        Row("local code with text 狼疮性肾炎", diagnosed(code("local", "D0231", text="狼疮性肾炎")), "yes"),
        Row(
            "M32.1 alone, but the text says 狼疮性肾炎",
            diagnosed(code("icd10", "M32.1", text="狼疮性肾炎")),
            "yes",
        ),
        Row(
            "M32.9, but the text says lupus nephritis",
            diagnosed(code("icd10cm", "M32.9", text="Lupus nephritis")),
            "yes",
        ),
        Row("SLE and lupus nephritis, two Conditions", [*diagnosed(SLE), *diagnosed(LN)], "yes"),
        Row(
            "SLE and lupus nephritis, two codings of one Condition",
            diagnosed(codes(("snomed", "55464009"), ("snomed", "68815009"))),
            "yes",
        ),
        Row(
            "unknown local coding beside M32.14",
            diagnosed(codes(("local", "D0231", "whatever"), ("icd10cm", "M32.14"))),
            "yes",
        ),
        Row(
            "SNOMED 68815009 under the OID of SNOMED CT",
            diagnosed(code("urn:oid:2.16.840.1.113883.6.96", "68815009")),
            "yes",
        ),
        # statuses and dates
        Row("without any date", [condition(LN)], "yes"),
        Row("active, its end foreseen for next month", [condition(LN, "2025-01-01", abatement="2026-12-30")], "yes"),
        Row("without a verification status", [condition(LN, "2025-01-01", verification=None)], "yes"),
        Row("without a clinical status", [condition(LN, "2025-01-01", clinical=None)], "yes"),
        Row("clinical status relapse", [condition(LN, "2025-01-01", clinical="relapse")], "yes"),
        Row("clinical status recurrence", [condition(LN, "2025-01-01", clinical="recurrence")], "yes"),
        Row("onset only known to be this month", [condition(LN, "2026-11")], "yes"),
        Row("onset only known to be this year", [condition(LN, "2026")], "yes"),
        Row(
            "resolved",
            [condition(LN, "2015-01-01", clinical="resolved")],
            "unknown",
            "needs-judgement",
        ),
        Row("inactive", [condition(LN, "2015-01-01", clinical="inactive")], "unknown", "needs-judgement"),
        Row("in remission", [condition(LN, "2015-01-01", clinical="remission")], "unknown", "needs-judgement"),
        Row(
            "called active, but abated in 2020",
            [condition(LN, "2015-01-01", abatement="2020-03-01")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "one resolved, one active",
            [condition(LN, "2015-01-01", clinical="resolved"), condition(LN, "2025-06-01")],
            "yes",
        ),
        Row(
            "unconfirmed",
            [condition(LN, "2025-01-01", verification="unconfirmed")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "provisional",
            [condition(LN, "2025-01-01", verification="provisional")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "differential",
            [condition(LN, "2025-01-01", verification="differential")],
            "unknown",
            "needs-judgement",
        ),
        Row(
            "provisional, all Conditions read",
            [condition(LN, "2025-01-01", verification="provisional")],
            "unknown",
            "needs-judgement",
            CONDITIONS,
        ),
        Row(
            "one provisional, one confirmed",
            [condition(LN, "2025-01-01", verification="provisional"), condition(LN, "2025-02-01")],
            "yes",
        ),
        Row("refuted", [condition(LN, "2025-01-01", verification="refuted")], "unknown", "not-covered"),
        Row(
            "refuted, all Conditions read",
            [condition(LN, "2025-01-01", verification="refuted")],
            "no",
            None,
            CONDITIONS,
        ),
        Row(
            "entered in error",
            [condition(LN, "2025-01-01", verification="entered-in-error", clinical=None)],
            "unknown",
            "not-covered",
        ),
        Row(
            "entered in error, all Conditions read",
            [condition(LN, "2025-01-01", verification="entered-in-error", clinical=None)],
            "no",
            None,
            CONDITIONS,
        ),
        Row("onset tomorrow", [condition(LN, "2026-11-23")], "unknown", "not-covered"),
        Row("onset tomorrow, all Conditions read", [condition(LN, "2026-11-23")], "no", None, CONDITIONS),
        Row("onset today", [condition(LN, "2026-11-22")], "yes"),
        Row(
            "onset 2026-02-30, a day that does not exist, all Conditions read",
            [condition(LN, "2026-02-30")],
            "unknown",
            "not-covered",
            CONDITIONS,
        ),
        # only the question
        Row("SLE, SNOMED 55464009", diagnosed(SLE), "unknown", "needs-judgement"),
        Row("SLE alone, all Conditions read", diagnosed(SLE), "unknown", "needs-judgement", CONDITIONS),
        Row("ICD-10 M32.9", diagnosed(code("icd10", "M32.9")), "unknown", "needs-judgement"),
        Row("national M32.900", diagnosed(code("icd10", "M32.900")), "unknown", "needs-judgement"),
        Row("ICD-10 M32.8", diagnosed(code("icd10", "M32.8")), "unknown", "needs-judgement"),
        Row("ICD-10-CM M32.10", diagnosed(code("icd10cm", "M32.10")), "unknown", "needs-judgement"),
        Row("ICD-10-CM M32.9", diagnosed(code("icd10cm", "M32.9")), "unknown", "needs-judgement"),
        Row("ICD-10-CM M32.12", diagnosed(code("icd10cm", "M32.12")), "unknown", "needs-judgement"),
        Row("ICD-10 M32.1 alone", diagnosed(code("icd10", "M32.1")), "unknown", "needs-judgement"),
        Row("national M32.101 alone", diagnosed(code("icd10", "M32.101")), "unknown", "needs-judgement"),
        Row("ICD-10 M32.1† alone", diagnosed(code("icd10", "M32.1†")), "unknown", "needs-judgement"),
        Row(
            "M32.1 and N08.5 in two Conditions",
            [*diagnosed(code("icd10", "M32.1")), *diagnosed(code("icd10", "N08.5"))],
            "unknown",
            "needs-judgement",
        ),
        Row("M32.14 under the WHO system", diagnosed(code("icd10", "M32.14")), "unknown", "needs-judgement"),
        Row(
            "M32.14 under the WHO system, all Conditions read",
            diagnosed(code("icd10", "M32.14")),
            "unknown",
            "needs-judgement",
            CONDITIONS,
        ),
        Row(
            "ICD-10-CM M32.15, tubulo-interstitial",
            diagnosed(code("icd10cm", "M32.15")),
            "unknown",
            "needs-judgement",
        ),
        Row(
            "SNOMED 307755009, tubulo-interstitial",
            diagnosed(code("snomed", "307755009")),
            "unknown",
            "needs-judgement",
        ),
        Row("text 系统性红斑狼疮", diagnosed(words("系统性红斑狼疮")), "unknown", "needs-judgement"),
        Row(
            "lupus nephritis refuted, SLE confirmed, all Conditions read",
            [condition(LN, "2025-01-01", verification="refuted"), *diagnosed(SLE)],
            "unknown",
            "needs-judgement",
            CONDITIONS,
        ),
        # no evidence
        Row("drug-induced lupus M32.0", diagnosed(code("icd10cm", "M32.0")), "unknown", "not-covered"),
        Row(
            "drug-induced lupus M32.0, all Conditions read",
            diagnosed(code("icd10", "M32.0")),
            "no",
            None,
            CONDITIONS,
        ),
        Row(
            "drug-induced lupus, SNOMED, all Conditions read",
            diagnosed(code("snomed", "201436003")),
            "no",
            None,
            CONDITIONS,
        ),
        Row(
            "discoid lupus L93.0, all Conditions read",
            diagnosed(code("icd10cm", "L93.0")),
            "no",
            None,
            CONDITIONS,
        ),
        Row(
            "N08.5 alone, a glomerular disease of some systemic disease",
            diagnosed(code("icd10", "N08.5")),
            "unknown",
            "needs-judgement",
        ),
        Row("hypertension I10, all Conditions read", diagnosed(code("icd10", "I10")), "no", None, CONDITIONS),
        Row(
            "a kidney biopsy, all Conditions read",
            [procedure(code("snomed", "274358005"), "2026-01-10")],
            "no",
            None,
            CONDITIONS,
        ),
        Row(
            "68815009 as a code of another system, all Conditions read",
            diagnosed(code("local", "68815009", "IgA 肾病")),
            "no",
            None,
            CONDITIONS,
        ),
        Row("nothing", [], "unknown", "not-covered"),
        Row("nothing, the site keeps no Conditions", [], "unknown", "not-covered", {"not_kept": ["Condition"]}),
        Row("nothing, all Conditions read", [], "no", None, CONDITIONS),
        Row("nothing, everything read", [], "no", None, {"complete": "all"}),
        Row("nothing, all Observations read", [], "unknown", "not-covered", {"complete": ["Observation"]}),
        # concepts that no table places
        Row(
            "text: lupus nephritis with crescents, all Conditions read",
            diagnosed(words("Lupus nephritis with crescents, see report")),
            "unknown",
            "unmapped-code",
            CONDITIONS,
        ),
        Row(
            "text: lupus nephritis with crescents",
            diagnosed(words("Lupus nephritis with crescents, see report")),
            "unknown",
            "unmapped-code",
        ),
        Row(
            "text: 狼疮性肾炎待排, all Conditions read",
            diagnosed(words("狼疮性肾炎待排")),
            "unknown",
            "unmapped-code",
            CONDITIONS,
        ),
        Row(
            "text: rule out lupus nephritis, all Conditions read",
            diagnosed(words("rule out lupus nephritis")),
            "unknown",
            "unmapped-code",
            CONDITIONS,
        ),
        Row(
            "text: 狼疮性肾炎待排, but refuted, all Conditions read",
            [condition(words("狼疮性肾炎待排"), "2025-01-01", verification="refuted")],
            "no",
            None,
            CONDITIONS,
        ),
        Row(
            "text: family history of lupus nephritis, all Conditions read",
            diagnosed(words("family history of lupus nephritis")),
            "no",
            None,
            CONDITIONS,
        ),
        Row(
            "a local code with the display Lupus nephritis and no text, all Conditions read",
            diagnosed(code("local", "D0231", "Lupus nephritis")),
            "unknown",
            "unmapped-code",
            CONDITIONS,
        ),
        Row(
            "a local code whose name no one can read, all Conditions read",
            diagnosed(code("local", "D0231")),
            "unknown",
            "unmapped-code",
            CONDITIONS,
        ),
        Row(
            "a local code with the name of another disease, all Conditions read",
            diagnosed(code("local", "D0777", "gout")),
            "no",
            None,
            CONDITIONS,
        ),
        Row(
            "text: 狼疮性肾炎待排, entered in error, all Conditions read",
            [condition(words("狼疮性肾炎待排"), "2025-01-01", verification="entered-in-error", clinical=None)],
            "no",
            None,
            CONDITIONS,
        ),
        Row(
            "text: 狼疮性肾炎待排, from next month, all Conditions read",
            [condition(words("狼疮性肾炎待排"), "2026-12-01")],
            "no",
            None,
            CONDITIONS,
        ),
        # attestation
        *attestation_rows("inc-lupus-nephritis", "not-covered"),
        Row(
            "attested, SLE alone in the record",
            [*diagnosed(SLE), *said(True)],
            "yes",
            "attested",
        ),
        Row(
            "attested, though all Conditions were read and say nothing",
            said(True),
            "yes",
            "attested",
            CONDITIONS,
        ),
        Row(
            "attested that it is not, but the record proves it",
            [*diagnosed(LN), *said(False)],
            "unknown",
            "conflict",
        ),
        Row(
            "attested 31 days ago, all Conditions read and silent",
            said(True, "2026-10-22"),
            "no",
            None,
            CONDITIONS,
        ),
        Row(
            "attested 31 days ago, SLE alone in the record",
            [*diagnosed(SLE), *said(True, "2026-10-22")],
            "unknown",
            "needs-judgement",
        ),
    ],
)


@pytest.mark.parametrize("row", rows, ids=label)
def test_lupus_nephritis(row: Row) -> None:
    check(row)
