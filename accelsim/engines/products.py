"""One product on the engine of a hardware description: its counts, stepped and checked where that is asked for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from accelsim.engines.base import Engine
from accelsim.engines.bitserial import BitSerialEngine
from accelsim.engines.counts import ActionCounts
from accelsim.engines.losses import Losses
from accelsim.engines.slots import MacSlots
from accelsim.engines.space_to_depth import pack_space_to_depth, packed_images, packed_weights, useful
from accelsim.engines.systolic import SystolicEngine
from accelsim.engines.tensorcore import TensorCoreEngine
from accelsim.engines.weight_groups import channels_inside, given_in_pattern, pruned_weights, zeros
from accelsim.hardware import AnyEngine, BitSerialUnit, SystolicArray, TensorCore
from accelsim.workload.gemm import Gemm
from accelsim.workload.tensors import GivenOperands

SHARE_DENOMINATOR = 10**6  # a stated sparsity is exact to a millionth


class ArithmeticWork(NamedTuple):
    """What the arithmetic of an engine pays for: whole multiplications, or steps of serial lanes."""

    macs: int = 0
    bit_steps: int = 0
    register_steps: int = 0  #: either, those that gating spares included: registers pass zeros on too


class ProductError(AssertionError):
    """A stepped engine's product or counts differ from what they must be: a defect of the simulator."""


class CountedProduct(NamedTuple):
    """What an engine did for a product, and where a serial unit's bit slots or tensor cores' multipliers went."""

    counts: ActionCounts
    losses: Losses = Losses()
    slots: MacSlots = MacSlots()
    zero_macs: int = 0  #: of the MACs executed, those with a zero weight

    @property
    def speedups(self) -> tuple[float, float] | tuple[None, None]:
        """What narrow operands or sparse weights alone would give, and what they do give; None where neither counts."""
        measured = self.losses if self.losses.total else self.slots
        if not measured.total:
            return None, None
        return float(measured.ideal_speedup), float(measured.speedup)


class Product(NamedTuple):
    """A layer's product, and what the engine did for it."""

    gemm: Gemm
    counted: CountedProduct


