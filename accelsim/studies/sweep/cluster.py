"""Workers of a Dask cluster, behind the interface of concurrent.futures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from accelsim.config import UserError
from accelsim.studies.sweep.workforce import Workforce

ANSWER_S = 10  # within which a scheduler must answer
_ADDRESS = re.compile(r"(tcp|tls|ws|wss|inproc)://\S+")


@contextmanager
def connect_cluster(address: str) -> Iterator[Workforce]:
    """Connect to the scheduler at an address such as tcp://127.0.0.1:8786 for as long as the block runs.

    Raises: UserError where the address is none, Dask is not installed, no scheduler answers or it has no workers.
    """
    if not _ADDRESS.fullmatch(address) or (address.startswith("t") and not re.search(r":\d{1,5}/?$", address)):
        raise UserError(f"--scheduler {address}: should be an address such as tcp://127.0.0.1:8786")
    try:
        from distributed import Client
    except ImportError:
        raise UserError(f"--scheduler {address}: needs Dask: pip install 'accelsim[dask]'") from None
    try:
        client = Client(address, timeout=ANSWER_S, set_as_default=False)
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split()) or "no answer"
        raise UserError(f"--scheduler {address}: no scheduler there: {why}") from None
    try:
        threads = sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
        if not threads:
            raise UserError(f"--scheduler {address}: the scheduler has no workers; start some: dask worker {address}")

        @contextmanager
        def open_executor() -> Iterator[Executor]:
            executor = client.get_executor(pure=False)
            try:
                yield executor
            finally:
                executor.shutdown(wait=False)

        yield Workforce(open_executor, 2 * threads, threads)
    finally:
        client.close(timeout=ANSWER_S)
