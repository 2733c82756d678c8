"""What a tile of a product occupies: raw ifmap rows with their halo, weights, sums."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from accelsim.workload.gemm import Convolution, Gemm


def starts(size: int, tile: int) -> np.ndarray:
    """First index of each tile along one dimension."""
    return np.arange(0, size, tile, dtype=np.int64)


def ifmap_pixels(gemm: Gemm, tile: int) -> np.ndarray:
    """Raw input pixels of one channel (of all images) that each tile of ``tile`` output pixels fetches, halo included.

    Whole rows where a tile spans output rows, the columns that its windows cover within one row. Rows and columns that
    no window of the layer reads (every second one of a 1x1 kernel with stride 2) are passed over by the DMA's strides.
    """
    first = starts(gemm.m, tile)
    last = np.minimum(first + tile, gemm.m) - 1
    conv = gemm.convolution
    if conv is None:
        return np.asarray(last - first + 1)
    top, bottom = first // conv.out_width, last // conv.out_width  # output rows, counted through the batch
    image = bottom // conv.out_height - top // conv.out_height
    one_row = top == bottom
    top, bottom = top % conv.out_height, bottom % conv.out_height
    end = np.full_like(top, conv.out_height - 1)
    split = _span(conv, 0, top, end) + _span(conv, 0, np.zeros_like(top), bottom)
    between = (image - 1) * _span(conv, 0, np.zeros_like(top), end)
    rows = np.where(image == 0, _span(conv, 0, top, bottom), split + between)
    columns = _span(conv, 1, first % conv.out_width, last % conv.out_width)
    return np.asarray(rows * np.where(one_row, columns, _read(conv, 1)[-1]))


def first_pixels(gemm: Gemm, tile: int) -> np.ndarray:
    """Number of the first raw input pixel, row by row through the batch, that each tile of output pixels fetches.

    Pixels that no window reads are not counted, as if the next lay in their place.
    """
    first = starts(gemm.m, tile)
    conv = gemm.convolution
    if conv is None:
        return first
    rows, columns = _read(conv, 0), _read(conv, 1)
    row, column = np.divmod(first, conv.out_width)
    image, row = np.divmod(row, conv.out_height)
    top = rows[np.clip(row * conv.stride[0] - conv.padding[0], 0, conv.height - 1)]
    left = columns[np.clip(column * conv.stride[1] - conv.padding[1], 0, conv.width - 1)]
    one_row = (first + np.minimum(tile, gemm.m - first) - 1) // conv.out_width == first // conv.out_width
    return np.asarray((image * rows[-1] + top) * columns[-1] + np.where(one_row, left, 0))


def all_pixels(gemm: Gemm) -> int:
    """Raw input pixels of one channel, of all images, that any window reads."""
    conv = gemm.convolution
    return conv.batch * int(_read(conv, 0)[-1] * _read(conv, 1)[-1]) if conv else gemm.m


def _span(conv: Convolution, axis: int, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Input rows (axis 0) or columns from the first that output low reads to the last of high.

    Padding is left out, and what no window reads.
    """
    extent = (conv.kernel[axis] - 1) * conv.dilation[axis] + 1
    size = (conv.height, conv.width)[axis]
    first, last = low * conv.stride[axis] - conv.padding[axis], high * conv.stride[axis] - conv.padding[axis]
    begin = np.minimum(np.maximum(first, 0), size)  # np.clip takes several times as long on so few
    end = np.minimum(np.maximum(last + extent, 0), size)
    read = _read(conv, axis)
    return np.asarray(read[np.maximum(end, begin)] - read[begin])


