"""The commands of a service that stays, as a hospital's engineer types them."""

import json
import re
from pathlib import Path

import pytest

from adapter.config import load_config
from adapter.connection import load_connection
from tests.alerts.ehr import ROOT, prefetch_of, resources, running
from tests.commands import Call, caller
from tests.sync import sekmet

HOW_TO = ROOT / "docs" / "how-to"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Call:
    config = tmp_path / "site.toml"
    config.write_text(
        f'[server]\nbase-url = "http://127.0.0.1:9/fhir"\n[store]\nurl = "sqlite:///{tmp_path}/store.db"\n'
    )
    found = caller(monkeypatch, capsysbinary)
    monkeypatch.setenv("TRIAL_ADAPTER_CONFIG", str(config))
    monkeypatch.setenv("TRIAL_ADAPTER_SERVER_RETRIES", "1")
    return found


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--answer", "0.0.0.0:0", "--only", "hooks"), "--no-authentication"),
        (("--answer", "nowhere"), "--answer 'nowhere' is no address"),
        (("--answer", "127.0.0.1:70000"), "is no address"),
        (("--only", "notifications"), "notifications.secret-file"),
        (("--schedule", "x"), "is no crontab line"),
        (("--only", "nothing"), "nothing"),
    ],
)
def test_a_service_that_cannot_be_is_refused(call: Call, words: tuple[str, ...], said: str) -> None:
    done = call(
        "serve", "--listen", "127.0.0.1:0", *(words if "--answer" in words else ("--answer", "127.0.0.1:0", *words))
    )
    assert done.code == 2 and said in done.err


def test_the_report_of_the_cards(call: Call, tmp_path: Path) -> None:
    with running(tmp_path) as ehr:
        (card,) = ehr.cards("patient-view", "eligible", prefetch_of(resources("eligible")))
        ehr.feedback(card["uuid"], "accepted")
    done = call("alerts", "report")
    assert done.code == 0 and "  precision   100% of those answered" in done.out
    found = json.loads(call("alerts", "report", "--format", "json", "--since", "2026-11-22").out)
    assert (found["shown"], found["accepted"], found["precision"]) == (1, 1, 1.0)
    assert json.loads(call("alerts", "report", "--format", "json", "--since", "2026-11-23").out)["shown"] == 0


def test_subscriptions_are_made_kept_and_removed(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "notifications.secret-file is missing" in call("subscribe").err
    monkeypatch.setenv("TRIAL_ADAPTER_NOTIFICATIONS_SECRET", "a secret")
    assert "no endpoint" in call("subscribe").err
    assert call("subscribe", "--endpoint", "https://trials.example").code == 3, "nobody is there"
    with sekmet.running(tmp_path) as base_url:
        words = ("subscribe", base_url, "--endpoint", "http://127.0.0.1:9/here")
        first, second = call(*words), call(*words)
        assert first.code == 0 and "Observation" in first.out and "created" in first.out and "a secret" not in first.out
        assert "created" not in second.out and "kept" in second.out
        assert "renewed" in call("subscribe", base_url, "--endpoint", "http://127.0.0.1:9/there").out
        assert call("subscribe", base_url, "--remove").out.count("removed") == first.out.count("created")
        assert call("subscribe", base_url, "--remove").out == ""


@pytest.mark.parametrize("page", ["show-cards-in-the-ehr.md", "tune-who-is-told.md"])
def test_the_configurations_of_the_pages_are_taken(tmp_path: Path, page: str) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (HOW_TO / page).read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        (tmp_path / "page.toml").write_text(block, encoding="utf-8")
        assert load_connection(tmp_path / "page.toml").server.base_url and load_config(tmp_path / "page.toml")
