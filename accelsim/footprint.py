"""What a tile of a product occupies: raw ifmap rows with their halo, weights, sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from accelsim.lowering import Convolution, Gemm


def starts(size: int, tile: int) -> np.ndarray:
    """First index of each tile along one dimension."""
    return np.arange(0, size, tile, dtype=np.int64)


def ifmap_rows(gemm: Gemm, tile: int) -> np.ndarray:
    """Raw input rows (of all images) that each tile of ``tile`` output pixels touches, halo included."""
    first = starts(gemm.m, tile)
    last = np.minimum(first + tile, gemm.m) - 1
    conv = gemm.convolution
    if conv is None:
        return np.asarray(last - first + 1)
    top, bottom = first // conv.out_width, last // conv.out_width  # output rows, counted through the batch
    image = bottom // conv.out_height - top // conv.out_height
    top, bottom = top % conv.out_height, bottom % conv.out_height
    whole = _row_range(conv, np.zeros_like(top), np.full_like(top, conv.out_height - 1))
    split = _row_range(conv, top, np.full_like(top, conv.out_height - 1)) + _row_range(conv, np.zeros_like(top), bottom)
    return np.asarray(np.where(image == 0, _row_range(conv, top, bottom), split + (image - 1) * whole))


def _row_range(conv: Convolution, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Input rows from the first that output row top reads to the last that bottom reads, padding left out."""
    extent = (conv.kernel[0] - 1) * conv.dilation[0] + 1
    low = np.clip(top * conv.stride[0] - conv.padding[0], 0, conv.height)
    high = np.clip(bottom * conv.stride[0] - conv.padding[0] + extent, 0, conv.height)
    return np.asarray(np.maximum(high - low, 0))


def ifmap_row_elements(gemm: Gemm) -> int:
    """Elements of one raw input row and channel."""
    return gemm.convolution.width if gemm.convolution else 1


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
    """Bytes that must come in and go out however the product is cut: each operand and the result once.

    Input rows that no window reads (a 1x1 kernel with stride 2) need not come.
    """
    rows = _rows_read(gemm.convolution) if gemm.convolution else gemm.m
    ifmap = rows * ifmap_row_elements(gemm) * int(ifmap_channels(gemm, gemm.k)[0])
    ifmap_in = int(to_bytes(ifmap, gemm.activation_bits)) * gemm.groups
    weights = (int(to_bytes(gemm.k * gemm.n, gemm.weight_bits)) + bias_bytes(gemm, gemm.n)) * gemm.groups
    return ifmap_in + weights, int(to_bytes(gemm.m * gemm.n, gemm.output_bits)) * gemm.groups


def _rows_read(conv: Convolution) -> int:
    """Distinct input rows that windows touch, of all images."""
    tops = np.arange(conv.out_height) * conv.stride[0] - conv.padding[0]
    rows = np.unique(tops[:, None] + np.arange(conv.kernel[0]) * conv.dilation[0])
    return conv.batch * int(((rows >= 0) & (rows < conv.height)).sum())


BIAS_BYTES = 4


def bias_bytes(gemm: Gemm, columns: np.ndarray | int) -> Any:
    """Bytes of the start values that come with the weights of so many output columns."""
    return columns * BIAS_BYTES * int(gemm.biased)
