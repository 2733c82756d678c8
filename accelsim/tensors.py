"""Real operands from a folder: LAYER.activation.npy in C,H,W or features, LAYER.weight.npy in N,C,H,W or N,K."""

from __future__ import annotations

from pathlib import Path
from tokenize import TokenError

import numpy as np

from accelsim.config import UserError
from accelsim.engines.base import check_operand
from accelsim.lowering import Gemm

Operands = tuple[np.ndarray | None, np.ndarray]


def read_operands(folder: Path, name: str, gemm: Gemm, both: bool = True) -> Operands | None:
    """A layer's images [batch, channels, height, width] or activations [groups, M, K], and weights [groups, K, N].

    Weights may come alone where not ``both`` are needed. None where the folder has neither file of this layer, or the
    second operand is computed as well.

    Raises: UserError for a file that is missing, floats, other shapes, or values beyond their stated width.
    """
    paths = [folder / f"{name}.{what}.npy" for what in ("activation", "weight")]
    there = [path.is_file() for path in paths]
    if not any(there) or not gemm.weights_stored:
        return None
    if not there[1] or (both and not there[0]):
        raise UserError(f"{paths[there.index(False)]}: is missing beside {paths[there.index(True)].name}")
    conv = gemm.convolution
    full: tuple[int, ...] = (1, gemm.m, gemm.k)
    shapes: list[tuple[int, ...]] = [(gemm.m, gemm.k), *([(gemm.k,)] if gemm.m == 1 else [])]
    stored: tuple[int, ...] = (gemm.n * gemm.groups, gemm.k)
    if conv is not None:
        image = (conv.channels * gemm.groups, conv.height, conv.width)
        full, shapes = (conv.batch, *image), [(conv.batch, *image), *([image] if conv.batch == 1 else [])]
        stored = (gemm.n * gemm.groups, conv.channels, *conv.kernel)
    w = _array(paths[1], [stored], gemm.weight_bits, signed=True).reshape(gemm.groups, gemm.n, gemm.k).swapaxes(1, 2)
    if not there[0]:
        return None, w
    return _array(paths[0], shapes, gemm.activation_bits, gemm.activation_signed).reshape(full), w


def _array(path: Path, shapes: list[tuple[int, ...]], bits: int, signed: bool | None) -> np.ndarray:
    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, TokenError, MemoryError) as error:
        raise UserError(f"{path}: no array of plain numbers: {' '.join(str(error).split())}") from None
    check_operand(path, array, shapes, bits, signed)
    return np.asarray(array)
