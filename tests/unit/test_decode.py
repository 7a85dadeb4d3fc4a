"""One resource's bytes -> a typed struct, or a fault that names the element."""

from decimal import Decimal

import pytest

from adapter.errors import UnreadableError
from adapter.fhir.decode import R4_TYPES, Limits, decode, is_deeper
from adapter.fhir.elements import READ, Condition, Observation, Patient


def _observation(rest: str) -> bytes:
    return b'{"resourceType":"Observation","id":"o1","code":{"text":"x"},%s}' % rest.encode()


def test_numbers_keep_their_digits() -> None:
    kind, found, notes = decode(_observation('"valueQuantity":{"value":1.10,"unit":"g/g"}'))
    assert (kind, notes) == ("Observation", ())
    assert isinstance(found, Observation) and found.value_quantity is not None
    assert str(found.value_quantity.value) == "1.10"


def test_the_type_is_found_wherever_it_stands() -> None:
    assert isinstance(decode(b'{"id":"p1","resourceType":"Patient"}')[1], Patient)
    assert isinstance(decode(b' {\n "resourceType" : "Patient" }')[1], Patient)
    nested = b'{"contained":[{"resourceType":"Patient"}],"code":{"text":"x"},"resourceType":"Condition"}'
    assert isinstance(decode(nested)[1], Condition)


def test_a_resource_needs_no_id() -> None:
    found = decode(b'{"resourceType":"Patient"}')[1]
    assert found is not None and found.id is None


def test_a_foreign_type_is_skipped_in_silence() -> None:
    assert decode(b'{"resourceType":"Claim","total":{"value":"x"}}') == ("Claim", None, ())
    assert decode(b'{"id":"c","resourceType":"OperationOutcome"}') == ("OperationOutcome", None, ())


def test_the_list_of_types_is_that_of_r4() -> None:
    assert len(R4_TYPES) == 148 - len({"Resource", "DomainResource"})
    assert READ.keys() <= R4_TYPES


REFUSED = [
    (b"null", "", "expected an object, got null"),
    (b"[1]", "", "expected an object, got an array"),
    (b'"Patient"', "", "expected an object, got a string"),
    (b"3", "", "expected an object, got a number"),
    (b"true", "", "expected an object, got true or false"),
    (b"{}", "resourceType", "missing: not a FHIR resource"),
    (b'{"resourceType":null}', "resourceType", "missing: not a FHIR resource"),
    (b'{"resourceType":7}', "resourceType", "expected str, got int"),
    (b'{"resourceType":"Observaton"}', "resourceType", "'Observaton' is no FHIR R4 resource type"),
    (b'{"resourceType":"patient"}', "resourceType", "'patient' is no FHIR R4 resource type"),
    (b'{"resourceType":"Patient","id":7}', "id", "expected str, got int"),
    (b'{"resourceType":"Patient","id":"p', "", "truncated: the text ends before the resource does"),
    (b'{"resourceType":"Claim","id":"p', "", "truncated: the text ends before the resource does"),
    (b'{"resourceType":"Patient",,}', "", "not valid JSON"),
    (b'{"resourceType":"Patient","id":"\xb2\xc4"}', "", "not UTF-8 text (byte 33)"),
    (b'{"resourceType":"Condition","code":{"coding":[{"code":5}]}}', "code.coding[0].code", "expected str, got int"),
    (b'{"resourceType":"Condition","code":{"coding":{}}}', "code.coding", "expected array, got object"),
    (b'{"resourceType":"Condition","code":"x"}', "code", "expected object, got str"),
    (b'{"resourceType":"Condition"}', "code", "missing"),
    (b'{"resourceType":"Condition","code":null}', "code", "missing"),
    (b'{"resourceType":"Procedure"}', "code", "missing"),
    (b'{"resourceType":"Observation"}', "code", "missing"),
    (b'{"resourceType":"Immunization"}', "vaccineCode", "missing"),
    (b'{"resourceType":"MedicationRequest"}', "medication[x]", "missing"),
    (b'{"resourceType":"MedicationStatement"}', "medication[x]", "missing"),
    (b'{"resourceType":"MedicationDispense"}', "medication[x]", "missing"),
    (b'{"resourceType":"MedicationAdministration"}', "medication[x]", "missing"),
]


