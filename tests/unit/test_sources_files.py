"""A file is what its content says: packed or not, one document or NDJSON, whatever it is called."""

import gzip
import io
import json
from pathlib import Path

import pytest
import zstandard

from adapter.errors import Issue
from adapter.fhir.decode import Limits
from adapter.sources.events import Event, Record, Unreadable
from adapter.sources.export import read

OBSERVATION = '{"resourceType":"Observation","id":"o%s","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}'
LINES = [(OBSERVATION % n).encode() for n in range(3)]
BUNDLE = json.dumps(
    {"resourceType": "Bundle", "entry": [{"resource": json.loads(line)} for line in LINES]}, indent=2
).encode()
THREE = ["Observation/o0", "Observation/o1", "Observation/o2"]

Told = tuple[str, int, str, str]


def events(path: Path, data: bytes, limits: Limits | None = None) -> list[Event]:
    path.write_bytes(data)
    return list(read([str(path)], limits))


def references(found: list[Event]) -> list[str]:
    return [one.reference for one in found if isinstance(one, Record)]


def faults(found: list[Event]) -> list[Issue]:
    return [one.issue if isinstance(one, Unreadable) else one for one in found if isinstance(one, Unreadable | Issue)]


CONTENTS = {
    "ndjson": b"\n".join(LINES) + b"\n",
    "ndjson without its last newline": b"\n".join(LINES),
    "ndjson of windows": b"\r\n".join(LINES) + b"\r\n",
    "ndjson with blank lines": b"\n\n" + b"\n \r\n\n".join(LINES) + b"\n\n",
    "ndjson with a BOM": b"\xef\xbb\xbf" + b"\n".join(LINES),
    "ndjson files joined, each with a BOM": b"\n".join(b"\xef\xbb\xbf" + line for line in LINES),
    "a pretty-printed Bundle": BUNDLE,
    "a pretty-printed Bundle of windows with a BOM": b"\xef\xbb\xbf" + BUNDLE.replace(b"\n", b"\r\n"),
    "a Bundle on one line": json.dumps(json.loads(BUNDLE)).encode(),
    "a Bundle with an entry a line": b'{"resourceType":"Bundle","entry":[\n%s\n]}'
    % b",\n".join(b'{"resource":%s}' % line for line in LINES),
    "Bundles as lines": b"\n".join(b'{"resourceType":"Bundle","entry":[{"resource":%s}]}' % line for line in LINES),
}
PACKINGS = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "gzip in two members": lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]),
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "zstd in two frames": lambda data: (
        zstandard.ZstdCompressor().compress(data[:100]) + zstandard.ZstdCompressor().compress(data[100:])
    ),
}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.json.gz", "a.ndjson.zst", "a"])
def test_content_decides_not_the_name(content: str, packing: str, name: str, tmp_path: Path) -> None:
    found = events(tmp_path / name, PACKINGS[packing](CONTENTS[content]))
    assert references(found) == THREE
    assert faults(found) == []


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("content", CONTENTS)
def test_standard_input_is_a_file(content: str, packing: str) -> None:
    data = PACKINGS[packing](CONTENTS[content])
    assert references(list(read(["-"], stdin=io.BytesIO(data)))) == THREE
    assert references(list(read(["-"], stdin=io.BufferedReader(io.BytesIO(data))))) == THREE


def test_an_issue_on_standard_input_says_so() -> None:
    (issue,) = faults(list(read(["-"], stdin=io.BytesIO(b"hello"))))
    assert (issue.file, issue.problem) == ("standard input", "not FHIR JSON but some other text")
    (issue,) = faults(list(read(["-"], stdin=io.BytesIO(b""))))
    assert issue.problem == "empty"


