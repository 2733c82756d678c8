"""Where points are simulated: in this process, in spawned ones, or on a Dask cluster, all behind one function."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from accelsim.config import UserError
from accelsim.studies.sweep.cluster import connect_cluster
from accelsim.studies.sweep.workforce import Workforce

T = TypeVar("T")
R = TypeVar("R")
MOST_DEATHS = 8  # workers that die one after the other, on different points: then the points are not to blame
MOST_WORKERS = 1024
DIED = "the worker died (out of memory?)"


class InlineExecutor(Executor):
    """An executor that runs each task in this process as soon as it is submitted."""

    def submit(self, function: Callable[..., R], /, *arguments: Any, **named: Any) -> Future[R]:
        """Run a task; the future that comes back is finished."""
        future: Future[R] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


def count_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def open_workforce(workers: int | None, scheduler: str | None) -> Iterator[Workforce]:
    """Provide workers while the block runs: ``workers`` processes, or those of the Dask scheduler at an address.

    One worker is this process itself; None means one process for each core.

    Raises: UserError for a number outside 1 to 1024, for both arguments at once, and as ``connect_cluster``.
    """
    if scheduler is not None and workers is not None:
        raise UserError("--workers and --scheduler exclude each other; a cluster has its own workers")
    if scheduler is not None:
        with connect_cluster(scheduler) as found:
            yield found
        return
    count = count_cores() if workers is None else workers
    if not 1 <= count <= MOST_WORKERS:
        raise UserError(f"--workers {count}: should be from 1 to {MOST_WORKERS}")
    if count == 1:
        yield Workforce(InlineExecutor, 1, 1)
    else:
        yield Workforce(lambda: spawn_processes(count), 2 * count, count)


@contextmanager
def spawn_processes(count: int) -> Iterator[Executor]:
    """Spawn ``count`` processes; they end with the block, whatever they are doing, and also if this process dies."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    from accelsim.simulation.warmup import compile_closed

    compile_closed()  # here first, so that workers find it on disk
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_start_worker)
    try:
        yield pool
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Prepare a worker: one thread, Ctrl-C left to the parent, kernels loaded, and an end when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    from accelsim.simulation.warmup import compile_closed

    compile_closed()


def _exit_with_parent() -> None:
    from multiprocessing import parent_process
    from multiprocessing.connection import wait as wait_for

    parent = parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def map_chunks(
    force: Workforce, task: Callable[[list[T]], R], chunks: list[list[T]]
) -> Iterator[tuple[list[T], R | str]]:
    """Run a task on every chunk of items, and give each chunk with its result as soon as it is there.

    Where a worker dies, the items that it may have held are tried once more, each in a chunk by itself. An item whose
    worker dies again comes with a text, the reason, instead of a result.

    Raises: RuntimeError where MOST_DEATHS workers die one after the other, ConnectionError where a cluster drops tasks,
    and what the task raises.
    """
    waiting, suspects = deque(chunks), deque[list[T]]()
    while waiting:
        with force.open_executor() as executor:
            for chunk, result in _mapped(executor, task, waiting, force.window):
                if result is None:
                    suspects.extend([item] for item in chunk)
                else:
                    yield chunk, result
        yield from _one_by_one(force, task, suspects)


def _mapped(
    executor: Executor, task: Callable[[list[T]], R], waiting: deque[list[T]], window: int
) -> Iterator[tuple[list[T], R | None]]:
    """Take chunks from ``waiting`` until a worker dies; give each with its result, None where its worker died."""
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
    """Run each suspect by itself; one whose worker dies again comes with the reason."""
    deaths = 0
    while suspects:
        with force.open_executor() as executor:
            for chunk, result in _mapped(executor, task, suspects, window=1):
                deaths = 0 if result is not None else deaths + 1
                if deaths >= MOST_DEATHS:
                    raise RuntimeError(f"{deaths} workers died one after the other; is there enough memory?")
                yield chunk, DIED if result is None else result


def _result(future: Future[R]) -> R | None:
    """The result of a finished task; None where its worker died."""
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
