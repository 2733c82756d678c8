"""First layers packed for engines that want many channels: space to depth, so that three channels become 3 s^2.

A convolution with a stride of s sees each pixel of a block of s x s at a kernel position of its own. Blocks become
pixels, their pixels channels, and the stride is gone; where the kernel does not reach, weights are zero.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from accelsim.engines.counts import ActionCounts
from accelsim.workload.gemm import Convolution, Gemm

if TYPE_CHECKING:
    import numpy as np

IMAGE_CHANNELS = 3  # red, green, blue


def pack_space_to_depth(gemm: Gemm) -> Gemm:
    """The same product as a convolution of stride 1 over more channels, padding included in the image.

    Only an ungrouped convolution of three channels, with strides above 1 both ways, is packed; others come back as
    they are. Its ``macs`` include those with zero weights: see ``useful``.
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


def useful(counts: ActionCounts, gemm: Gemm) -> ActionCounts:
    """Counts of a packed product with the MACs of the one it stands for."""
    return replace(counts, macs=gemm.macs)


def packed_images(images: np.ndarray, gemm: Gemm) -> np.ndarray:
    """Images [batch, 3, height, width] of ``gemm`` -> those of ``packed(gemm)``.

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


def packed_weights(w: np.ndarray, gemm: Gemm) -> np.ndarray:
    """Weights [1, K, N] of ``gemm`` -> those of ``packed(gemm)``, zero where the kernel does not reach."""
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
    """Blocks that a kernel reaches over."""
    (ky, kx), (sy, sx), (dy, dx) = convolution.kernel, convolution.stride, convolution.dilation
    return -(-((ky - 1) * dy + 1) // sy), -(-((kx - 1) * dx + 1) // sx)