NO_JSON = [
    (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n{}", "a PDF"),
    (b"PK\x03\x04\x14\0\0\0", "a ZIP archive"),
    ('{"resourceType":"Patient"}\n'.encode("utf-16"), "UTF-16 text"),
    (b'<?xml version="1.0"?>\n<Bundle xmlns="http://hl7.org/fhir"/>', "XML or HTML"),
    (b"\x89PNG\r\n\x1a\n\0\0", "a picture"),
    (b"PAR1\x15\x04", "a Parquet file"),
    (b"\x7fELF\x02\x01\x01\0\0\0\0", "a binary file"),
    (b"id,name\n1,Li\n", "some other text"),
]


@pytest.mark.parametrize(("data", "kind"), NO_JSON)
def test_what_is_no_json_is_named(data: bytes, kind: str, tmp_path: Path) -> None:
    (issue,) = faults(events(tmp_path / "a.json", data))
    assert issue.severity == "error" and issue.file == str(tmp_path / "a.json")
    assert kind in issue.problem


@pytest.mark.parametrize("data", [b"", b"\n\n", b" \r\n", b"\xef\xbb\xbf", gzip.compress(b"")])
def test_an_empty_file_is_told_when_named(data: bytes, tmp_path: Path) -> None:
    assert [issue.problem for issue in faults(events(tmp_path / "a.json", data))] == ["empty"]


BROKEN = [
    (b'{"resourceType":"Observation","id":"o9","subject":{"reference":"Patient/p9"},"code":', "Observation/o9"),
    (b'{"resourceType":"Condition","id":"c9","subject":{"reference":"Patient/p9"}}', "Condition/c9"),
    (b'{"resourceType":"Condition","id":"c9" "subject":{"reference":"Patient/p9"}}', "Condition/c9"),
]


@pytest.mark.parametrize("at", [0, 1, 3])
@pytest.mark.parametrize(("line", "reference"), BROKEN)
def test_a_broken_line_costs_only_itself(line: bytes, reference: str, at: int, tmp_path: Path) -> None:
    lines = [*LINES[:at], line, *LINES[at:]]
    found = events(tmp_path / "a.ndjson", b"\n".join(lines))
    assert references(found) == THREE
    (one,) = (event for event in found if isinstance(event, Unreadable))
    assert one.subject == "Patient/p9" and one.type == reference.partition("/")[0]
    assert (one.issue.reference, one.issue.file, one.issue.line) == (reference, str(tmp_path / "a.ndjson"), at + 1)


@pytest.mark.parametrize("line", [b"null", b"[]", b"3", b"garbage", b"{}", b"}", b"\0\0\0", b"{'a':1}"])
@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_senseless_line_costs_only_itself(line: bytes, at: int, tmp_path: Path) -> None:
    lines = [*LINES[:at], line, *LINES[at:]]
    found = events(tmp_path / "a.ndjson", b"\n".join(lines))
    assert references(found) == THREE
    assert [(issue.severity, issue.line) for issue in faults(found)] == [("error", at + 1)]


def test_lines_are_numbered_as_an_editor_numbers_them(tmp_path: Path) -> None:
    found = events(tmp_path / "a.ndjson", b"\n\n" + LINES[0] + b"\n\n{}\n" + LINES[1])
    assert [issue.line for issue in faults(found)] == [5]


def test_a_line_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    long = LINES[1].replace(b'"text":"x"', b'"text":"%s"' % (b"a" * 10_000_000))
    found = events(tmp_path / "a.ndjson", b"\n".join([LINES[0], long, LINES[2]]))
    assert references(found) == THREE and faults(found) == []


@pytest.mark.parametrize("at", [0, 1])
def test_a_line_beyond_the_limit_costs_only_itself(at: int, tmp_path: Path) -> None:
    long = LINES[at].replace(b'"text":"x"', b'"text":"%s"' % (b"a" * 5_000_000))
    lines = [long if n == at else line for n, line in enumerate(LINES)]
    found = events(tmp_path / "a.ndjson", b"\n".join(lines), Limits(resource=1 << 20))
    assert references(found) == [reference for n, reference in enumerate(THREE) if n != at]
    (one,) = (event for event in found if isinstance(event, Unreadable))
    assert (one.type, one.issue.reference, one.issue.line) == ("Observation", THREE[at], at + 1)
    assert one.issue.problem == "larger than 1 MiB"


def test_a_document_beyond_the_limit_is_told(tmp_path: Path) -> None:
    found = events(tmp_path / "a.json", BUNDLE + b" " * 3_000_000, Limits(document=1 << 20))
    assert [issue.problem for issue in faults(found)] == ["larger than 1 MiB"]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_truncated_packed_file_gives_what_came_before(packing: str, tmp_path: Path) -> None:
    many = b"\n".join((OBSERVATION % f"{n}-{n * 7919 % 10007}").encode() for n in range(60_000))
    packed = PACKINGS[packing](many)
    found = events(tmp_path / "a.ndjson.gz", packed[: len(packed) // 2])
    last = faults(found)[-1]
    assert len(references(found)) > 1_000
    assert last.severity == "error" and last.file.endswith("a.ndjson.gz")


def test_a_damaged_gzip_is_told(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"\n".join(LINES * 1000)))
    packed[-6] ^= 0xFF
    last = faults(events(tmp_path / "a.ndjson.gz", bytes(packed)))[-1]
    assert "damaged" in last.problem


def test_a_file_that_may_not_be_read_is_an_issue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.json").write_bytes(BUNDLE)
    monkeypatch.setattr(Path, "open", refused)
    (issue,) = faults(list(read([str(tmp_path / "a.json")])))
    assert issue.problem == "cannot be read: Permission denied"
