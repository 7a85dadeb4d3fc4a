"""The service: runs on a schedule, tells how it is, stops when it is asked, and says no word of a patient."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from adapter.alerting import COMMANDS as ALERTING
from adapter.commands import COMMANDS
from adapter.config import load_config
from adapter.connection import load_connection
from tests.commands import Call, caller
from tests.hapi.server import free_port
from tests.sync.site import ROOT, Site

NAMES = [path.stem for path in (ROOT / "examples" / "cohort").iterdir() if path.stem != "eligible"]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], site: Site) -> Call:
    found = caller(monkeypatch, capsysbinary)
    monkeypatch.setenv("TRIAL_ADAPTER_CONFIG", str(configured(site)))
    return found


def configured(site: Site) -> Path:
    path = site.folder / "site.toml"
    path.write_text(f'[server]\nbase-url = "{site.base_url}"\n[store]\nurl = "sqlite:///{site.folder}/store.db"\n')
    return path


def get(port: int, path: str) -> requests.Response | None:
    try:
        return requests.get(f"http://127.0.0.1:{port}/{path}", timeout=5)
    except requests.ConnectionError:
        return None


def wait_until(condition: Any, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.1)


def test_a_service_runs_tells_and_stops(site: Site) -> None:
    port = free_port()
    command = [sys.executable, "-m", "adapter", "serve", "--config", configured(site), "--listen", f"127.0.0.1:{port}",
               "--answer", "127.0.0.1:0", "--schedule", "* * * * *", "--write"]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        wait_until(lambda: (answer := get(port, "readyz")) is not None and answer.status_code == 200)
        assert get(port, "healthz").status_code == 200 and get(port, "else").status_code == 404  # type: ignore[union-attr]
        figures = get(port, "metrics").text  # type: ignore[union-attr]
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert 'trial_adapter_runs_total{outcome="done"}' in figures and "trial_adapter_patients 12.0" in figures
    assert re.search(r"trial_adapter_last_success_timestamp_seconds 1\.\d+e\+09", figures)
    lines = [json.loads(line) for line in log.splitlines()]
    assert [line["event"] for line in lines][:3] == ["answering", "serving", "run started"]
    assert lines[-1]["event"] == "stopped"
    assert not any(name in log + figures for name in NAMES)


def test_a_server_that_does_not_answer_is_no_reason_to_end(site: Site) -> None:
    port, nobody = free_port(), free_port()
    command = [
        sys.executable,
        "-m",
        "adapter",
        "serve",
        f"http://127.0.0.1:{nobody}/fhir",
        "--listen",
        f"127.0.0.1:{port}",
        "--only",
        "schedule",
    ]
    own = {
        "PYTHONPATH": str(ROOT),
        "TRIAL_ADAPTER_SERVER_RETRIES": "1",
        "TRIAL_ADAPTER_STORE_URL": f"sqlite:///{site.folder}/own.db",
    }
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, **own})
    try:
        wait_until(lambda: (answer := get(port, "metrics")) is not None and 'outcome="problem"' in answer.text)
        assert get(port, "readyz").status_code == 503  # type: ignore[union-attr]
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    assert process.returncode == 0 and "check the network and server.base-url" in log


# --- the commands, as a person calls them


def test_a_sync_without_write_shows_what_it_would_write_and_writes_nothing(call: Call, site: Site) -> None:
    done = call("sync", "--once")
    assert done.code == 0 and "12 new patients" in done.err
    assert '+  "resourceType": "ResearchSubject",' in done.out and '+  "resourceType": "ResearchStudy",' in done.out
    assert site.get("ResearchStudy/ln-msc-il2") is None
    assert call("sync", "--once", "--write").out == ""
    assert site.get("ResearchStudy/ln-msc-il2") is not None
    again = call("sync", "--once")
    assert (again.code, again.out) == (0, "")


def test_status_history_and_replay_answer(call: Call) -> None:
    assert "no run yet" in call("status").out
    call("sync", "--once")
    assert "12 could matter" in call("status").out
    assert json.loads(call("status", "--format", "json").out)["patients"] == 12
    assert "first screening" in call("history", "--patient", "eligible").out
    done = call("replay", "--as-of", "2099-01-01")
    assert done.code == 0 and done.out.count("the same, byte for byte") == 12
    assert call("purge", "--patient", "eligible").code == 0
    assert call("history", "--patient", "eligible").code == 2


def test_a_configuration_is_checked(call: Call, site: Site) -> None:
    done = call("config", "check")
    assert (done.code, done.err) == (0, "") and "scopes  nothing is missing" in done.out
    assert call("config", "check", "http://127.0.0.1:9/fhir").code == 3


WRONG = {
    '[server]\nbase-url = "ehr.example"': "server.base-url 'ehr.example' is no http address",
    "[server]\npage-size = 10": "no server is named",
    '[server]\nbase-url = "http://a.example"\npages = 3': "[server] Object contains unknown field `pages`",
    '[server]\nbase-url = "http://a.example"\npage-size = 0': "server.page-size must be above 0",
    '[server]\nbase-url = "http://a.example"\n[auth]\nkind = "smart"': "auth.kind = 'smart' needs auth.client-id and auth.keys",
    '[server]\nbase-url = "http://a.example"\n[auth]\nkind = "oauth"': "[auth] Invalid enum value 'oauth' - at `kind`",
    '[server]\nbase-url = "http://a.example"\nclient-key = "k.pem"': "belong together",
    '[server]\nbase-url = "http://a.example"\n[auth]\nkind = "bearer"': "needs auth.secret-file, or the variable TRIAL_ADAPTER_SECRET",
    '[server]\nbase-url = "http://a.example"\n[store]\nurl = "oracle"': "store.url cannot be used",
    '[server]\nbase-url = "http://a.example"\n[store]\nurl = "sqlite:////absent/folder/x.db"': "cannot be opened",
    '[server]\nbase-url = "http://a.example"\n[serve]': "no setting is called serve",
}


@pytest.mark.parametrize(("text", "told"), WRONG.items())
def test_a_wrong_setting_is_named(call: Call, tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    done = call("sync", "--once", "--config", path)
    assert done.code in (2, 3) and told in done.err and "Traceback" not in done.err


def test_a_variable_takes_precedence(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_ADAPTER_SERVER_BASE_URL", "ftp://a.example")
    assert "'ftp://a.example' is no http address" in call("sync", "--once").err


@pytest.mark.parametrize("line", ["", "every day", "61 * * * *"])
def test_a_schedule_that_is_none_is_refused(call: Call, line: str) -> None:
    done = call("serve", "--schedule", line, "--listen", f"127.0.0.1:{free_port()}")
    assert done.code == 2 and "is no crontab line" in done.err


HOW_TO = ROOT / "docs" / "how-to"


def test_the_commands_of_the_pages_run(call: Call) -> None:
    pages = [(HOW_TO / name).read_text(encoding="utf-8") for name in ("connect-to-a-server.md", "run-on-a-schedule.md")]
    lines = re.findall(r"^trial-adapter ([^#\n]+)", "\n".join(pages), re.MULTILINE)
    assert len(lines) >= 7
    for line in lines:
        command, *more = shlex.split(line)
        if command != "serve":
            done = call(command, *more)
            assert done.code == 0, (line, done.err)


def test_the_settings_of_the_pages_are_read(tmp_path: Path) -> None:
    blocks = re.findall(
        r"```toml\n(.*?)```", (HOW_TO / "connect-to-a-server.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert len(blocks) == 3
    for block in blocks:
        path = tmp_path / "page.toml"
        path.write_text(block)
        assert load_connection(path).server.base_url.startswith("https://ehr.example/") and load_config(path)


def test_every_command_has_help(call: Call) -> None:
    for command in (*COMMANDS, *ALERTING):
        assert call(command.name, "--help").code == 0
