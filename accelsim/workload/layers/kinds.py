"""Layer types without a matrix product, and the union of all types that a workload file may name."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from accelsim.config import Count, Size
from accelsim.workload.layers.base import Function, Layer, Windowed, shape_or_flatten
from accelsim.workload.layers.products import Conv2d, Linear, Matmul
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


class Pool(Windowed):
    """Pooling: the largest value (max_pool) or the mean (avg_pool) of each window."""

    type: Literal["max_pool", "avg_pool"]
    """Type of the layer: pooling by the largest value or the mean."""

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        image = require_image(inputs[0], self.type)
        height, width = self.windows(image)
        return Image(channels=image.channels, height=height, width=width)


class GlobalAvgPool(Layer):
    """The mean over all positions of each channel."""

    type: Literal["global_avg_pool"]
    """Type of the layer: pooling over the whole image."""

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        return Features(features=count_channels(inputs[0]))


class Elementwise(Layer):
    """The sum (add) or the product (mul) of its inputs; an input of a single position is spread over all positions."""

    type: Literal["add", "mul"]
    """Type of the layer: sum or product."""
    activation: Function = "none"
    """Activation function of the result."""
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
    """The inputs side by side along channels or features."""

    type: Literal["concat"]
    """Type of the layer: concatenation."""
    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int] = 64
    is_view: ClassVar[bool] = True

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if len({set_channels(shape, 1) for shape in inputs}) > 1:
            raise ValueError(f"concat of {' and '.join(map(str, inputs))}: all but the channels must agree")
        return set_channels(inputs[0], sum(map(count_channels, inputs)))


class Activation(Layer):
    """An activation function of each element."""

    type: Literal["activation"]
    """Type of the layer: an activation function by itself."""
    function: Function
    """Activation function."""


class Softmax(Layer):
    """A softmax over channels or features."""

    type: Literal["softmax"]
    """Type of the layer: softmax."""
    groups: Size = 1
    """Number of groups (attention heads) into which the features are divided, each with a softmax of its own."""

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if count_channels(inputs[0]) % self.groups:
            raise ValueError(f"groups: {self.groups} do not divide {count_channels(inputs[0])} features")
        return inputs[0]


class Norm(Layer):
    """Normalization by stored scale and shift; layer_norm and rms_norm go over features, rms_norm without a shift."""

    type: Literal["batch_norm", "layer_norm", "rms_norm"]
    """Type of the layer: kind of normalization."""

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        stored = {"batch_norm": 2, "layer_norm": 2, "rms_norm": 1}[self.type]  # scale and shift, or a scale alone
        return stored * count_channels(inputs[0])


class Embedding(Layer):
    """A table of which each token takes one row."""

    type: Literal["embedding"]
    """Type of the layer: a table of embeddings."""
    rows: Size
    """Number of rows of the table, the size of the vocabulary."""
    features: Size
    """Number of features of a row."""

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if not isinstance(inputs[0], Tokens) or inputs[0].features != 1:
            raise ValueError(f"embedding needs tokens of one feature (their numbers), its input is {inputs[0]}")
        return Tokens(tokens=inputs[0].tokens, features=self.features)

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        return self.rows * self.features


class Reshape(Layer):
    """The same elements in another shape."""

    type: Literal["reshape"]
    """Type of the layer: another shape."""
    to: Annotated[Shape | Literal["flatten"], BeforeValidator(shape_or_flatten)]
    """Shape of the result: flatten, or a shape of as many elements."""
    is_view: ClassVar[bool] = True

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if self.to == "flatten":
            return Features(features=inputs[0].elements)
        if self.to.elements != inputs[0].elements:
            raise ValueError(f"to: {self.to} has {self.to.elements} elements, the input {inputs[0].elements}")
        return self.to


class Upsample(Layer):
    """A larger image, in which each pixel is repeated in both directions."""

    type: Literal["upsample"]
    """Type of the layer: upsampling."""
    factor: Size
    """Number of times that a pixel is repeated in each direction."""

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        image = require_image(inputs[0], "upsample")
        return Image(channels=image.channels, height=image.height * self.factor, width=image.width * self.factor)


class ChannelShuffle(Layer):
    """The channels of several groups interleaved; only the order in which the next layer reads them changes."""

    type: Literal["channel_shuffle"]
    """Type of the layer: channel shuffle."""
    groups: Size
    """Number of groups whose channels are interleaved."""
    is_view: ClassVar[bool] = True

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if count_channels(inputs[0]) % self.groups:
            raise ValueError(f"groups: {self.groups} do not divide {count_channels(inputs[0])} channels")
        return inputs[0]


class Split(Layer):
    """One of several equal slices of the channels."""

    type: Literal["split"]
    """Type of the layer: a slice of the channels."""
    parts: Size
    """Number of equal slices."""
    part: Count
    """Number of the slice that is the result, from 0."""
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
