"""One product on the engine of a hardware description: its counts, stepped and checked where that is asked for."""

from __future__ import annotations

import numpy as np

from accelsim.counts import ActionCounts
from accelsim.engines.base import Engine
from accelsim.engines.bitserial import BitSerial
from accelsim.engines.losses import Losses
from accelsim.engines.systolic import Systolic
from accelsim.hardware import AnyEngine, BitSerialUnit, SystolicArray
from accelsim.lowering import Gemm
from accelsim.packing import packed, packed_images, packed_weights, useful
from accelsim.tensors import Operands


class ProductError(AssertionError):
    """A stepped engine's product or counts differ from what they must be: a defect of the simulator."""


class Products:
    """The engine, and how its products are counted: by formula, by values where it skips bits, or stepped."""

    def __init__(self, configuration: AnyEngine, stepped: bool) -> None:
        self.configuration = configuration
        self.stepped = stepped
        self.serial = BitSerial(configuration) if isinstance(configuration, BitSerialUnit) else None
        self.losses = Losses()  # of all products counted so far
        self.engine: Engine = self.serial or Systolic(_systolic(configuration))

    @property
    def needs_operands(self) -> bool:
        """Whether counting looks at values at all."""
        return self.stepped or self.by_value

    def count(self, gemm: Gemm, seed: int, operands: Operands | None = None) -> ActionCounts:
        """What the engine does for a product. Values, where they matter and are not given, are seeded random ones.

        operands are images [batch, channels, height, width] or activations [groups, M, K], and weights.

        Raises: UserError for what the engine does not take, ProductError where stepping gives something else.
        """
        laid = packed(gemm) if self.serial and self.serial.unit.pack_first_layer else gemm
        if not self.needs_operands:
            self._explain(laid)
            return self._useful(self.engine.count(laid), gemm)
        a, w = self._laid(gemm, laid, operands or self._random(gemm, seed))
        by_value = self.serial if self.by_value else None
        counts = by_value.count_values(laid, a, w) if by_value else self.engine.count(laid)
        if self.stepped:
            self._verify(laid, a, w, counts)
        self._explain(laid, a, w)
        return self._useful(counts, gemm)

    def _explain(self, gemm: Gemm, a: np.ndarray | None = None, w: np.ndarray | None = None) -> None:
        """Add to ``losses`` where a serial unit's bit slots went."""
        if self.serial and self.serial.unit.serial != "none":
            self.losses += self.serial.explain(gemm, *((a, w) if self.by_value else (None, None)))

    @property
    def by_value(self) -> bool:
        """Whether the values of the operands decide about cycles."""
        return self.serial is not None and self.serial.unit.skip != "none"

    def bit_steps(self, gemm: Gemm, counts: ActionCounts) -> int:
        """Cycles that serial lanes work on a product; where bits are skipped, in proportion to the cycles left."""
        if self.serial is None or self.serial.unit.serial == "none":
            return 0
        unit = self.serial.unit.model_copy(update={"skip": "none", "column_registers": 0})
        whole = Products(unit, stepped=False).count(gemm, seed=0).cycles
        per_mac = round(unit.pes / unit.peak_macs_per_cycle(gemm.activation_bits, gemm.weight_bits))
        return gemm.macs * per_mac * counts.cycles // whole

    def _useful(self, counts: ActionCounts, gemm: Gemm) -> ActionCounts:
        return useful(counts, gemm) if self.serial else counts

    def _random(self, gemm: Gemm, seed: int) -> Operands:
        from accelsim.operands import random_tensors

        integer = self.configuration.precision.startswith("int")
        return random_tensors(gemm, integer, seed, after_relu=self.by_value)

    def _laid(self, gemm: Gemm, laid: Gemm, operands: Operands) -> Operands:
        """Activations [groups, M, K] and weights [groups, K, N] as the engine sees them."""
        from accelsim.operands import matrix

        data, w = operands
        if laid is not gemm:
            data, w = packed_images(data, gemm), packed_weights(w, gemm)
        return matrix(data, laid), w

    def _verify(self, gemm: Gemm, a: np.ndarray, w: np.ndarray, counts: ActionCounts) -> None:
        """Step a product and hold it and its counts against what they must be."""
        from accelsim.operands import exact_product

        out, stepped = self.engine.step(gemm, a, w)
        if stepped != counts:
            raise ProductError(f"{gemm}: stepped {stepped} differs from the closed form {counts}")
        if not (out == exact_product(a, w)).all():
            raise ProductError(f"{gemm}: the stepped product is wrong")


def _systolic(configuration: AnyEngine) -> SystolicArray:
    if not isinstance(configuration, SystolicArray):
        raise TypeError(f"no engine for {type(configuration).__name__}")
    return configuration
