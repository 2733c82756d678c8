"""Products as engines count them: work by the bit, and signs by the layer or the values."""

import dataclasses

import numpy as np
from strategies.bitserial_runs import UNIT
from strategies.convolutions import convolution, product_of

import accelsim
from accelsim.engines.products import Products
from accelsim.workload.gemm import Gemm


def test_lanes_that_wait_cost_nothing():
    """One column of sixteen bits keeps fifteen of zeros waiting: 16 + 15 cycles of work in 16 cycles."""
    unit = accelsim.load_hardware(
        "stripes",
        [
            "engine={kind: bitserial, tiles: 1, rows: 1, cols: 16, lanes: 16, serial: activations, skip: dynamic}",
        ],
    ).engine
    products = Products(unit, stepped=False)
    a = np.zeros((1, 16, 16), np.int32)
    a[0, 3, 5] = 65535
    counted = products.count(Gemm(16, 16, 1, 1, 16, 16), 0, (a, np.ones((1, 16, 1), np.int32)))
    assert counted.counts.cycles == 16
    assert products.engine.work(counted).bit_steps in (
        16 * 16,
        (16 + 15) * 16,
    )  # a step is as long as its widest column


def test_signedness_is_the_layer_s_or_the_tensor_s():
    unit = accelsim.load_hardware("stripes", [UNIT % ("activations", ", skip: dynamic")]).engine
    gemm = product_of(convolution((1, 1, 3, 3), (1, 1), (2, 2)), 1)
    image = np.full((1, 1, 3, 3), 3)
    ones = np.ones((1, 1, 1), int)

    def cycles(pixels, signed=None):
        product = dataclasses.replace(gemm, activation_signed=signed)
        return Products(unit, stepped=True).count(product, 0, (pixels, ones)).counts.cycles

    unread = image.copy()
    unread[0, 0, 1, 1] = -1  # between the windows, but in the tensor
    assert cycles(image) == 2 * 2  # two sets of windows, two bits for 3
    assert cycles(unread) == cycles(image, signed=True) == 2 * 3
    assert cycles(image, signed=False) == cycles(image)
