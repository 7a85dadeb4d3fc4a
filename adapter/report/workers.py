"""The screenings of a run, made by one process or, for a large export by type, by several: each has its patients.

All read the same files, each decodes its own share of the lines (`adapter.sources.share`). Before anybody is
screened, they hand over what turned out to be another's. The first one gathers the results; the order in which they
come changes nothing, since all of it is sorted on the way out.
"""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from adapter.eligibility.screening import Screening, screen
from adapter.errors import AdapterError
from adapter.facts.collect import Collector
from adapter.report.results import Format, Results
from adapter.report.run import Run
from adapter.screen import versions_of
from adapter.sources.export import divisible
from adapter.sources.share import Share, TooManyStraysError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

WORTH = 16 << 20
"""Bytes of an input that are worth a process more."""

_MOST = 4
_Swap = Callable[[list[Any]], list[Any]]
"""Gives each worker what is for him, and gets from each what is for us."""


def fill(results: Results, run: Run) -> None:
    """Adds every screening of a run."""
    workers = _workers(run)
    if workers < 2 or not _together(results, run, workers):
        for screening in run.screenings():
            results.add(screening)


def _workers(run: Run) -> int:
    """As many as there are cores, where the input is worth it and processes can share what is loaded."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if cores < 2:
        return 1
    return min(cores, _MOST, divisible(run.call.sources, run.limits) // WORTH)


def _together(results: Results, run: Run, workers: int) -> bool:
    """Whether the workers could divide the input among themselves; nothing was added if not."""
    from multiprocessing import get_context  # here, since most runs do without

    context = get_context("fork")
    gc.freeze()  # what is loaded stays shared
    others = []
    for number in range(1, workers):
        here, there = context.Pipe()
        child = context.Process(target=_other, args=(run, results.format, Share(number, workers), there), daemon=True)
        child.start()
        there.close()
        others.append((child, here))
    pipes = [pipe for _, pipe in others]
    try:
        for screening in _screenings(run, Share(0, workers), lambda boxes: _as_first(pipes, boxes)):
            results.add(screening)
        for pipe in pipes:
            _take_over(results, run, pipe)
    except TooManyStraysError:
        return False
    finally:
        for child, pipe in others:
            pipe.close()
            child.terminate()
            child.join()
    if not results.patients:
        run.collector.issues.append(run.nobody())
    return True


def _screenings(run: Run, share: Share, swap: _Swap) -> Iterator[Screening]:
    """The screenings of one worker's patients."""
    collector = Collector(run.collector.vocabulary, run.collector.complete)
    collector.take(run.events(share))
    for events in swap(share.strays):
        collector.take(events)
    for patients in swap(collector.leaving(share.number, len(share.strays), share.owner)):
        collector.welcome(patients)
    stamped = versions_of(run.trial)
    for record in collector.rest():
        yield screen(record, run.trial, run.asked, stamped)
    run.collector.issues += collector.issues


def _other(run: Run, format_: Format, share: Share, pipe: "Connection") -> None:
    """What every worker but the first does: his screenings, and to hand them over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first one stops the others
    results = Results(format_)
    with suppress(BrokenPipeError, EOFError):  # the first one gave up
        try:
            for screening in _screenings(run, share, lambda boxes: _as_other(pipe, boxes)):
                results.add(screening)
            for part in results.parts():
                pipe.send(part)
            pipe.send(run.collector.issues)
        except (AdapterError, OSError, TooManyStraysError) as error:
            pipe.send(error)


def _as_other(pipe: "Connection", boxes: list[Any]) -> list[Any]:
    pipe.send(boxes)
    found: list[Any] = pipe.recv()
    return found


def _as_first(pipes: list["Connection"], boxes: list[Any]) -> list[Any]:
    everybodys = [boxes, *map(_received, pipes)]
    for number, pipe in enumerate(pipes, 1):
        pipe.send([each[number] for each in everybodys])
    return [each[0] for each in everybodys]


def _received(pipe: "Connection") -> Any:
    try:
        found = pipe.recv()
    except EOFError:
        raise AdapterError("a process that read part of the input was ended from outside; run it again") from None
    if isinstance(found, Exception):
        raise found
    return found


def _take_over(results: Results, run: Run, pipe: "Connection") -> None:
    while not isinstance(found := _received(pipe), list):
        results.take_over(found)
    run.collector.issues += found
