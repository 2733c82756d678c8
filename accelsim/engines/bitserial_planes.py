"""Operands of a stepped bit-serial unit: bit planes of activations, weights in the order of the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from accelsim.config.integers import ceil_div
from accelsim.engines.bitserial_counts import (
    count_filters,
    has_serial_activations,
    has_serial_weights,
    order_bricks,
    walk_steps,
)
from accelsim.hardware import BitSerialUnit
from accelsim.workload.gemm import Gemm

if TYPE_CHECKING:
    from accelsim.kernels.bitserial import SerialUnit, Weights


def build_serial_unit(unit: BitSerialUnit, gemm: Gemm, signed: bool) -> SerialUnit:
    """Build the options of the stepped kernel; ``signed`` says whether activations are signed."""
    from accelsim.kernels.bitserial import DYNAMIC, ESSENTIAL, NO_SKIP, SerialUnit

    return SerialUnit(
        cols=unit.cols,
        filters=count_filters(unit),
        bits=unit.bits_per_cycle if has_serial_activations(unit) else gemm.activation_bits,
        both_serial=has_serial_activations(unit) and has_serial_weights(unit),
        weights_serial=has_serial_weights(unit),
        skip={"none": NO_SKIP, "dynamic": DYNAMIC, "essential": ESSENTIAL}[unit.skip],
        shifter_reach=2**unit.shifter_bits,
        column_registers=unit.column_registers,
        signed=signed,
        streamed=walk_steps(unit, gemm).streamed,
    )


def choose_sum_types(unit: BitSerialUnit, gemm: Gemm) -> tuple[type, type]:
    """Choose the narrowest integer types for an adder tree's output and for a brick's sum, up to 15 bits wider."""
    bits, weight_bits = gemm.activation_bits, gemm.weight_bits
    if unit.skip == "essential":
        bits = min(bits, 2**unit.shifter_bits) - 1  # one bit of each, at this place at most
    elif has_serial_activations(unit):
        bits = min(bits, unit.bits_per_cycle)
    elif has_serial_weights(unit):
        weight_bits = 1
    most = min(unit.lanes, walk_steps(unit, gemm).channels) << (bits + weight_bits - 1)
    pairs = (np.int16, np.int32), (np.int32, np.int64), (np.int64, np.int64)
    return next((tree, brick) for tree, brick in pairs if most <= np.iinfo(tree).max)


def pack_planes(unit: BitSerialUnit, gemm: Gemm, a: np.ndarray) -> np.ndarray:
    """Pack activations a, int[groups, M, K], into bit planes with their signs on top.

    Returns uint16[groups * M * steps, bits + 1, words]. With ``skip: essential`` the planes hold magnitudes.
    """
    from accelsim.kernels.bitserial_planes import WORD_LANES, pack_activations

    walk, bits = walk_steps(unit, gemm), gemm.activation_bits
    a = a.astype(np.int32)
    if unit.skip == "essential":
        a = np.abs(a) | np.where(a < 0, 1 << bits, 0)
    words = ceil_div(min(unit.lanes, walk.channels), WORD_LANES)
    planes = np.empty((gemm.groups * gemm.m * walk.steps, bits + 1, words), np.uint16)
    pack_activations(a, planes, order_bricks(unit, gemm))
    return planes


def lay_out_weights(unit: BitSerialUnit, gemm: Gemm, w: np.ndarray) -> Weights:
    """Order weights w, int[groups, K, N], by the steps: as bit planes where they are serial, else as values."""
    from accelsim.kernels.bitserial import Weights
    from accelsim.kernels.bitserial_planes import WORD_LANES, order_weights, pack_weights

    walk, filters = walk_steps(unit, gemm), min(count_filters(unit), gemm.n)
    bricks, lanes = gemm.groups * walk.filter_groups * walk.steps, min(unit.lanes, walk.channels)
    if has_serial_weights(unit):
        planes = np.zeros((bricks, gemm.weight_bits, 2 * ceil_div(lanes, WORD_LANES), filters), np.uint8)
        pack_weights(w.astype(np.int16), planes, order_bricks(unit, gemm))
        return Weights(planes, np.zeros((0, 0, 0), np.int16))
    values = np.zeros((bricks, lanes, filters), np.int16)
    order_weights(w.astype(np.int16), values, order_bricks(unit, gemm))
    return Weights(np.zeros((0, 0, 0, 0), np.uint8), values)
