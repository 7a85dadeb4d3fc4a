"""Several processes say the same as one, byte for byte, whatever the lines tell of whose they are."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from adapter.report import workers
from adapter.sources import share
from tests.builders import Json, as_json
from tests.commands import Call, caller
from tests.fuzz.mutations import broken_texts
from tests.laws.records import TODAY, cohort

FORMATS = ("json", "ndjson", "text")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Call:
    return caller(monkeypatch, capfdbinary)


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Three cores, for inputs of any size; notes whether they could divide the input."""
    done: list[bool] = []
    real = workers._together

    def noted(*arguments: Any) -> bool:
        done.append(real(*arguments))
        return done[-1]

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setattr(workers, "WORTH", 1)
    monkeypatch.setattr(workers, "_together", noted)
    return done


def everyone() -> list[Json]:
    return [one for resources in cohort().values() for one in resources]


def renamed(reference: Any, name: str, chance: random.Random) -> Json:
    """The same patient, named in one of the ways in which servers do it."""
    plain = f"Patient/{name}"
    ways: tuple[Json, ...] = (
        {"reference": plain},
        {"reference": f"{plain}-before"},
        {"reference": f"https://ehr.example/fhir/{plain}/_history/2"},
        {"identifier": {"system": "urn:mrn", "value": name}},
        {"display": f"Patient/{name}x", "reference": plain},
    )
    return chance.choice(ways) if reference.get("reference") == plain else dict(reference)


def export(folder: Path) -> Path:
    """The cohort as an export by type, with merged patients, other names, escapes, broken lines and no ids."""
    folder = folder / "export"
    folder.mkdir()
    chance = random.Random("workers")
    lines: dict[str, list[bytes]] = {}
    for resource in everyone():
        kind = str(resource["resourceType"])
        made = dict(resource)
        for key in ("subject", "patient"):
            if key in made:
                made[key] = renamed(made[key], str(dict(made[key])["reference"]).partition("/")[2], chance)
        if kind == "Patient":
            made["identifier"] = [{"system": "urn:mrn", "value": made["id"]}]
            link = [{"other": {"reference": f"Patient/{made['id']}"}, "type": "replaced-by"}]
            lines.setdefault(kind, []).append(text_of({**made, "id": f"{made['id']}-before", "link": link}))
        elif chance.random() < 0.1:
            del made["id"]
        text = text_of(made) if chance.random() < 0.9 else as_json(made)  # which has `resourceType` somewhere
        lines.setdefault(kind, []).append(text.replace(b"Patient/", rb"Patient\/") if chance.random() < 0.1 else text)
    for kind, texts in lines.items():
        broken = broken_texts(chance, texts, len(texts) // 4, whole=False)
        (folder / f"{kind}.ndjson").write_bytes(b"\n".join([*texts, *(one.replace(b"\r", b" ") for one in broken)]))
    (folder / "manifest.json").write_text(json.dumps(manifest(list(lines))), encoding="utf-8")
    return folder


def text_of(resource: Json) -> bytes:
    """With its type first, as nearly every server writes it."""
    rest = {key: value for key, value in resource.items() if key != "resourceType"}
    return b'{"resourceType":"%s",%s' % (str(resource["resourceType"]).encode(), as_json(rest)[1:])


def manifest(kinds: list[str]) -> Json:
    output = [{"type": kind, "url": f"{kind}.ndjson"} for kind in kinds]
    return {"request": "https://ehr.example/fhir/$export", "output": output, "error": []}


def screened(call: Call, source: Path, folder: Path, format_: str) -> tuple[object, bytes, bytes]:
    out, issues = folder / "out", folder / "issues"
    options = ("--as-of", TODAY, "--format", format_, "--out", out, "--issues", issues)
    done = call("screen", source, *options)
    return (done.code, done.err), out.read_bytes(), issues.read_bytes()


@pytest.mark.parametrize("format_", FORMATS)
def test_three_processes_say_what_one_says(
    call: Call, together: list[bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, format_: str
) -> None:
    source = export(tmp_path)
    shared = screened(call, source, tmp_path, format_)
    assert together == [True]
    monkeypatch.setattr(workers, "WORTH", 1 << 60)
    assert shared == screened(call, source, tmp_path, format_)
    assert together == [True]
    assert b"screened as one with" in shared[2] and b"not valid JSON" in shared[2]


def test_an_export_of_which_the_manifest_names_only_a_part_is_read_by_one(
    call: Call, together: list[bool], tmp_path: Path
) -> None:
    source = export(tmp_path)
    kinds = [path.stem for path in source.glob("*.ndjson")]
    (source / "manifest.json").write_text(json.dumps(manifest(kinds[1:])), encoding="utf-8")
    call("screen", source, "--as-of", TODAY)
    assert together == []  # who is covered depends on who stands in which file


def test_one_reads_alone_where_the_lines_do_not_tell_whose_they_are(
    call: Call, together: list[bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(share, "_MOST", 0)
    source = export(tmp_path)
    alone = screened(call, source, tmp_path, "json")
    assert together == [False]
    monkeypatch.setattr(workers, "WORTH", 1 << 60)
    assert alone == screened(call, source, tmp_path, "json")


def test_bundles_documents_and_empty_exports_are_told_as_ever(call: Call, together: list[bool], tmp_path: Path) -> None:
    (tmp_path / "Observation.ndjson").write_bytes(b'{"resourceType":"Organization"}\n')
    done = call("screen", tmp_path, "--as-of", TODAY)
    assert together == [True] and done.code == 1
    assert done.err.count("no patient in the input") == 1
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_bytes(as_json(everyone()[0]))
    assert call("screen", tmp_path, "--as-of", TODAY).code == 0
    assert together == [True]


def test_a_process_that_dies_is_told(
    call: Call, together: list[bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(workers, "_other", lambda *_: os._exit(9))
    done = call("screen", export(tmp_path), "--as-of", TODAY)
    assert done.code == 2 and "was ended from outside" in done.err


def test_a_process_that_cannot_write_is_told(
    call: Call, together: list[bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    parent, real = os.getpid(), workers.Results.add
    monkeypatch.setattr(workers.Results, "add", lambda *a: real(*a) if os.getpid() == parent else full())
    done = call("screen", export(tmp_path), "--as-of", TODAY)
    assert done.code == 3 and "No space left" in done.err
