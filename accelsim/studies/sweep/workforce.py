"""What every kind of worker offers: an executor to open, and how many tasks it should hold at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import NamedTuple


class Workforce(NamedTuple):
    """Workers of one kind, in this process, in processes of their own or on a cluster."""

    open_executor: Callable[[], AbstractContextManager[Executor]]  #: a fresh executor; also after a worker has died
    window: int  #: tasks that are submitted and not yet finished, at most
    workers: int  #: tasks that run at the same time