@pytest.mark.parametrize(("data", "path", "problem"), REFUSED)
def test_what_cannot_be_read_names_its_path(data: bytes, path: str, problem: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        decode(data)
    assert refused.value.path == path
    assert refused.value.problem.startswith(problem)


NUMBERS = [
    ('"valueQuantity":{"value":NaN}', "valueQuantity.value"),
    ('"valueQuantity":{"value":-Infinity}', "valueQuantity.value"),
    ('"valueQuantity":{"value":1e400}', "valueQuantity.value"),
    ('"valueQuantity":{"value":1E-51}', "valueQuantity.value"),
    ('"valueQuantity":{"value":-1e51}', "valueQuantity.value"),
    ('"valueQuantity":{"value":0e999}', "valueQuantity.value"),
    ('"valueQuantity":{"value":%s}' % ("9" * 52), "valueQuantity.value"),
    ('"valueQuantity":{"value":"1.5"}', "valueQuantity.value"),
    ('"valueQuantity":{"value" : "1.5"}', "valueQuantity.value"),
    ('"valueQuantity":{"unit":"g","value":"1.5"}', "valueQuantity.value"),
    ('"valueQuantity":{"value":"１.５"}', "valueQuantity.value"),
    ('"valueQuantity":{"value":"\\u0031.5"}', "valueQuantity.value"),
    ('"valueQuantity":{"value":"NaN"}', "valueQuantity.value"),
    ('"valueQuantity":{"value":"sNaN"}', "valueQuantity.value"),
    ('"valueQuantity":{"value":"much"}', "valueQuantity.value"),
    ('"valueQuantity":{"value":true}', "valueQuantity.value"),
    ('"valueInteger":1.5', "valueInteger"),
    ('"valueInteger":%s' % ("9" * 5000), "valueInteger"),
    ('"valueRange":{"high":{"value":"2"}}', "valueRange.high.value"),
    (
        '"component":[{"code":{"text":"a"}},{"valueQuantity":{"value":1e99}}]',
        "component[1].valueQuantity.value",
    ),
    ('"referenceRange":[{"low":{"value":"0"}}]', "referenceRange[0].low.value"),
]


@pytest.mark.parametrize(("rest", "path"), NUMBERS)
def test_a_number_that_cannot_be_meant_is_refused(rest: str, path: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        decode(_observation(rest))
    assert refused.value.path == path


@pytest.mark.parametrize("number", ["1e3", "1E-5", "-0.0", "5e50", "0.00000000000000000000000000000000000001"])
def test_a_number_with_an_exponent_is_a_number(number: str) -> None:
    found = decode(_observation(f'"valueQuantity":{{"value":{number}}}'))[1]
    assert isinstance(found, Observation) and found.value_quantity is not None
    assert found.value_quantity.value == Decimal(number)


@pytest.mark.parametrize(
    "identifier",
    [
        '"identifier":[{"system":"urn:mrn","value":"7"}]',
        '"identifier": [{"value": "7"}]',
        '"identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"8e1"}]',
        '"subject":{"identifier":{"value":"9"}}',
    ],
)
def test_an_identifier_of_digits_is_no_number(identifier: str) -> None:
    found = decode(_observation(identifier + ',"valueQuantity":{"value":6.5}'))[1]
    assert isinstance(found, Observation)


def test_an_identifier_hides_no_quoted_number_after_it() -> None:
    rest = '"identifier":[{"value":"7"}],"valueQuantity":{"value":"6"}'
    with pytest.raises(UnreadableError, match=r"valueQuantity\.value"):
        decode(_observation(rest))


def test_a_quoted_period_of_a_dosage_is_refused() -> None:
    text = b'{"resourceType":"MedicationRequest","medicationReference":{},"dosageInstruction":[{"timing":%s}]}'
    with pytest.raises(UnreadableError, match=r"dosageInstruction\[0\]\.timing\.repeat\.period:"):
        decode(text % b'{"repeat":{"period":"1","periodUnit":"d"}}')
    assert decode(text % b'{"repeat":{"period":1,"periodUnit":"d"}}')[2] == ()


MENDED = [
    (r'"note":[{"text":"\ud800"}]', "note[0].text"),
    (r'"status":"fin\udc00al"', "status"),
    ('"interpretation":[null,{"text":"H"}]', "interpretation[0]"),
    ('"code":{"coding":[null,{"code":"a"}],"text":"x"}', "code.coding[0]"),
    ('"status":"fi\tnal"', ""),
]


@pytest.mark.parametrize(("rest", "path"), MENDED)
def test_what_is_plain_is_mended_and_told(rest: str, path: str) -> None:
    _, found, notes = decode(_observation(rest))
    assert isinstance(found, Observation) and found.id == "o1"
    assert [note[0] for note in notes] == [path]


def test_a_null_is_as_if_absent() -> None:
    _, found, notes = decode(_observation('"status":null,"valueQuantity":null,"component":null'))
    assert isinstance(found, Observation) and found.status is None and notes == ()


def test_contained_resources_survive_the_slow_path() -> None:
    rest = r'"status":"\ud800","contained":[{"resourceType":"Specimen","id":"s","x":1.10}]'
    found = decode(_observation(rest))[1]
    assert isinstance(found, Observation) and found.contained is not None
    assert bytes(found.contained[0]) == b'{"resourceType":"Specimen","id":"s","x":1.10}'


def _nested(levels: int) -> bytes:
    return b'{"resourceType":"Patient","x":' + b'{"x":[' * levels + b"1" + b"]}" * levels + b"}"


def test_the_depth_is_limited() -> None:
    assert isinstance(decode(_nested(63))[1], Patient)
    with pytest.raises(UnreadableError, match="nested deeper than 64 levels"):
        decode(_nested(64))
    with pytest.raises(UnreadableError, match="nested deeper than 8 levels"):
        decode(_nested(8), Limits(depth=8))


@pytest.mark.parametrize("opening", [b"[", b'{"x":', b'{"x":['])
def test_a_hundred_thousand_brackets_do_no_harm(opening: bytes) -> None:
    for end in (b"", b"1"):
        with pytest.raises(UnreadableError):
            decode(b'{"resourceType":"Patient","x":' + opening * 100_000 + end)
    with pytest.raises(UnreadableError):
        decode(b'{"x":' + opening * 100_000)


def test_braces_in_a_text_are_no_nesting() -> None:
    assert not is_deeper(b'{"x":"%s","y":"\\"{"}' % (b"{" * 500), 64)
    assert isinstance(decode(b'{"resourceType":"Patient","x":"%s"}' % (b"{" * 500))[1], Patient)


def test_many_flat_objects_are_no_nesting() -> None:
    assert isinstance(decode(b'{"resourceType":"Patient","x":[%s]}' % b",".join([b"{}"] * 500))[1], Patient)


def test_the_size_is_limited() -> None:
    long = b'{"resourceType":"Patient","x":"%s"}' % (b"a" * 10_000_000)
    assert isinstance(decode(long)[1], Patient)
    with pytest.raises(UnreadableError, match="larger than 1 MiB"):
        decode(long, Limits(resource=1 << 20))