@lru_cache(maxsize=4096)
def _read(conv: Convolution, axis: int) -> np.ndarray:
    """Input rows (axis 0) or columns above each place, and in all, that some window of an image reads; int64[size + 1].

    Without padding, which no memory holds.
    """
    size = (conv.height, conv.width)[axis]
    begins = np.arange((conv.out_height, conv.out_width)[axis]) * conv.stride[axis] - conv.padding[axis]
    places = begins[:, None] + np.arange(conv.kernel[axis]) * conv.dilation[axis]
    read = np.zeros(size + 1, np.int64)
    read[1 + places[(places >= 0) & (places < size)]] = 1
    return np.cumsum(read)


def ifmap_channels(gemm: Gemm, tile: int) -> np.ndarray:
    """Input channels that each tile of ``tile`` reduction indices touches."""
    window = gemm.convolution.kernel[0] * gemm.convolution.kernel[1] if gemm.convolution else 1
    first = starts(gemm.k, tile)
    last = np.minimum(first + tile, gemm.k) - 1
    return np.asarray(last // window - first // window + 1)


def lengths(size: int, tile: int) -> np.ndarray:
    """Length of each tile along one dimension."""
    first = starts(size, tile)
    return np.asarray(np.minimum(first + tile, size) - first)


def to_bytes(elements: np.ndarray | int, bits: int) -> np.ndarray:
    """Bytes that so many elements take, rounded up for each tile."""
    return np.asarray(-(-np.asarray(elements, dtype=np.int64) * bits // 8))


def compulsory_bytes(gemm: Gemm) -> tuple[int, int]:
    """Bytes that must come in and go out however the product is cut: each operand and the result once."""
    ifmap, weights, result = compulsory_operands(gemm)
    return ifmap + weights, result


@lru_cache(maxsize=4096)
def compulsory_operands(gemm: Gemm) -> tuple[int, int, int]:
    """The same of ifmap, weights and result.

    Input rows and columns that no window reads (a 1x1 kernel with stride 2) need not come.
    """
    ifmap = all_pixels(gemm) * int(ifmap_channels(gemm, gemm.k)[0])
    ifmap_in = int(to_bytes(ifmap, gemm.activation_bits)) * gemm.groups
    weights = (int(weight_bytes(gemm, gemm.k, gemm.n)) + bias_bytes(gemm, gemm.n)) * gemm.groups
    return ifmap_in, weights, int(to_bytes(gemm.m * gemm.n, gemm.output_bits)) * gemm.groups


def least_bytes(gemm: Gemm, capacity_bytes: int) -> int:
    """Bytes that a product must move at least, whatever the order of its work, through so many bytes of buffers.

    Beyond the compulsory ones it is the bound of a matrix product, 2 M N K / sqrt(S) - 2 S elements (Smith, Lowery,
    Langou and van de Geijn 2019, arXiv:1702.02017), and of a convolution 2 MACs / sqrt(R S) - 2 S, where each input is
    read by up to R = kernel / stride windows (Chen, Han and Wang, HPCA 2020). S are as many of the narrowest elements
    as fit, and every element counts as one of them; what other groups have left on chip is taken off once more.
    """
    conv = gemm.convolution
    reuse = 1.0
    if conv is not None:
        reuse = max(1.0, math.prod(conv.kernel) / math.prod(conv.stride))
    width = min(gemm.activation_bits, gemm.weight_bits, gemm.output_bits)
    held = capacity_bytes * 8 / width
    macs = gemm.m * gemm.n * gemm.executed_k
    elements = 2 * macs / math.sqrt(reuse * held) - (2 if gemm.groups == 1 else 3) * held
    return max(sum(compulsory_bytes(gemm)), int(max(elements, 0) * gemm.groups * width / 8))


def weight_bytes(gemm: Gemm, k: Any, n: Any) -> np.ndarray:
    """Bytes of k weights, metadata included, of each of n filters; rounded up for each tile."""
    return to_bytes(gemm.weight_column_bits(k) * n, 1)


BIAS_BYTES = 4


def bias_bytes(gemm: Gemm, columns: np.ndarray | int) -> Any:
    """Bytes of the start values that come with the weights of so many output columns."""
    return columns * BIAS_BYTES * int(gemm.biased)
