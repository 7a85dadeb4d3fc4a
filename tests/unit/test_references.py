"""Every way in which FHIR names a resource comes down to one key."""

import pytest

from adapter.fhir.decode import decode
from adapter.fhir.elements import Identifier, Reference, Resource
from adapter.fhir.references import (
    contained_medication,
    contained_patient,
    identifier_key,
    key_of,
    key_of_text,
    type_of,
)

LITERAL = [
    ("Patient/p1", "Patient/p1"),
    (" Patient/p1 ", "Patient/p1"),
    ("Patient/p1/_history/3", "Patient/p1"),
    ("https://h.example/fhir/Patient/p1", "Patient/p1"),
    ("https://h.example/fhir/Patient/p1/_history/3", "Patient/p1"),
    ("http://h.example:8080/a/b/Observation/o-1.2", "Observation/o-1.2"),
    ("Patient/病人1", "Patient/病人1"),
    ("urn:uuid:0c2b-11", "urn:uuid:0c2b-11"),
    ("urn:oid:1.2.3", "urn:oid:1.2.3"),
    ("#m1", "#m1"),
    ("Patient?identifier=urn:mrn|7", "identifier:urn:mrn|7"),
    ("https://h.example/records/7", "https://h.example/records/7"),
]


@pytest.mark.parametrize(("text", "key"), LITERAL)
def test_a_literal_reference_becomes_one_key(text: str, key: str) -> None:
    assert key_of_text(text) == key
    assert key_of(Reference(reference=text)) == key


def test_a_key_stays_as_it_is() -> None:
    for _, key in LITERAL:
        assert key_of_text(key) == key


def test_a_logical_reference_is_named_by_its_identifier() -> None:
    mrn = Identifier(system="urn:mrn", value=" 7 ")
    assert key_of(Reference(identifier=mrn)) == "identifier:urn:mrn|7"
    assert identifier_key(Identifier(value="7")) == "identifier:|7"
    assert identifier_key(Identifier(system="urn:mrn")) is None


def test_the_literal_reference_wins_over_the_identifier() -> None:
    assert key_of(Reference(reference="Patient/p1", identifier=Identifier(value="7"))) == "Patient/p1"


def test_a_bare_id_needs_a_type() -> None:
    assert key_of(Reference(reference="p1", type="Patient")) == "Patient/p1"
    assert key_of(Reference(reference="p1")) == "p1"


def test_a_reference_that_names_nothing_has_no_key() -> None:
    assert key_of(Reference(display="Mrs Li")) is None


@pytest.mark.parametrize(
    ("reference", "kind"),
    [
        (Reference(reference="https://h.example/Practitioner/d"), "Practitioner"),
        (Reference(reference="urn:uuid:1", type="Patient"), "Patient"),
        (Reference(reference="urn:uuid:1"), None),
        (Reference(display="somebody"), None),
    ],
)
def test_the_type_is_told_by_the_reference_or_beside_it(reference: Reference, kind: str | None) -> None:
    assert type_of(reference) == kind


def _request(contained: bytes) -> Resource:
    text = b'{"resourceType":"MedicationRequest","medicationReference":{"reference":"#m"},"contained":[%s]}'
    resource = decode(text % contained)[1]
    assert resource is not None
    return resource


def test_a_contained_medication_is_found_by_its_id() -> None:
    two = b'{"resourceType":"Medication","id":"x"},{"id":"m","resourceType":"Medication","code":{"text":"MMF"}}'
    found = contained_medication(_request(two), "#m")
    assert found is not None and found.code is not None and found.code.text == "MMF"


def test_a_contained_id_may_be_written_with_its_hash() -> None:
    assert contained_medication(_request(b'{"resourceType":"Medication","id":"#m"}'), "#m") is not None


def test_what_is_not_there_or_of_another_kind_is_not_found() -> None:
    assert contained_medication(_request(b'{"resourceType":"Medication","id":"x"}'), "#m") is None
    assert contained_medication(_request(b'{"resourceType":"Patient","id":"m"}'), "#m") is None
    assert contained_patient(_request(b'{"resourceType":"Patient","id":"m"}'), "#m") is not None
    assert contained_medication(_request(b'{"resourceType":"Medication","id":"m","code":[]}'), "#m") is None
