"""Counting the products of a network's layers, each once, with operands from files where they are given."""

from __future__ import annotations

from pathlib import Path

from accelsim.config import UserError
from accelsim.engines.base import CountedProduct
from accelsim.engines.products import Product, Products
from accelsim.hardware import AnyEngine
from accelsim.workload.gemm import Gemm
from accelsim.workload.operand_files import GivenOperands, read_operands


class LayerCounts:
    """The counts of each layer's product on one engine; each is found once and remembered."""

    def __init__(self, engine: AnyEngine, stepped: bool, tensors: Path | None, prunes: bool) -> None:
        self.products = Products(engine, stepped, prunes)
        self.tensors = tensors
        self.counted: dict[str, Product] = {}  # products and their counts by layer name
        self.given: list[str] = []  # layers whose operands came from files

    def count(self, name: str, gemm: Gemm, seed: int) -> CountedProduct:
        """Count a layer's product; ``seed`` draws operands that are not given.

        Raises: UserError for a product that the engine cannot run, and for operands that do not fit it.
        """
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
