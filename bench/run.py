"""`make bench`: ratios measured in one run, medians of several, each program its own process, in turns.

Goals are those of docs/performance.md. Data are made once in bench/data and kept for the next run. Answers
of a peer that answers the same question are compared with ours, and every difference is told.
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from zlib import crc32

from bench.generate import RELEVANT, SEED, bundle
from bench.records import AS_OF

ROOT = Path(__file__).parent.parent
DATA = ROOT / "bench" / "data"
GENERATOR = ("codes", "generate", "records")
TRIAL_ADAPTER = [sys.executable, "-c", "from adapter.cli import main; main()"]
"""What the installed command does, in this environment."""
COMPARED = ("inc-age", "inc-proteinuria", "exc-b-cell-depletion")


@dataclass(frozen=True, slots=True)
class Run:
    """One program from start to end: seconds of wall and of CPU, and the largest memory of its processes, in bytes."""

    wall: float
    cpu: float
    memory: int


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; `met` is None where there is no goal."""

    what: str
    goal: str
    measured: str
    met: bool | None = None


def run(command: list[str]) -> Run:
    """Runs one program, its standard output dropped. Ends the benchmark when it fails."""
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    samples, ended = [0], threading.Event()
    watcher = threading.Thread(target=watch, args=(child.pid, samples, ended))
    watcher.start()
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    ended.set()
    watcher.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    stop_unless_done(command, child.returncode)
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(wall, used.ru_utime + used.ru_stime, max(used.ru_maxrss * unit, *samples))


def watch(pid: int, samples: list[int], ended: threading.Event) -> None:
    """Ten times a second the memory of a process with its children; pages that they share are counted once (Linux)."""
    while not ended.wait(0.1):
        with suppress(OSError):  # it has just ended, or this is no Linux
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            rollups = [Path(f"/proc/{one}/smaps_rollup").read_text() for one in (pid, *children)]
            samples.append(sum(int(rollup.split("Pss:", 1)[1].split()[0]) * 1024 for rollup in rollups if rollup))


