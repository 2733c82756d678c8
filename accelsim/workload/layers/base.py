"""What every layer may say, and what those with a sliding window say besides."""

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
    """The value itself, if it is a mapping or ``flatten``. Raises: PydanticCustomError for another text."""
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
    """Tile sizes of a product and the order of its loops, outermost first, instead of a search."""

    m: Size
    n: Size
    k: Size
    order: Literal["mnk", "mkn", "nmk", "nkm", "kmn", "knm"]


class Layer(Value):
    """What every layer may say. ``input`` names layers, or ``input`` for the network's own; default the one before."""

    name: Name
    input: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    input_shape: Shape | None = None  #: a stand-alone layer: what it reads from memory
    activation_bits: BitWidth | None = None
    weight_bits: BitWidth | None = None
    activation_signed: bool | None = None  #: default: signed where a tensor holds a negative value
    weight_sparsity: Fraction | None = None
    activation_zeros: Fraction | None = None  #: share of zeros in what it reads, for codes of run lengths
    mapping: GivenMapping | None = None
    executed: bool = True  #: false: stored with the network but not run, as a head that the task does not use

    least_inputs: ClassVar[int] = 1
    most_inputs: ClassVar[int] = 1
    is_view: ClassVar[bool] = False  #: names data that lie in memory already

    def output(self, inputs: tuple[AnyShape, ...]) -> AnyShape:
        """Shape of the result. Raises: ValueError where the inputs do not fit."""
        return inputs[0]

    def params(self, inputs: tuple[AnyShape, ...]) -> int:
        """Number of stored values: weights, biases, and scales and shifts of a batch norm."""
        return 0

    def macs(self, inputs: tuple[AnyShape, ...]) -> int:
        """Multiplications of one inference on the matrix engine."""
        return 0


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
