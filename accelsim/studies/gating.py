"""Gating: the idle intervals of a run's blocks, and the energy that gating policies save."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from accelsim.config import UserError
from accelsim.energy.operations import choose_lane_units, price_vector_operation
from accelsim.energy.prices import EnergyTable
from accelsim.energy.sram_banks import interpolate_switch
from accelsim.energy.technology import Technology, load_technology
from accelsim.engines.pricing import price_hardware
from accelsim.engines.products import Product
from accelsim.engines.table import build_engine, build_engine_with_dataflow
from accelsim.hardware import BankedDevice, DramFidelity, GatedUnit, Hardware, Sram
from accelsim.memory.timeline import merge_intervals
from accelsim.power.gating import POLICIES, Block, Mode, Saving, find_idle_gaps, save_by_gating
from accelsim.simulation.network import simulate
from accelsim.simulation.result import LayerResult, Result
from accelsim.simulation.temperature import apply_temperature
from accelsim.workload.network import Workload


class GatedBlock(NamedTuple):
    """A unit of the machine (engine, vector unit, a buffer, DRAM) with the blocks that are switched one by one."""

    name: str
    leakage_mw: float  #: leakage of the whole unit; standby power of the DRAM
    clock_mw: float  #: power of the unit's clock while it runs
    blocks: list[Block]
    savings: dict[str, Saving]  #: savings by policy

    @property
    def idle_ns(self) -> float:
        """Idle time in ns, averaged over the blocks with their leakage as weights."""
        idle_pj = sum(block.leakage_mw * float(block.idle_ns.sum()) for block in self.blocks)
        return idle_pj / self.leakage_mw if self.leakage_mw else 0.0


class GatingResult(NamedTuple):
    """A run under each gating policy."""

    result: Result
    period_ns: float  #: time from the start of one inference to the next
    active_ns: float  #: time of one inference
    base_pj: float  #: energy of a period with gated clocks and all blocks on
    units: list[GatedBlock]
    notes: list[str]

    def energy_pj(self, policy: str) -> float:
        """Energy of a period under a policy, pJ."""
        return self.base_pj - sum(unit.savings[policy].energy_pj for unit in self.units)

    def added_ns(self, policy: str) -> float:
        """Time of waiting for blocks to wake, ns; an upper bound, as if they woke one after the other."""
        return sum(unit.savings[policy].added_ns for unit in self.units)


class PricedRun(NamedTuple):
    """A priced run, from which the blocks are built."""

    hardware: Hardware
    technology: Technology
    table: EnergyTable
    result: Result
    ends: np.ndarray  #: int64[layers]: cycle at which each layer ends
    period_cycles: float  #: cycles from the start of one inference to the next

    def gaps(self, busy: np.ndarray) -> np.ndarray:
        """Idle intervals in ns, float64[intervals, 2], between busy ones in cycles, int64[intervals, 2]."""
        return find_idle_gaps(busy.astype(float), self.period_cycles) * self.table.cycle_ns

    def in_layers(self, busy: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """The busy intervals, int64[intervals, 2], that lie in the chosen layers, bool[layers]."""
        return busy[chosen[np.searchsorted(self.ends, busy[:, 0], side="right")]] if len(busy) else busy


def gating(
    hardware: Hardware, workload: Workload, period_ms: float | None = None, dram: DramFidelity | None = None
) -> GatingResult:
    """Simulate a network and compare each block's idle intervals with its break-even time, for each policy.

    An inference starts every ``period_ms``; by default, when the last one ends.

    Raises: UserError for a period that is shorter than an inference, and as ``simulate``.
    """
    result = simulate(hardware, workload, dram=dram)
    technology = load_technology(hardware.technology.name)
    hardware = apply_temperature(hardware, result.summary)
    table = price_hardware(hardware, technology)
    active_ns = result.summary["total_cycles"] * table.cycle_ns
    period_ns = active_ns if period_ms is None else period_ms * 1e6
    _refuse_short(period_ns, active_ns)
    ends = np.cumsum([row.total_cycles for row in result.rows])
    run = PricedRun(hardware, technology, table, result, ends, period_ns / table.cycle_ns)
    static_mw = table.leakage_logic_mw + table.leakage_sram_mw + table.dram_standby_mw
    base = sum(row.energy_pj for row in result.rows) + static_mw * (period_ns - active_ns)
    timeout, units = hardware.gating.timeout_ns, []
    leakage = table.leakage_mw | {"dram": table.dram_standby_mw}
    for name, blocks in (("engine", _engine), ("vector", _vector), *_buffers(run), ("dram", _dram)):
        found = list(blocks(run))
        savings: dict[str, Saving] = {policy: save_by_gating(found, policy, timeout, static_mw) for policy in POLICIES}
        clock = sum(block.clock_mw for block in found)
        units.append(GatedBlock(name, leakage[name], clock, found, savings))
    return GatingResult(result, period_ns, active_ns, base, units, [technology.switching.source, *_dram_note(hardware)])


def _refuse_short(period_ns: float, active_ns: float) -> None:
    if period_ns < active_ns * (1 - 1e-12):
        allowed = f"should be at least an inference's {active_ns * 1e-6:.6g} ms"
        raise UserError(f"--period-ms: {allowed}, got {period_ns * 1e-6:.6g}")


def _mode(
    name: str, stated: GatedUnit, leakage_mw: float, share: float, residual: float, wake_ns: float, overhead_pj: float
) -> tuple[Mode, ...]:
    """The off mode of a block that is a share of its unit; what the hardware file states overrides the defaults."""
    if not stated.gated:
        return ()
    left = residual if stated.residual_share is None else stated.residual_share
    overhead = overhead_pj if stated.overhead_pj is None else stated.overhead_pj * share
    if stated.break_even_ns is not None:
        overhead = stated.break_even_ns * leakage_mw * (1 - left)
    return (Mode(name, left, wake_ns if stated.wake_ns is None else stated.wake_ns, overhead),)


def _engine(run: PricedRun) -> Iterator[Block]:
    """Blocks of the engine: PEs that the same layers use; in the other layers they are idle all the time."""
    hardware, engine, switching = run.hardware, build_engine(run.hardware.engine), run.technology.switching
    leakage = run.table.leakage_mw["engine"]
    bits = sum(build_engine(each.engine).flip_flops for each in hardware.dataflows.values()) / len(hardware.dataflows)
    clock = bits * run.technology.flip_flop.clock_pj / run.table.cycle_ns
    one_cycle = (run.table.mac_pj + run.table.bit_step_pj) * engine.pes * switching.logic_busy_cycles
    for used, share in _parts(run):
        idle = run.gaps(run.in_layers(run.result.timeline.engine, used))
        modes = _mode(
            "off",
            hardware.gating.engine,
            leakage * share,
            share,
            switching.logic_left_share,
            switching.logic_wake_ns,
            one_cycle * share,
        )
        yield Block("engine", leakage * share, clock * share, idle, modes)


def _parts(run: PricedRun) -> Iterator[tuple[np.ndarray, float]]:
    """Parts of the engine: the layers that use a part, bool[layers], and its share of the engine."""
    rows, columns = build_engine(run.hardware.engine).grid
    pairs = zip(run.result.rows, run.result.products, strict=True)
    extents = np.array([_used_grid(run.hardware, row, product) for row, product in pairs]).reshape(-1, 2)
    down, across = sorted({0, rows, *extents[:, 0].tolist()}), sorted({0, columns, *extents[:, 1].tolist()})
    found: dict[bytes, tuple[np.ndarray, int]] = {}
    for top, bottom in pairwise(down):
        for left, right in pairwise(across):
            used = (extents[:, 0] >= bottom) & (extents[:, 1] >= right)
            count = found.get(used.tobytes(), (used, 0))[1]
            found[used.tobytes()] = used, count + (bottom - top) * (right - left)
    for used, count in found.values():
        yield used, count / (rows * columns)


def _used_grid(hardware: Hardware, row: LayerResult, product: Product | None) -> tuple[int, int]:
    """Rows and columns of the engine's parts that a layer uses at most."""
    return build_engine_with_dataflow(hardware, row.dataflow).used_grid(product.gemm) if product else (0, 0)


