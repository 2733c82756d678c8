"""The data of a product's tiles in elements and bytes: raw ifmap rows with their halo, weights, sums."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from accelsim.config.integers import ceil_div
from accelsim.workload.gemm import Convolution, Gemm


def list_tile_starts(size: int, tile: int) -> np.ndarray:
    """List the first index of each tile along one dimension; int64[tiles]."""
    return np.arange(0, size, tile, dtype=np.int64)


def count_ifmap_pixels(gemm: Gemm, tile: int) -> np.ndarray:
    """Count the raw input pixels of one channel that each tile of ``tile`` output pixels fetches, halo included.

    A tile that spans several output rows fetches whole rows; one within a row fetches the columns that its windows
    cover. The DMA skips rows and columns that no window of the layer reads, such as every second one of a 1x1 kernel
    with stride 2. Output pixels are counted through all images. Returns int64[tiles].
    """
    first = list_tile_starts(gemm.m, tile)
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


def find_first_pixels(gemm: Gemm, tile: int) -> np.ndarray:
    """Find the first raw input pixel, by its number row by row through the batch, that each tile fetches; int64[tiles].

    Pixels that no window reads are not counted, as if the next pixel lay in their place.
    """
    first = list_tile_starts(gemm.m, tile)
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


def count_read_pixels(gemm: Gemm) -> int:
    """Count the raw input pixels of one channel, in all images, that any window reads."""
    conv = gemm.convolution
    return conv.batch * int(_read(conv, 0)[-1] * _read(conv, 1)[-1]) if conv else gemm.m


def _span(conv: Convolution, axis: int, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Input rows (axis 0) or columns (axis 1) from the first that output ``low`` reads to the last of ``high``.

    Padding and what no window reads are not counted.
    """
    extent = (conv.kernel[axis] - 1) * conv.dilation[axis] + 1
    size = (conv.height, conv.width)[axis]
    first, last = low * conv.stride[axis] - conv.padding[axis], high * conv.stride[axis] - conv.padding[axis]
    begin = np.minimum(np.maximum(first, 0), size)  # np.clip takes several times as long on small arrays
    end = np.minimum(np.maximum(last + extent, 0), size)
    read = _read(conv, axis)
    return np.asarray(read[np.maximum(end, begin)] - read[begin])


@lru_cache(maxsize=4096)
def _read(conv: Convolution, axis: int) -> np.ndarray:
    """Input rows (axis 0) or columns before each position that some window of an image reads; int64[size + 1].

    The last entry is the number of all of them. Padding is not counted, since no memory holds it.
    """
    size = (conv.height, conv.width)[axis]
    begins = np.arange((conv.out_height, conv.out_width)[axis]) * conv.stride[axis] - conv.padding[axis]
    places = begins[:, None] + np.arange(conv.kernel[axis]) * conv.dilation[axis]
    read = np.zeros(size + 1, np.int64)
    read[1 + places[(places >= 0) & (places < size)]] = 1
    return np.cumsum(read)


def count_ifmap_channels(gemm: Gemm, tile: int) -> np.ndarray:
    """Count the input channels that each tile of ``tile`` reduction indices touches; int64[tiles]."""
    window = gemm.convolution.kernel[0] * gemm.convolution.kernel[1] if gemm.convolution else 1
    first = list_tile_starts(gemm.k, tile)
    last = np.minimum(first + tile, gemm.k) - 1
    return np.asarray(last // window - first // window + 1)


def list_tile_lengths(size: int, tile: int) -> np.ndarray:
    """List the length of each tile along one dimension; int64[tiles]."""
    first = list_tile_starts(size, tile)
    return np.asarray(np.minimum(first + tile, size) - first)


def round_to_bytes(elements: np.ndarray | int, bits: int) -> np.ndarray:
    """Count the bytes of elements of ``bits`` bits, rounded up for each entry; int64 of the same shape."""
    return np.asarray(ceil_div(np.asarray(elements, dtype=np.int64) * bits, 8))


def count_compulsory_bytes(gemm: Gemm) -> tuple[int, int]:
    """Count the bytes that a product reads and writes in any mapping: each operand and the result once."""
    ifmap, weights, result = count_compulsory_by_operand(gemm)
    return ifmap + weights, result


@lru_cache(maxsize=4096)
def count_compulsory_by_operand(gemm: Gemm) -> tuple[int, int, int]:
    """Count the compulsory bytes of ifmap, of weights with start values, and of the result.

    Input rows and columns that no window reads (a 1x1 kernel with stride 2) are not among them.
    """
    ifmap = count_read_pixels(gemm) * int(count_ifmap_channels(gemm, gemm.k)[0])
    ifmap_in = int(round_to_bytes(ifmap, gemm.activation_bits)) * gemm.groups
    weights = (int(count_weight_bytes(gemm, gemm.k, gemm.n)) + count_bias_bytes(gemm, gemm.n)) * gemm.groups
    return ifmap_in, weights, int(round_to_bytes(gemm.m * gemm.n, gemm.output_bits)) * gemm.groups


def bound_moved_bytes(gemm: Gemm, capacity_bytes: int) -> int:
    """Bound from below the bytes that a product moves through buffers of this capacity, in any order of its work.

    The bound is the larger of the compulsory bytes and, for a matrix product, 2 M N K / sqrt(S) - 2 S elements (Smith,
    Lowery, Langou and van de Geijn 2019, arXiv:1702.02017), or for a convolution 2 MACs / sqrt(R S) - 2 S elements,
    where up to R = kernel / stride windows read an input (Chen, Han and Wang, HPCA 2020). S is the number of the
    narrowest elements that fit, and every element counts as one of these; with several groups, S is subtracted once
    more for what other groups have left on chip.
    """
    conv = gemm.convolution
    reuse = 1.0
    if conv is not None:
        reuse = max(1.0, math.prod(conv.kernel) / math.prod(conv.stride))
    width = min(gemm.activation_bits, gemm.weight_bits, gemm.output_bits)
    held = capacity_bytes * 8 / width
    macs = gemm.m * gemm.n * gemm.executed_k
    elements = 2 * macs / math.sqrt(reuse * held) - (2 if gemm.groups == 1 else 3) * held
    return max(sum(count_compulsory_bytes(gemm)), int(max(elements, 0) * gemm.groups * width / 8))


def count_weight_bytes(gemm: Gemm, k: Any, n: Any) -> np.ndarray:
    """Count the bytes of k weights, metadata included, in each of n filters, rounded up for each entry."""
    return round_to_bytes(gemm.weight_column_bits(k) * n, 1)


BIAS_BYTES = 4  # start values have 32 bits


def count_bias_bytes(gemm: Gemm, columns: np.ndarray | int) -> Any:
    """Count the bytes of the start values that come with the weights of these output columns."""
    return columns * BIAS_BYTES * int(gemm.biased)
