"""One product on the engine of a hardware description: its counts, stepped and checked where that is asked for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from accelsim.engines.base import CountedProduct
from accelsim.engines.counts import ActionCounts
from accelsim.engines.table import engine_of
from accelsim.engines.weight_groups import given_in_pattern, pruned_weights, zeros
from accelsim.hardware import AnyEngine
from accelsim.workload.gemm import Gemm
from accelsim.workload.operand_files import GivenOperands

SHARE_DENOMINATOR = 10**6  # a stated sparsity is exact to a millionth


class ProductError(AssertionError):
    """A stepped engine's product or counts differ from what they must be: a defect of the simulator."""


class Product(NamedTuple):
    """A layer's product, and what the engine did for it."""

    gemm: Gemm
    counted: CountedProduct


class Products:
    """The engine, and how its products are counted: by formula, by values where it skips bits, or stepped."""

    def __init__(self, description: AnyEngine, stepped: bool, prunes: bool = False) -> None:
        self.engine = engine_of(description)
        self.stepped = stepped
        self.prunes = prunes  # given weights that break the pattern; otherwise they are refused
        self.pruned = 0  # given weights that were set to zero

    @property
    def needs_operands(self) -> bool:
        """Whether counting looks at values at all."""
        return self.stepped or self.engine.needs_values

    @property
    def reads_tensors(self) -> bool:
        """Whether given values change or check anything."""
        description = self.engine.description
        return self.needs_operands or description.sparse_pattern is not None or description.zero_gating

    def count(self, gemm: Gemm, seed: int, operands: GivenOperands | None = None) -> CountedProduct:
        """What the engine does for a product. Values, where they matter and are not given, are seeded random ones.

        operands are images [batch, channels, height, width] or activations [groups, M, K], which may be missing where
        only weights matter, and weights.

        Raises: UserError for what the engine does not take, ProductError where stepping gives something else.
        """
        if operands is None and not self.needs_operands:
            return self._count(gemm, None, None)
        data, given = operands or (self._random_activations(gemm, seed), None)
        if given is not None:
            before, given = given, given_in_pattern(given, gemm, self.prunes)
            self.pruned += int(np.count_nonzero(before)) - int(np.count_nonzero(given))
        a = signed = None
        if data is not None and self.needs_operands:
            signed = bool(data.min() < 0) if gemm.activation_signed is None else gemm.activation_signed
            a = self.engine.lay_activations(data, gemm)
        counted = self._count(gemm, a, signed)
        if self.stepped and a is not None:
            laid = replace(self.engine.lay(gemm), activation_signed=signed)
            w = self._laid_weights(gemm, given, seed)
            _verify(laid, (a, w), self.engine.step(laid, a, w), replace(counted.counts, macs=laid.macs))
        return counted if given is None else counted._replace(zero_macs=gemm.m * zeros(given, gemm))

    def _count(self, gemm: Gemm, a: np.ndarray | None, signed: bool | None) -> CountedProduct:
        """The product as the engine counts it, by its values where they decide, and its MACs with a zero weight."""
        values = (a, signed) if self.engine.needs_values else (None, None)  # weights decide about no cycle
        counted = self.engine.count_product(gemm, *values)
        share = Fraction(gemm.weight_sparsity or 0).limit_denominator(SHARE_DENOMINATOR)
        return counted._replace(zero_macs=int(share * gemm.macs))

    @property
    def _integer(self) -> bool:
        return self.engine.description.precision.startswith("int")

    def _random_activations(self, gemm: Gemm, seed: int) -> np.ndarray:
        from accelsim.workload.random_operands import draw_activations

        after_relu = self.engine.needs_values and not gemm.activation_signed
        return draw_activations(gemm, self._integer, seed, after_relu=after_relu)

    def _laid_weights(self, gemm: Gemm, given: np.ndarray | None, seed: int) -> np.ndarray:
        """Weights [groups, K, N] as the engine sees them: the given ones, or random ones."""
        from accelsim.workload.random_operands import draw_weights

        w = pruned_weights(draw_weights(gemm, self._integer, seed), gemm) if given is None else given
        return self.engine.lay_weights(w, gemm)


def _verify(
    gemm: Gemm, operands: tuple[np.ndarray, np.ndarray], stepped: tuple[np.ndarray, ActionCounts], counts: ActionCounts
) -> None:
    """Hold a stepped product and its counts against what they must be."""
    from accelsim.workload.random_operands import multiply_exactly

    if stepped[1] != counts:
        raise ProductError(f"{gemm}: stepped {stepped[1]} differs from the closed form {counts}")
    if not (stepped[0] == multiply_exactly(*operands)).all():
        raise ProductError(f"{gemm}: the stepped product is wrong")
