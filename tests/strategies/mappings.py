"""Small machines, products and mappings of them."""

from math import ceil

from hypothesis import strategies as st

from accelsim import load_hardware
from accelsim.mapping.candidates import ORDERS
from accelsim.mapping.mapping import Mapping
from accelsim.workload.gemm import Gemm
from strategies.convolutions import convolution, product_of

BASE = load_hardware("textbook_os_32")


def machine(**settings):
    small = {"engine.rows": 4, "engine.cols": 3, "engine.dataflow": "ws"} | settings
    return load_hardware("textbook_os_32", [f"{path}={value}" for path, value in small.items()])


@st.composite
def gemms(draw):
    bits = {name: draw(st.sampled_from([4, 8])) for name in ("activation_bits", "weight_bits", "output_bits")}
    groups, biased = draw(st.integers(1, 3)), draw(st.booleans())
    if draw(st.booleans()):
        m, k, n = draw(st.integers(1, 40)), draw(st.integers(1, 30)), draw(st.integers(1, 20))
        return Gemm(m, k, n, groups, biased=biased, **bits)
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    padding = draw(st.tuples(*[st.integers(0, 1)] * 4))
    height, width = draw(st.integers(5, 8)), draw(st.integers(5, 8))
    batch, channels = draw(st.integers(1, 2)), draw(st.integers(1, 4))
    conv = convolution((batch, channels, height, width), kernel, stride, padding, dilation)
    return product_of(conv, draw(st.integers(1, 8)), groups, biased=biased, **bits)


@st.composite
def mappings(draw):
    gemm = draw(gemms())
    tiles = [draw(st.integers(1, size)) for size in (gemm.m, gemm.n, gemm.k)]
    kept = draw(st.tuples(*[st.booleans()] * 3))
    order = draw(st.sampled_from(ORDERS))
    irrelevant = dict(zip(range(3), "nmk", strict=True))
    loops = dict(zip("mnk", (ceil(s / t) for s, t in zip((gemm.m, gemm.n, gemm.k), tiles, strict=True)), strict=True))
    # a tile that stays put while its idle loop runs is always kept
    kept = tuple(k or order[2] == irrelevant[x] or loops[irrelevant[x]] == 1 for x, k in enumerate(kept))
    return gemm, Mapping(*tiles, order, kept)
