"""healthchain's SandboxClient, whose pins clash with ours: installed once, from its own lock, into `.cache`."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "healthchain"
CACHE = HERE.parents[2] / ".cache"


def python() -> Path:
    """The interpreter of its environment; made anew when the lock changes."""
    lock = HERE / "requirements.txt"
    folder = CACHE / f"healthchain-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    found, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "--only-binary",
            ":all:",
        ]
        subprocess.run([found, *install, "-r", lock], check=True)
        ready.touch()
    return found


def call(url: str, hook: str, context: dict[str, Any], prefetch: dict[str, Any]) -> dict[str, Any]:
    """One call of a service: `request` as it was sent, `cards` as its models read them."""
    command = [python(), HERE / "talk.py", url, hook, json.dumps(context)]
    done = subprocess.run(command, input=json.dumps(prefetch), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found