def _vector(run: PricedRun) -> Iterator[Block]:
    """The vector unit as one block."""
    hardware, technology, switching = run.hardware, run.technology, run.technology.switching
    leakage = run.table.leakage_mw["vector"]
    lanes = hardware.vector.lanes
    clock = lanes * switching.vector_lane_bits * technology.flip_flop.clock_pj / run.table.cycle_ns
    adder, _ = choose_lane_units(technology, hardware.engine.precision)
    factor = run.table.vector_pj["add"] / price_vector_operation(technology, "add", hardware.engine.precision).energy_pj
    overhead = adder.energy_pj * factor * lanes * switching.logic_busy_cycles
    modes = _mode(
        "off", hardware.gating.vector, leakage, 1.0, switching.logic_left_share, switching.logic_wake_ns, overhead
    )
    yield Block("vector", leakage, clock, run.gaps(run.result.timeline.vector), modes)


def _buffers(run: PricedRun) -> list[tuple[str, Callable[[PricedRun], Iterator[Block]]]]:
    """The functions that list each buffer's slices; a shared buffer is busy when any operand's part is busy."""
    timeline, rows, srams = run.result.timeline, run.result.rows, run.hardware.sram
    busy = {"ifmap": timeline.sram_ifmap, "weight": timeline.sram_weight, "ofmap": timeline.sram_ofmap}
    held = {name: np.array([getattr(row, f"{name}_held_bytes") for row in rows], np.int64) for name in busy}
    ahead = [row.prefetched_bytes for row in rows[1:]]
    held["weight"] += np.array([*ahead, 0][: len(rows)], np.int64)
    if srams.shared:
        busy, held = {"shared": merge_intervals(*busy.values())}, {"shared": np.sum(list(held.values()), axis=0)}
    return [(f"sram_{name}", partial(_slices, name=name, busy=busy[name], held=held[name])) for name in busy]


