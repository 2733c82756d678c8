"""One network on several machines, precisions and sparsities: real speedups, ideal ones, and the causes of the gap.

The baseline of a row is the first precision that its hardware supports, dense. ``ideal_speedup`` is the speedup that
widths or a pattern alone would give: 1 on systolic and bit-parallel units, the ratio of serial bits on bit-serial ones,
the ratio of multipliers times m / n of an n:m pattern on tensor cores. The ideal cycles of a row are the baseline's
cycles over ``ideal_speedup``. The gap is the difference of real and ideal cycles, and each part of it is

    cycles that the row spends on the part - cycles that the baseline spends on it / ideal_speedup

for the parts that ``cycle_parts`` finds in each layer. On both sides these add up to all cycles, so that the parts add
up to the gap. A part that became as much faster as the ideal is 0, one that gained more is negative. The parts of the
first product count as ``first_layer``, those of products outside the pattern as ``uncovered``. Records round all parts
to whole cycles such that they still add up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from accelsim.compress import apply_precision, apply_sparsity
from accelsim.config import UserError, suggest
from accelsim.energy.prices import COMPONENTS
from accelsim.engines.table import build_engine
from accelsim.hardware import BITS, Hardware
from accelsim.hardware.sparsity import DENSE
from accelsim.mapping.memory_needed import count_memory_needed
from accelsim.simulation.network import simulate
from accelsim.simulation.result import Result
from accelsim.simulation.summary import CONVOLUTIONS
from accelsim.studies.cycle_parts import CYCLE_PARTS, CycleParts, split_network_cycles
from accelsim.workload.network import Workload

if TYPE_CHECKING:
    import pandas as pd

OWN = "own"  # the precision of a row whose widths are those that hardware and network state


class Gap(NamedTuple):
    """Cycles beyond a row's ideal, by cause; negative where the row gained more than the ideal."""

    first_layer: Fraction = Fraction(0)  #: engine cycles of the first product
    channels: Fraction = Fraction(0)  #: lost since K or channels leave rows, lanes or a pattern's groups unfilled
    edge: Fraction = Fraction(0)  #: lost since pixels and filters leave the array, tiles or instructions unfilled
    operands: Fraction = Fraction(0)  #: cycles in which the engine waits for operands from its buffers
    uncovered: Fraction = Fraction(0)  #: engine cycles of products outside the pattern
    pipeline: Fraction = Fraction(0)  #: other engine cycles: filling, draining, latencies, less what is skipped
    memory: Fraction = Fraction(0)  #: waiting for DRAM, and tiles that cut the engine's streams
    vector: Fraction = Fraction(0)  #: cycles in which only the vector unit works


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """The measurements of a combination, and its gains over its baseline."""

    result: Result
    weight_bytes: int  #: stored weights, metadata included
    peak_activation_bytes: int  #: largest sum of tensors that are needed at the same time
    parts: CycleParts  #: the network's cycles by what they were spent on
    speedup: float  #: the baseline's total cycles over this one's
    ideal_speedup: Fraction  #: the speedup that widths or pattern alone would give
    convolution_speedup: float | None  #: speedup of the engine alone on convolutions alone; None without any
    energy_ratio: float  #: the baseline's energy over this one's
    gap: Gap

    @property
    def record(self) -> dict[str, Any]:
        """The measurements as plain columns of compare.csv."""
        summary, gap = self.result.summary, _whole(self.gap)
        total, picojoules = summary["total_cycles"], summary["energy_pj_by_component"]
        parts = _whole(getattr(self.parts, part) for part in CYCLE_PARTS)
        return {
            "total_cycles": total,
            "latency_ms": summary["latency_ms"],
            "speedup": self.speedup,
            "ideal_speedup": float(self.ideal_speedup),
            "convolution_speedup": self.convolution_speedup,
            "energy_uj": summary["energy_uj"],
            "energy_ratio": self.energy_ratio,
            "utilization": summary["utilization"],
            "macs": summary["macs"],
            "weight_bytes": self.weight_bytes,
            "peak_activation_bytes": self.peak_activation_bytes,
            "dram_read_bytes": summary["dram_read_bytes"],
            "dram_write_bytes": summary["dram_write_bytes"],
            "ideal_cycles": total - sum(gap),
            "gap_cycles": sum(gap),
            **{f"gap_{name}_cycles": cycles for name, cycles in zip(Gap._fields, gap, strict=True)},
            **{f"{name}_cycles": cycles for name, cycles in zip(CYCLE_PARTS, parts, strict=True)},
            **{f"energy_uj_{name}": picojoules[name] * 1e-6 for name in COMPONENTS},
        }


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One combination; where the machine cannot run it, ``not_run`` is the reason and ``measured`` is None."""

    workload: str
    hardware: str
    precision: str
    sparsity: str
    zero_gating: bool
    baseline: str  #: precision and sparsity of the baseline on the same hardware
    not_run: str
    measured: ComparedRun | None

    @property
    def combination(self) -> dict[str, Any]:
        """The combination as plain columns of compare.csv."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "measured"}


