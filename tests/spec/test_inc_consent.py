"""The patient signed this study's consent, and has not taken it back."""

import pytest

from tests.builders import STUDY, Json, also, attestation, code, codes, consent
from tests.spec.table import Row, attestation_rows, check, label, table

OTHER = "ResearchStudy/another"
LISTED = {"identifier": {"system": "urn:ietf:rfc:3986", "value": STUDY}}
RESEARCH_TOO = codes(("local", "R"), ("consentscope", "research"))
RANDOMISED = {"randomisation_date": "2026-11-10"}


def said(holds: bool) -> Json:
    return attestation("inc-consent", holds, "2026-11-20")


def verification(day: str, verified: bool) -> list[Json]:
    return [{"verified": verified, "verificationDate": day}]


rows = table(
    "inc-consent",
    "Signed consent",
    [
        # which consent is this study's
        Row("active, for research, for this study, signed", [consent()], "yes"),
        Row("this study as ResearchStudy/ln-msc-il2", [consent(study="ResearchStudy/ln-msc-il2")], "yes"),
        Row(
            "this study by an absolute reference that ends in its id",
            [consent(study="https://ehr.example/fhir/ResearchStudy/ln-msc-il2")],
            "yes",
        ),
        Row("this study by its policy URI", [consent(study=None, policy=STUDY)], "yes"),
        Row("this study by its policy URI, a version of it", [consent(study=None, policy=f"{STUDY}|1.0")], "yes"),
        Row("this study by its policy URI with a slash at its end", [consent(study=None, policy=f"{STUDY}/")], "yes"),
        Row(
            "another study by its policy URI, a version of it",
            [consent(study=None, policy=f"{STUDY}-2|1.0")],
            "unknown",
            "no-data",
        ),
        Row("this study, a version of it", [consent(study="ResearchStudy/ln-msc-il2/_history/2")], "yes"),
        Row(
            "this study by an identifier that study.json lists",
            [also(consent(study=None), provision={"data": [{"meaning": "related", "reference": LISTED}]})],
            "yes",
        ),
        Row("another study", [consent(study=OTHER)], "unknown", "no-data"),
        Row("another study, rejected", [consent(study=OTHER, status="rejected")], "unknown", "no-data"),
        Row("no study named", [consent(study=None)], "unknown", "no-data"),
        Row(
            "another policy URI",
            [consent(study=None, policy="http://hospital.example/policy/privacy")],
            "unknown",
            "no-data",
        ),
        Row("for treatment", [consent(scope="treatment")], "unknown", "no-data"),
        Row("for privacy", [consent(scope="patient-privacy")], "unknown", "no-data"),
        Row("for treatment, rejected", [consent(scope="treatment", status="rejected")], "unknown", "no-data"),
        Row("scope research beside a local code", [also(consent(), scope=RESEARCH_TOO)], "yes"),
        Row(
            "scope research of another code system",
            [also(consent(), scope=code("local", "research"))],
            "unknown",
            "no-data",
        ),
        Row("without a scope", [consent(scope=None)], "unknown", "no-data"),
        # statuses
        Row("draft", [consent(status="draft")], "unknown", "no-data"),
        Row("proposed", [consent(status="proposed")], "unknown", "no-data"),
        Row("rejected", [consent(status="rejected")], "no"),
        Row("inactive (withdrawn)", [consent(status="inactive")], "no"),
        Row("entered in error", [consent(status="entered-in-error")], "unknown", "no-data"),
        Row(
            "active, later one entered in error",
            [consent(), consent("2026-11-10", status="entered-in-error")],
            "yes",
        ),
        # the root provision
        Row("root provision permit", [consent(kind="permit")], "yes"),
        Row("root provision deny", [consent(kind="deny")], "no"),
        Row("root provision deny with a nested permit", [consent(kind="deny", nested="permit")], "yes"),
        Row("root provision deny with a nested deny", [consent(kind="deny", nested="deny")], "no"),
        # the day of signing
        Row("signed today", [consent("2026-11-22")], "yes"),
        Row("signed tomorrow", [consent("2026-11-23")], "unknown", "no-data"),
        Row(
            "signed at 16:30 UTC: tomorrow in Shanghai",
            [consent("2026-11-22T16:30:00Z")],
            "unknown",
            "no-data",
        ),
        Row("signed years ago", [consent("2020-01-01")], "yes"),
        Row("without a date", [consent(None)], "unknown", "no-data"),
        Row("signed some time this month", [consent("2026-11")], "yes"),
        Row("signed some time this year", [consent("2026")], "yes"),
        Row("signed some time next month", [consent("2026-12")], "unknown", "no-data"),
        Row("without a date, verified on 2026-11-10", [consent(None, verified="2026-11-10")], "yes"),
        Row(
            "dated in the future, verified on 2026-11-10",
            [consent("2026-12-01", verified="2026-11-10")],
            "yes",
        ),
        Row(
            "dated 2026-11-02, verified tomorrow",
            [consent("2026-11-02", verified="2026-11-23")],
            "unknown",
            "no-data",
        ),
        Row(
            "dated 2026-11-02, not verified: a verification date that does not count",
            [also(consent("2026-11-02"), verification=verification("2026-11-23", False))],
            "yes",
        ),
        Row("inactive, without a date", [consent(None, status="inactive")], "unknown", "no-data"),
        Row(
            "rejected tomorrow, nothing else",
            [consent("2026-11-23", status="rejected")],
            "unknown",
            "no-data",
        ),
        # the period
        Row("its period over yesterday", [consent(over=("2026-11-02", "2026-11-21"))], "unknown", "stale"),
        Row("its period ends today", [consent(over=("2026-11-02", "2026-11-22"))], "yes"),
        Row("its period begins tomorrow", [consent(over=("2026-11-23", None))], "unknown", "no-data"),
        Row("its period begins today", [consent(over=("2026-11-22", None))], "yes"),
        Row("its period open", [consent(over=("2026-11-02", None))], "yes"),
        Row("inactive, its period over", [consent(status="inactive", over=("2026-11-02", "2026-11-10"))], "no"),
        # several
        Row(
            "one without end, the later one's period over",
            [consent("2026-11-02"), consent("2026-11-03", over=("2026-11-03", "2026-11-10"))],
            "unknown",
            "stale",
        ),
        Row("deny, later permit", [consent("2026-11-02", kind="deny"), consent("2026-11-05", kind="permit")], "yes"),
        Row("permit, later deny", [consent("2026-11-02", kind="permit"), consent("2026-11-05", kind="deny")], "no"),
        Row("active, later inactive", [consent("2026-11-02"), consent("2026-11-10", status="inactive")], "no"),
        Row("active, later rejected", [consent("2026-11-02"), consent("2026-11-10", status="rejected")], "no"),
        Row("inactive, later active", [consent("2026-11-02", status="inactive"), consent("2026-11-10")], "yes"),
        Row("rejected, later active", [consent("2026-11-02", status="rejected"), consent("2026-11-10")], "yes"),
        Row("active and inactive on one day", [consent(), consent(status="inactive")], "unknown", "conflict"),
        Row("active and rejected on one day", [consent(), consent(status="rejected")], "unknown", "conflict"),
        Row("two active on one day", [consent(), consent(study="ResearchStudy/ln-msc-il2")], "yes"),
        Row("active, later a draft", [consent("2026-11-02"), consent("2026-11-10", status="draft")], "yes"),
        Row(
            "active, later another study's rejected",
            [consent("2026-11-02"), consent("2026-11-10", study=OTHER, status="rejected")],
            "yes",
        ),
        Row(
            "active, later a treatment consent inactive",
            [consent("2026-11-02"), consent("2026-11-10", scope="treatment", status="inactive")],
            "yes",
        ),
        Row(
            "active, inactive from tomorrow",
            [consent("2026-11-02"), consent("2026-11-23", status="inactive")],
            "yes",
        ),
        Row(
            "inactive on 2026-11-10, active dated 2026-11-02 but verified on 2026-11-15",
            [consent("2026-11-10", status="inactive"), consent("2026-11-02", verified="2026-11-15")],
            "yes",
        ),
        Row(
            "active before randomisation, withdrawn after it",
            [consent("2026-11-02"), consent("2026-11-15", status="inactive")],
            "yes",
            None,
            RANDOMISED,
        ),
        Row(
            "active before randomisation, withdrawn on its day",
            [consent("2026-11-02"), consent("2026-11-10", status="inactive")],
            "no",
            None,
            RANDOMISED,
        ),
        Row("nothing", [], "unknown", "no-data"),
        Row("nothing, everything read", [], "unknown", "no-data", {"complete": "all"}),
        # attestation
        *attestation_rows("inc-consent", "no-data"),
        Row(
            "attested, its period over in the record",
            [said(True), consent(over=("2026-11-02", "2026-11-10"))],
            "yes",
            "attested",
        ),
        Row("attested, a draft in the record", [said(True), consent(status="draft")], "yes", "attested"),
        Row(
            "attested, withdrawn in the record",
            [said(True), consent(status="inactive")],
            "unknown",
            "conflict",
        ),
        Row(
            "attested that it does not hold, active in the record",
            [said(False), consent()],
            "unknown",
            "conflict",
        ),
    ],
)


@pytest.mark.parametrize("row", rows, ids=label)
def test_consent(row: Row) -> None:
    check(row)