def answer(command: list[str]) -> dict[str, float]:
    """The JSON object that a process prints."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    stop_unless_done(command, done.returncode)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def stop_unless_done(command: list[str], code: int) -> None:
    if code != 0:
        sys.exit(f"{' '.join(command)} ended with {code}; these data should pass without an error")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def bench(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"bench.{module}", *map(str, arguments)]


def screen(source: Path, *options: str) -> list[str]:
    command = [*TRIAL_ADAPTER, "screen", str(source), "--as-of", AS_OF.isoformat(), "--complete", "all"]
    return [*command, *options]


# --- (a) one patient ---


def one_patient(asked: argparse.Namespace) -> list[Row]:
    say("(a) one patient of 200 resources, in memory ...")
    rounds = 6 * asked.rounds + 1
    got = answer(bench("one", "--rounds", rounds, "--relevant", asked.relevant, "--seed", asked.seed))
    times = f"{got['ours_ms']:.2f} ms : {got['orjson_ms']:.2f} ms, {got['bytes'] / 1000:.0f} kB"
    measured, met = f"{got['ratio']:.2f}x  ({times})", got["ratio"] <= 2
    return [Row("(a) one patient, 20 criteria / orjson.loads of the bytes", "<= 2x", measured, met)]


# --- (b) an export ---


def export(asked: argparse.Namespace) -> Path:
    """The folder of the export, made unless one of the same arguments and the same generator is there."""
    made_by = crc32(b"".join((ROOT / "bench" / f"{name}.py").read_bytes() for name in GENERATOR))
    folder = DATA / f"export-{asked.size:g}mb-{asked.relevant:g}-seed{asked.seed}-{made_by:08x}"
    if not (folder / "manifest.json").exists():  # written last
        say(f"making {asked.size:g} MB in {folder.relative_to(ROOT)} ...")
        wanted = ["--size", asked.size, "--relevant", asked.relevant, "--seed", asked.seed]
        run(bench("generate", folder, *wanted))
    return folder


def whole_export(asked: argparse.Namespace) -> list[Row]:
    folder = export(asked)
    ours, theirs = DATA / "screenings.ndjson", DATA / "duckdb.csv"
    commands = {
        "ours": screen(folder, "--format", "ndjson", "--out", str(ours)),
        "wc": ["wc", "-l", *sorted(map(str, folder.glob("*.ndjson")))],
        "duckdb": bench("peers", "duckdb", folder, "--out", theirs),
    }
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(asked.rounds):
        for name, command in commands.items():
            runs[name].append(run(command))
            say(f"(b) round {turn + 1} of {asked.rounds}: {name} {runs[name][-1].wall:.2f} s")
    say(f"(b) fhir.resources on every {asked.every}th line, three rounds ...")
    parsing = [answer(bench("peers", "fhir-resources", folder, "--every", asked.every)) for _ in range(3)]
    return [*export_rows(folder, runs, parsing), differences(ours, theirs)]


def export_rows(folder: Path, runs: dict[str, list[Run]], parsing: list[dict[str, float]]) -> list[Row]:
    size = sum(path.stat().st_size for path in folder.glob("*.ndjson"))
    wall = {name: median(one.wall for one in of) for name, of in runs.items()}
    cpu = {name: median(one.cpu for one in of) for name, of in runs.items()}
    memory = {name: max(one.memory for one in of) / 1e6 for name, of in runs.items()}
    ours, sql = wall["ours"], wall["duckdb"]
    loop = median(one["seconds"] / one["bytes"] for one in parsing) * size
    parsed = f"{parsing[0]['lines']:.0f} lines, {parsing[0]['bytes'] / 1e6:.1f} MB"
    faster = f"{loop / ours:.1f}x  ({loop:.1f} s, scaled by bytes from a sample of {parsed})"
    in_sql = f"{ours / sql:.2f}x  ({sql:.2f} s; CPU {cpu['ours'] / cpu['duckdb']:.2f}x)"
    peak = f"{memory['ours']:.0f} MB  (DuckDB {memory['duckdb']:.0f} MB)"
    whole = f"{ours:.2f} s  ({size / 1e6 / ours:.0f} MB/s)"
    return [
        Row(f"(b) export of {size / 1e6:.0f} MB, whole process", "", whole),
        Row("    times faster than a fhir.resources R4B loop", ">= 20x", faster, loop / ours >= 20),
        Row("    / wc -l of the files", "", f"{ours / wall['wc']:.1f}x  ({wall['wc']:.3f} s)"),
        Row("    / DuckDB, three criteria in SQL", "", in_sql),
        Row("    peak memory", "< 256 MB", peak, memory["ours"] < 256),
    ]


def differences(ours: Path, theirs: Path) -> Row:
    """Our truths against the SQL's, patient by patient, for the criteria that both answer."""
    with theirs.open(encoding="utf-8") as file:
        expected = {(row["id"], name): row[name] for row in csv.DictReader(file) for name in COMPARED}
    got = truths(ours)
    different = sorted(key for key in expected.keys() | got.keys() if expected.get(key) != got.get(key))
    for patient, name in different[:10]:
        say(f"    {patient} {name}: ours {got.get((patient, name))}, SQL {expected.get((patient, name))}")
    measured = f"{len(different)} of {len(expected)} different"
    return Row("    answers against the SQL's", "0", measured, not different)


def truths(screenings: Path) -> dict[tuple[str, str], str]:
    """(patient, criterion) -> truth, for the criteria that are compared."""
    got: dict[tuple[str, str], str] = {}
    with screenings.open(encoding="utf-8") as lines:
        for screening in map(json.loads, lines):
            patient = screening["patient"].removeprefix("Patient/")
            got |= {(patient, c["id"]): c["truth"] for c in screening["criteria"] if c["id"] in COMPARED}
    return got


# --- (c) start to first verdict ---


def first_verdict(asked: argparse.Namespace) -> list[Row]:
    say("(c) start of the process to the verdicts on a small Bundle ...")
    small = DATA / "small.json"
    small.write_bytes(bundle(0, resources=20, relevant=asked.relevant, seed=asked.seed))
    runs = [run(screen(small, "--format", "json")) for _ in range(4 * asked.rounds + 1)]
    bare = median(run([sys.executable, "-c", "pass"]).wall for _ in runs)
    wall = median(one.wall for one in runs)
    measured = f"{wall:.2f} s  (bare Python {bare:.3f} s, {max(one.memory for one in runs) / 1e6:.0f} MB)"
    return [Row("(c) process start to verdicts, 20 resources", "<= 0.5 s", measured, wall <= 0.5)]


# --- (d) an assignment ---


