"""The sync against a server of generated records on loopback, in a process of its own; prints JSON.

cpu_client     CPU a byte of reading every page through the client, over a naive `requests.get(...).json()` loop
cpu_facts      the same with every record made into facts and kept in the store
parallel       a server that needs 50 ms a page: one partition at a time over eight
incremental    wall of a run after 1 % of the patients changed, over the first run
memory         peak memory of a first run over ten times the patients, over that of the small one
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import requests

from bench.generate import compact, record

PAGE = 150
ROOT = Path(__file__).parent.parent


class Records:
    """Generated resources by type and patient, encoded once; `changed` are told by `_history`."""

    def __init__(self, patients: int, delay: float) -> None:
        self.delay, self.changed = delay, 0
        self.given: dict[str, bytes] = {}
        self.by_type: dict[str, dict[str, list[bytes]]] = {}
        for number in range(patients):
            for one in record(number):
                subject = (
                    one["id"]
                    if one["resourceType"] == "Patient"
                    else one["subject" if "subject" in one else "patient"]["reference"][8:]
                )
                self.by_type.setdefault(one["resourceType"], {}).setdefault(subject, []).append(compact(one))
        self.ids = sorted(self.by_type["Patient"])

    def give(self, number: int) -> bytes:
        """Gives rituximab to the next patient, a day earlier each time around, and tells to whom."""
        around, which = divmod(number, len(self.ids))
        subject, name = self.ids[which], f"give-{number}"
        drug = {"coding": [{"system": "http://www.whocc.no/atc", "code": "L01FA01"}]}
        self.given[name] = compact(
            {
                "resourceType": "MedicationAdministration", "id": name, "status": "completed",
                "subject": {"reference": f"Patient/{subject}"}, "medicationCodeableConcept": drug,
                "effectiveDateTime": f"2026-10-{20 - around:02d}",
            }
        )  # fmt: skip
        return str(which).encode()

    def page(self, path: str, form: str) -> bytes:
        time.sleep(self.delay)
        parts = urlsplit(path)
        asked = {**parse_qs(parts.query), **parse_qs(form)}
        type_ = parts.path.split("/")[2]
        wanted = asked.get("patient") or asked.get("_id")
        if "_history" in path or "_lastUpdated" in asked:
            ids = self.ids[: self.changed] if type_ == "Observation" and "_history" in path else []
            bodies = [self._moved(body) for one in ids for body in self.by_type[type_][one][:1]]
        else:
            held = self.by_type.get(type_, {})
            bodies = [body for one in (wanted[0].split(",") if wanted else self.ids) for body in held.get(one, [])]
        start = int(asked.get("offset", ["0"])[0])
        more = (
            urlsplit(path)
            ._replace(query=f"patient={wanted[0] if wanted else ''}&offset={start + PAGE}")
            .geturl()
            .replace("/_search", "")
            if start + PAGE < len(bodies)
            else ""
        )
        link = b'"link":[{"relation":"next","url":"' + more.encode() + b'"}],' if more else b""
        entries = b",".join(b'{"resource":' + body + b"}" for body in bodies[start : start + PAGE])
        return b'{"resourceType":"Bundle","type":"searchset",' + link + b'"entry":[' + entries + b"]}"

    @staticmethod
    def _moved(body: bytes) -> bytes:
        found = json.loads(body)
        found["meta"] = {**found.get("meta", {}), "versionId": "99"}
        return compact(found)


def serve(patients: int, delay: float) -> None:
    records = Records(patients, delay)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            if self.path.startswith("/change"):
                records.changed = int(self.path.rpartition("=")[2])
            if self.path.startswith("/give?"):
                body = records.give(int(self.path.rpartition("=")[2]))
            elif self.path.startswith("/fhir/MedicationAdministration/give-"):
                body = records.given[self.path.rpartition("/")[2]]
            else:
                body = b"{}" if self.path.startswith("/change") else records.page(self.path, form)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _take  # noqa: N815, so http.server wants it

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


@contextmanager
def server(patients: int, delay: float = 0) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.sync", "--serve", str(patients), "--delay", str(delay)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


# --- what is measured, each in a process of its own


def naive(base: str) -> dict[str, float]:
    """The loop that everybody writes."""
    read, path = 0, "/fhir/Observation?offset=0"
    begun = time.process_time()
    while path:
        answer = requests.get(base + path)
        found = answer.json()
        read += len(answer.content)
        path = next((one["url"] for one in found.get("link", []) if one["relation"] == "next"), "")
    return {"cpu": (time.process_time() - begun) / read}


def client(base: str) -> dict[str, float]:
    from adapter.fhir.auth import Fixed
    from adapter.fhir.client import Client
    from adapter.fhir.wire import Server, Wire

    door, read = Client(Wire(Server(base_url=f"{base}/fhir"), Fixed())), 0
    begun = time.process_time()
    for page in door.search("Observation", [("offset", "0")], private=False):
        read += sum(len(memoryview(entry.resource)) for entry in page.entry)
    return {"cpu": (time.process_time() - begun) / read}


def synced(base: str, folder: str, threads: int = 8) -> dict[str, float]:
    """A whole run; `bytes` are those of the records."""
    from adapter.config import Config
    from adapter.connection import CohortSection, Connection, ServerSection
    from adapter.store.database import open_store
    from adapter.sync.start import carry_out, connected, rules_of

    settings = Connection(
        folder=Path(folder), server=ServerSection(base_url=f"{base}/fhir", threads=threads, page_size=PAGE),
        cohort=CohortSection(conditions="none", everybody=True),
    )  # fmt: skip
    sync = connected(settings, rules_of(Config(), "ln-msc-il2"), open_store(f"sqlite:///{folder}/store.db"))
    begun, cpu = time.perf_counter(), time.process_time()
    problems = carry_out(sync, Config())
    assert not problems, problems
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return {
        "wall": time.perf_counter() - begun, "cpu_s": time.process_time() - cpu, "memory": peak,
        "changed": sync.counts.get("patients changed", 0),
    }  # fmt: skip


MEASURED: dict[str, Any] = {"naive": naive, "client": client, "synced": synced}


def alone(name: str, *arguments: object) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.sync", "--measure", name, *map(str, arguments)]
    found: dict[str, float] = msgspec.json.decode(
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    )
    return found


def partitions(delay: float = 0.05) -> float:
    """Wall of reading every type of 160 patients with one thread over that with eight."""
    from adapter.fhir.auth import Fixed
    from adapter.fhir.client import Client, in_parallel
    from adapter.fhir.wire import Server, Wire
    from adapter.sync.plan import chunks, whole

    with server(160, delay) as base:
        door = Client(Wire(Server(base_url=f"{base}/fhir"), Fixed()))
        ids = [f"Patient/{one}" for one in Records(160, 0).ids]
        tasks = [("Observation", some) for some in chunks(ids, 10)] + [("Condition", some) for some in chunks(ids, 10)]

        def seconds(threads: int) -> float:
            begun = time.perf_counter()
            list(
                in_parallel(
                    lambda task: sum(1 for _ in door.search(task[0], whole(task[0], task[1], PAGE))), tasks, threads
                )
            )
            return time.perf_counter() - begun

        return seconds(1) / seconds(8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=int)
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--measure", nargs="+")
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve, asked.delay)
    elif asked.measure:
        print(json.dumps(MEASURED[asked.measure[0]](*asked.measure[1:])))
    else:
        print(json.dumps(all_of(asked.patients, asked.rounds)))


def all_of(patients: int, rounds: int) -> dict[str, float]:
    ratios: dict[str, list[float]] = {"cpu_client": [], "cpu_facts": [], "incremental": [], "memory": []}
    bytes_ = sum(len(body) for of in Records(patients, 0).by_type.values() for many in of.values() for body in many)
    with server(patients) as base, server(10 * patients) as large:
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
                plain = alone("naive", base)["cpu"]
                ratios["cpu_client"].append(alone("client", base)["cpu"] / plain)
                requests.get(f"{large}/change=0")
                small, first = alone("synced", base, folder), alone("synced", large, other)
                ratios["cpu_facts"].append(small["cpu_s"] / bytes_ / plain)
                ratios["memory"].append(first["memory"] / small["memory"])
                requests.get(f"{large}/change={patients // 10}")
                again = alone("synced", large, other)
                assert again["changed"] == patients // 10, again
                ratios["incremental"].append(again["wall"] / first["wall"])
    return {name: median(found) for name, found in ratios.items()} | {
        "parallel": partitions(),
        "cores": os.cpu_count() or 1,
    }


if __name__ == "__main__":
    main()
