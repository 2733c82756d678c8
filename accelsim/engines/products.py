"""Counting one product on an engine: in closed form, by operand values, or stepped and checked."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from accelsim.engines.base import CountedProduct
from accelsim.engines.counts import ActionCounts
from accelsim.engines.table import build_engine
from accelsim.engines.weight_groups import count_zero_weights, fit_to_pattern, prune_weights
from accelsim.hardware import AnyEngine
from accelsim.workload.gemm import Gemm
from accelsim.workload.operand_files import GivenOperands

SHARE_DENOMINATOR = 10**6  # a stated sparsity is exact to a millionth


class ProductError(AssertionError):
    """A stepped engine's product or counts differ from what they must be: a defect of the simulator."""


class Product(NamedTuple):
    """A layer's product and the engine's counts of it."""

    gemm: Gemm
    counted: CountedProduct


class Products:
    """An engine and its way of counting: by formula, by operand values where it skips bits, or stepped as well."""

    def __init__(self, description: AnyEngine, stepped: bool, prunes: bool = False) -> None:
        self.engine = build_engine(description)
        self.stepped = stepped
        self.prunes = prunes  # whether given weights that break the pattern are pruned, and not refused
        self.pruned = 0  # number of given weights that were set to zero

    @property
    def needs_operands(self) -> bool:
        """Whether counting looks at operand values at all."""
        return self.stepped or self.engine.needs_values

    @property
    def reads_tensors(self) -> bool:
        """Whether operands from files would change or check anything."""
        description = self.engine.description
        return self.needs_operands or description.sparse_pattern is not None or description.zero_gating

    def count(self, gemm: Gemm, seed: int, operands: GivenOperands | None = None) -> CountedProduct:
        """Count a product. Where values matter and are not given, they are random ones drawn with ``seed``.

        ``operands`` are a pair: images [batch, channels, height, width] or activations [groups, M, K], or None where
        only weights matter; and weights [groups, K, N] or None.

        Raises: UserError for a product that the engine cannot run, and for weights that break the pattern;
            ProductError where stepping gives another product or other counts.
        """
        if operands is None and not self.needs_operands:
            return self._count(gemm, None, None)
        data, given = operands or (self._random_activations(gemm, seed), None)
        if given is not None:
            before, given = given, fit_to_pattern(given, gemm, self.prunes)
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
        return counted if given is None else counted._replace(zero_macs=gemm.m * count_zero_weights(given, gemm))

    def _count(self, gemm: Gemm, a: np.ndarray | None, signed: bool | None) -> CountedProduct:
        """Count a product, by activation values where they matter, with its MACs whose weight is zero."""
        values = (a, signed) if self.engine.needs_values else (None, None)  # no cycle depends on weights
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
        """Weights [groups, K, N] in the engine's order: the given ones, or random ones."""
        from accelsim.workload.random_operands import draw_weights

        w = prune_weights(draw_weights(gemm, self._integer, seed), gemm) if given is None else given
        return self.engine.lay_weights(w, gemm)


def _verify(
    gemm: Gemm, operands: tuple[np.ndarray, np.ndarray], stepped: tuple[np.ndarray, ActionCounts], counts: ActionCounts
) -> None:
    """Compare a stepped product and its counts with the exact product and the closed form. Raises: ProductError."""
    from accelsim.workload.random_operands import multiply_exactly

    if stepped[1] != counts:
        raise ProductError(f"{gemm}: stepped {stepped[1]} differs from the closed form {counts}")
    if not (stepped[0] == multiply_exactly(*operands)).all():
        raise ProductError(f"{gemm}: the stepped product is wrong")
