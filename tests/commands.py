"""Calls the command line inside this process, as a person would write it, and gives back what came out."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from adapter.cli import main


@dataclass(frozen=True)
class Done:
    """What a call printed, and its exit code."""

    code: int
    out: str
    err: str


Call = Callable[..., Done]


def caller(monkeypatch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[bytes]) -> Call:
    """`call("screen", path, "--as-of", day)`; no setting of this machine reaches it."""
    for name in ("TRIAL_ADAPTER_CONFIG", "COLUMNS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["trial-adapter", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = captured.readouterr()
        return Done(int(stopped.value.code or 0), out.decode(), err.decode())

    return call
