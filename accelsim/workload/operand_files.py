"""Real operands from files: LAYER.activation.npy with shape C,H,W or features, LAYER.weight.npy with N,C,H,W or N,K."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tokenize import TokenError

import numpy as np

from accelsim.config import UserError
from accelsim.workload.gemm import Gemm

GivenOperands = tuple[np.ndarray | None, np.ndarray]  #: activations, if they are given, and weights


def read_operands(folder: Path, name: str, gemm: Gemm, both: bool = True) -> GivenOperands | None:
    """Read the operands of the layer ``name`` from its files in a folder.

    Returns images, integers[batch, channels, height, width], for a convolution, else activations, integers[1, M, K];
    and weights, integers[groups, K, N]. Where not ``both`` are needed, the file of activations may be missing. Returns
    None where the folder has neither file, or where the layer's second operand is computed.

    Raises: UserError for a file that is missing, for floats, other shapes, and values beyond their stated width.
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
    """The array of a file, checked. Raises: UserError."""
    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, TokenError, MemoryError) as error:
        raise UserError(f"{path}: no array of plain numbers: {' '.join(str(error).split())}") from None
    check_operand(path, array, shapes, bits, signed)
    return np.asarray(array)


def check_operand(
    name: object, x: np.ndarray, shapes: Sequence[tuple[int, ...]], bits: int, signed: bool | None
) -> bool:
    """Check an operand and say whether it is signed: as stated; where not stated, signed if a value is negative.

    x is integers in one of ``shapes``. Raises: UserError, which begins with the name, for another type or shape, and
    for values that do not fit the bits.
    """
    if x.dtype.kind not in "iu":
        raise UserError(f"{name}: holds {x.dtype}; allowed: integers")
    if x.shape not in shapes:
        raise UserError(f"{name}: shape {x.shape}; allowed: {' or '.join(map(str, shapes))}")
    least, most = int(x.min()), int(x.max())
    if signed is None:
        signed = least < 0
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if least < low or most > high:
        kind = "signed" if signed else "unsigned"
        raise UserError(f"{name}: values {least} to {most} do not fit {bits} {kind} bits; allowed: {low} to {high}")
    return signed