@dataclass(frozen=True)
class Comparison:
    """The rows of a comparison; ``records`` and ``table`` have the columns of compare.csv."""

    rows: tuple[ComparedRow, ...]

    @property
    def records(self) -> list[dict[str, Any]]:
        """One dict per row; measurements that do not exist are None."""
        measured = [row.measured.record if row.measured else None for row in self.rows]
        nothing: dict[str, Any] = dict.fromkeys(next(record for record in measured if record))
        return [row.combination | (record or nothing) for row, record in zip(self.rows, measured, strict=True)]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The records as a DataFrame with one row per combination."""
        import pandas as pd

        return pd.DataFrame(self.records)


class _Run(NamedTuple):
    """A combination that was simulated."""

    hardware: Hardware
    workload: Workload
    precision: str
    result: Result
    layers: list[CycleParts]
    promise: Fraction  #: relative rate of the engine by widths and pattern alone


def compare(
    hardware: Hardware | list[Hardware] | tuple[Hardware, ...],
    workload: Workload,
    precisions: Sequence[str] | None = None,
    sparsities: Sequence[str] = (DENSE,),
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Simulate a network in all combinations of hardware, precision and sparsity, and compare them with baselines.

    Precisions are names such as int8; by default, widths are those that hardware and network state. Sparsities are
    ``dense``, n:m or a share of zeros. ``progress`` is called with the name of each combination that is done.

    Raises: UserError for an unknown precision or sparsity, two machines of one name, and where nothing can run.
    """
    machines = list(hardware) if isinstance(hardware, list | tuple) else [hardware]
    _require_values(machines, workload, precisions, sparsities)
    _check(machines, workload, precisions or (), sparsities)
    rows: list[ComparedRow] = []
    for machine in machines:
        rows += _on(machine, workload, list(precisions or [OWN]), sparsities, progress)
    if all(row.measured is None for row in rows):
        raise UserError(f"nothing runs: {'; '.join(dict.fromkeys(f'{row.hardware}: {row.not_run}' for row in rows))}")
    return Comparison(tuple(rows))


def _require_values(machines: Sequence[object], workload: object, *lists: object) -> None:
    if not isinstance(workload, Workload) or not all(isinstance(machine, Hardware) for machine in machines):
        raise UserError("compare takes load_hardware(...), one or a list of them, and load_workload(...)")
    if any(isinstance(each, str) for each in lists):
        raise UserError("compare: precisions and sparsities should be lists, such as ['fp32', 'int8']")


def _check(
    machines: Sequence[Hardware], workload: Workload, precisions: Iterable[str], sparsities: Sequence[str]
) -> None:
    if not machines or not sparsities:
        raise UserError("compare: needs hardware, and at least one sparsity, such as dense")
    names = [machine.name for machine in machines]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"--hw {twice}: two of them; rows go by the hardware's name, so give each its own")
    for precision in precisions:
        if precision not in BITS:
            raise UserError(f"--precision {precision}: allowed: {', '.join(BITS)}{suggest(precision, BITS)}")
    for sparsity in sparsities:
        apply_sparsity(machines[0], workload, sparsity)


