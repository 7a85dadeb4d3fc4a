"""A Bundle or a single resource in memory -> records, with the patient of each, and what is wrong."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from adapter.errors import Issue
from adapter.fhir.decode import Limits
from adapter.sources.bundle import read_document
from adapter.sources.events import Covered, Event, Noticed, Record, SamePatient, Unreadable

Json = dict[str, Any]


def observation(id: str | None = "o1", subject: object = "Patient/p1", **elements: object) -> Json:
    named = {"reference": subject} if isinstance(subject, str) else subject
    made: Json = {"resourceType": "Observation", "id": id, "code": {"text": "x"}, "subject": named, **elements}
    return {name: value for name, value in made.items() if value is not None}


def patient(id: str | None = "p1", **elements: object) -> Json:
    return {"resourceType": "Patient", **({"id": id} if id else {}), **elements}


def bundle(*entries: object, type: str = "collection", **elements: object) -> Json:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries), **elements}


def entry(resource: object, full_url: str | None = None, **elements: object) -> Json:
    return {**({"fullUrl": full_url} if full_url else {}), "resource": resource, **elements}


def events(document: object) -> list[Event]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(read_document(data, "b.json"))


def records(found: Iterable[Event]) -> list[tuple[str, str | None]]:
    return [(one.reference, one.subject) for one in found if isinstance(one, Record)]


def issues(found: Iterable[Event]) -> list[Issue]:
    told = [one for one in found if isinstance(one, Unreadable | Noticed | Issue)]
    return [one if isinstance(one, Issue) else one.issue for one in told]


def the_unreadable(found: Iterable[Event]) -> Unreadable:
    (one,) = (one for one in found if isinstance(one, Unreadable))
    return one


# --- single resources


def test_a_single_resource_is_a_document() -> None:
    assert records(events(observation())) == [("Observation/o1", "Patient/p1")]
    assert records(events(b"\xef\xbb\xbf" + json.dumps(patient()).encode())) == [("Patient/p1", "Patient/p1")]


def test_a_resource_without_id_and_full_url_is_named_by_its_content() -> None:
    (one,), (same,), (other,) = (events(observation(None, status=s)) for s in ("final", "final", "amended"))
    assert isinstance(one, Record) and isinstance(other, Record) and one == same
    assert one.reference.startswith("Observation/sha256-") and one.reference != other.reference


def test_an_array_is_no_document() -> None:
    (issue,) = issues(events([observation()]))
    assert (issue.severity, issue.file) == ("error", "b.json") and "Bundle" in issue.problem


# --- the subject


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("Patient/p1", "Patient/p1"),
        ("https://h.example/fhir/Patient/p1/_history/2", "Patient/p1"),
        ("urn:uuid:7", "urn:uuid:7"),
        ("p1", "Patient/p1"),
        ({"identifier": {"system": "urn:mrn", "value": "7"}}, "identifier:urn:mrn|7"),
        ({"type": "Patient", "identifier": {"value": "7"}}, "identifier:|7"),
        ("https://his.example/people/7", "https://his.example/people/7"),
    ],
)
def test_the_subject_is_the_key_of_the_patient(subject: object, key: str) -> None:
    assert records(events(observation(subject=subject))) == [("Observation/o1", key)]


@pytest.mark.parametrize("kind", ["Immunization", "ImmunizationRecommendation", "Consent"])
def test_some_types_name_their_patient_as_patient(kind: str) -> None:
    vaccine = {"vaccineCode": {"text": "BCG"}} if kind == "Immunization" else {}
    found = events({"resourceType": kind, "id": "i", "patient": {"reference": "Patient/p1"}, **vaccine})
    assert records(found) == [(f"{kind}/i", "Patient/p1")]
    (issue,) = issues(events({"resourceType": kind, "id": "i", "subject": {"reference": "Patient/p1"}, **vaccine}))
    assert (issue.severity, issue.reference, issue.path) == ("error", f"{kind}/i", "patient")


@pytest.mark.parametrize("subject", [None, {}, {"display": "Mrs Li"}, "#p"])
def test_a_resource_without_any_subject_is_an_issue(subject: object) -> None:
    (issue,) = events(observation(subject=subject))
    assert isinstance(issue, Issue)
    assert (issue.severity, issue.reference, issue.path, issue.file) == (
        "error",
        "Observation/o1",
        "subject",
        "b.json",
    )


@pytest.mark.parametrize("subject", ["Group/g", "Device/d", "Location/l", {"reference": "urn:uuid:1", "type": "Group"}])
def test_the_record_of_something_else_is_set_aside_and_told(subject: object) -> None:
    (issue,) = events(observation(subject=subject))
    assert isinstance(issue, Issue)
    assert issue.severity == "note" and "not of a patient" in issue.problem


def test_a_contained_patient_is_known_by_identifier() -> None:
    inner = patient("p", identifier=[{"system": "urn:mrn", "value": "7"}])
    assert records(events(observation(subject="#p", contained=[inner]))) == [("Observation/o1", "identifier:urn:mrn|7")]
    (issue,) = issues(events(observation(subject="#p", contained=[patient("p")])))
    assert "identifier" in issue.problem


def test_an_appointment_belongs_to_each_patient_who_takes_part() -> None:
    actors = ("Practitioner/d", "Patient/p1", "Location/l", "https://h.example/Patient/p2", "Patient/p1")
    both = {"resourceType": "Appointment", "id": "a", "participant": [{"actor": {"reference": a}} for a in actors]}
    assert records(events(both)) == [("Appointment/a", "Patient/p1"), ("Appointment/a", "Patient/p2")]
    (issue,) = issues(events({**both, "participant": [{"actor": {"reference": "Practitioner/d"}}, {}]}))
    assert issue.path == "participant"


def test_a_medication_has_no_subject_and_is_known_by_all_its_names() -> None:
    drug = {"resourceType": "Medication", "id": "m", "identifier": [{"system": "urn:d", "value": "9"}]}
    (one,) = events(bundle(entry(drug, "urn:uuid:1")))
    assert isinstance(one, Record)
    assert (one.reference, one.subject, one.also) == ("Medication/m", None, ("urn:uuid:1", "identifier:urn:d|9"))


def test_a_patient_is_known_by_identifier_and_by_those_he_was_merged_with() -> None:
    mrn = {"system": "urn:mrn", "value": "7"}
    links = [
        {"type": "replaced-by", "other": {"reference": "Patient/p2"}},
        {"type": "replaces", "other": {"reference": "https://h.example/Patient/p0"}},
        {"type": "seealso", "other": {"reference": "Patient/p9"}},
        {"type": "refer", "other": {"display": "?"}},
    ]
    one, *same = events(patient(identifier=[mrn, mrn, {"system": "urn:empty"}], link=links))
    assert isinstance(one, Record) and one.also == ("identifier:urn:mrn|7",)
    assert same == [SamePatient("Patient/p1", "Patient/p2"), SamePatient("Patient/p0", "Patient/p1")]


# --- Bundles


@pytest.mark.parametrize(
    "type_", ["collection", "searchset", "transaction", "batch", "document", "message", None, "odd"]
)
def test_a_bundle_of_any_type_is_read(type_: str | None) -> None:
    assert records(events(bundle(entry(patient()), entry(observation()), type=type_))) == [
        ("Patient/p1", "Patient/p1"),
        ("Observation/o1", "Patient/p1"),
    ]


def test_a_transaction_by_urn_uuid_is_resolved_in_any_order() -> None:
    entries = [
        entry(observation(None, "urn:uuid:1"), "urn:uuid:2", request={"method": "POST", "url": "Observation"}),
        entry(patient("p1"), "urn:uuid:1"),
    ]
    for order in (entries, entries[::-1]):
        found = events(bundle(*order, type="transaction"))
        assert set(records(found)) == {("Patient/p1", "Patient/p1"), ("urn:uuid:2", "Patient/p1")}
        assert {one.also for one in found if isinstance(one, Record)} == {("urn:uuid:1",), ()}


def test_a_patient_without_id_is_known_by_full_url() -> None:
    entries = [entry(patient(None), "urn:uuid:1"), entry(observation(subject="urn:uuid:1"), "urn:uuid:2")]
    assert records(events(bundle(*entries))) == [("urn:uuid:1", "urn:uuid:1"), ("Observation/o1", "urn:uuid:1")]
    (one,) = events(bundle(entry(patient(None), "https://h.example/fhir/Patient/p1")))
    assert isinstance(one, Record) and one.also == ("Patient/p1",)


def test_a_full_url_that_says_the_same_is_no_other_name() -> None:
    (one,) = events(bundle(entry(observation(), "https://h.example/fhir/Observation/o1")))
    assert isinstance(one, Record) and one.also == ()


def test_keys_in_any_order_are_read() -> None:
    text = json.dumps(
        bundle(entry(patient("p1"), "urn:uuid:1"), entry(observation(subject="urn:uuid:1"))), sort_keys=True
    )
    assert records(events(text.encode())) == [("Patient/p1", "Patient/p1"), ("Observation/o1", "Patient/p1")]


def test_entries_that_need_no_resource_are_no_issue() -> None:
    quiet = [
        {"request": {"method": "DELETE", "url": "Observation/o9"}},
        {"request": {"method": "GET", "url": "Observation?patient=p1"}},
        {"response": {"status": "204"}},
        entry({"resourceType": "OperationOutcome", "issue": []}, search={"mode": "outcome"}),
        entry({"resourceType": "Practitioner", "id": "d"}),
    ]
    assert events(bundle(*quiet)) == []


def test_a_version_from_before_its_deletion_is_set_aside() -> None:
    url = "https://h.example/Observation/o1"
    history = [
        {"fullUrl": url, "request": {"method": "DELETE", "url": "Observation/o1"}},
        entry(observation(), url, request={"method": "PUT", "url": "Observation/o1"}),
        entry(observation("o2"), "https://h.example/Observation/o2", request={"method": "PUT"}),
    ]
    found = events(bundle(*history, type="history"))
    assert records(found) == [("Observation/o2", "Patient/p1")]
    assert [(i.severity, i.reference) for i in issues(found)] == [("note", "Observation/o1")]
    revived = [entry(observation(), url, request={"method": "PUT", "url": "Observation/o1"}), history[0]]
    assert records(events(bundle(*revived, type="history"))) == [("Observation/o1", "Patient/p1")]


def test_a_bundle_in_a_bundle_is_read_too() -> None:
    inner = bundle(entry(patient("p1"), "urn:uuid:1"), entry(observation(subject="urn:uuid:1")))
    assert records(events(bundle(entry(inner), entry(observation("o2"))))) == [
        ("Patient/p1", "Patient/p1"),
        ("Observation/o1", "Patient/p1"),
        ("Observation/o2", "Patient/p1"),
    ]
    for _ in range(9):
        inner = bundle(entry(inner))
    assert [i.problem for i in issues(events(inner))] == ["more than 8 Bundles inside each other"]


def test_an_empty_bundle_yields_nothing() -> None:
    assert events({"resourceType": "Bundle"}) == []
    assert events({"resourceType": "Bundle", "type": "searchset", "entry": None}) == []


# --- what is wrong with one entry costs only that entry

BAD_ENTRIES: list[tuple[str, str, str]] = [
    ("null", "entry[1]", "expected object, got null"),
    ("3", "entry[1]", "expected object, got int"),
    ('"text"', "entry[1]", "expected object, got str"),
    ("[]", "entry[1]", "expected object, got array"),
    ("{}", "entry[1].resource", "missing: an entry without a resource"),
    ('{"resource":null}', "entry[1].resource", "missing: an entry without a resource"),
    ('{"fullUrl":"urn:uuid:1"}', "entry[1].resource", "missing: an entry without a resource"),
    ('{"resource":3}', "", "expected an object, got a number"),
    ('{"resource":{}}', "resourceType", "missing: not a FHIR resource"),
    ('{"resource":{"resourceType":"Foo"}}', "resourceType", "'Foo' is no FHIR R4 resource type"),
    ('{"fullUrl":3,"resource":{"resourceType":"Foo"}}', "resourceType", "'Foo' is no FHIR R4 resource type"),
    ('{"resource":{"resourceType":"Patient","id":"p9",}}', "", "not valid JSON"),
]


@pytest.mark.parametrize(("bad", "path", "problem"), BAD_ENTRIES)
def test_a_bad_entry_costs_only_itself(bad: str, path: str, problem: str) -> None:
    good = [json.dumps(entry(patient())), bad, json.dumps(entry(observation()))]
    found = events(b'{"resourceType":"Bundle","type":"collection","entry":[%s]}' % ", ".join(good).encode())
    assert records(found) == [("Patient/p1", "Patient/p1"), ("Observation/o1", "Patient/p1")]
    (issue,) = issues(found)
    assert (issue.severity, issue.path, issue.file) == ("error", path, "b.json")
    assert issue.problem.startswith(problem)


def test_an_unreadable_resource_tells_type_reference_and_patient() -> None:
    bad = observation("o9", "https://h.example/Patient/p1", valueQuantity={"value": "1.5"})
    one = the_unreadable(events(bundle(entry(patient()), entry(bad))))
    assert (one.type, one.subject) == ("Observation", "Patient/p1")
    assert (one.issue.reference, one.issue.path) == ("Observation/o9", "valueQuantity.value")


def test_the_patient_of_an_unreadable_resource_is_resolved_in_its_bundle() -> None:
    bad = observation("o9", "urn:uuid:1", valueQuantity=[])
    found = events(bundle(entry(bad, "urn:uuid:2"), entry(patient(), "urn:uuid:1")))
    assert the_unreadable(found).subject == "Patient/p1"


def test_a_wrong_case_type_is_unreadable_as_what_it_means() -> None:
    one = the_unreadable(events({**observation(), "resourceType": "observation"}))
    assert (one.type, one.subject, one.issue.path) == ("Observation", "Patient/p1", "resourceType")


def test_the_patient_of_an_unreadable_appointment_is_told() -> None:
    actors = [{"actor": {"reference": "Practitioner/d"}}, {"actor": {"reference": "Patient/p1"}}]
    one = the_unreadable(events({"resourceType": "Appointment", "start": 3, "participant": actors}))
    assert (one.type, one.subject) == ("Appointment", "Patient/p1")


def test_an_unreadable_patient_or_medication_tells_what_it_can() -> None:
    assert the_unreadable(events(patient("p1", birthDate=1990))).subject == "Patient/p1"
    assert the_unreadable(events(bundle(entry(patient(None, gender=3), "urn:uuid:1")))).subject == "urn:uuid:1"
    one = the_unreadable(events({"resourceType": "Medication", "id": "m", "code": 3}))
    assert (one.type, one.subject, one.issue.reference) == ("Medication", None, "Medication/m")


def test_nan_in_one_entry_costs_only_itself() -> None:
    text = json.dumps(bundle(entry(observation("o1", valueQuantity={"value": 1})), entry(observation("o2"))))
    found = events(text.replace('{"value": 1}', '{"value": NaN}').encode())
    assert records(found) == [("Observation/o2", "Patient/p1")]
    assert [(i.path, i.problem) for i in issues(found)] == [("valueQuantity.value", "NaN is no number of JSON")]


def test_a_lone_surrogate_is_mended_and_told() -> None:
    found = events(bundle(entry(observation(status="\ud800")), entry(observation("o2"))))
    assert len(records(found)) == 2
    assert [(i.severity, i.reference, i.path) for i in issues(found)] == [("note", "Observation/o1", "status")]


def test_a_lone_surrogate_in_what_is_not_read_is_a_note_on_the_bundle() -> None:
    found = events(bundle(entry({"resourceType": "Practitioner", "id": "\ud800"}), entry(observation())))
    assert len(records(found)) == 1
    assert all(one.severity == "note" for one in issues(found))


def test_deep_nesting_in_one_entry_costs_only_itself() -> None:
    deep = b'{"resourceType":"Observation","id":"deep","subject":{"reference":"Patient/p1"},"x":%s1%s}'
    for levels in (70, 100_000):
        one = deep % (b'[{"x":' * levels, b"}]" * levels)
        found = events(
            b'{"resourceType":"Bundle","entry":[{"resource":%s},{"resource":%s}]}'
            % (one, json.dumps(observation()).encode())
        )
        assert records(found) == [("Observation/o1", "Patient/p1")]
        assert the_unreadable(found).subject == "Patient/p1" and "nested" in the_unreadable(found).issue.problem


def test_a_resource_beyond_the_limit_costs_only_itself() -> None:
    long = observation("long", note=[{"text": "a" * 3_000_000}])
    data = json.dumps(bundle(entry(long), entry(observation()))).encode()
    found = list(read_document(data, limits=Limits(resource=1 << 20)))
    assert records(found) == [("Observation/o1", "Patient/p1")]
    assert the_unreadable(found).issue.problem == "larger than 1 MiB"


# --- what is wrong with the Bundle itself


def test_a_truncated_bundle_gives_what_came_before() -> None:
    whole = json.dumps(bundle(entry(observation("o1")), entry(observation("o2", "Patient/p2", status="final"))))
    found = events(whole[: whole.index('"final"')].encode())
    assert records(found) == [("Observation/o1", "Patient/p1")]
    one = the_unreadable(found)
    assert (one.type, one.subject, one.issue.path) == ("Observation", "Patient/p2", "entry[1]")
    assert any(i.path == "entry" and "truncated" in i.problem for i in issues(found))


@pytest.mark.parametrize("cut", [1, 2])
def test_a_bundle_cut_after_its_last_entry_is_told(cut: int) -> None:
    found = events(json.dumps(bundle(entry(observation()))).encode()[:-cut])
    assert len(records(found)) == 1
    assert [(i.severity, i.path) for i in issues(found)] == [("error", "entry")]


def test_every_truncation_of_a_bundle_is_told() -> None:
    whole = json.dumps(bundle(entry(patient()), entry(observation()))).encode()
    for end in range(2, len(whole)):
        assert any(one.severity == "error" for one in issues(events(whole[:end]))), whole[:end]


def test_text_after_the_bundle_is_told() -> None:
    found = events(json.dumps(bundle(entry(observation()))).encode() + b' {"resourceType":"Bundle"}')
    assert len(records(found)) == 1
    assert "more text follows" in issues(found)[0].problem


def test_an_unclosed_string_in_an_entry_is_told_with_the_patients_it_hides() -> None:
    text = json.dumps(bundle(*(entry(observation(f"o{n}", f"Patient/p{n}")) for n in range(3))))
    found = events(text.replace('"x"', '"x', 1).encode())
    assert {one.subject for one in found if isinstance(one, Unreadable)} <= {"Patient/p0", "Patient/p1", "Patient/p2"}
    assert any(one.severity == "error" for one in issues(found))


@pytest.mark.parametrize("odd", ['"entry":{}', '"entry":"x"', '"link":3,"entry":[]', '"total":"many"', '"type":[]'])
def test_an_odd_envelope_is_no_crash(odd: str) -> None:
    assert issues(events(b'{"resourceType":"Bundle",%s}' % odd.encode()))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"}", b"[", b'"', b"\0\0\0\0", b"%PDF-1.7", b"\xff\xfe{\0}\0", b"nul", b"{" * 200_000, b"[" * 200_000],
)
def test_what_is_no_json_is_an_issue(text: bytes) -> None:
    assert [one.severity for one in issues(events(text))] == ["error"]


# --- coverage of a searchset

SELF = "https://h.example/fhir/Observation"


def _searchset(url: str | None, *more: Json, total: int | None = None, next_: bool = False) -> list[Event]:
    links = [{"relation": "self", "url": url}] if url else []
    links += [{"relation": "next", "url": "https://h.example/next"}] if next_ else []
    entries = [entry(observation(), search={"mode": "match"}), *more]
    return events(bundle(*entries, type="searchset", link=links, **({} if total is None else {"total": total})))


def _covers(found: Iterable[Event]) -> list[tuple[set[str], str | None]]:
    return [(set(one.types), one.subject) for one in found if isinstance(one, Covered)]


@pytest.mark.parametrize(
    "query",
    [
        "patient=p1",
        "patient=Patient/p1",
        "subject=Patient%2Fp1",
        "subject:Patient=p1",
        "subject=https://h.example/fhir/Patient/p1",
        "patient=p1&_count=100&_sort=-date&_format=json&_pretty=true&_total=accurate",
        "patient=p1&_include=Observation:subject&_revinclude=Provenance:target&_include:iterate=x",
    ],
)
def test_a_whole_search_by_patient_covers_its_type(query: str) -> None:
    assert _covers(_searchset(f"{SELF}?{query}")) == [({"Observation"}, "Patient/p1")]
    assert _covers(_searchset(f"{SELF}/_search?{query}", total=1)) == [({"Observation"}, "Patient/p1")]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "patient=",
        "patient=p1&code=1234",
        "patient=p1&category=laboratory",
        "patient=p1&_lastUpdated=gt2026",
        "patient=p1&_elements=code",
        "patient=p1&_summary=true",
        "patient=p1&_count=0",
        "patient=p1&_getpages=2",
        "patient=p1&subject=p2",
        "patient.name=li",
        "_id=o1",
    ],
)
def test_a_search_that_was_narrowed_covers_nothing(query: str) -> None:
    assert _covers(_searchset(f"{SELF}?{query}")) == []


def test_a_search_that_is_not_whole_covers_nothing() -> None:
    whole = f"{SELF}?patient=p1"
    assert _covers(_searchset(whole, next_=True)) == []
    assert _covers(_searchset(whole, total=2)) == []
    assert _covers(_searchset(None)) == []
    assert _covers(_searchset("https://h.example/fhir?patient=p1")) == []
    included = entry(patient(), search={"mode": "include"})
    assert _covers(_searchset(whole, included, total=2)) == []
    assert _covers(_searchset(whole, included, total=1)) == [({"Observation"}, "Patient/p1")]


def test_a_search_for_two_patients_covers_both() -> None:
    assert _covers(_searchset(f"{SELF}?patient=p1,p2")) == [
        ({"Observation"}, "Patient/p1"),
        ({"Observation"}, "Patient/p2"),
    ]


def test_only_a_searchset_declares_coverage() -> None:
    links = [{"relation": "self", "url": f"{SELF}?patient=p1"}]
    assert _covers(events(bundle(entry(observation()), type="collection", link=links))) == []


def test_what_is_unreadable_in_a_search_is_the_patients() -> None:
    found = _searchset(f"{SELF}?patient=p1", {"search": {"mode": "match"}})
    one = the_unreadable(found)
    assert (one.type, one.subject) == ("Observation", "Patient/p1")


def test_a_truncated_search_covers_nothing() -> None:
    links = [{"relation": "self", "url": f"{SELF}?patient=p1"}]
    text = json.dumps({"resourceType": "Bundle", "type": "searchset", "link": links, "entry": []}).encode()
    assert _covers(events(text)) == [({"Observation"}, "Patient/p1")]
    assert _covers(events(text[:-1])) == []
