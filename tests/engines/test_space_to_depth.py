"""First layers packed space to depth: the product is the same, and only strided images of three channels are packed."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import convolutions
from strategies.bitserial import convolution, unit

from accelsim.engines.space_to_depth import (
    pack_images_to_depth,
    pack_space_to_depth,
    pack_weights_to_depth,
    restore_macs,
)
from accelsim.workload.gemm import im2col


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.tuples(*[st.integers(2, 4)] * 2),
    st.tuples(*[st.integers(1, 7)] * 2),
    st.tuples(*[st.integers(0, 3)] * 4),
    st.tuples(*[st.integers(1, 2)] * 2),
    st.integers(1, 2),
)
def test_packed_first_layer_gives_the_same_product(more_y, more_x, stride, kernel, padding, dilation, batch):
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = extent[0] - 1 + more_y, extent[1] - 1 + more_x
    layer = convolutions.convolution((batch, 3, height, width), kernel, stride, padding, dilation)
    gemm = convolutions.product_of(layer, 4)
    rng = np.random.default_rng(0)
    images, w = rng.integers(0, 256, (batch, 3, height, width)), rng.integers(-128, 128, (1, gemm.k, 4))
    dense = pack_space_to_depth(gemm)
    patches = im2col(pack_images_to_depth(images, gemm), dense.convolution)
    assert patches.shape == (1, dense.m, dense.k)
    result, counts = unit(2, 2, 3, 5).step(dense, patches, pack_weights_to_depth(w, gemm))
    assert np.array_equal(result, im2col(images, layer) @ w)
    assert counts.macs == dense.macs
    assert restore_macs(counts, gemm) == replace(counts, macs=gemm.macs)


def test_only_strided_images_of_three_channels_are_packed():
    gemm = convolution(3, (3, 3), (4, 4), 8)
    one_way = replace(gemm, convolution=replace(gemm.convolution, stride=(2, 1)))
    for other in (gemm, one_way, replace(one_way, convolution=None)):
        assert pack_space_to_depth(other) is other
        assert pack_images_to_depth(other, other) is other
        assert pack_weights_to_depth(other, other) is other
