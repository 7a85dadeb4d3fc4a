"""The wheel, installed into an empty environment with the locked requirements, screens from any folder."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WHEELS = Path(sys.prefix) / "wheels"
"""The runtime's locked wheels, kept by `make` beside the packages, so that nothing here needs a network."""

BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1990-04-01"}},
        {
            "resource": {
                "resourceType": "MedicationAdministration",
                "id": "m1",
                "status": "completed",
                "subject": {"reference": "Patient/p1"},
                "effectiveDateTime": "2026-09-01",
                "medicationCodeableConcept": {
                    "coding": [{"system": "http://www.whocc.no/atc", "code": "L01FA01", "display": "rituximab"}]
                },
            }
        },
    ],
}


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command as on a stranger's machine: no import path of this tree, no home folder's settings."""
    env = {"PATH": os.defpath, "HOME": str(cwd), "PYTHONNOUSERSITE": "1", "COLUMNS": "120"}
    return subprocess.run([str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def succeed(*command: str | Path, cwd: Path) -> str:
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    succeed(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        ROOT,
        cwd=folder,
    )
    (built,) = folder.glob("trial_adapter-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel, the locked requirements and nothing else."""
    assert WHEELS.is_dir(), f"{WHEELS} is missing: run the tests by `make test`, or make .venv-dev by `make check`"
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--no-index", "--find-links", WHEELS]
    succeed(*pip, "--require-hashes", "-r", ROOT / "requirements.txt", cwd=folder)
    succeed(*pip, "--no-deps", wheel, cwd=folder)
    return folder / "bin"


def test_the_wheel_holds_the_mappings_the_profiles_and_the_type_marker(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    shipped = {
        f"adapter/_data/{path.relative_to(ROOT).as_posix()}"
        for folder in ("mappings", "profiles")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not path.name.startswith(".") and "__pycache__" not in path.parts
    }
    assert shipped and shipped <= inside
    assert "adapter/py.typed" in inside
    assert {name.split("/")[0] for name in inside if ".dist-info/" not in name} == {"adapter"}


def test_the_command_tells_its_version(wheel: Path, installed: Path, tmp_path: Path) -> None:
    version = wheel.name.split("-")[1]
    assert version in succeed(installed / "trial-adapter", "--version", cwd=tmp_path)


def test_the_command_screens_from_another_folder(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps(BUNDLE), encoding="utf-8")
    out = succeed(
        installed / "trial-adapter",
        "screen",
        "bundle.json",
        "--as-of",
        "2026-11-22",
        "--format",
        "json",
        cwd=tmp_path,
    )
    (screening,) = json.loads(out)
    assert (screening["trial"], screening["patient"]) == ("ln-msc-il2", "Patient/p1")
    assert screening["status"] == "ineligible"
    truths = {criterion["id"]: criterion["truth"] for criterion in screening["criteria"]}
    assert len(truths) == 20
    assert truths["inc-age"] == "yes"
    assert truths["exc-b-cell-depletion"] == "yes"


def test_a_missing_source_is_a_wrong_call(installed: Path, tmp_path: Path) -> None:
    done = run(installed / "trial-adapter", "screen", "nowhere", "--as-of", "2026-11-22", cwd=tmp_path)
    assert done.returncode == 2
    assert "nowhere" in done.stderr and "Traceback" not in done.stderr


def test_the_commands_help_imports_nothing_heavy(installed: Path, tmp_path: Path) -> None:
    """Seen from inside the process: whatever is asked of `--help`, these may not be among the modules."""
    code = (
        "import sys\nimport adapter.cli as cli\n"
        "sys.argv = ['trial-adapter', '--help']\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('modules:', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    modules = set(succeed(installed / "python", "-c", code, cwd=tmp_path).rpartition("modules:")[2].split())
    assert "adapter" in modules and "click" in modules
    assert not modules & {"fhir", "fhir_core", "requests", "duckdb", "orjson"}
