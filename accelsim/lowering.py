"""Layers as matrix products: out[M,N] = A[M,K] . W[K,N], one for each group of a convolution."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.config import UserError

INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Convolution:
    """The convolution behind a Gemm: sizes in pixels, channels of one group, images in a batch."""

    batch: int
    channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]  #: top, left, bottom, right
    dilation: tuple[int, int]
    out_height: int
    out_width: int


@dataclass(frozen=True, slots=True)
class Gemm:
    """``groups`` independent products of M x K activations by K x N weights, done one after the other.

    K runs over channels, then kernel rows, then kernel columns; M over images, then output rows, then columns.

    Raises: UserError where counts of this product could leave int64.
    """

    m: int
    k: int
    n: int
    groups: int = 1
    activation_bits: int = 8
    weight_bits: int = 8
    output_bits: int = 8
    weights_stored: bool = True  #: false where the second operand is itself computed (attention)
    convolution: Convolution | None = None

    def __post_init__(self) -> None:
        if min(self.m, self.k, self.n, self.groups) < 1:
            raise UserError(f"M={self.m}, K={self.k}, N={self.n}: sizes of a product must be 1 or more")
        if self.macs > INT64_MAX:
            raise UserError(
                f"M={self.m}, K={self.k}, N={self.n}, groups={self.groups}: {self.macs:.3g} MACs do not fit a 64-bit"
                f" count; allowed: at most {INT64_MAX}"
            )

    @property
    def macs(self) -> int:
        """Multiplications of all groups."""
        return self.m * self.k * self.n * self.groups
