"""The same question has the same answer: in one process and in another, wherever and whenever it is asked."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

import adapter
from adapter.screen import screen_bundle
from tests.builders import as_json, bundle
from tests.laws.records import ROOT, TODAY, cohort, screening, specification, trial, written

EVERYONE = as_json(bundle(*(one for resources in cohort().values() for one in resources)))
PROGRAM = """
import json, sys
from datetime import date
import adapter
found = adapter.screen_bundle(sys.stdin.buffer.read(), adapter.load_trial(), as_of=date(2026, 11, 22), complete="all")
sys.stdout.buffer.write(json.dumps([one.to_dict() for one in found], ensure_ascii=False).encode())
"""


def in_another_process(folder: Path, **environment: str) -> bytes:
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], input=EVERYONE, cwd=folder, env=variables, check=True, capture_output=True
    ).stdout


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "2", "TZ": "America/New_York", "LANG": "zh_CN.UTF-8"},
        {"PYTHONHASHSEED": "3", "TZ": "UTC", "PYTHONOPTIMIZE": "1"},
    ],
    ids=lambda environment: environment["TZ"],
)
def test_another_process_zone_locale_and_folder_answer_byte_by_byte_the_same(
    environment: dict[str, str], tmp_path: Path
) -> None:
    here = written(screen_bundle(EVERYONE, trial(), as_of=TODAY, complete="all"))
    assert in_another_process(tmp_path, **environment) == here
    assert len(json.loads(here)) == len(cohort())


def test_a_patient_is_screened_alike_alone_and_among_others_and_again() -> None:
    together = {one.patient: one for one in screen_bundle(EVERYONE, trial(), as_of=TODAY, complete="all")}
    for name, resources in cohort().items():
        alone = written(screening(resources))
        assert alone == written(together[f"Patient/{name}"]) == written(screening(resources))


def test_what_was_screened_before_changes_nothing() -> None:
    rows = [rows[0] for rows in specification().values()]
    forward = [written(screening(row)) for row in rows]
    backward = [written(screening(row)) for row in reversed(rows)]
    assert forward == backward[::-1]


def test_bytes_and_objects_dense_and_pretty_are_one_record() -> None:
    record = json.loads(EVERYONE)
    forms = (EVERYONE, record, json.dumps(record, indent=4).encode(), json.dumps(record, ensure_ascii=True).encode())
    screened = {written(screen_bundle(form, trial(), as_of=TODAY)) for form in (*forms, b"\xef\xbb\xbf" + EVERYONE)}
    assert len(screened) == 1


def test_a_trial_loaded_again_is_the_same_trial() -> None:
    one, two = adapter.load_trial(), adapter.load_trial()
    assert (one.digest, one.readings_digest, one.tables.digest) == (two.digest, two.readings_digest, two.tables.digest)
    screened = [written(screen_bundle(EVERYONE, loaded, as_of=TODAY)) for loaded in (one, two)]
    assert screened[0] == screened[1]


def test_the_day_is_an_argument_and_nothing_else_is_the_day() -> None:
    far, near = (written(screen_bundle(EVERYONE, trial(), as_of=day)) for day in (date(2031, 1, 1), TODAY))
    assert far != near
    assert b'"as_of": "2031-01-01"' in far
    assert written(screen_bundle(EVERYONE, trial(), as_of=date(2031, 1, 1))) == far
