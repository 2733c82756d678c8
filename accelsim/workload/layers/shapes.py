"""Shapes of what flows from layer to layer: images, sequences of tokens, and single vectors."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from accelsim.config import Size, Value


class Image(Value):
    """Channels x height x width."""

    channels: Size
    height: Size
    width: Size

    @property
    def elements(self) -> int:
        """Number of values."""
        return self.channels * self.height * self.width

    def __str__(self) -> str:
        return f"{self.channels}x{self.height}x{self.width}"


class Tokens(Value):
    """A sequence of feature vectors."""

    tokens: Size
    features: Size

    @property
    def elements(self) -> int:
        """Number of values."""
        return self.tokens * self.features

    def __str__(self) -> str:
        return f"{self.tokens}x{self.features}"


class Features(Value):
    """One feature vector."""

    features: Size

    @property
    def elements(self) -> int:
        """Number of values."""
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
    """Count the values at one position of a shape: the channels of an image, or the features of a vector."""
    return shape.channels if isinstance(shape, Image) else shape.features


def set_channels(shape: AnyShape, width: int) -> AnyShape:
    """Set the number of channels or features of a shape; give the new shape."""
    key = "channels" if isinstance(shape, Image) else "features"
    return type(shape).model_validate({**shape.model_dump(), key: width})


def require_image(shape: AnyShape, kind: str) -> Image:
    """Give back a shape that is an image, as a layer of type ``kind`` needs it. Raises: ValueError for another."""
    if not isinstance(shape, Image):
        raise ValueError(f"{kind} needs an image (channels x height x width), its input is {shape}")
    return shape