def _slices(run: PricedRun, name: str, busy: np.ndarray, held: np.ndarray) -> Iterator[Block]:
    """Blocks of a buffer: slices that hold data in the same layers; these can retain data, or be off in the others.

    A slice is a part of the rows of all banks, so that words stay interleaved; there are as many slices as banks.
    busy is int64[intervals, 2] in cycles, held int64[layers] in bytes.
    """
    hardware, choice, switching = run.hardware, run.hardware.gating, run.technology.switching
    sram: Sram = getattr(hardware.sram, name)
    slice_bytes = sram.capacity_kib * 1024 / sram.banks
    needed = np.minimum(np.ceil(held / slice_bytes).astype(int), sram.banks)
    leakage = run.table.buffers[name].leakage_mw / sram.banks
    own = run.technology.sram.voltages_v[hardware.technology.sram_cell]
    volts = hardware.technology.sram_voltage_v or hardware.technology.voltage_v or own
    switch = interpolate_switch(run.technology.sram.table, slice_bytes)
    energy = switch.energy_pj * volts**2  # the table's rows are at 1 V
    edges = sorted({0, sram.banks, *needed.tolist()})
    for low, high in pairwise(edges):
        used, count = needed >= high, high - low
        power, share = leakage * count, count / sram.banks
        retention = _mode(
            "retention",
            choice.sram_retention,
            power,
            share,
            switching.sram_retention_share,
            switching.sram_retention_cycles * run.table.cycle_ns,
            energy * count,
        )
        off = _mode(
            "off",
            choice.sram_off,
            power,
            share,
            switching.sram_off_share,
            max(switch.wake_ns, run.table.cycle_ns),
            energy * count,
        )
        idle, empty = _spells(run, busy, used)
        if hardware.schedule.keep_weights and name in ("weight", "shared"):
            off = ()  # the weights stay there for the next inference
        yield Block(f"sram_{name}", power, 0.0, idle, retention)
        yield Block(f"sram_{name}", power, 0.0, empty, off)


def _spells(run: PricedRun, busy: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Idle intervals of a slice while it holds data, and intervals in which it holds none; ns."""
    layers = np.stack((np.append(0, run.ends[:-1]), run.ends), axis=1)
    after = np.array([[run.ends[-1], max(int(run.period_cycles), run.ends[-1])]])
    taken = merge_intervals(run.in_layers(busy, used), layers[~used], after)
    return run.gaps(taken) if used.any() else np.zeros((0, 2)), run.gaps(merge_intervals(layers[used]))


def _dram(run: PricedRun) -> Iterator[Block]:
    """The DRAM as one block with its two low-power modes."""
    hardware, memory = run.hardware, run.hardware.dram.memory
    standby, choice = run.table.dram_standby_mw, hardware.gating
    switching, left = run.technology.switching, find_low_power_shares(hardware)
    wake, overhead = switching.dram_self_refresh_extra_ns, 0.0
    if isinstance(memory, BankedDevice):
        i, t = memory.currents_ma, memory.timing_cycles
        wake += t.trfc * memory.tck_ns
        overhead = (i.idd5ab - i.idd3n) * t.trfc * memory.pj_per_ma_cycle * memory.ranks * memory.channels
    modes = _mode("power-down", choice.dram_power_down, standby, 1.0, left[0], switching.dram_power_down_wake_ns, 0.0)
    modes += _mode("self-refresh", choice.dram_self_refresh, standby, 1.0, left[1], wake, overhead)
    yield Block("dram", standby, 0.0, run.gaps(run.result.timeline.dram), modes)


def find_low_power_shares(hardware: Hardware) -> tuple[float, float]:
    """Find the shares of the DRAM's standby power in power-down and self-refresh, from its currents or assumed."""
    switching, memory = load_technology(hardware.technology.name).switching, hardware.dram.memory
    assumed = switching.dram_power_down_share, switching.dram_self_refresh_share
    if not isinstance(memory, BankedDevice):
        return assumed
    i = memory.currents_ma
    power_down, self_refresh = (
        share if ma is None else min(ma / i.idd2n, 1.0) if i.idd2n else 1.0
        for ma, share in zip((i.idd2p, i.idd6), assumed, strict=True)
    )
    return power_down, self_refresh


def _dram_note(hardware: Hardware) -> list[str]:
    memory = hardware.dram.memory
    if isinstance(memory, BankedDevice) and memory.currents_ma.idd2p is not None:
        return []
    share = find_low_power_shares(hardware)[0]
    return [
        f"the DRAM's power-down and self-refresh are assumed to draw {share:.0%} of its standby"
        " (6 % of an LPDDR3's, 75 % of a DDR4's)"
    ]
