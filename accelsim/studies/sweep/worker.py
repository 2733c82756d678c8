"""A worker's part: points in, outcomes out. The same in this process, in a spawned one and on a cluster."""

from __future__ import annotations

import functools
import hashlib
import json
import pickle
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from accelsim.config import UserError, validate_document
from accelsim.config.places import locate_hwconfigs
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
    """Outcomes of some points in their order, and how many of their layers were found done already."""

    outcomes: list[Outcome]
    layers: int
    layers_reused: int


@functools.cache
def hash_code() -> str:
    """Digest of all that turns a configuration into figures: the package's code and the tables below hwconfigs."""
    digest = hashlib.sha256(__version__.encode())
    for folder, pattern in ((Path(__file__).parent.parent, "**/*.py"), (locate_hwconfigs(), "*/*")):
        for path in sorted(path for path in folder.glob(pattern) if path.is_file()):
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def make_keys(study: Study, points: list[DesignPoint]) -> list[str]:
    """What a point's outcome is stored under: a digest of configuration and code."""
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
    """What workers need, to be sent with each task and unpacked once."""
    return pickle.dumps((hash_code(), study))


def evaluate(setup: bytes, points: list[DesignPoint]) -> Evaluated:
    """The outcome of each point; what is wrong with a point is its error.

    Raises: UserError where this worker runs other code than the process that asked.
    """
    bench = _bench(setup)
    before = bench.totals.tally.layers, bench.totals.tally.reused
    outcomes = [bench.outcome(point) for point in points]
    after = bench.totals.tally.layers, bench.totals.tally.reused
    return Evaluated(outcomes, after[0] - before[0], after[1] - before[1])


@functools.lru_cache(maxsize=2)
def _bench(setup: bytes) -> StudyWorker:
    code, study = pickle.loads(setup)
    if code != hash_code():
        raise UserError("a worker runs other code than this sweep; install the same version of accelsim on all of them")
    return StudyWorker(study)


class StudyWorker:
    """A study as a worker holds it: networks parsed once, and everything that points have in common kept."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.names = list(study.axes)
        self.totals = MachineTotals()
        self.changes_network = any(name.startswith(WORKLOAD_PREFIX) for name in self.names)
        self.network = functools.lru_cache(maxsize=64)(self._network)

    def outcome(self, point: DesignPoint) -> Outcome:
        """One point's figures, or its error."""
        try:
            return make_outcome(self._summary(point))
        except UserError as error:
            return Outcome(error=str(error))
        except Exception as error:  # a defect or a lack of memory costs one point, not the sweep
            return Outcome(error=" ".join(f"{type(error).__name__}: {error}".split()), final=False)

    def _summary(self, point: DesignPoint) -> dict[str, Any]:
        settings = dict(zip(self.names, point.values, strict=True))
        of_network = tuple(pair for pair in settings.items() if pair[0].startswith(WORKLOAD_PREFIX))
        of_hardware = {name: value for name, value in settings.items() if not name.startswith(WORKLOAD_PREFIX)}
        hardware, network = self._hardware(of_hardware), self.network(point.workload, of_network)
        spec = self.study.spec
        if spec.shares:
            return self.totals.of(hardware, network)
        return simulate(hardware, network, spec.fidelity, spec.dram).summary

    def _hardware(self, settings: dict[str, Any]) -> Hardware:
        """The hardware of a point; only what is wrong is traced to its place in the file."""
        data = dict(self.study.hardware.data)
        for name, value in settings.items():
            data = _with(data, name.split("."), value)
        try:
            return Hardware.model_validate(data)
        except ValidationError:
            any_network = next(iter(self.study.workloads.values()))
            return validate_document(Hardware, lay_point(self.study, any_network, settings)[0])

    def _network(self, name: str, settings: tuple[tuple[str, Any], ...]) -> Workload:
        return build_workload(lay_point(self.study, self.study.workloads[name], dict(settings))[1])


def _with(data: Any, keys: list[str], value: Any) -> dict[str, Any]:
    """Nested mappings with a value at a path; what does not lead on is replaced, for validation to tell."""
    below = data if isinstance(data, dict) else {}
    return {**below, keys[0]: _with(below.get(keys[0]), keys[1:], value) if keys[1:] else value}
