"""`POST /cds-services/...-patient-view` with 200 resources of prefetch, beside a bare FastAPI endpoint that only does
`orjson.loads` of the same body on the same server; prints JSON.

ratio, ours_ms, bare_ms    medians, one call at a time, in turns
p99_ms, rate               eight callers at once; the bare endpoint's beside it
cold_s                     from the start of `trial-adapter serve` to the first answer
memory                     resident size after all requests, over that after the first thousand
notice_p99_s               20 notifications a second for ten seconds, from the telling to the new screening
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import requests

from bench.generate import compact, record

ROOT = Path(__file__).parent.parent
PATH = "/cds-services/ln-msc-il2-patient-view"


def call(number: int) -> bytes:
    """A call with 200 resources of prefetch."""
    from adapter.alerts.services import prefetch_key
    from adapter.screen import load_trial
    from adapter.sync.plan import types_read

    made = list(record(number, resources=200))
    patient = next(one for one in made if one["resourceType"] == "Patient")
    prefetch: dict[str, Any] = {"patient": patient}
    for type_ in types_read(load_trial("ln-msc-il2"))[1:]:
        found = [{"resource": one} for one in made if one["resourceType"] == type_]
        prefetch[prefetch_key(type_)] = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "entry": found,
        }
    context = {"userId": "Practitioner/bench", "patientId": patient["id"]}
    return compact(
        {
            "hook": "patient-view",
            "hookInstance": f"d1577c69-dfbe-44ad-ba6d-{number:012d}",
            "context": context,
            "prefetch": prefetch,
        }
    )


def bare(port: int) -> None:
    """The peer: FastAPI on uvicorn, as ours runs."""
    import orjson
    import uvicorn
    from fastapi import FastAPI, Request, Response

    app = FastAPI()

    @app.post("/bare")
    async def parse(request: Request) -> Response:
        orjson.loads(await request.body())
        return Response(b'{"cards":[]}', media_type="application/json")

    uvicorn.run(app, host="127.0.0.1", port=port, loop="asyncio", http="h11", log_level="error", access_log=False)


def free_port() -> int:
    import socket

    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@contextmanager
def process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            yield running
        finally:
            running.kill()


def serve(folder: Path, port: int, base_url: str, *parts: str) -> list[str]:
    """The command of the service, with its configuration."""
    (folder / "secret").write_text("bench")
    config = folder / "site.toml"
    config.write_text(
        f'[server]\nbase-url = "{base_url}"\n[store]\nurl = "sqlite:///{folder}/store.db"\n'
        '[notifications]\nsecret-file = "secret"\n[cohort]\neverybody = true\n'
    )
    only = [word for part in parts for word in ("--only", part)]
    return [
        sys.executable,
        "-m",
        "adapter",
        "serve",
        "--config",
        str(config),
        *only,
        "--listen",
        f"127.0.0.1:{free_port()}",
        "--answer",
        f"127.0.0.1:{port}",
    ]


def until_answered(url: str, body: bytes) -> None:
    for _ in range(3000):
        with suppress(requests.ConnectionError):
            if requests.post(url, body, headers={"Content-Type": "application/json"}).status_code == 200:
                return
        time.sleep(0.005)
    sys.exit(f"{url} does not answer")


def timed(session: requests.Session, url: str, body: bytes) -> float:
    begun = time.perf_counter()
    answer = session.post(url, body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    return time.perf_counter() - begun


def at_once(url: str, bodies: list[bytes], count: int, callers: int = 8) -> tuple[list[float], float]:
    """Seconds of each of so many calls by several callers at once, and calls a second."""
    sessions = [requests.Session() for _ in range(callers)]

    def some(caller: int) -> list[float]:
        return [timed(sessions[caller], url, bodies[n % len(bodies)]) for n in range(count // callers)]

    begun = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        times = [one for part in pool.map(some, range(callers)) for one in part]
    return times, len(times) / (time.perf_counter() - begun)


def resident(pid: int) -> int:
    """Kilobytes (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def measure(requests_: int, rounds: int) -> dict[str, float]:
    bodies = [call(number) for number in range(8)]
    with tempfile.TemporaryDirectory() as name:
        folder, port, peer = Path(name), free_port(), free_port()
        begun = time.perf_counter()
        with (
            process(serve(folder, port, "http://127.0.0.1:9/fhir", "hooks")) as ours,
            process([sys.executable, "-m", "bench.hooks", "--bare", str(peer)]),
        ):
            url, theirs = f"http://127.0.0.1:{port}{PATH}", f"http://127.0.0.1:{peer}/bare"
            until_answered(url, bodies[0])
            cold = time.perf_counter() - begun
            until_answered(theirs, bodies[0])
            session = requests.Session()
            pairs = [
                (timed(session, url, body), timed(session, theirs, body)) for _ in range(rounds * 10) for body in bodies
            ]
            many, rate = at_once(url, bodies, 1000)
            bare_many, bare_rate = at_once(theirs, bodies, 1000)
            first = resident(ours.pid)
            at_once(url, bodies, max(8, requests_ - 1000))
            last = resident(ours.pid)
    return {
        "ratio": median(a / b for a, b in pairs),
        "ours_ms": median(a for a, _ in pairs) * 1000,
        "bare_ms": median(b for _, b in pairs) * 1000,
        "p99_ms": quantiles(many, n=100)[-1] * 1000,
        "bare_p99_ms": quantiles(bare_many, n=100)[-1] * 1000,
        "rate": rate,
        "bare_rate": bare_rate,
        "cold_s": cold,
        "memory": last / first,
        "requests": requests_,
        "bytes": sum(map(len, bodies)) / len(bodies),
        "notice_p99_s": noticed(),
    }


def noticed(seconds: int = 10, rate: int = 20) -> float:
    """The 99th percentile of the seconds from a notification to the new screening in the store."""
    import sqlite3

    from bench.sync import server

    with tempfile.TemporaryDirectory() as name, server(100) as base:
        folder, port = Path(name), free_port()
        once = [
            sys.executable,
            "-m",
            "adapter",
            "sync",
            f"{base}/fhir",
            "--once",
            "--config",
            str(folder / "site.toml"),
        ]
        command = serve(folder, port, f"{base}/fhir", "notifications")
        subprocess.run(once, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with process(command):
            url = f"http://127.0.0.1:{port}/notifications/MedicationAdministration/MedicationAdministration"
            until_taken(f"{url}/none")
            store = sqlite3.connect(folder / "store.db")
            told: dict[str, float] = {}
            for number in range(seconds * rate):
                begun = time.perf_counter()
                requests.post(f"{base}/give?n={number}")
                told[f"give-{number}"] = time.time()
                requests.put(f"{url}/give-{number}", b"{}", headers={"X-Trial-Adapter-Secret": "bench"})
                time.sleep(max(0, 1 / rate - (time.perf_counter() - begun)))
            time.sleep(3)
            return _waits(store, told)


def until_taken(url: str) -> None:
    for _ in range(3000):
        with suppress(requests.ConnectionError):
            if requests.put(url, b"{}", headers={"X-Trial-Adapter-Secret": "bench"}).status_code == 204:
                return
        time.sleep(0.005)
    sys.exit(f"{url} does not answer")


def _waits(store: Any, told: dict[str, float]) -> float:
    """Each record that was told of, and the first screening of its patient made from it on."""
    rows = store.execute(
        "SELECT reference, subject, known_from FROM known WHERE reference LIKE 'MedicationAdministration/give-%'"
    )
    waits = []
    for reference, subject, known in rows.fetchall():
        made = store.execute(
            "SELECT min(known_at) FROM screenings WHERE patient = ? AND known_at >= ?", (subject, known)
        ).fetchone()[0]
        if made is not None:
            waits.append(made / 1e6 - told[reference.partition("/")[2]])
    assert len(waits) > len(told) * 0.9, f"{len(waits)} of {len(told)} arrived"
    return quantiles(waits, n=100)[-1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hooks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bare", type=int, help="serve the peer on a port")
    asked = parser.parse_args()
    if asked.bare:
        bare(asked.bare)
    else:
        json.dump(measure(asked.requests, asked.rounds), sys.stdout)


if __name__ == "__main__":
    main()
