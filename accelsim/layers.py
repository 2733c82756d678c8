"""Layer types of a workload file: their fields, the shape that each gives, and its parameters."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from accelsim.config import Count, Name, Size, Value


class Image(Value):
    """Channels x height x width."""

    channels: Size
    height: Size
    width: Size

    @property
    def elements(self) -> int:
        return self.channels * self.height * self.width

    def __str__(self) -> str:
        return f"{self.channels}x{self.height}x{self.width}"


class Tokens(Value):
    """A sequence of feature vectors."""

    tokens: Size
    features: Size

    @property
    def elements(self) -> int:
        return self.tokens * self.features

    def __str__(self) -> str:
        return f"{self.tokens}x{self.features}"


class Features(Value):
    """One feature vector."""

    features: Size

    @property
    def elements(self) -> int:
        return self.features

    def __str__(self) -> str:
        return str(self.features)


def _shape_kind(data: Any) -> str:
    if isinstance(data, Value):
        return type(data).__name__.lower()
    keys = data if isinstance(data, dict) else {}
    return "tokens" if "tokens" in keys else "features" if "features" in keys else "image"


AnyShape = Image | Tokens | Features
Shape = Annotated[
    Annotated[Image, Tag("image")] | Annotated[Tokens, Tag("tokens")] | Annotated[Features, Tag("features")],
    Discriminator(_shape_kind),
]


def width_of(shape: AnyShape) -> int:
    """Channels or features: what a position holds."""
    return shape.channels if isinstance(shape, Image) else shape.features


def with_width(shape: AnyShape, width: int) -> AnyShape:
    """shape with another number of channels or features."""
    return shape.model_copy(update={"channels" if isinstance(shape, Image) else "features": width})


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _pair(value: Any) -> Any:
    if _is_int(value):
        return (value, value)
    if isinstance(value, list | tuple) and len(value) == 2:
        return tuple(value)
    raise PydanticCustomError("pair", "should be a whole number or [vertical, horizontal]")


def _padding(value: Any) -> Any:
    if _is_int(value):
        return (value,) * 4
    if isinstance(value, list | tuple) and len(value) in (2, 4):
        return (*value, *value)[:4]
    if value == "same":
        return value
    raise PydanticCustomError(
        "padding", "should be a whole number, [vertical, horizontal], [top, left, bottom, right] or same"
    )


def _names(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str) else value


Pair = Annotated[tuple[Size, Size], BeforeValidator(_pair)]
Padding = Annotated[tuple[Count, Count, Count, Count] | Literal["same"], BeforeValidator(_padding)]
Function = Literal[
    "none", "relu", "relu6", "leaky_relu", "sigmoid", "tanh", "gelu", "swish", "hard_swish", "hard_sigmoid"
]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Bits = Annotated[int, Field(ge=1, le=32)]


class Layer(Value):
    """What every layer may say. ``input`` names layers, or ``input`` for the network's own; default the one before."""

    name: Name
    input: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    input_shape: Shape | None = None  #: a stand-alone layer: what it reads from memory
    activation_bits: Bits | None = None
    weight_bits: Bits | None = None
    weight_sparsity: Fraction | None = None
    executed: bool = True  #: false: stored with the network but not run, as a head that the task does not use

    least_inputs: ClassVar[int] = 1
    most_inputs: ClassVar[int] = 1
    is_view: ClassVar[bool] = False  #: names data that lie in memory already

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        """Shape of the result; raises ValueError where the inputs do not fit."""
        return inputs[0]

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        """Stored weights, biases and batch-norm scales and shifts."""
        return 0

    def macs(self, inputs: tuple[AnyShape, ...]) -> int:
        """Multiplications of one inference that a matrix engine does."""
        return 0


def _image(shape: AnyShape, kind: str) -> Image:
    if not isinstance(shape, Image):
        raise ValueError(f"{kind} needs an image (channels x height x width), its input is {shape}")
    return shape


