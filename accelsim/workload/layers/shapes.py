"""What flows from layer to layer: images, sequences of tokens, single vectors."""

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
    """Channels or features: what a position holds."""
    return shape.channels if isinstance(shape, Image) else shape.features


def set_channels(shape: AnyShape, width: int) -> AnyShape:
    """shape with another number of channels or features."""
    key = "channels" if isinstance(shape, Image) else "features"
    return type(shape).model_validate({**shape.model_dump(), key: width})


def require_image(shape: AnyShape, kind: str) -> Image:
    """shape itself where it is an image; raises ValueError otherwise."""
    if not isinstance(shape, Image):
        raise ValueError(f"{kind} needs an image (channels x height x width), its input is {shape}")
    return shape
