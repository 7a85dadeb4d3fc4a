"""Draws docs/images and the dossier of docs/how-to from what the commands really print: ``python docs/draw_demo.py``.

For a picture a command runs on a terminal of its own (a pty), so it has the colours and the width that a person sees.
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
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
DOSSIER = ROOT / "docs" / "how-to" / "read-a-dossier.md"
WIDTH = 110
ASKED = ("--as-of", "2026-11-22", "--complete", "all")
DRAWN = {
    "demo": ("screen", "examples/cohort", *ASKED),
}
"""Picture -> the command that it shows."""
CARD = "card"
PICTURES = (*DRAWN, CARD)


def svg(name: str) -> str:
    """The picture of one command, or of the cards that an EHR gets, as SVG text."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    if name == CARD:
        sys.path.insert(0, str(ROOT))
        from tests.alerts.demo import show

        show(console)
        return _self_contained(console.export_svg(title="What the EHR shows", unique_id=name))
    command = DRAWN[name]
    console.print(Text(f"$ trial-adapter {' '.join(command)}", "bold"))
    for line in shown(command).splitlines():
        console.print(Text.from_ansi(line), no_wrap=True, overflow="ignore", crop=False)
    return _self_contained(console.export_svg(title="trial-adapter", unique_id=name))


def _self_contained(drawn: str) -> str:
    """Without rich's fonts of a foreign host: a picture in a page must not call out."""
    bare = re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    return bare.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace")


def shown(command: tuple[str, ...]) -> str:
    """What a command prints on a terminal of `WIDTH` columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 60, WIDTH, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    environment = {k: v for k, v in environment.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    program = [sys.executable, "-m", "adapter", *command]
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


def dossier_page() -> str:
    """docs/how-to/read-a-dossier.md with its dossier as it is printed today."""
    page = DOSSIER.read_text(encoding="utf-8")
    (command,) = re.findall(r"^trial-adapter (explain .*)$", page, re.MULTILINE)
    return re.sub(r"(?<=^```text\n).*?(?=^```$)", lambda _: _excerpt(printed(command.split())), page, flags=re.M | re.S)


def printed(command: Sequence[str]) -> str:
    """What a command prints into a file or pipe, 100 columns wide."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}
    program = [sys.executable, "-m", "adapter", *command]
    return subprocess.run(
        program, cwd=ROOT, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=False
    ).stdout


def _excerpt(dossier: str) -> str:
    """The head, what decides against, and the doses; `...` for the rest."""
    head, _, _ = dossier.partition("\nInclusion criteria\n")
    against = [part for part in dossier.split("\n\n") if part.startswith("✗")]
    doses = dossier.partition("\nDoses of ")[2].partition("\n\n")[0]
    return "...\n".join(part.strip("\n") + "\n" for part in (head, *against, f"Doses of {doses}"))


def main() -> None:
    DOSSIER.write_text(dossier_page(), encoding="utf-8")
    IMAGES.mkdir(exist_ok=True)
    for name in PICTURES:
        (IMAGES / f"{name}.svg").write_text(svg(name), encoding="utf-8")
        print(f"docs/images/{name}.svg")


if __name__ == "__main__":
    main()
