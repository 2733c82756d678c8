"""Layer types of a workload file: their fields, the shape that each gives, and its parameters."""

from accelsim.workload.layers.base import BitWidth, Fraction, Function, GivenMapping, Windowed
from accelsim.workload.layers.kinds import (
    Activation,
    AnyLayer,
    Conv2d,
    Elementwise,
    Embedding,
    GlobalAvgPool,
    Linear,
    Matmul,
    Norm,
    Pool,
    Softmax,
)
from accelsim.workload.layers.shapes import AnyShape, Features, Image, Shape, Tokens, count_channels, set_channels

__all__ = [
    "Activation",
    "AnyLayer",
    "AnyShape",
    "BitWidth",
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
    "Shape",
    "Softmax",
    "Tokens",
    "Windowed",
    "count_channels",
    "set_channels",
]
