"""Products of a network's layers as an engine counts them, each once, with operands from files where they are given."""

from __future__ import annotations

from pathlib import Path

from accelsim.config import UserError
from accelsim.engines.base import CountedProduct
from accelsim.engines.products import Product, Products
from accelsim.hardware import AnyEngine
from accelsim.workload.gemm import Gemm
from accelsim.workload.operand_files import GivenOperands, read_operands


class LayerCounts:
    """What an engine does for each layer's product; it is found out once, whoever asks."""

    def __init__(self, engine: AnyEngine, stepped: bool, tensors: Path | None, prunes: bool) -> None:
        self.products = Products(engine, stepped, prunes)
        self.tensors = tensors
        self.counted: dict[str, Product] = {}  # by layer
        self.given: list[str] = []  # layers whose operands came from files

    def count(self, name: str, gemm: Gemm, seed: int) -> CountedProduct:
        """The counts of a layer's product; ``seed`` draws operands that are not given."""
        if name not in self.counted:
            self.counted[name] = Product(gemm, self._count(name, gemm, seed))
        return self.counted[name].counted

    def _count(self, name: str, gemm: Gemm, seed: int) -> CountedProduct:
        operands = self._read(name, gemm)
        try:
            return self.products.count(gemm, seed, operands)
        except UserError as error:
            if self.tensors is None or operands is None:
                raise
            raise UserError(f"{self.tensors / f'{name}.weight.npy'}: {error}") from None

    def _read(self, name: str, gemm: Gemm) -> GivenOperands | None:
        if self.tensors is None or not self.products.reads_tensors:
            return None
        operands = read_operands(self.tensors, name, gemm, self.products.needs_operands)
        if operands is not None:
            self.given.append(name)
        return operands