def emission(asked: argparse.Namespace) -> list[Row]:
    say("(d) the resources of assignments, made and judged ...")
    got = answer(bench("emit", "--rounds", asked.rounds))
    measured = (
        f"{got['patients_per_s']:.0f}  ({got['resources']:.0f} resources in {got['ms']:.1f} ms; "
        f"making them alone is {got['judging']:.0f} times faster)"
    )
    return [Row("(d) assigned patients a second, judged twice", ">= 150", measured, got["patients_per_s"] >= 150)]


# --- (e) a sync ---


def syncing(asked: argparse.Namespace) -> list[Row]:
    say("(e) a server of generated records on loopback, read by the sync ...")
    got = answer(bench("sync", "--rounds", asked.rounds))
    facts = f"{got['cpu_facts']:.1f}x with every record made into facts, stored and screened"
    return [
        Row(
            "(e) CPU of the client / naive requests.get().json()",
            "<= 0.33x",
            f"{got['cpu_client']:.2f}x  ({facts})",
            got["cpu_client"] <= 1 / 3,
        ),
        Row(
            "(e) 50 ms a page: one partition at a time / eight",
            ">= 5x",
            f"{got['parallel']:.1f}x",
            got["parallel"] >= 5,
        ),
        Row(
            "(e) a run after 1 % changed / the first run",
            "<= 5 %",
            f"{got['incremental']:.1%}",
            got["incremental"] <= 0.05,
        ),
        Row("(e) memory over ten times the patients", "flat", f"{got['memory']:.2f}x", None),
    ]


# --- (f) what the EHR and a server call ---


def called(asked: argparse.Namespace) -> list[Row]:
    say("(f) cards for the EHR, notifications of a server ...")
    got = answer(bench("hooks", "--rounds", asked.rounds, "--requests", asked.requests))
    kilobytes, bare = got["bytes"] / 1000, "a bare FastAPI endpoint with orjson.loads"
    times = f"{got['ours_ms']:.1f} ms : {got['bare_ms']:.1f} ms, {kilobytes:.0f} kB"
    p99 = f"{got['p99_ms']:.0f} ms  ({got['p99_ms'] / got['bare_p99_ms']:.1f}x of the bare one)"
    rate = f"{got['rate']:.0f}/s  ({got['bare_rate'] / got['rate']:.1f}x fewer than the bare one)"
    return [
        Row(f"(f) a card of 200 resources / {bare}", "<= 2x", f"{got['ratio']:.2f}x  ({times})", got["ratio"] <= 2),
        Row("(f) eight at once: 99th percentile", "<= 100 ms", p99, got["p99_ms"] <= 100),
        Row("(f) eight at once: calls", ">= 100/s", rate, got["rate"] >= 100),
        Row("(f) start of the service to the first answer", "<= 1.5 s", f"{got['cold_s']:.2f} s", got["cold_s"] <= 1.5),
        Row(f"(f) memory after {got['requests']:.0f} calls", "flat", f"{got['memory']:.2f}x of that after 1000", None),
        Row(
            "(f) 20 notifications a second: to the screening, 99th percentile",
            "<= 2 s",
            f"{got['notice_p99_s']:.2f} s",
            got["notice_p99_s"] <= 2,
        ),
    ]


# --- the table ---


def table(rows: list[Row]) -> str:
    met = {None: "", True: "yes", False: "NO"}
    lines = [("", "goal", "met", "measured"), *((r.what, r.goal, met[r.met], r.measured) for r in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)) for line in lines
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=float, default=300, help="megabytes of the export (default 300)")
    parser.add_argument("--relevant", type=float, default=RELEVANT, help="share of relevant codes (0 to 1)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the export (default 5)")
    parser.add_argument("--every", type=int, default=50, help="fhir.resources parses every n-th line")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", choices=["a", "b", "c", "d", "e", "f"], help="one of the six measurements")
    parser.add_argument("--requests", type=int, default=5000, help="calls for a card (default 5000)")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    DATA.mkdir(parents=True, exist_ok=True)
    parts = {"a": one_patient, "b": whole_export, "c": first_verdict, "d": emission, "e": syncing, "f": called}
    rows = [row for name, part in parts.items() if asked.only in (None, name) for row in part(asked)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = f"Python {platform.python_version()}, {platform.machine()}, {cores} cores"
    print(f"\n{machine}; {asked.relevant:.1%} of the codes are relevant")
    print(table(rows))


if __name__ == "__main__":
    main()
