"""Bit-serial units, products and operands that tests draw."""

import numpy as np
from hypothesis import strategies as st

from accelsim.engines.bitserial import BitSerialEngine
from accelsim.hardware import BitSerialUnit
from accelsim.workload.gemm import Convolution, Gemm
from strategies.sizes import UNJITTED

MOST = 3 if UNJITTED else 6
SERIAL = ("none", "activations", "weights", "both")


def unit(tiles, rows, cols, lanes, serial="activations", **options):
    return BitSerialEngine(
        BitSerialUnit(kind="bitserial", tiles=tiles, rows=rows, cols=cols, lanes=lanes, serial=serial, **options)
    )


@st.composite
def units(draw):
    """Units with every option anywhere in its range."""
    serial = draw(st.sampled_from(SERIAL))
    skip = draw(st.sampled_from(["none", "dynamic", "essential"] if serial == "activations" else ["none"]))
    sizes = [draw(st.integers(1, most)) for most in (3, 3, 5)]
    return unit(
        *sizes,
        draw(st.integers(1, 6) | st.sampled_from([15, 16, 17, 33])),
        serial,
        skip=skip,
        bits_per_cycle=draw(st.integers(1, 4)),
        shifter_bits=draw(st.integers(0, 4)),
        column_registers=draw(st.integers(0, 4)) if skip != "none" else 0,
        pack_depthwise=draw(st.booleans()),
    )


def convolution(channels, kernel, out, filters, groups=1, batch=1, bits=(8, 8)):
    """A Gemm of a convolution of stride 1 without padding."""
    layer = Convolution(
        batch, channels, out[0] + kernel[0] - 1, out[1] + kernel[1] - 1, kernel, (1, 1), (0, 0, 0, 0), (1, 1), *out
    )
    k = channels * kernel[0] * kernel[1]
    return Gemm(batch * out[0] * out[1], k, filters, groups, *bits, convolution=layer)


@st.composite
def gemms(draw):
    """Products, fully connected ones, and convolutions, some of them depthwise, at every width."""
    size, width = st.integers(1, MOST), st.integers(1, 16)
    groups, bits = draw(st.integers(1, 3)), (draw(width), draw(width))
    filters = draw(st.integers(1, 20))
    if draw(st.booleans()):
        kernel, out = (draw(size), draw(size)), (draw(size), draw(size))
        channels = draw(st.just(1) | st.integers(1, 40 // (kernel[0] * kernel[1]) + 1))
        return convolution(channels, kernel, out, filters, groups, draw(st.integers(1, 2)), bits)
    return Gemm(draw(st.just(1) | st.integers(1, 12)), draw(st.integers(1, 40)), filters, groups, *bits)


def integers(rng, shape, bits, signed, kind):
    """Integers of a width: all of it, near zero, zeros, or its ends."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    if kind == "small":
        low, high = max(low, -2), min(high, 3)
    if kind == "ends":
        return rng.choice([low, high - 1], shape)
    values = rng.integers(low, high, shape)
    return values * (rng.random(shape) < {"zeros": 0, "sparse": 0.3}.get(kind, 1))


def operands(gemm, seed, signed=True):
    """Tensors of the product's shapes and widths, of a kind that the seed decides."""
    rng = np.random.default_rng(seed)
    kind = ("any", "sparse", "small", "ends", "zeros")[seed % 5]
    a = integers(rng, (gemm.groups, gemm.m, gemm.k), gemm.activation_bits, signed, kind)
    w = integers(rng, (gemm.groups, gemm.k, gemm.n), gemm.weight_bits, True, "any" if seed % 3 else kind)
    return a, w
