"""Patient, Consent, QuestionnaireResponse and ResearchSubject -> who the patient is, what was consented and attested,
and in which arm he already is.
"""

from collections.abc import Iterator
from datetime import date

from adapter.errors import Issue
from adapter.facts.model import Consented, Enrolment, Fact, Person, Result, Source
from adapter.facts.vocabulary import Item, Study, Vocabulary, retracted, status_of, version_of
from adapter.fhir.dates import When
from adapter.fhir.elements import (
    Consent,
    Patient,
    Provision,
    QuestionnaireResponse,
    Reference,
    ResearchSubject,
)
from adapter.fhir.elements import (
    Item as Question,
)
from adapter.fhir.references import type_of
from adapter.fhir.terminology import Grade

_GENDERS = {"male", "female", "other", "unknown"}
_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_DECIDING = {"active", "inactive", "rejected"}


def patient_facts(patient: Patient, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """Gender and birth date. A gender that R4 does not know is told and read as missing."""
    gender = (patient.gender or "").strip().lower() or None
    if gender is not None and gender not in _GENDERS:
        yield Issue("note", reference, "gender", "not one of male, female, other, unknown: read as missing")
        gender = None
    born = vocabulary.calendar.days(patient.birth_date, "birthDate") if patient.birth_date else None
    days = (date.fromordinal(born[0]), date.fromordinal(born[1])) if born else None
    yield Person(gender, days, patient.birth_date or "", version_of(patient))


def consent_facts(consent: Consent, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """A research Consent for this study that says yes or no; drafts, other scopes and other studies say nothing."""
    if status_of(consent.status) == "entered-in-error":
        yield retracted(reference)
    calendar = vocabulary.calendar
    verified = [v.verification_date for v in consent.verification or () if v.verified and v.verification_date]
    text = min(verified) if verified else consent.date_time
    path = "verification.verificationDate" if verified else "dateTime"
    signed = calendar.at(text, path) if text else None
    root = consent.provision or Provision()
    period = calendar.during(root.period, "provision.period") if root.period else None
    scopes = vocabulary.terminology.codes(consent.scope) if consent.scope else ()
    research = (_SCOPE, "research") in scopes
    status = status_of(consent.status)
    if not research or status not in _DECIDING or not _names_study(consent, vocabulary.study):
        return
    denies = root.type == "deny" and not any(child.type == "permit" for child in _nested(root))
    source = Source(reference, version_of(consent), path if text else "status", text or status)
    yield Consented(status, signed, period, denies, source)


def _nested(provision: Provision) -> Iterator[Provision]:
    for child in provision.provision or ():
        yield child
        yield from _nested(child)


def _names_study(consent: Consent, study: Study) -> bool:
    root = consent.provision or Provision()
    data = [row.reference for p in (root, *_nested(root)) for row in p.data or () if row.reference]
    uris = {_bare(policy.uri) for policy in consent.policy or () if policy.uri}
    return bool(uris & study.names) or any(_is_study(reference, study) for reference in data)


def _bare(uri: str) -> str:
    """A reference or canonical without its version."""
    return uri.strip().split("/_history/")[0].split("|")[0].rstrip("/")


def _is_study(reference: Reference, study: Study) -> bool:
    """A reference whose id is the trial's id, or that is one of the study's names; an identifier by system and
    value.
    """
    text = _bare(reference.reference or "")
    identifier = reference.identifier
    value = f"{identifier.system or ''}|{identifier.value}" if identifier and identifier.value else None
    return (bool(text) and (text.rpartition("/")[2] == study.id or text in study.names)) or value in study.names


def enrolments(subject: ResearchSubject, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """A ResearchSubject of this study; those of other studies say nothing. FHIR R4 ResearchSubject."""
    if subject.study is not None and _is_study(subject.study, vocabulary.study):
        found = [(i.system or "", i.value) for i in subject.identifier or () if i.value]
        arms = (subject.assigned_arm or "", subject.actual_arm or "")
        yield Enrolment(reference, version_of(subject) or "", status_of(subject.status), *arms, tuple(found))


def questionnaire_facts(response: QuestionnaireResponse, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """Boolean answers to items whose linkId is a criterion of this trial, dated by `authored`."""
    when = vocabulary.calendar.at(response.authored, "authored") if response.authored else When(dated=False)
    status = status_of(response.status)
    if status == "entered-in-error":
        yield retracted(reference)
    asked = (response.questionnaire or "").split("|")[0]
    if status not in ("completed", "amended") or asked not in ("", vocabulary.study.questionnaire):
        return
    if response.author and type_of(response.author) in ("Patient", "RelatedPerson"):
        return
    for path, link, answer in _answers(response.item or (), "item"):
        source = Source(reference, version_of(response), path, str(answer).lower())
        yield Fact(
            f"attested:{link}", "QuestionnaireResponse", Grade.COUNTS, when, "attestation", source,
            result=Result(truth=answer),
        )  # fmt: skip


def _answers(items: tuple[Question, ...], path: str) -> Iterator[tuple[str, str, bool]]:
    for index, item in enumerate(items):
        at = f"{path}[{index}]"
        for number, answer in enumerate(item.answer or ()):
            if item.link_id and answer.value_boolean is not None:
                yield f"{at}.answer[{number}].valueBoolean", item.link_id, answer.value_boolean
            yield from _answers(answer.item or (), f"{at}.answer[{number}].item")
        yield from _answers(item.item or (), f"{at}.item")