def _on(
    machine: Hardware,
    workload: Workload,
    precisions: Sequence[str],
    sparsities: Sequence[str],
    progress: Callable[[str], None] | None,
) -> list[ComparedRow]:
    """All rows of one machine. Dense runs come first, since the baseline is one of them."""
    runs: dict[tuple[str, str], _Run | str] = {}
    for sparsity in dict.fromkeys((DENSE, *sparsities)):
        for precision in precisions:
            if sparsity == DENSE or sparsity in sparsities:
                runs[precision, sparsity] = _run(machine, workload, precision, sparsity)
                if progress:
                    progress(f"{machine.name} {precision} {sparsity}")
    dense = (run for (_, sparsity), run in runs.items() if sparsity == DENSE)
    baseline = next((run for run in dense if isinstance(run, _Run)), None)
    combinations = [(precision, sparsity) for precision in precisions for sparsity in sparsities]
    return [_row(machine, workload, each, runs[each], baseline) for each in combinations]


def _run(machine: Hardware, workload: Workload, precision: str, sparsity: str) -> _Run | str:
    """Run a combination, or return the reason why it cannot run."""
    try:
        if precision != OWN:
            machine, workload = apply_precision(machine, workload, precision)
        machine, workload = apply_sparsity(machine, workload, sparsity)
        result = simulate(machine, workload)
    except UserError as error:
        return str(error).removeprefix(f"--precision {precision}: ").removeprefix(f"{machine.name}: ")
    bits = machine.engine.operand_bits if precision == OWN else BITS[precision]
    if precision == OWN and all(width == [bits] * 2 for width in result.summary["operand_bits"].values()):
        precision = machine.engine.precision
    return _Run(
        machine,
        workload,
        precision,
        result,
        split_network_cycles(result, machine),
        build_engine(machine.engine).promised_rate(bits),
    )


def _row(
    machine: Hardware, workload: Workload, combination: tuple[str, str], run: _Run | str, baseline: _Run | None
) -> ComparedRow:
    precision, sparsity = combination
    against = f"{baseline.precision} {DENSE}" if baseline else ""
    not_run, measured = "", None
    if isinstance(run, str):
        not_run = run
    elif baseline is None:
        not_run = "runs, but its dense baseline does not"
    else:
        precision, measured = run.precision, _measure(run, baseline)
    gating = machine.engine.zero_gating
    return ComparedRow(workload.name, machine.name, precision, sparsity, gating, against, not_run, measured)


def _measure(run: _Run, baseline: _Run) -> ComparedRun:
    mine, before = run.result.summary, baseline.result.summary
    needs, ideal = count_memory_needed(run.workload, run.hardware), run.promise / baseline.promise
    convolutions = [_convolution_cycles(each.result) for each in (baseline, run)]
    return ComparedRun(
        result=run.result,
        weight_bytes=needs.weight_bytes,
        peak_activation_bytes=needs.peak_activation_bytes,
        parts=sum(run.layers, CycleParts()),
        speedup=before["total_cycles"] / max(1, mine["total_cycles"]),
        ideal_speedup=ideal,
        convolution_speedup=convolutions[0] / convolutions[1] if convolutions[1] else None,
        energy_ratio=before["energy_uj"] / mine["energy_uj"] if mine["energy_uj"] else 1.0,
        gap=_gap(run, baseline, ideal),
    )


def _convolution_cycles(result: Result) -> int:
    return sum(row.compute_cycles for row in result.rows if row.kind in CONVOLUTIONS)


def _gap(run: _Run, baseline: _Run, ideal: Fraction) -> Gap:
    causes = dict.fromkeys(Gap._fields, Fraction(0))
    pattern, first = run.hardware.engine.sparse_pattern, True
    for product, mine, before in zip(run.result.products, run.layers, baseline.layers, strict=True):
        beyond = {part: getattr(mine, part) - getattr(before, part) / ideal for part in CYCLE_PARTS}
        causes["memory"] += beyond["memory"]
        causes["vector"] += beyond["vector"]
        if product is None:
            continue
        if first or (pattern and product.gemm.pattern is None):
            causes["first_layer" if first else "uncovered"] += mine.engine - before.engine / ideal
        else:
            causes["channels"] += beyond["useful"] + beyond["channels"]
            for part in ("edge", "operands", "pipeline"):
                causes[part] += beyond[part]
        first = False
    return Gap(**causes)


def _whole(parts: Iterable[Fraction]) -> list[int]:
    """Round parts to integers such that running sums are off by at most one half."""
    whole, running, rounded = [], Fraction(0), 0
    for part in parts:
        running += part
        whole.append(round(running) - rounded)
        rounded += whole[-1]
    return whole
