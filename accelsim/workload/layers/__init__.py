"""Layer types of a workload file: their fields, the shape that each gives, and its parameters."""

from accelsim.workload.layers.base import BitWidth, Fraction, Function, GivenMapping, Windowed
from accelsim.workload.layers.kinds import (
    Activation,
    AnyLayer,
    ChannelShuffle,
    Concat,
    Elementwise,
    Embedding,
    GlobalAvgPool,
    Norm,
    Pool,
    Reshape,
    Softmax,
    Split,
    Upsample,
)
from accelsim.workload.layers.products import Conv2d, Linear, Matmul
from accelsim.workload.layers.shapes import AnyShape, Features, Image, Shape, Tokens, count_channels, set_channels

__all__ = [
    "Activation",
    "AnyLayer",
    "AnyShape",
    "BitWidth",
    "ChannelShuffle",
    "Concat",
    "Conv2d",
    "Elementwise",
    "Embedding",
    "Features",
    "Fraction",
    "Function",
    "GivenMapping",
    "GlobalAvgPool",
    "Image",
    "Linear",
    "Matmul",
    "Norm",
    "Pool",
    "Reshape",
    "Shape",
    "Softmax",
    "Split",
    "Tokens",
    "Upsample",
    "Windowed",
    "count_channels",
    "set_channels",
]
