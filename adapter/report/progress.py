"""How far a run is, on standard error: only on a terminal, and only for what takes more than a second."""

import sys
import time
from collections.abc import Iterator

from adapter.sources.events import Event, PatientDone, Record

_PATIENCE = 1.0
_EVERY = 512


def shown(events: Iterator[Event]) -> Iterator[Event]:
    """The same events; passes them through untouched where nobody watches."""
    return _counted(events) if sys.stderr.isatty() else events


def _counted(events: Iterator[Event]) -> Iterator[Event]:
    began = told = time.monotonic()
    records = patients = 0
    for event in events:
        records += isinstance(event, Record)
        patients += isinstance(event, PatientDone)
        if records % _EVERY == 0 and (now := time.monotonic()) - began > _PATIENCE and now - told > 0.2:
            told = now
            done = f", {patients} patients done" if patients else ""
            print(f"\r{records} records read{done}\033[K", end="", file=sys.stderr, flush=True)
        yield event
    if told != began:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
