"""Layers as matrix products: out[M,N] = A[M,K] . W[K,N], a product for each group of a convolution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, assert_never

from accelsim.config import UserError
from accelsim.config.integers import ceil_div
from accelsim.hardware.sparsity import Pattern
from accelsim.workload.layers import (
    Activation,
    ChannelShuffle,
    Concat,
    Conv2d,
    Elementwise,
    Embedding,
    GlobalAvgPool,
    Image,
    Linear,
    Matmul,
    Norm,
    Pool,
    Reshape,
    Softmax,
    Split,
    Upsample,
)
from accelsim.workload.network import Node, Workload

if TYPE_CHECKING:
    import numpy as np

INT64_MAX = 2**63 - 1
WIDEST_BITS = 64  # of a sum, for which sizes are checked


@dataclass(frozen=True, slots=True)
class Convolution:
    """The convolution that a Gemm comes from; sizes in pixels, pairs are vertical and horizontal."""

    batch: int  #: images
    channels: int  #: of one group
    height: int  #: of the input, without padding
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]  #: top, left, bottom, right
    dilation: tuple[int, int]
    out_height: int
    out_width: int


@dataclass(frozen=True, slots=True)
class Gemm:
    """``groups`` independent products of M x K activations by K x N weights, which run one after the other.

    K runs over channels, then kernel rows, then kernel columns; M over images, then output rows, then columns.

    Raises: UserError where counts of this product could leave int64.
    """

    m: int
    k: int
    n: int
    groups: int = 1
    activation_bits: int = 8
    weight_bits: int = 8
    output_bits: int = 8
    weights_stored: bool = True  #: false where the second operand is itself computed, as in attention
    biased: bool = False  #: a start value of 32 bits for each output column comes with the weights
    convolution: Convolution | None = None  #: None for a product that comes from no convolution
    activation_signed: bool | None = None  #: None: signed where a value is negative
    weight_sparsity: float | None = None  #: share of weights that are zero, wherever they stand; None: not stated
    sparsity_stated: bool = False  #: the layer itself states its sparsity, and no pattern applies to it
    pattern: Pattern | None = None  #: the pattern in which weights are stored and executed, group by group along K

    def __post_init__(self) -> None:
        if min(self.m, self.k, self.n, self.groups) < 1:
            raise UserError(f"{self._sizes()}: sizes of a product must be 1 or more")
        if self.macs > INT64_MAX:
            raise UserError(f"{self._sizes()}: the MACs do not fit a 64-bit count; allowed: at most {INT64_MAX}")
        if max(self.m * self.k, self.k * self.n, self.m * self.n) * WIDEST_BITS > INT64_MAX:
            problem = f"{self._sizes()}: the bits of an operand do not fit a 64-bit count"
            raise UserError(f"{problem}; allowed: at most {INT64_MAX}")

    def _sizes(self) -> str:
        return f"M={self.m}, K={self.k}, N={self.n}, groups={self.groups}"

    @property
    def macs(self) -> int:
        """Multiplications of all groups."""
        return self.m * self.k * self.n * self.groups

    @property
    def stored_weight_bits(self) -> int:
        """Bits of one stored weight, with its index in the pattern if there is one."""
        return self.weight_bits + (self.pattern.index_bits if self.pattern else 0)

    @property
    def executed_k(self) -> int:
        """Multiplications for one output, without those by a zero that the pattern leaves out."""
        if self.pattern is None:
            return self.k
        groups, rest = divmod(self.k, self.pattern.group)
        return groups * self.pattern.kept + min(rest, self.pattern.kept)

    def weight_column_bits(self, k: Any) -> Any:
        """Bits that k weights of one filter take in memory; k is an integer or an integer array."""
        return self.stored_weights(k) * self.stored_weight_bits

    def stored_weights(self, k: Any) -> Any:
        """Weights that are stored of k weights of one filter; k is an integer or an integer array."""
        return self.pattern.stored(k) if self.pattern else k


def cut_bands(gemm: Gemm, bands: int) -> list[Gemm]:
    """Cut a convolution of one image into bands of output rows, each with the input rows that it reads.

    There are at most ``bands`` of them. Raises: ValueError for a product that is no convolution.
    """
    conv = gemm.convolution
    if conv is None:
        raise ValueError("only a convolution has rows")
    tall = ceil_div(conv.out_height, bands)
    extent = (conv.kernel[0] - 1) * conv.dilation[0] + 1
    parts = []
    for first in range(0, conv.out_height, tall):
        last = min(first + tall, conv.out_height) - 1
        above, below = first * conv.stride[0] - conv.padding[0], last * conv.stride[0] - conv.padding[0] + extent
        top, bottom = max(-above, 0), max(below - conv.height, 0)
        height = max(min(below, conv.height) - max(above, 0), 1)
        padding = (top, conv.padding[1], bottom, conv.padding[3])
        part = replace(conv, height=height, padding=padding, out_height=last - first + 1)
        parts.append(replace(gemm, m=part.out_height * conv.out_width, convolution=part))
    return parts


def apply_pattern(gemm: Gemm, pattern: Pattern | None) -> Gemm:
    """Put a product's weights in a pattern, unless they are computed or the layer states their sparsity."""
    if pattern is None or not gemm.weights_stored or gemm.sparsity_stated:
        return gemm
    return replace(gemm, pattern=pattern, weight_sparsity=None)


class OperandBits(NamedTuple):
    """Stored widths of a layer's operands and of its result, in bits."""

    activation: int
    weight: int
    output: int


