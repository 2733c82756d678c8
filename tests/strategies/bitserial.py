"""Bit-serial units, products and operands that tests draw."""

from hypothesis import strategies as st

from accelsim.engines.bitserial import BitSerialEngine
from accelsim.hardware import BitSerialUnit
from accelsim.workload.gemm import Gemm
from strategies import convolutions
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
    """A product of a convolution of stride 1 without padding, whose result has the size ``out``."""
    size = [o + k - 1 for o, k in zip(out, kernel, strict=True)]
    conv = convolutions.convolution((batch, channels, *size), kernel)
    return convolutions.product_of(conv, filters, groups, activation_bits=bits[0], weight_bits=bits[1])


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
