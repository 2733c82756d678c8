"""The keys of every layer, and of those with a sliding window."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from accelsim.config import Count, Name, Size, Value
from accelsim.config.integers import ceil_div
from accelsim.workload.layers.shapes import AnyShape, Image, Shape


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
    if value is None or isinstance(value, list | tuple):
        return value if value is None else tuple(value)
    if isinstance(value, str):
        return (value,)
    raise PydanticCustomError("names", "should be the name of a layer or a list of names")


def shape_or_flatten(value: Any) -> Any:
    if isinstance(value, str) and value != "flatten":
        raise PydanticCustomError("target", "should be flatten or a shape")
    return value


Pair = Annotated[tuple[Size, Size], BeforeValidator(_pair)]
Padding = Annotated[tuple[Count, Count, Count, Count] | Literal["same"], BeforeValidator(_padding)]
Function = Literal[
    "none", "relu", "relu6", "leaky_relu", "sigmoid", "tanh", "gelu", "swish", "hard_swish", "hard_sigmoid"
]
Fraction = Annotated[float, Field(ge=0, lt=1)]
BitWidth = Annotated[int, Field(ge=1, le=32)]


class GivenMapping(Value):
    """Tile sizes and loop order of a matrix product, used instead of a search."""

    m: Size
    """Number of output pixels of a tile, M."""
    n: Size
    """Number of filters of a tile, N."""
    k: Size
    """Reduction length of a tile, K."""
    order: Literal["mnk", "mkn", "nmk", "nkm", "kmn", "knm"]
    """Loops over tiles, outermost first."""


class Layer(Value):
    """The keys of every layer."""

    name: Name
    """Name of the layer, by which other layers read it."""
    input: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    """Layer or list of layers whose results it reads, or input for the network's own input; by default the layer
    before it."""
    input_shape: Shape | None = None
    """Shape that the layer reads from memory outside the network, instead of input."""
    activation_bits: BitWidth | None = None
    """Width of the values that it reads, as stored, bits; by default the network's, else the engine's precision."""
    weight_bits: BitWidth | None = None
    """Width of its weights, as stored, bits; by default the network's, else the engine's precision."""
    activation_signed: bool | None = None
    """Whether values that it reads have a sign; by default only where a tensor of --tensors has a negative value."""
    weight_sparsity: Fraction | None = None
    """Share of its weights that are zero, wherever they stand; a layer that states it, 0 for example, is left out of
    an n:m pattern; by default the network's."""
    activation_zeros: Fraction | None = None
    """Share of zeros in values that it reads, for schedule.compress_activations; by default the network's, else 0."""
    mapping: GivenMapping | None = None
    """Tile sizes and loop order of its matrix product (conv2d, linear, matmul); by default a search finds them."""
    executed: bool = True
    """Whether the layer runs; if not, it is stored with the network, like a head that the task does not use."""

    least_inputs: ClassVar[int] = 1
    most_inputs: ClassVar[int] = 1
    is_view: ClassVar[bool] = False  #: its result is data that lie in memory already

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        """Shape of the result. Raises: ValueError where the inputs do not fit."""
        return inputs[0]

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        """Number of stored weights, biases, scales and shifts."""
        return 0

    def macs(self, inputs: tuple[AnyShape, ...]) -> int:
        """Number of multiplications of one inference that the matrix engine does."""
        return 0


class Windowed(Layer):
    """A layer that slides a window over an image."""

    kernel: Pair
    """Size of the window: a number, or [vertical, horizontal], pixels."""
    stride: Pair | None = None
    """Step of the window: a number, or [vertical, horizontal], pixels; by default 1 for a convolution and the size of
    the window for pooling."""
    padding: Padding = (0, 0, 0, 0)
    """Zeros around the image: a number, [vertical, horizontal], [top, left, bottom, right], pixels, or same."""
    dilation: Pair = (1, 1)
    """Distance between pixels of the window: a number, or [vertical, horizontal]."""
    ceil_mode: bool = False
    """Whether a last window that reaches over the padded edge counts."""

    @property
    def strides(self) -> tuple[int, int]:
        """Step of the window, vertical and horizontal, pixels; by default the size of the window."""
        return self.stride or self.kernel

    def pads(self, image: Image) -> tuple[int, int, int, int]:
        """Padding as top, left, bottom, right; ``same`` puts the odd pixel at bottom and right."""
        if self.padding != "same":
            return self.padding
        total = [
            max((ceil_div(size, s) - 1) * s + (k - 1) * d + 1 - size, 0)
            for size, k, s, d in zip((image.height, image.width), self.kernel, self.strides, self.dilation, strict=True)
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
        count = room // stride + 1
        if self.ceil_mode and room % stride and count * stride < size + before:
            count += 1  # reaches over the edge, but starts in front of the padding behind
        if count < 1:
            raise ValueError(f"kernel covers {extent} pixels, more than the padded input's {size + before + after}")
        return count