def find_operand_widths(workload: Workload, default: int) -> list[OperandBits]:
    """Find the widths of each layer: its own, else the network's, else ``default``.

    A result is as wide as the widest activation that an executed layer reads of it. A view stores nothing, and is as
    wide as its readers want it.
    """
    file = workload.file
    activation = [node.layer.activation_bits or file.activation_bits or default for node in workload.nodes]
    output = [0] * len(activation)
    for index, node in reversed(list(enumerate(workload.nodes))):
        if node.layer.is_view and node.layer.activation_bits is None:
            activation[index] = output[index] or activation[index]
        for producer in node.producers:
            if producer is not None and node.layer.executed:
                output[producer] = max(output[producer], activation[index])
    weight = [node.layer.weight_bits or file.weight_bits or default for node in workload.nodes]
    return [OperandBits(a, w, o or a) for a, w, o in zip(activation, weight, output, strict=True)]


def lower_to_gemm(node: Node, batch: int, bits: OperandBits, weight_sparsity: float | None = None) -> Gemm | None:
    """Lower a layer to its matrix product; None for a layer that has none.

    ``weight_sparsity`` is the network's share of zeros among stored weights; a layer's own counts instead.
    """
    gemm = _gemm(node, batch, bits)
    if gemm is None:
        return None
    own = node.layer.weight_sparsity
    sparsity = (weight_sparsity if own is None else own) if gemm.weights_stored else None
    signed = node.layer.activation_signed
    return replace(gemm, activation_signed=signed, weight_sparsity=sparsity, sparsity_stated=own is not None)


def _gemm(node: Node, batch: int, bits: OperandBits) -> Gemm | None:
    """The product of a layer, without what the layer says about its operands; None where there is none."""
    layer = node.layer
    match layer:
        case Conv2d():
            return _convolution(layer, node, batch, bits)
        case Linear():
            k = layer.in_features(node.inputs[0])
            m = batch * (node.inputs[0].elements // k)
            return Gemm(m, k, layer.out_features, 1, *bits, biased=layer.bias)
        case Matmul():
            return _matmul(layer, batch, bits)
        case Pool() | GlobalAvgPool() | Elementwise() | Activation() | Softmax() | Norm():  # the vector unit's work
            return None
        case Concat() | Reshape() | ChannelShuffle() | Split() | Embedding() | Upsample():  # moves data
            return None
        case _:
            assert_never(layer)


def _matmul(layer: Matmul, batch: int, bits: OperandBits) -> Gemm:
    """The products of a matmul: a batch shares stored weights, and has computed operands of its own."""
    if layer.weights:
        return Gemm(layer.m * batch, layer.k, layer.n, layer.repeat, *bits)
    both = (bits.activation, bits.activation, bits.output)
    return Gemm(layer.m, layer.k, layer.n, layer.repeat * batch, *both, weights_stored=False)


def _convolution(layer: Conv2d, node: Node, batch: int, bits: OperandBits) -> Gemm:
    """The products of a convolution, one for each of its groups."""
    image, result = node.inputs[0], node.output
    if not isinstance(image, Image) or not isinstance(result, Image):
        raise TypeError(f"convolution {layer.name} of {image} to {result}")
    channels = image.channels // layer.groups
    convolution = Convolution(
        batch=batch,
        channels=channels,
        height=image.height,
        width=image.width,
        kernel=layer.kernel,
        stride=layer.strides,
        padding=layer.pads(image),
        dilation=layer.dilation,
        out_height=result.height,
        out_width=result.width,
    )
    return Gemm(
        m=batch * result.height * result.width,
        k=layer.reduction(image),
        n=layer.out_channels // layer.groups,
        groups=layer.groups,
        activation_bits=bits.activation,
        weight_bits=bits.weight,
        output_bits=bits.output,
        biased=layer.has_bias or layer.batch_norm,
        convolution=convolution,
    )


def im2col(images: np.ndarray, convolution: Convolution) -> np.ndarray:
    """Unfold images, integers[batch, groups * channels, height, width], into the A operand: integers[groups, M, K]."""
    import numpy as np

    c = convolution
    top, left, bottom, right = c.padding
    padded = np.pad(images, ((0, 0), (0, 0), (top, bottom), (left, right)))
    # with ceil_mode windows may reach past the padding, where they read zeros as well
    extent = [
        (n - 1) * s + (k - 1) * d + 1
        for n, s, k, d in zip((c.out_height, c.out_width), c.stride, c.kernel, c.dilation, strict=True)
    ]
    short = [max(0, want - have) for want, have in zip(extent, padded.shape[2:], strict=True)]
    padded = np.pad(padded, ((0, 0), (0, 0), (0, short[0]), (0, short[1])))
    patches = np.empty(
        (c.batch, images.shape[1], c.kernel[0], c.kernel[1], c.out_height, c.out_width), dtype=images.dtype
    )
    for ky in range(c.kernel[0]):
        for kx in range(c.kernel[1]):
            y, x = ky * c.dilation[0], kx * c.dilation[1]
            rows = slice(y, y + (c.out_height - 1) * c.stride[0] + 1, c.stride[0])
            columns = slice(x, x + (c.out_width - 1) * c.stride[1] + 1, c.stride[1])
            patches[:, :, ky, kx] = padded[:, :, rows, columns]
    groups = images.shape[1] // c.channels
    grouped = patches.reshape(c.batch, groups, c.channels * c.kernel[0] * c.kernel[1], c.out_height * c.out_width)
    return grouped.transpose(1, 0, 3, 2).reshape(groups, -1, grouped.shape[2])
