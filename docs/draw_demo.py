"""Draws docs/images/*.svg from what the commands of `make demo` really print: ``python docs/draw_demo.py``.

Each command runs on a terminal of its own (a pty), so the picture has the colours and the width that a person sees.
"""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTH = 110
ASKED = ("--as-of", "2026-11-22", "--complete", "all")
DRAWN = {
    "demo": ("screen", "examples/cohort", *ASKED),
    "dossier": ("explain", "examples/cohort", "--patient", "Patient/rituximab-20-weeks", *ASKED),
}
"""Picture -> the command that it shows."""


def svg(name: str) -> str:
    """The picture of one command, as SVG text."""
    command = DRAWN[name]
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(f"$ trial-adapter {' '.join(command)}", "bold"))
    for line in shown(command).splitlines():
        console.print(Text.from_ansi(line), no_wrap=True, overflow="ignore", crop=False)
    return _self_contained(console.export_svg(title="trial-adapter", unique_id=name))


def _self_contained(drawn: str) -> str:
    """Without rich's fonts of a foreign host: a picture in a page must not call out."""
    bare = re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    return bare.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace")


def plain(name: str) -> str:
    """What the command of a picture prints, without colours."""
    return Text.from_ansi(shown(DRAWN[name])).plain


def shown(command: tuple[str, ...]) -> str:
    """What a command prints on a terminal of `WIDTH` columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 60, WIDTH, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    environment = {k: v for k, v in environment.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    program = [sys.executable, "-c", "from adapter.cli import main; main()", *command]
    with subprocess.Popen(program, stdin=its, stdout=its, stderr=subprocess.DEVNULL, cwd=ROOT, env=environment):
        os.close(its)
        text = b"".join(_until_closed(ours)).decode()
    os.close(ours)
    return text.replace("\r\n", "\n")


def _until_closed(terminal: int) -> Iterator[bytes]:
    """What arrives until the last writer is gone, which Linux tells as an error."""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            return
        if not chunk:
            return
        yield chunk


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    for name in DRAWN:
        (IMAGES / f"{name}.svg").write_text(svg(name), encoding="utf-8")
        print(f"docs/images/{name}.svg")


if __name__ == "__main__":
    main()
