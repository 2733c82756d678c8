"""Layer types with a matrix product: convolution, fully connected, products of matrices."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import model_validator

from accelsim.config import Size
from accelsim.workload.layers.base import Function, Layer, Windowed
from accelsim.workload.layers.shapes import AnyShape, Features, Image, Tokens, count_channels, require_image


class Conv2d(Windowed):
    """A convolution; it is depthwise where ``groups`` equals the number of channels."""

    type: Literal["conv2d"]
    """Type of the layer: a convolution."""
    out_channels: Size
    """Number of filters, the channels of the result."""
    groups: Size = 1
    """Number of groups into which channels and filters are divided."""
    bias: bool | None = None
    """Whether a bias is added; by default only without batch_norm."""
    batch_norm: bool = False
    """Whether batch normalization follows, folded into the weights when the network runs."""
    activation: Function = "none"
    """Activation function of the result."""

    @property
    def strides(self) -> tuple[int, int]:
        return self.stride or (1, 1)

    @model_validator(mode="after")
    def _groups_divide(self) -> Conv2d:
        if self.out_channels % self.groups:
            raise ValueError(f"groups: {self.groups} do not divide out_channels {self.out_channels}")
        return self

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        image = require_image(inputs[0], "conv2d")
        if image.channels % self.groups:
            raise ValueError(f"groups: {self.groups} do not divide the input's {image.channels} channels")
        height, width = self.windows(image)
        return Image(channels=self.out_channels, height=height, width=width)

    @property
    def has_bias(self) -> bool:
        """Whether a bias is added: as stated, by default only where no batch normalization follows."""
        return not self.batch_norm if self.bias is None else self.bias

    def reduction(self, shape: AnyShape) -> int:
        """Number of products that make one value of the result."""
        return count_channels(shape) // self.groups * math.prod(self.kernel)

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.out_channels * (self.reduction(inputs[0]) + int(self.has_bias) + 2 * int(self.batch_norm))

    def macs(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.output(inputs).elements * self.reduction(inputs[0])


class Linear(Layer):
    """A fully connected layer: for each token of a sequence, else over the flattened image."""

    type: Literal["linear"]
    """Type of the layer: a fully connected layer."""
    out_features: Size
    """Number of features of the result."""
    bias: bool = True
    """Whether a bias is added."""
    activation: Function = "none"
    """Activation function of the result."""

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if isinstance(inputs[0], Tokens):
            return Tokens(tokens=inputs[0].tokens, features=self.out_features)
        return Features(features=self.out_features)

    def in_features(self, shape: AnyShape) -> int:
        """Number of features that the weights multiply."""
        return shape.features if isinstance(shape, Tokens) else shape.elements

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.out_features * (self.in_features(inputs[0]) + int(self.bias))

    def macs(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.out_features * inputs[0].elements


class Matmul(Layer):
    """Matrix products m x k by k x n of two computed operands, or of one and stored weights; it may read nothing."""

    type: Literal["matmul"]
    """Type of the layer: matrix products."""
    m: Size
    """Number of rows of the first operand, M."""
    k: Size
    """Number of columns of the first operand and of rows of the second, K."""
    n: Size
    """Number of columns of the second operand, N."""
    repeat: Size = 1
    """Number of such products, attention heads for example."""
    weights: bool = False
    """Whether the second operand is stored with the network; if not, it is computed."""
    least_inputs: ClassVar[int] = 0
    most_inputs: ClassVar[int] = 2

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if self.weights and len(inputs) > 1:
            raise ValueError(f"weights: the second operand is either stored or read, got {len(inputs)} inputs")
        wanted = (self.m * self.k * self.repeat, self.k * self.n * self.repeat)
        for shape, elements, letters in zip(inputs, wanted, ("m x k", "k x n"), strict=False):
            if shape.elements != elements:
                raise ValueError(f"{letters} x repeat is {elements} elements, its input {shape} has {shape.elements}")
        return Tokens(tokens=self.m, features=self.n * self.repeat)

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.k * self.n * self.repeat if self.weights else 0

    def macs(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.m * self.k * self.n * self.repeat
