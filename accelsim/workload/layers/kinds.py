"""The layer types: their fields, the shape that each gives, its parameters and MACs."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from accelsim.config import Count, Size
from accelsim.workload.layers.base import Function, Layer, Windowed, shape_or_flatten
from accelsim.workload.layers.shapes import (
    AnyShape,
    Features,
    Image,
    Shape,
    Tokens,
    count_channels,
    require_image,
    set_channels,
)


class Conv2d(Windowed):
    """Convolution, grouped where ``groups`` > 1; depthwise where groups equal the channels."""

    type: Literal["conv2d"]
    out_channels: Size
    groups: Size = 1
    bias: bool | None = None  #: default: only without batch_norm
    batch_norm: bool = False  #: folded into the weights at run time
    activation: Function = "none"

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
        """As stated; by default only where no batch norm follows."""
        return not self.batch_norm if self.bias is None else self.bias

    def reduction(self, shape: AnyShape) -> int:
        """Products that make one value of the result."""
        return count_channels(shape) // self.groups * math.prod(self.kernel)

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.out_channels * (self.reduction(inputs[0]) + int(self.has_bias) + 2 * int(self.batch_norm))

    def macs(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.output(inputs).elements * self.reduction(inputs[0])


class Linear(Layer):
    """Fully connected; per token on a sequence, over the flattened image otherwise."""

    type: Literal["linear"]
    out_features: Size
    bias: bool = True
    activation: Function = "none"

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if isinstance(inputs[0], Tokens):
            return Tokens(tokens=inputs[0].tokens, features=self.out_features)
        return Features(features=self.out_features)

    def in_features(self, shape: AnyShape) -> int:
        """Length of the vectors that the weights multiply."""
        return shape.features if isinstance(shape, Tokens) else shape.elements

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.out_features * (self.in_features(inputs[0]) + int(self.bias))

    def macs(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.out_features * inputs[0].elements


class Matmul(Layer):
    """``repeat`` products m x k by k x n of two computed operands, or of one and stored ``weights``."""

    type: Literal["matmul"]
    m: Size
    k: Size
    n: Size
    repeat: Size = 1
    weights: bool = False
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


class Pool(Windowed):
    """Largest or mean value of each window."""

    type: Literal["max_pool", "avg_pool"]

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        image = require_image(inputs[0], self.type)
        height, width = self.windows(image)
        return Image(channels=image.channels, height=height, width=width)


class GlobalAvgPool(Layer):
    """Mean over all positions."""

    type: Literal["global_avg_pool"]

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        return Features(features=count_channels(inputs[0]))


class Elementwise(Layer):
    """Sum or product of its inputs; a single position is spread over all."""

    type: Literal["add", "mul"]
    activation: Function = "none"
    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int] = 16

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        widest = max(inputs, key=lambda shape: shape.elements)
        for shape in inputs:
            spread = shape.elements == count_channels(shape)
            same = shape == widest if type(shape) is type(widest) else shape.elements == widest.elements
            if count_channels(shape) != count_channels(widest) or not (same or spread):
                raise ValueError(f"{self.type} of {' and '.join(map(str, inputs))}: shapes must agree")
        return widest


class Concat(Layer):
    """Its inputs side by side along channels or features."""

    type: Literal["concat"]
    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int] = 64
    is_view: ClassVar[bool] = True

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if len({set_channels(shape, 1) for shape in inputs}) > 1:
            raise ValueError(f"concat of {' and '.join(map(str, inputs))}: all but the channels must agree")
        return set_channels(inputs[0], sum(map(count_channels, inputs)))


class Activation(Layer):
    """A function of each element."""

    type: Literal["activation"]
    function: Function


class Softmax(Layer):
    """Over channels or features; ``groups`` of them side by side (heads) each by itself."""

    type: Literal["softmax"]
    groups: Size = 1

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if count_channels(inputs[0]) % self.groups:
            raise ValueError(f"groups: {self.groups} do not divide {count_channels(inputs[0])} features")
        return inputs[0]


class Norm(Layer):
    """Batch normalization by stored scale and shift; layer normalization over features, rms_norm without a shift."""

    type: Literal["batch_norm", "layer_norm", "rms_norm"]

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        stored = {"batch_norm": 2, "layer_norm": 2, "rms_norm": 1}[self.type]  # scale and shift, or a scale alone
        return stored * count_channels(inputs[0])


class Embedding(Layer):
    """One row of a table of ``rows`` x ``features`` for each token."""

    type: Literal["embedding"]
    rows: Size
    features: Size

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if not isinstance(inputs[0], Tokens) or inputs[0].features != 1:
            raise ValueError(f"embedding needs tokens of one feature (their numbers), its input is {inputs[0]}")
        return Tokens(tokens=inputs[0].tokens, features=self.features)

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.rows * self.features


class Reshape(Layer):
    """The same elements in another shape."""

    type: Literal["reshape"]
    to: Annotated[Shape | Literal["flatten"], BeforeValidator(shape_or_flatten)]
    is_view: ClassVar[bool] = True

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if self.to == "flatten":
            return Features(features=inputs[0].elements)
        if self.to.elements != inputs[0].elements:
            raise ValueError(f"to: {self.to} has {self.to.elements} elements, the input {inputs[0].elements}")
        return self.to


class Upsample(Layer):
    """Each pixel repeated ``factor`` times in both directions."""

    type: Literal["upsample"]
    factor: Size

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        image = require_image(inputs[0], "upsample")
        return Image(channels=image.channels, height=image.height * self.factor, width=image.width * self.factor)


class ChannelShuffle(Layer):
    """Channels of ``groups`` interleaved; only the order in which the next layer reads them changes."""

    type: Literal["channel_shuffle"]
    groups: Size
    is_view: ClassVar[bool] = True

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if count_channels(inputs[0]) % self.groups:
            raise ValueError(f"groups: {self.groups} do not divide {count_channels(inputs[0])} channels")
        return inputs[0]


class Split(Layer):
    """Part number ``part`` of ``parts`` equal slices of the channels."""

    type: Literal["split"]
    parts: Size
    part: Count
    is_view: ClassVar[bool] = True

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        width = count_channels(inputs[0])
        if width % self.parts or self.part >= self.parts:
            raise ValueError(f"part {self.part} of {self.parts} does not exist in {width} channels")
        return set_channels(inputs[0], width // self.parts)


AnyLayer = Annotated[
    Conv2d
    | Linear
    | Matmul
    | Pool
    | GlobalAvgPool
    | Elementwise
    | Concat
    | Activation
    | Softmax
    | Norm
    | Embedding
    | Reshape
    | Upsample
    | ChannelShuffle
    | Split,
    Field(discriminator="type"),
]
