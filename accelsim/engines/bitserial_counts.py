"""How long a product takes on a bit-serial unit, what it moves, and what its bit slots are spent on."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple, assert_never

import numpy as np

from accelsim.config import UserError
from accelsim.config.integers import ceil_div
from accelsim.engines.base import Beats
from accelsim.engines.bit_slots import BitSlots
from accelsim.engines.counts import ActionCounts
from accelsim.engines.extents import cut_extents
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
"""For each value of ``serial``, whether activations and whether weights arrive bit by bit."""


class StepWalk(NamedTuple):
    """The steps that a product takes."""

    positions: int  #: kernel positions, one after the other
    channels: int  #: channels at each kernel position, ``lanes`` at a time
    steps: int  #: steps of one window and one filter group
    filter_groups: int  #: groups of filters that all tiles compute side by side
    column_steps: int  #: steps of all columns together
    streamed: bool  #: whether the product is fully connected, so that steps go round the columns


class StepTiming(NamedTuple):
    """The time of a product on the unit."""

    cycles: int  #: cycles of the whole product
    working: int  #: cycles of all columns together in which they work
    idle: int = 0  #: cycles of all columns together in which they have no window


def has_serial_activations(unit: BitSerialUnit) -> bool:
    """Whether activations arrive bit by bit."""
    return SERIAL_OPERANDS[unit.serial][0]


def has_serial_weights(unit: BitSerialUnit) -> bool:
    """Whether weights arrive bit by bit."""
    return SERIAL_OPERANDS[unit.serial][1]


def is_serial(unit: BitSerialUnit) -> bool:
    """Whether any operand arrives bit by bit."""
    return any(SERIAL_OPERANDS[unit.serial])


def count_lane_slots(unit: BitSerialUnit) -> int:
    """Count the bits of an activation that a lane takes in a cycle; 1 where activations are not serial."""
    return unit.bits_per_cycle if has_serial_activations(unit) else 1


def count_lanes(unit: BitSerialUnit) -> int:
    """Count the lanes; each takes bits of one operand a cycle, or is a whole multiplier where nothing is serial."""
    return unit.tiles * unit.rows * unit.cols * unit.lanes


def count_filters(unit: BitSerialUnit) -> int:
    """Count the filters that all tiles compute side by side."""
    return unit.tiles * unit.rows


def count_mac_slots(unit: BitSerialUnit, activation_bits: int, weight_bits: int) -> int:
    """Count the bit slots that a MAC needs."""
    return (activation_bits if has_serial_activations(unit) else 1) * (weight_bits if has_serial_weights(unit) else 1)


def count_step_cycles(unit: BitSerialUnit, gemm: Gemm) -> int:
    """Count the cycles of a step without ``skip``."""
    cycles = ceil_div(gemm.activation_bits, unit.bits_per_cycle)
    return count_mac_slots(unit, cycles, gemm.weight_bits)


def walk_steps(unit: BitSerialUnit, gemm: Gemm) -> StepWalk:
    """Work out the steps of a product: kernel positions, bricks of channels, filter groups."""
    convolution = gemm.convolution
    positions, channels = 1, gemm.k
    if convolution and not (unit.pack_depthwise and convolution.channels == 1):
        positions, channels = convolution.kernel[0] * convolution.kernel[1], convolution.channels
    steps = positions * ceil_div(channels, unit.lanes)
    filter_groups = ceil_div(ceil_div(gemm.n, unit.rows), unit.tiles)
    column_steps = gemm.groups * gemm.m * filter_groups * steps
    return StepWalk(positions, channels, steps, filter_groups, column_steps, convolution is None and gemm.m == 1)


def time_by_widths(unit: BitSerialUnit, gemm: Gemm) -> StepTiming:
    """Work out the time of a product whose steps take as many cycles as its widths need.

    Raises: UserError for widths that the unit does not accept, and for a unit with ``skip``.
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
    """Work out the time of a product by its activations a, int[groups, M, K]; without ``skip``, by its widths.

    w, int[groups, K, N], is only checked. activation_signed overrides what the product states.

    Raises: UserError for operands of another shape, kind or width.
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
    """Count the events of a product that takes the given time. Raises: UserError for counts beyond int64."""
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


def account_bit_slots(unit: BitSerialUnit, gemm: Gemm, timing: StepTiming) -> BitSlots:
    """Account for the bit slots of a product that takes the given time."""
    walk = walk_steps(unit, gemm)
    bits, slots = count_mac_slots(unit, gemm.activation_bits, gemm.weight_bits), count_lane_slots(unit)
    column_lanes = unit.tiles * unit.rows * unit.lanes
    step_slots = count_step_cycles(unit, gemm) * slots
    waiting = (timing.cycles * unit.cols - timing.working - timing.idle) * column_lanes * slots
    rows = ceil_div(gemm.n, unit.rows) * unit.rows
    bricks = gemm.groups * gemm.m * walk.steps * unit.lanes * bits  # slots of one filter, all lanes at work
    return BitSlots(
        useful=gemm.macs * bits,
        idle_lanes=gemm.n * bricks - gemm.macs * bits,
        idle_rows=(rows - gemm.n) * bricks,
        idle_tiles=(walk.filter_groups * unit.tiles * unit.rows - rows) * bricks,
        unused_bits=walk.column_steps * column_lanes * (step_slots - bits),
        skipped=(timing.working * slots - walk.column_steps * step_slots) * column_lanes,
        idle_columns=timing.idle * column_lanes * slots,
        column_wait=0 if walk.streamed else waiting,
        weight_wait=waiting if walk.streamed else 0,
        bit_parallel=walk.column_steps * column_lanes * count_mac_slots(unit, unit.pe_bits, unit.pe_bits),
    )


def list_step_beats(unit: BitSerialUnit, gemm: Gemm, cycles: int) -> list[Beats]:
    """List the beats of a product that takes this many cycles: one a step, all of the average length."""
    walk = walk_steps(unit, gemm)
    length = cycles // (walk.column_steps // gemm.m * ceil_div(gemm.m, unit.cols))
    beats = []
    for window, some in product(cut_extents(gemm.m, unit.cols), cut_extents(gemm.n, count_filters(unit))):
        sets = gemm.groups * window.repeat * some.repeat
        for lanes in cut_extents(walk.channels, unit.lanes):
            step = Beats(length, sets * walk.positions * lanes.repeat)
            bricks = lanes.last + 1 - lanes.repeat, lanes.last + 1
            step = step._replace(depths=(bricks[0] * walk.positions, bricks[1] * walk.positions))
            beats.append(step._replace(activations=window.used * lanes.used, weights=lanes.used * some.used))
        beats.append(Beats(length * walk.steps, sets, vectors=window.used, results=some.used))
    return beats


def check_widths(unit: BitSerialUnit, gemm: Gemm) -> None:
    """Check a product's widths. Raises: UserError for widths that the unit does not accept."""
    for name in ("activation_bits", "weight_bits"):
        bits, widest = getattr(gemm, name), unit.pe_bits
        if not 1 <= bits <= widest:
            raise UserError(f"{name}: {bits}; allowed on a unit with pe_bits {widest}: 1 to {widest}")


def check_unit_operands(
    unit: BitSerialUnit, gemm: Gemm, a: np.ndarray, w: np.ndarray | None, activation_signed: bool | None
) -> bool:
    """Check operands a, int[groups, M, K], and w, int[groups, K, N] or None; return whether activations are signed.

    Raises: UserError for operands of another shape, kind or width.
    """
    check_widths(unit, gemm)
    if w is not None:
        check_operand("weights", w, [(gemm.groups, gemm.k, gemm.n)], gemm.weight_bits, signed=True)
    shapes = [(gemm.groups, gemm.m, gemm.k)]
    return check_operand("activations", a, shapes, gemm.activation_bits, activation_signed)


def order_bricks(unit: BitSerialUnit, gemm: Gemm) -> BrickOrder:
    """Build the order of bricks in which the kernels walk through a product."""
    from accelsim.kernels.bitserial_planes import BrickOrder

    walk = walk_steps(unit, gemm)
    return BrickOrder(walk.positions, walk.channels, unit.lanes)
