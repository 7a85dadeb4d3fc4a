"""The pages keep their word: what they tell a reader to write is written here, loaded and screened."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

import adapter
from adapter.config import load_config
from adapter.eligibility.trial import PREDICATES, Trial, load_trial_folder
from adapter.facts.model import Reason
from adapter.fhir.tables import load_tables
from docs import draw_demo
from tests.builders import as_json, bundle, code, condition, observation, patient, procedure, words

ROOT = Path(__file__).parent.parent
HOW_TO = ROOT / "docs" / "how-to"
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted(HOW_TO.glob("*.md")), ROOT / "examples" / "README.md"]
AS_OF = date(2026, 11, 22)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the file that the line above it names (else empty)."""

    language: str
    text: str
    file: str


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    fenced = re.compile(r"(?:^`([^`\n]+)`[^\n]*:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return tuple(
        Block(language, text, file or "") for file, language, text in fenced.findall(page.read_text(encoding="utf-8"))
    )


def of_page(name: str, language: str = "") -> list[Block]:
    return [block for block in blocks(HOW_TO / name) if not language or block.language == language]


# --- add a criterion


@pytest.fixture(scope="module")
def amended(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """The trial after a reader has followed `add-a-criterion.md`: whole files written, the others lengthened."""
    root = tmp_path_factory.mktemp("amended")
    shutil.copytree(ROOT / "mappings", root / "mappings")
    for block in of_page("add-a-criterion.md"):
        if block.file.startswith("mappings/"):
            with (root / block.file).open("a", encoding="utf-8") as file:
                file.write(f"\n{block.text}" if block.language != "json" else block.text)
    tables = load_tables(root / "mappings")
    return load_trial_folder(root / "mappings" / "trials" / "ln-msc-il2", tables)


def test_the_example_criterion_is_the_21st(amended: Trial) -> None:
    assert [criterion.id for criterion in amended.criteria][20:] == ["exc-dialysis"]


def test_the_rows_of_the_example_criterion_hold(amended: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.spec import table

    (module,) = of_page("add-a-criterion.md", "python")
    monkeypatch.setattr(table, "TABLES", {})
    monkeypatch.setattr(table, "_trial", lambda readings: amended)
    page: dict[str, Any] = {}
    exec(compile(module.text, module.file, "exec"), page)
    assert len(page["ROWS"]) >= 5
    for row in page["ROWS"]:
        table.check(row)


def test_the_regex_of_the_example_holds_whole_codes(amended: Trial) -> None:
    def truth(pcs: str) -> str:
        record = bundle(patient(), procedure(code("icd10pcs", pcs), "2026-11-20"))
        (screening,) = adapter.screen_bundle(as_json(record), amended, as_of=AS_OF, complete="all")
        return next(str(v.finding.truth) for v in screening.criteria if v.criterion.id == "exc-dialysis")

    assert (truth("5A1D70Z"), truth("5A1D70ZZ")) == ("yes", "no")


def test_the_vocabulary_tells_every_predicate_and_every_key() -> None:
    page = (HOW_TO / "add-a-criterion.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### `([^`\n]+)`\n(.*?)(?=^### |\Z)", page, re.MULTILINE | re.DOTALL))
    assert sorted(sections) == sorted(PREDICATES)
    for name, text in sections.items():
        rows = re.findall(r"^\| (\**)`([\w-]+)`\** \|", text, re.MULTILINE)
        fields = {field.encode_name: field.required for field in msgspec.structs.fields(PREDICATES[name])}
        fields.pop("loaded", None)  # filled by the loader
        assert {key: bool(bold) for bold, key in rows} == fields, name


# --- add a trial


def test_the_blocks_of_add_a_trial_are_cut_out_of_the_second_trial() -> None:
    folder = ROOT / "tests" / "trials" / "second-trial"
    files = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*")) if path.is_file()]
    shown = [block.text for block in of_page("add-a-trial.md") if block.language in ("yaml", "json")]
    assert len(shown) == 4
    for text in shown:
        assert any(text in file for file in files), text


# --- add a site's codes


def test_the_example_site_is_understood(tmp_path: Path) -> None:
    written = [block for block in of_page("add-a-sites-codes.md") if block.file.endswith((".json", ".toml"))]
    for block in written:
        (tmp_path / block.file).parent.mkdir(exist_ok=True)
        (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    config = load_config(tmp_path / "site.toml")
    assert (config.not_kept, len(config.concept_maps)) == (("MedicationDispense",), 1)
    trial = adapter.load_trial(site=adapter.screen.Site(concept_maps=config.concept_maps))
    local = "http://lis.hospital.example/item"
    record = bundle(
        patient(),
        observation(code(local, "UPCR01"), "1.4", "g/g", "2026-11-10"),
        observation(code(local, "SLEDAI"), 12, on="2026-11-10"),
    )
    in_words = bundle(patient(), observation(words("晨尿蛋白肌酐比(我院)"), "1.4", "g/g", "2026-11-10"))
    (screening,) = adapter.screen_bundle(as_json(record), trial, as_of=AS_OF)
    (by_text,) = adapter.screen_bundle(as_json(in_words), trial, as_of=AS_OF)
    truths = {v.criterion.id: str(v.finding.truth) for v in screening.criteria}
    assert (truths["inc-proteinuria"], truths["inc-sledai-2k"]) == ("yes", "yes")
    assert {v.criterion.id: str(v.finding.truth) for v in by_text.criteria}["inc-proteinuria"] == "yes"


def test_the_unit_and_the_system_shown_are_those_of_the_tables() -> None:
    unit, system = (yaml.safe_load(block.text) for block in of_page("add-a-sites-codes.md", "yaml"))
    units = yaml.safe_load((ROOT / "mappings" / "units.yaml").read_text(encoding="utf-8"))
    assert all(units[name][spelling] == entry for name, known in unit.items() for spelling, entry in known.items())
    assert system[0] in yaml.safe_load((ROOT / "mappings" / "systems.yaml").read_text(encoding="utf-8"))


# --- assign a patient


def test_the_page_tells_every_refusal() -> None:
    """A code stands in the source as `yield "code",`, `NoWeight("code",`, `("code", "why"` or in a Refusal."""
    files = [*(ROOT / "adapter" / "assignment").glob("*.py"), ROOT / "adapter" / "assign.py"]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    form = r'(?:yield \(?\s*|NoWeight\(|: \(|Refusal\([^"\n]*(?:"", )?|patient\}", )"([a-z]+(?:-[a-z]+)+)",\s'
    page = (HOW_TO / "assign-a-patient.md").read_text(encoding="utf-8").partition("## What is refused")[2]
    rows = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    told = {code for row in rows for code in re.findall(r"`([a-z-]+)`", row)}
    later = {"later-consent", "later-exclusion"}
    assert told | later == set(re.findall(form, source))


# --- all pages


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in blocks(page):
            if block.language == "sh":
                for line in block.text.replace("\\\n", " ").splitlines():
                    if line.startswith("trial-adapter "):
                        yield page.name, line.partition("  #")[0]


@pytest.mark.parametrize(("page", "command"), sorted(set(commands())))
def test_a_command_that_a_page_shows_runs(page: str, command: str) -> None:
    ran = run(command)
    assert ran.returncode in (0, 1) and ran.stdout, ran.stderr
    assert "Traceback" not in ran.stderr


def run(command: str) -> subprocess.CompletedProcess[str]:
    """A command of the pages, on a page of 100 columns as when piped."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}
    program = [sys.executable, "-m", "adapter", *shlex.split(command)[1:]]
    return subprocess.run(
        program, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_points_to_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / target).exists(), target
    for name in re.findall(r"`((?:adapter|mappings|tests|docs|examples|profiles|bench)/[\w./-]*\w/?)`", text):
        assert (ROOT / name).exists() or name in {block.file for block in blocks(page)}, name


def test_the_flow_of_one_result_names_functions_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = re.findall(r"`(adapter/[\w/]+\.py)`: `(\w+)`", text)
    assert len(named) >= 10
    for path, function in named:
        assert re.search(
            rf"^\s*(?:async )?(?:def|class) {function}\b", (ROOT / path).read_text(encoding="utf-8"), re.M
        ), (
            path,
            function,
        )


def test_json_blocks_are_json() -> None:
    for page in PAGES:
        for block in blocks(page):
            if block.language == "json" and block.text.lstrip().startswith("{"):
                json.loads(block.text)


def test_every_dependency_has_a_line_on_why() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split(r"[<>=~ \[]", line)[0].lower() for line in project["dependencies"]}
    table = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("### Dependencies")[2].partition("## ")[0]
    told = {name.lower() for name in re.findall(r"^\| ([\w.-]+) \|", table, re.MULTILINE)} - {"package"}
    assert told == asked


def test_the_plan_of_the_readme_is_the_real_one() -> None:
    (shown,) = (b.text for b in blocks(ROOT / "README.md") if b.language == "text" and "allocation" in b.text)
    (command,) = {
        line for page, line in commands() if page == "assign-a-patient.md" and line.endswith("build/resources")
    }
    assert run(command).stdout.startswith(shown)


def test_the_answer_of_the_readme_is_the_real_one() -> None:
    (shown,) = (json.loads(block.text) for block in blocks(ROOT / "README.md") if block.language == "json")
    record = (ROOT / "examples" / "cohort" / "upcr-mg-mmol.json").read_bytes()
    (screening,) = adapter.screen_bundle(record, adapter.load_trial(), as_of=AS_OF, complete="all")
    (result,) = (v.to_dict() for v in screening.criteria if v.criterion.id == shown["id"])
    assert shown == {key: result[key] for key in result if key != "children"}


def test_the_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (block for block in blocks(ROOT / "README.md") if block.language == "python")
    monkeypatch.chdir(ROOT)
    exec(compile(block.text, "README.md", "exec"), {})
    assert capsys.readouterr().out == "Patient/eligible eligible\n"


def test_the_reasons_of_an_unknown_are_told_in_their_order() -> None:
    page = (HOW_TO / "read-a-dossier.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE) == [reason.value for reason in Reason]


def test_the_attestation_that_the_page_shows_decides() -> None:
    (shown,) = (json.loads(block.text) for block in of_page("read-a-dossier.md", "json"))
    criterion = shown["code"]["coding"][0]["code"]
    record = bundle(patient(), condition(code("icd10", "I50.9"), "2026-01-01"), shown)
    (screening,) = adapter.screen_bundle(as_json(record), adapter.load_trial(), as_of=AS_OF, complete="all")
    (verdict,) = (v for v in screening.criteria if v.criterion.id == criterion)
    assert (str(verdict.finding.truth), verdict.finding.reason) == ("no", "attested")


@pytest.mark.parametrize("name", sorted(draw_demo.PICTURES))
def test_the_pictures_show_what_the_commands_print_today(name: str) -> None:
    drawn = (ROOT / "docs" / "images" / f"{name}.svg").read_text(encoding="utf-8")
    assert drawn == draw_demo.svg(name), "run python docs/draw_demo.py"


def test_the_dossier_shown_is_the_real_one() -> None:
    assert draw_demo.DOSSIER.read_text(encoding="utf-8") == draw_demo.dossier_page(), "run python docs/draw_demo.py"