class Products:
    """The engine, and how its products are counted: by formula, by values where it skips bits, or stepped."""

    def __init__(self, configuration: AnyEngine, stepped: bool, prunes: bool = False) -> None:
        self.configuration = configuration
        self.stepped = stepped
        self.prunes = prunes  # given weights that break the pattern, else they are refused
        self.serial = BitSerialEngine(configuration) if isinstance(configuration, BitSerialUnit) else None
        self.tensor = TensorCoreEngine(configuration) if isinstance(configuration, TensorCore) else None
        self.losses = Losses()  # of all products counted so far
        self.pruned = 0  # given weights that were set to zero
        self.engine: Engine = self.serial or self.tensor or SystolicEngine(_systolic(configuration))

    @property
    def needs_operands(self) -> bool:
        """Whether counting looks at values at all."""
        return self.stepped or self.by_value

    @property
    def reads_tensors(self) -> bool:
        """Whether given values change or check anything."""
        configuration = self.configuration
        return self.needs_operands or configuration.sparse_pattern is not None or configuration.zero_gating

    def count(self, gemm: Gemm, seed: int, operands: GivenOperands | None = None) -> CountedProduct:
        """What the engine does for a product. Values, where they matter and are not given, are seeded random ones.

        operands are images [batch, channels, height, width] or activations [groups, M, K], which may be missing where
        only weights matter, and weights.

        Raises: UserError for what the engine does not take, ProductError where stepping gives something else.
        """
        laid = self.laid(gemm)
        if operands is None and not self.needs_operands:
            return self._counted(gemm, laid, None)
        data, given = operands or (self._random_activations(gemm, seed), None)
        if given is not None:
            before, given = given, given_in_pattern(given, gemm, self.prunes)
            self.pruned += int(np.count_nonzero(before)) - int(np.count_nonzero(given))
        values = None
        if data is not None and self.needs_operands:
            signed = bool(data.min() < 0) if gemm.activation_signed is None else gemm.activation_signed
            values = self._laid_activations(gemm, laid, data), signed
        counted = self._counted(gemm, laid, values)
        if self.stepped and values:
            (a, signed), w = values, self._laid_weights(gemm, laid, given, seed)
            stepped = self.serial.step(laid, a, w, signed) if self.serial else self.engine.step(laid, a, w)
            _verify(laid, (a, w), stepped, replace(counted.counts, macs=laid.macs))
        return counted if given is None else counted._replace(zero_macs=gemm.m * zeros(given, gemm))

    def laid(self, gemm: Gemm) -> Gemm:
        """A product as it lies on the engine."""
        return pack_space_to_depth(gemm) if self.serial and self.serial.unit.pack_first_layer else gemm

    def _counted(self, gemm: Gemm, laid: Gemm, values: tuple[np.ndarray, bool] | None) -> CountedProduct:
        """Counts of a product as it is laid on the engine, with its useful MACs, and a serial unit's bit slots."""
        share = Fraction(gemm.weight_sparsity or 0).limit_denominator(SHARE_DENOMINATOR)
        if self.tensor:
            counts = self.tensor.count(laid)
            return CountedProduct(counts, slots=self.tensor.explain(laid), zero_macs=int(share * counts.macs))
        if self.serial is None:
            return CountedProduct(self.engine.count(laid), zero_macs=int(share * gemm.macs))
        a, signed = values if values and self.by_value else (None, None)  # weights decide about no cycle
        counts, losses = self.serial.account(laid, a, activation_signed=signed)
        if self.serial.unit.serial == "none":
            return CountedProduct(useful(counts, gemm), zero_macs=int(share * gemm.macs))
        zeros = losses.useful - losses.useful // laid.macs * gemm.macs
        losses = replace(losses, useful=losses.useful - zeros, packed_zeros=zeros)
        self.losses += losses
        return CountedProduct(useful(counts, gemm), losses, zero_macs=int(share * gemm.macs))

    def work(self, counted: CountedProduct) -> ArithmeticWork:
        """What its arithmetic is priced by. Gated lanes spend nothing on zero weights, which fall on steps evenly."""
        steps, counts = self._bit_steps(counted.losses), counted.counts
        executed = counts.macs - counts.skipped_macs
        gated = counted.zero_macs if self.configuration.zero_gating else 0
        if steps:
            return ArithmeticWork(bit_steps=steps - steps * gated // executed, register_steps=steps)
        return ArithmeticWork(macs=executed - gated, register_steps=executed)

    def _bit_steps(self, losses: Losses) -> int:
        """Cycles that serial lanes with an operand work; skipped bits fall on lanes with and without one alike."""
        if self.serial is None or not losses.ideal:
            return 0
        worked = losses.useful + losses.packed_zeros
        worked += (losses.unused_bits + losses.skipped) * worked // losses.ideal
        return worked // self.serial.unit.lane_slots

    @property
    def by_value(self) -> bool:
        """Whether the values of the operands decide about cycles."""
        return self.serial is not None and self.serial.unit.skip != "none"

    @property
    def _integer(self) -> bool:
        return self.configuration.precision.startswith("int")

    def _random_activations(self, gemm: Gemm, seed: int) -> np.ndarray:
        from accelsim.workload.random_operands import random_activations

        return random_activations(gemm, self._integer, seed, after_relu=self.by_value and not gemm.activation_signed)

    def _laid_activations(self, gemm: Gemm, laid: Gemm, data: np.ndarray) -> np.ndarray:
        """Activations [groups, M, K] as the engine sees them."""
        from accelsim.workload.random_operands import matrix

        a = matrix(data if laid is gemm else packed_images(data, gemm), laid)
        return channels_inside(a, gemm, axis=2) if self.tensor else a

    def _laid_weights(self, gemm: Gemm, laid: Gemm, given: np.ndarray | None, seed: int) -> np.ndarray:
        """Weights [groups, K, N] as the engine sees them, the given ones or random ones."""
        from accelsim.workload.random_operands import random_weights

        w = pruned_weights(random_weights(gemm, self._integer, seed), gemm) if given is None else given
        if self.tensor:
            return channels_inside(w, gemm, axis=1)
        return w if laid is gemm else packed_weights(w, gemm)


def _verify(
    gemm: Gemm, operands: tuple[np.ndarray, np.ndarray], stepped: tuple[np.ndarray, ActionCounts], counts: ActionCounts
) -> None:
    """Hold a stepped product and its counts against what they must be."""
    from accelsim.workload.random_operands import exact_product

    if stepped[1] != counts:
        raise ProductError(f"{gemm}: stepped {stepped[1]} differs from the closed form {counts}")
    if not (stepped[0] == exact_product(*operands)).all():
        raise ProductError(f"{gemm}: the stepped product is wrong")


def _systolic(configuration: AnyEngine) -> SystolicArray:
    if not isinstance(configuration, SystolicArray):
        raise TypeError(f"no engine for {type(configuration).__name__}")
    return configuration
