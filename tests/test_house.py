"""The house keeps its own rules: locked requirements, a short Makefile, no skipped test, no machine named."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from bench.codes import TESTS
from bench.generate import bundle, write_export

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = sorted(ROOT.glob("requirements*.txt"))
TREE = ("adapter", "bench", "docs", "examples", "mappings", "profiles", "tests", ".ci")
TEXT = {".py", ".md", ".txt", ".toml", ".yaml", ".yml", ".json", ".ndjson", ".svg", ""}


def texts() -> list[Path]:
    """Every text file that the repository keeps (environments and caches are not among the folders)."""
    inside = [path for folder in TREE for path in (ROOT / folder).rglob("*")]
    kept = [
        path
        for path in [*ROOT.glob("*"), *inside]
        if path.is_file() and path.suffix in TEXT and path.name != ".coverage"
    ]
    return [path for path in kept if "__pycache__" not in path.parts and (ROOT / "bench/data") not in path.parents]


def pinned(lock: Path) -> dict[str, str]:
    """Name -> the rest of its entry, of each requirement of a lock file."""
    entries = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").replace("\\\n", " ").strip())
    return {normal(entry): re.sub(r" ; .*?(?= +--hash)", "", entry.partition("==")[2]) for entry in entries}


def normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~ \[;]", requirement)[0]).lower()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_requirement_is_pinned_with_hashes(lock: Path) -> None:
    requirements = pinned(lock)
    assert requirements
    for name, rest in requirements.items():
        assert re.match(r"\d\S*( ; .*)? .*--hash=sha256:[0-9a-f]{64}", rest), f"{lock.name}: {name}"


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        ("requirements.txt", PROJECT["project"]["dependencies"]),
        ("requirements-build.txt", PROJECT["dependency-groups"]["build"]),
        ("requirements-dev.txt", PROJECT["dependency-groups"]["dev"]),
        ("requirements-bench.txt", PROJECT["dependency-groups"]["bench"]),
    ],
)
def test_the_lock_files_hold_what_the_project_asks_for(lock: str, asked: list[str]) -> None:
    assert {normal(requirement) for requirement in asked} <= set(pinned(ROOT / lock)), "run make lock"


@pytest.mark.parametrize("lock", ["requirements-dev.txt", "requirements-bench.txt"])
def test_tests_and_benchmark_run_on_the_versions_that_people_install(lock: str) -> None:
    runtime, here = pinned(ROOT / "requirements.txt"), pinned(ROOT / lock)
    assert {name: here[name] for name in runtime} == runtime


def test_make_help_lists_every_target_and_there_are_few() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = re.findall(
        r"^  make (\w+)\t", subprocess.check_output(["make", "help"], cwd=ROOT, text=True), re.MULTILINE
    )
    assert listed == [name for name in re.findall(r"^(\w+):", makefile, re.MULTILINE) if name != "python"]
    assert {"demo", "test", "check", "bench"} <= set(listed) and len(listed) <= 9


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    escape = re.compile(r"\b(pytest\.skip|mark\.skip\w*|mark\.xfail|pytest\.xfail|importorskip)\b")
    found = [path.name for path in (ROOT / "tests").rglob("*.py") if escape.search(path.read_text(encoding="utf-8"))]
    assert found == [Path(__file__).name]  # the pattern above; nothing else


def test_no_file_tells_of_a_machine_or_of_a_package_index() -> None:
    traces = re.compile("/(work|root|farm|home|tmp)/[a-z]|https?://[a-z0-9.]*(" + "py" + "pi|pythonhosted|npm" + "js)")
    found = {
        path.relative_to(ROOT).as_posix(): match.group()
        for path in texts()
        if path != Path(__file__) and (match := traces.search(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}


def test_the_top_of_the_tree_is_complete() -> None:
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"):
        assert (ROOT / name).stat().st_size > 500, name
    assert (ROOT / "adapter" / "py.typed").is_file()


def test_the_benchmarks_data_depend_on_the_seed_alone(tmp_path: Path) -> None:
    assert bundle(3, resources=200) == bundle(3, resources=200) != bundle(3, resources=200, seed=8)
    assert len(json.loads(bundle(3, resources=200))["entry"]) == 200
    for name in ("one", "two"):
        write_export(tmp_path / name, 0.5, relevant=0.05, seed=7)
    one, two = ({f.name: f.read_bytes() for f in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two and len(one) == 10


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_the_benchmarks_data_hold_the_share_of_relevant_codes_that_was_asked_for(tmp_path: Path, share: float) -> None:
    write_export(tmp_path, 4, relevant=share, seed=7)
    known = {code for code, *_ in TESTS[True]}
    lines = (tmp_path / "Observation.ndjson").read_bytes().splitlines()
    hits = sum(json.loads(line)["code"]["coding"][1]["code"] in known for line in lines)
    assert len(lines) > 1500 and abs(hits / len(lines) - share) < 0.03
