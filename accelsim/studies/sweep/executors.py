"""Where points are computed: here, in spawned processes, or on a Dask cluster; one path maps over all of them."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, TypeVar

from accelsim.config import UserError

T = TypeVar("T")
R = TypeVar("R")
MOST_DEATHS = 8  # of workers in a row, on different points: then it is not the points
DIED = "the worker died (out of memory?)"


class Workforce(NamedTuple):
    """How to open an executor, and how many tasks to hand it at a time."""

    opened: Callable[[], AbstractContextManager[Executor]]
    window: int
    workers: int


class InlineExecutor(Executor):
    """Runs each task in this process, at once."""

    def submit(self, function: Callable[..., R], /, *arguments: Any, **named: Any) -> Future[R]:
        """The task, done."""
        future: Future[R] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def open_workforce(workers: int | None, scheduler: str | None) -> Iterator[Workforce]:
    """Workers of one kind: a number of processes (1: this one; None: one a core), or those of a Dask scheduler.

    Raises: UserError for a number below 1 and an address where no scheduler answers.
    """
    if scheduler is not None and workers is not None:
        raise UserError("--workers and --scheduler exclude each other; a cluster has its own workers")
    if scheduler is not None:
        from accelsim.studies.sweep.cluster import connect_cluster

        with connect_cluster(scheduler) as found:
            yield found
        return
    count = count_cores() if workers is None else workers
    if not 1 <= count <= 1024:
        raise UserError(f"--workers {count}: should be from 1 to 1024")
    if count == 1:
        yield Workforce(InlineExecutor, 1, 1)
    else:
        yield Workforce(lambda: spawn_processes(count), 2 * count, count)


@contextmanager
def spawn_processes(count: int) -> Iterator[Executor]:
    """Spawned processes; they end with the block, whatever they are doing, and with this process."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    from accelsim.simulation.warmup import compile_closed

    compile_closed()  # here first, so that workers find it on disk
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_begin)
    try:
        yield pool
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """A worker's start: one thread, no Ctrl-C of its own, kernels loaded, and gone when its parent is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    from accelsim.simulation.warmup import compile_closed

    compile_closed()


def _leave_with_parent() -> None:
    from multiprocessing import parent_process
    from multiprocessing.connection import wait as wait_for

    parent = parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def map_chunks(
    force: Workforce, task: Callable[[list[T]], R], chunks: list[list[T]]
) -> Iterator[tuple[list[T], R | str]]:
    """Each chunk with its result, as they come; an item that its worker died of, by itself with the reason.

    Where a worker dies, the items that it may have had are tried once more, one at a time.
    """
    waiting, suspects = deque(chunks), deque[list[T]]()
    while waiting:
        with force.opened() as executor:
            for chunk, result in _mapped(executor, task, waiting, force.window):
                if result is None:
                    suspects.extend([item] for item in chunk)
                else:
                    yield chunk, result
        yield from _one_by_one(force, task, suspects)


def _mapped(
    executor: Executor, task: Callable[[list[T]], R], waiting: deque[list[T]], window: int
) -> Iterator[tuple[list[T], R | None]]:
    """Chunks taken from waiting, with their results; None for those that a worker died with. Stops after a death."""
    flying: dict[Future[R], list[T]] = {}
    died = False
    while flying or (waiting and not died):
        while waiting and not died and len(flying) < window:
            try:
                future = executor.submit(task, waiting[0])
            except BrokenExecutor:
                died = True
                break
            flying[future] = waiting.popleft()
        for future in wait(flying, return_when=FIRST_COMPLETED).done:
            result = _result(future)
            died = died or result is None
            yield flying.pop(future), result


def _one_by_one(
    force: Workforce, task: Callable[[list[T]], R], suspects: deque[list[T]]
) -> Iterator[tuple[list[T], R | str]]:
    deaths = 0
    while suspects:
        with force.opened() as executor:
            for chunk, result in _mapped(executor, task, suspects, window=1):
                deaths = 0 if result is not None else deaths + 1
                if deaths >= MOST_DEATHS:
                    raise RuntimeError(f"{deaths} workers died one after the other; is there enough memory?")
                yield chunk, DIED if result is None else result


def _result(future: Future[R]) -> R | None:
    """None where the worker died."""
    try:
        return future.result()
    except BrokenExecutor:
        return None
    except CancelledError:
        raise ConnectionError("the scheduler dropped the sweep's tasks; the same command goes on from here") from None
    except Exception as error:
        if type(error).__name__ == "KilledWorker":  # Dask's, which need not be installed
            return None
        raise
