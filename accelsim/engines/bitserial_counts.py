"""How long a product takes on a bit-serial unit, what it moves, and where its bit slots go."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, assert_never

import numpy as np

from accelsim.config import UserError
from accelsim.engines.base import (
    ceil_div,
)
from accelsim.engines.counts import ActionCounts
from accelsim.engines.losses import Losses
from accelsim.hardware import BitSerialUnit
from accelsim.workload.gemm import INT64_MAX, Gemm
from accelsim.workload.operand_files import check_operand

if TYPE_CHECKING:
    from accelsim.kernels.bitserial_planes import BrickOrder

SERIAL_OPERANDS = {
    "none": (False, False),
    "activations": (True, False),
    "weights": (False, True),
    "both": (True, True),
}
"""For each value of ``serial`` whether activations, and whether weights, come bit by bit."""


class StepWalk(NamedTuple):
    """The steps that a product takes."""

    positions: int  #: of the kernel, one after the other
    channels: int  #: at each of them, ``lanes`` at a time
    steps: int  #: of one window and filter group
    filter_groups: int
    column_steps: int  #: of all columns together
    streamed: bool  #: fully connected


class StepTiming(NamedTuple):
    """Cycles, and of all columns' cycles those at work and those without a window."""

    cycles: int
    working: int
    idle: int = 0


def has_serial_activations(unit: BitSerialUnit) -> bool:
    """Whether activations come bit by bit."""
    return SERIAL_OPERANDS[unit.serial][0]


def has_serial_weights(unit: BitSerialUnit) -> bool:
    """Whether weights come bit by bit."""
    return SERIAL_OPERANDS[unit.serial][1]


def is_serial(unit: BitSerialUnit) -> bool:
    """Whether any operand comes bit by bit."""
    return any(SERIAL_OPERANDS[unit.serial])


def count_lane_slots(unit: BitSerialUnit) -> int:
    """Bits of an activation that a lane has room for in a cycle; 1 where activations are not serial."""
    return unit.bits_per_cycle if has_serial_activations(unit) else 1


def count_lanes(unit: BitSerialUnit) -> int:
    """Lanes, each with bits of one operand a cycle (a whole multiplier each where nothing is serial)."""
    return unit.tiles * unit.rows * unit.cols * unit.lanes


def count_filters(unit: BitSerialUnit) -> int:
    """Filters that all tiles compute side by side."""
    return unit.tiles * unit.rows


def slots_of_mac(unit: BitSerialUnit, activation_bits: int, weight_bits: int) -> int:
    """Bit slots that a MAC needs."""
    return (activation_bits if has_serial_activations(unit) else 1) * (weight_bits if has_serial_weights(unit) else 1)


def count_step_cycles(unit: BitSerialUnit, gemm: Gemm) -> int:
    """Cycles of a step without ``skip``."""
    cycles = ceil_div(gemm.activation_bits, unit.bits_per_cycle)
    return slots_of_mac(unit, cycles, gemm.weight_bits)


def walk_steps(unit: BitSerialUnit, gemm: Gemm) -> StepWalk:
    """The steps of a product: kernel positions, bricks of channels, filter groups."""
    convolution = gemm.convolution
    positions, channels = 1, gemm.k
    if convolution and not (unit.pack_depthwise and convolution.channels == 1):
        positions, channels = convolution.kernel[0] * convolution.kernel[1], convolution.channels
    steps = positions * ceil_div(channels, unit.lanes)
    filter_groups = ceil_div(ceil_div(gemm.n, unit.rows), unit.tiles)
    column_steps = gemm.groups * gemm.m * filter_groups * steps
    return StepWalk(positions, channels, steps, filter_groups, column_steps, convolution is None and gemm.m == 1)


def time_by_widths(unit: BitSerialUnit, gemm: Gemm) -> StepTiming:
    """The time of a product whose steps take as long as its operands are wide.

    Raises: UserError for widths that the unit does not take, and with ``skip``.
    """
    check_widths(unit, gemm)
    if unit.skip != "none":
        raise UserError(f"skip: {unit.skip} takes the time that values need; allowed: counts of given tensors")
    walk, cols, step_cycles = walk_steps(unit, gemm), unit.cols, count_step_cycles(unit, gemm)
    working = walk.column_steps * step_cycles
    if walk.streamed:
        rounds, place = divmod(walk.column_steps - 1, cols)
        return StepTiming(rounds * max(step_cycles, cols) + place + step_cycles, working)
    cycles = working // gemm.m * ceil_div(gemm.m, cols)
    return StepTiming(cycles, working, cycles * cols - working)