class Windowed(Layer):
    """A layer that slides a window over an image."""

    kernel: Pair
    stride: Pair | None = None
    padding: Padding = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    ceil_mode: bool = False

    @property
    def strides(self) -> tuple[int, int]:
        """Stride; pooling's default is its kernel."""
        return self.stride or self.kernel

    def pads(self, image: Image) -> tuple[int, int, int, int]:
        """Padding as top, left, bottom, right; ``same`` puts the odd pixel at bottom and right."""
        if self.padding != "same":
            return self.padding
        total = [
            max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
            for size, k, s, d in zip(
                (image.height, image.width), self.kernel, self.strides, self.dilation, strict=True
            )
        ]
        return (total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2)

    def windows(self, image: Image) -> tuple[int, int]:
        """Rows and columns of the result."""
        top, left, bottom, right = self.pads(image)
        return (
            self._positions(image.height, top, bottom, axis=0),
            self._positions(image.width, left, right, axis=1),
        )

    def _positions(self, size: int, before: int, after: int, axis: int) -> int:
        extent = (self.kernel[axis] - 1) * self.dilation[axis] + 1
        room = size + before + after - extent
        stride = self.strides[axis]
        if room < 0:
            raise ValueError(f"kernel covers {extent} pixels, more than the padded input's {size + before + after}")
        if not self.ceil_mode:
            return room // stride + 1
        count = -(-room // stride) + 1
        return count - 1 if (count - 1) * stride >= size + before else count  # no window starts in the padding


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
        image = _image(inputs[0], "conv2d")
        if image.channels % self.groups:
            raise ValueError(f"groups: {self.groups} do not divide the input's {image.channels} channels")
        height, width = self.windows(image)
        return Image(channels=self.out_channels, height=height, width=width)

    @property
    def has_bias(self) -> bool:
        """As stated; by default only where no batch norm follows."""
        return not self.batch_norm if self.bias is None else self.bias

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        weights = self.out_channels * width_of(inputs[0]) // self.groups * math.prod(self.kernel)
        return weights + self.out_channels * (int(self.has_bias) + 2 * int(self.batch_norm))

    def macs(self, inputs: tuple[AnyShape, ...]) -> int:
        reduction = width_of(inputs[0]) // self.groups * math.prod(self.kernel)
        return self.output(inputs).elements * reduction


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
        image = _image(inputs[0], self.type)
        height, width = self.windows(image)
        return Image(channels=image.channels, height=height, width=width)


class GlobalAvgPool(Layer):
    """Mean over all positions."""

    type: Literal["global_avg_pool"]

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        return Features(features=width_of(inputs[0]))


class Elementwise(Layer):
    """Sum or product of its inputs; a single position is spread over all."""

    type: Literal["add", "mul"]
    activation: Function = "none"
    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int] = 16

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        widest = max(inputs, key=lambda shape: shape.elements)
        for shape in inputs:
            spread = shape.elements == width_of(shape) == width_of(widest)
            if shape != widest and not spread and shape.elements != widest.elements:
                raise ValueError(f"{self.type} of {' and '.join(map(str, inputs))}: shapes must agree")
        return widest


class Concat(Layer):
    """Its inputs side by side along channels or features."""

    type: Literal["concat"]
    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int] = 64
    is_view: ClassVar[bool] = True

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if len({str(with_width(shape, 1)) + type(shape).__name__ for shape in inputs}) > 1:
            raise ValueError(f"concat of {' and '.join(map(str, inputs))}: all but the channels must agree")
        return with_width(inputs[0], sum(map(width_of, inputs)))


class Activation(Layer):
    """A function of each element."""

    type: Literal["activation"]
    function: Function


class Softmax(Layer):
    """Over channels or features; ``groups`` of them side by side (heads) each by itself."""

    type: Literal["softmax"]
    groups: Size = 1

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if width_of(inputs[0]) % self.groups:
            raise ValueError(f"groups: {self.groups} do not divide {width_of(inputs[0])} features")
        return inputs[0]


class Norm(Layer):
    """Batch normalization by stored scale and shift; layer normalization over features, rms_norm without a shift."""

    type: Literal["batch_norm", "layer_norm", "rms_norm"]

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        return (1 if self.type == "rms_norm" else 2) * width_of(inputs[0])


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
    to: Shape | Literal["flatten"]
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
        image = _image(inputs[0], "upsample")
        return image.model_copy(update={"height": image.height * self.factor, "width": image.width * self.factor})


class ChannelShuffle(Layer):
    """Channels of ``groups`` interleaved; only the order in which the next layer reads them changes."""

    type: Literal["channel_shuffle"]
    groups: Size
    is_view: ClassVar[bool] = True

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        if width_of(inputs[0]) % self.groups:
            raise ValueError(f"groups: {self.groups} do not divide {width_of(inputs[0])} channels")
        return inputs[0]


class Split(Layer):
    """Part number ``part`` of ``parts`` equal slices of the channels."""

    type: Literal["split"]
    parts: Size
    part: Count
    is_view: ClassVar[bool] = True

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        width = width_of(inputs[0])
        if width % self.parts or self.part >= self.parts:
            raise ValueError(f"part {self.part} of {self.parts} does not exist in {width} channels")
        return with_width(inputs[0], width // self.parts)


AnyLayer = Annotated[
    Conv2d | Linear | Matmul | Pool | GlobalAvgPool | Elementwise | Concat | Activation | Softmax | Norm
    | Embedding | Reshape | Upsample | ChannelShuffle | Split,
    Field(discriminator="type"),
]  # fmt: skip
