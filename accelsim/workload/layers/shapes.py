"""What flows from layer to layer: images, sequences of tokens, single vectors."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from accelsim.config import Size, Value


class Image(Value):
    """An image of several channels."""

    channels: Size
    """Number of channels of the image."""
    height: Size
    """Height of the image, pixels."""
    width: Size
    """Width of the image, pixels."""

    @property
    def elements(self) -> int:
        return self.channels * self.height * self.width

    def __str__(self) -> str:
        return f"{self.channels}x{self.height}x{self.width}"


class Tokens(Value):
    """A sequence of tokens, each a vector of features."""

    tokens: Size
    """Number of tokens of the sequence."""
    features: Size
    """Number of features of a token."""

    @property
    def elements(self) -> int:
        return self.tokens * self.features

    def __str__(self) -> str:
        return f"{self.tokens}x{self.features}"


class Features(Value):
    """One vector of features."""

    features: Size
    """Number of features of the vector."""

    @property
    def elements(self) -> int:
        return self.features

    def __str__(self) -> str:
        return str(self.features)


def _shape_kind(data: Any) -> str | None:
    if isinstance(data, Value):
        return type(data).__name__
    keys = set(data) if isinstance(data, dict) else set()
    return next((kind.__name__ for kind in (Image, Tokens, Features) if keys == kind.model_fields.keys()), None)


AnyShape = Image | Tokens | Features
Shape = Annotated[
    Annotated[Image, Tag("Image")] | Annotated[Tokens, Tag("Tokens")] | Annotated[Features, Tag("Features")],
    Discriminator(
        _shape_kind,
        custom_error_type="shape",
        custom_error_message="should be {channels, height, width}, {tokens, features} or {features}",
    ),
]


def count_channels(shape: AnyShape) -> int:
    """Number of channels or features of a position."""
    return shape.channels if isinstance(shape, Image) else shape.features


def set_channels(shape: AnyShape, width: int) -> AnyShape:
    """The shape with another number of channels or features."""
    key = "channels" if isinstance(shape, Image) else "features"
    return type(shape).model_validate({**shape.model_dump(), key: width})


def require_image(shape: AnyShape, kind: str) -> Image:
    """The shape itself where it is an image. Raises: ValueError where it is none."""
    if not isinstance(shape, Image):
        raise ValueError(f"{kind} needs an image (channels x height x width), its input is {shape}")
    return shape