def time_by_values(
    unit: BitSerialUnit, gemm: Gemm, a: np.ndarray, w: np.ndarray | None, activation_signed: bool | None
) -> StepTiming:
    """The time of a product by its activations a, int[groups, M, K]; as by widths without ``skip``.

    w, int[groups, K, N], is only checked. Raises: UserError for operands of another shape, kind or width.
    """
    from accelsim.kernels.bitserial_counts import column_times, dynamic_cycles, essential_cycles, streamed_time

    signed = check_unit_operands(
        unit, gemm, a, w, gemm.activation_signed if activation_signed is None else activation_signed
    )
    if unit.skip == "none":
        return time_by_widths(unit, gemm)
    walk = walk_steps(unit, gemm)
    cycles: np.ndarray = np.empty((gemm.groups, gemm.m, walk.steps), np.uint8)
    narrow, order = a.astype(np.int32, copy=False), order_bricks(unit, gemm)
    match unit.skip:
        case "dynamic":
            dynamic_cycles(narrow, cycles, order, signed, unit.bits_per_cycle)
        case "essential":
            essential_cycles(narrow, cycles, order, 2**unit.shifter_bits)
        case unknown:
            assert_never(unknown)
    working = int(cycles.sum(dtype=np.int64)) * walk.filter_groups
    if walk.streamed:
        return StepTiming(int(streamed_time(cycles, unit.cols, walk.filter_groups)), working)
    last, idle = column_times(cycles, unit.cols, walk.filter_groups, unit.column_registers)
    return StepTiming(int(last), working, int(idle))


def count_actions(unit: BitSerialUnit, gemm: Gemm, timing: StepTiming) -> ActionCounts:
    """What a product does in its time. Raises: UserError for counts beyond int64."""
    if timing.cycles * count_lanes(unit) > INT64_MAX:
        raise UserError(
            f"M={gemm.m}, K={gemm.k}, N={gemm.n}, groups={gemm.groups}: {timing.cycles:.3g} cycles of"
            f" {count_lanes(unit)} lanes do not fit a 64-bit count; allowed: at most {INT64_MAX}"
        )
    filter_groups, window_sets = walk_steps(unit, gemm).filter_groups, ceil_div(gemm.m, unit.cols)
    return ActionCounts(
        cycles=timing.cycles,
        macs=gemm.macs,
        folds=gemm.groups * window_sets * filter_groups,
        activation_reads=gemm.groups * gemm.m * gemm.k * filter_groups,
        weight_reads=gemm.groups * window_sets * gemm.k * gemm.n,
        psum_writes=gemm.groups * gemm.m * gemm.n,
    )


def account_losses(unit: BitSerialUnit, gemm: Gemm, timing: StepTiming) -> Losses:
    """Where the bit slots of a product went in its time."""
    walk = walk_steps(unit, gemm)
    bits, slots = slots_of_mac(unit, gemm.activation_bits, gemm.weight_bits), count_lane_slots(unit)
    column_lanes = unit.tiles * unit.rows * unit.lanes
    step_slots = count_step_cycles(unit, gemm) * slots
    waiting = (timing.cycles * unit.cols - timing.working - timing.idle) * column_lanes * slots
    rows = ceil_div(gemm.n, unit.rows) * unit.rows
    bricks = gemm.groups * gemm.m * walk.steps * unit.lanes * bits  # slots of one filter, all lanes at work
    return Losses(
        useful=gemm.macs * bits,
        idle_lanes=gemm.n * bricks - gemm.macs * bits,
        idle_rows=(rows - gemm.n) * bricks,
        idle_tiles=(walk.filter_groups * unit.tiles * unit.rows - rows) * bricks,
        unused_bits=walk.column_steps * column_lanes * (step_slots - bits),
        skipped=(timing.working * slots - walk.column_steps * step_slots) * column_lanes,
        idle_columns=timing.idle * column_lanes * slots,
        column_wait=0 if walk.streamed else waiting,
        weight_wait=waiting if walk.streamed else 0,
        bit_parallel=walk.column_steps * column_lanes * slots_of_mac(unit, unit.pe_bits, unit.pe_bits),
    )


def check_widths(unit: BitSerialUnit, gemm: Gemm) -> None:
    """Raises: UserError for widths that the unit does not take."""
    for name in ("activation_bits", "weight_bits"):
        bits, widest = getattr(gemm, name), unit.pe_bits
        if not 1 <= bits <= widest:
            raise UserError(f"{name}: {bits}; allowed on a unit with pe_bits {widest}: 1 to {widest}")


def check_unit_operands(
    unit: BitSerialUnit, gemm: Gemm, a: np.ndarray, w: np.ndarray | None, activation_signed: bool | None
) -> bool:
    """Whether activations are signed, once the operands that are given are what the product says."""
    check_widths(unit, gemm)
    if w is not None:
        check_operand("weights", w, [(gemm.groups, gemm.k, gemm.n)], gemm.weight_bits, signed=True)
    shapes = [(gemm.groups, gemm.m, gemm.k)]
    return check_operand("activations", a, shapes, gemm.activation_bits, activation_signed)


def order_bricks(unit: BitSerialUnit, gemm: Gemm) -> BrickOrder:
    """The order of bricks that the kernels walk through."""
    from accelsim.kernels.bitserial_planes import BrickOrder

    walk = walk_steps(unit, gemm)
    return BrickOrder(walk.positions, walk.channels, unit.lanes)
