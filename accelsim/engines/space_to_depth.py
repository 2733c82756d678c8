"""Space-to-depth packing of first layers for engines with many lanes: three channels become 3 s^2.

A convolution of stride s sees each pixel of an s x s block at a kernel position of its own. A block becomes a pixel,
its pixels become channels, and the stride becomes 1; weights are zero where the kernel does not reach.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from accelsim.config.integers import ceil_div
from accelsim.engines.counts import ActionCounts
from accelsim.workload.gemm import Convolution, Gemm

if TYPE_CHECKING:
    import numpy as np

IMAGE_CHANNELS = 3  # red, green, blue


def pack_space_to_depth(gemm: Gemm) -> Gemm:
    """Turn a convolution into the same product with stride 1 over more channels, with the padding inside the image.

    Only an ungrouped convolution of three channels with strides above 1 both ways is packed; other products are
    returned unchanged. The packed product's ``macs`` include MACs with zero weights: see ``restore_macs``.
    """
    convolution = gemm.convolution
    if convolution is None or not _packs(gemm, convolution):
        return gemm
    kernel, block = _kernel(convolution), convolution.stride
    channels = convolution.channels * block[0] * block[1]
    return replace(
        gemm,
        k=channels * kernel[0] * kernel[1],
        convolution=replace(
            convolution,
            channels=channels,
            height=convolution.out_height - 1 + kernel[0],
            width=convolution.out_width - 1 + kernel[1],
            kernel=kernel,
            stride=(1, 1),
            padding=(0, 0, 0, 0),
            dilation=(1, 1),
        ),
    )


def restore_macs(counts: ActionCounts, gemm: Gemm) -> ActionCounts:
    """Return the counts of a packed product with the MACs of the original product ``gemm``."""
    return replace(counts, macs=gemm.macs)


def pack_images_to_depth(images: np.ndarray, gemm: Gemm) -> np.ndarray:
    """Pack images [batch, 3, height, width] of ``gemm`` to [batch, channels, height, width] of the packed product.

    Channel (dy * s + dx) * 3 + c is channel c of the pixel (dy, dx) of each block.
    """
    import numpy as np

    convolution = gemm.convolution
    if convolution is None or not _packs(gemm, convolution):
        return images
    top, left, _, _ = convolution.padding
    kernel, (sy, sx) = _kernel(convolution), convolution.stride
    height, width = convolution.out_height - 1 + kernel[0], convolution.out_width - 1 + kernel[1]
    batch, channels = images.shape[:2]
    blocks: np.ndarray = np.zeros((batch, channels, height * sy, width * sx), images.dtype)
    seen = images[:, :, : max(0, height * sy - top), : max(0, width * sx - left)]
    blocks[:, :, top : top + seen.shape[2], left : left + seen.shape[3]] = seen
    pixels = blocks.reshape(batch, channels, height, sy, width, sx).transpose(0, 3, 5, 1, 2, 4)
    return pixels.reshape(batch, sy * sx * channels, height, width)


def pack_weights_to_depth(w: np.ndarray, gemm: Gemm) -> np.ndarray:
    """Pack weights [1, K, N] of ``gemm`` to [1, K, N] of the packed product, zero where the kernel does not reach."""
    import numpy as np

    convolution = gemm.convolution
    if convolution is None or not _packs(gemm, convolution):
        return w
    kernel, (sy, sx), (dy, dx) = _kernel(convolution), convolution.stride, convolution.dilation
    channels, filters = convolution.channels, w.shape[2]
    blocks: np.ndarray = np.zeros((channels, kernel[0] * sy, kernel[1] * sx, filters), w.dtype)
    reached = blocks[:, : (convolution.kernel[0] - 1) * dy + 1 : dy, : (convolution.kernel[1] - 1) * dx + 1 : dx]
    reached[:] = w.reshape(channels, *convolution.kernel, filters)
    pixels = blocks.reshape(channels, kernel[0], sy, kernel[1], sx, filters).transpose(2, 4, 0, 1, 3, 5)
    return pixels.reshape(1, -1, filters)


def _packs(gemm: Gemm, convolution: Convolution) -> bool:
    return convolution.channels == IMAGE_CHANNELS and gemm.groups == 1 and min(convolution.stride) > 1


def _kernel(convolution: Convolution) -> tuple[int, int]:
    """Rows and columns of blocks that a kernel reaches over."""
    (ky, kx), (sy, sx), (dy, dx) = convolution.kernel, convolution.stride, convolution.dilation
    return ceil_div((ky - 1) * dy + 1, sy), ceil_div((kx - 1) * dx + 1, sx)
