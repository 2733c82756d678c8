"""What a worker does: it takes points and gives outcomes, alike in this process, in a spawned one and on a cluster."""

from __future__ import annotations

import functools
import hashlib
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from accelsim.config import UserError, validate_document
from accelsim.config.places import locate_hwconfigs, locate_package
from accelsim.hardware import Hardware
from accelsim.load import WORKLOAD_PREFIX
from accelsim.simulation.network import simulate
from accelsim.simulation.totals import MachineTotals
from accelsim.studies.sweep.design_points import DesignPoint
from accelsim.studies.sweep.outcomes import Outcome, make_outcome
from accelsim.studies.sweep.spec import Study, lay_point
from accelsim.version import __version__
from accelsim.workload.network import Workload, build_workload


class Evaluated(NamedTuple):
    """The outcomes of some points, in their order."""

    outcomes: list[Outcome]
    layers: int  #: layers of all these points
    layers_reused: int  #: those whose figures another layer or point had given already


@functools.cache
def hash_code() -> str:
    """Digest all that turns a configuration into figures: the package's code and the tables below hwconfigs/."""
    digest = hashlib.sha256(__version__.encode())
    for folder, path in list_code():
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def list_code() -> Iterator[tuple[Path, Path]]:
    """List the files that ``hash_code`` digests, each after the folder that it is named from."""
    for folder, pattern in ((locate_package(), "**/*.py"), (locate_hwconfigs(), "*/*")):
        for path in sorted(path for path in folder.glob(pattern) if path.is_file()):
            yield folder, path


def make_keys(study: Study, points: list[DesignPoint]) -> list[str]:
    """Make the key under which each point's outcome is stored: a digest of its configuration and of the code."""
    names = list(study.axes)
    bases = {
        name: _digest([hash_code(), study.spec.fidelity, study.spec.dram, study.hardware.data, workload.data])
        for name, workload in study.workloads.items()
    }
    return [
        _digest([bases[point.workload], sorted(zip(names, point.values, strict=True), key=lambda pair: pair[0])])
        for point in points
    ]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def pack_study(study: Study) -> bytes:
    """Pack a study as workers need it; it is sent with each task, and a worker unpacks it once."""
    return pickle.dumps((hash_code(), study))


def evaluate_points(setup: bytes, points: list[DesignPoint]) -> Evaluated:
    """Simulate points of the study that ``pack_study`` packed; what is wrong with a point is its outcome's error.

    Raises: UserError where this worker runs other code than the process that packed the study.
    """
    worker = _unpack(setup)
    before = worker.totals.tally.layers, worker.totals.tally.reused
    outcomes = [worker.simulate_point(point) for point in points]
    after = worker.totals.tally.layers, worker.totals.tally.reused
    return Evaluated(outcomes, after[0] - before[0], after[1] - before[1])


@functools.lru_cache(maxsize=2)
def _unpack(setup: bytes) -> StudyWorker:
    """The worker of a packed study; it is kept from one task to the next."""
    code, study = pickle.loads(setup)
    if code != hash_code():
        raise UserError("a worker runs other code than this sweep; install the same version of accelsim on all of them")
    return StudyWorker(study)


class StudyWorker:
    """A study in a worker, which parses each network once and keeps what several points have in common."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.names = list(study.axes)
        self.totals = MachineTotals()
        self.build_network = functools.lru_cache(maxsize=64)(self._build_network)

    def simulate_point(self, point: DesignPoint) -> Outcome:
        """Simulate one point; an error of any kind is its outcome."""
        try:
            return make_outcome(self._summary(point))
        except UserError as error:
            return Outcome(error=str(error))
        except Exception as error:  # a defect or a lack of memory costs one point, not the sweep
            return Outcome(error=" ".join(f"{type(error).__name__}: {error}".split()), final=False)

    def _summary(self, point: DesignPoint) -> dict[str, Any]:
        """The summary of a point's run."""
        settings = dict(zip(self.names, point.values, strict=True))
        of_network = tuple(pair for pair in settings.items() if pair[0].startswith(WORKLOAD_PREFIX))
        of_hardware = {name: value for name, value in settings.items() if not name.startswith(WORKLOAD_PREFIX)}
        hardware, network = self._build_hardware(of_hardware), self.build_network(point.workload, of_network)
        spec = self.study.spec
        if spec.shares:
            return self.totals.sum_up(hardware, network)
        return simulate(hardware, network, spec.fidelity, spec.dram).summary

    def _build_hardware(self, settings: dict[str, Any]) -> Hardware:
        """The hardware of a point, with parameters by dotted path; only an error is traced to its place in the file."""
        data = dict(self.study.hardware.data)
        for name, value in settings.items():
            data = _with(data, name.split("."), value)
        try:
            return Hardware.model_validate(data)
        except ValidationError:
            any_network = next(iter(self.study.workloads.values()))
            return validate_document(Hardware, lay_point(self.study, any_network, settings)[0])

    def _build_network(self, name: str, settings: tuple[tuple[str, Any], ...]) -> Workload:
        """The network of a point, with the parameters that change it."""
        return build_workload(lay_point(self.study, self.study.workloads[name], dict(settings))[1])


def _with(data: Any, keys: list[str], value: Any) -> dict[str, Any]:
    """Nested mappings with a value at a path; a value that is in the way is replaced, and validation refuses it."""
    below = data if isinstance(data, dict) else {}
    return {**below, keys[0]: _with(below.get(keys[0]), keys[1:], value) if keys[1:] else value}
