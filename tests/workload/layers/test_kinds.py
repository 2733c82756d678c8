"""Types of layers: the shapes and parameters that they make of their input, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive.convolution import last_window_start, out_size
from strategies.networks import described, features, image, refused, tokens


@pytest.mark.parametrize(
    ("text", "output", "params"),
    [
        ("type: conv2d, out_channels: 4, kernel: 3", image(4, 6, 4), 4 * 3 * 9 + 4),
        ("type: conv2d, out_channels: 4, kernel: 3, padding: 1", image(4, 8, 6), 112),
        ("type: conv2d, out_channels: 4, kernel: 3, padding: 1, stride: 2", image(4, 4, 3), 112),
        ("type: conv2d, out_channels: 4, kernel: 3, padding: same", image(4, 8, 6), 112),
        ("type: conv2d, out_channels: 4, kernel: 3, padding: same, stride: 2", image(4, 4, 3), 112),
        ("type: conv2d, out_channels: 4, kernel: 5, padding: same, stride: 4", image(4, 2, 2), 4 * 3 * 25 + 4),
        ("type: conv2d, out_channels: 4, kernel: 2, padding: same, dilation: 3", image(4, 8, 6), 4 * 3 * 4 + 4),
        ("type: conv2d, out_channels: 4, kernel: [1, 5], padding: same, bias: false", image(4, 8, 6), 60),
        ("type: conv2d, out_channels: 4, kernel: [5, 1], bias: false", image(4, 4, 6), 60),
        ("type: conv2d, out_channels: 4, kernel: [3, 1], stride: [2, 3], bias: false", image(4, 3, 2), 36),
        ("type: conv2d, out_channels: 4, kernel: 3, padding: [0, 1]", image(4, 6, 6), 112),
        ("type: conv2d, out_channels: 4, kernel: 3, padding: [1, 0, 2, 3]", image(4, 9, 7), 112),
        ("type: conv2d, out_channels: 4, kernel: 3, dilation: 2", image(4, 4, 2), 112),
        ("type: conv2d, out_channels: 4, kernel: 3, dilation: [3, 1]", image(4, 2, 4), 112),
        ("type: conv2d, out_channels: 6, kernel: 3, groups: 3", image(6, 6, 4), 6 * 9 + 6),
        ("type: conv2d, out_channels: 4, kernel: 3, batch_norm: true", image(4, 6, 4), 108 + 8),
        ("type: conv2d, out_channels: 4, kernel: 3, batch_norm: true, bias: true", image(4, 6, 4), 108 + 12),
        ("type: conv2d, out_channels: 4, kernel: 3, stride: 2, ceil_mode: true", image(4, 4, 3), 112),
        ("type: linear, out_features: 10", features(10), 10 * 144 + 10),
        ("type: linear, out_features: 10, bias: false", features(10), 1440),
        ("type: max_pool, kernel: 2", image(3, 4, 3), 0),
        ("type: max_pool, kernel: 3, stride: 2", image(3, 3, 2), 0),
        ("type: max_pool, kernel: 3, stride: 2, ceil_mode: true", image(3, 4, 3), 0),
        ("type: max_pool, kernel: 3, ceil_mode: true", image(3, 3, 2), 0),
        ("type: max_pool, kernel: 2, stride: 2, padding: 1", image(3, 5, 4), 0),
        ("type: avg_pool, kernel: [8, 6]", image(3, 1, 1), 0),
        ("type: global_avg_pool", features(3), 0),
        ("type: activation, function: relu", image(3, 8, 6), 0),
        ("type: softmax", image(3, 8, 6), 0),
        ("type: batch_norm", image(3, 8, 6), 6),
        ("type: layer_norm", image(3, 8, 6), 6),
        ("type: rms_norm", image(3, 8, 6), 3),
        ("type: reshape, to: flatten", features(144), 0),
        ("type: reshape, to: {tokens: 48, features: 3}", tokens(48, 3), 0),
        ("type: reshape, to: {channels: 12, height: 4, width: 3}", image(12, 4, 3), 0),
        ("type: upsample, factor: 3", image(3, 24, 18), 0),
        ("type: channel_shuffle, groups: 3", image(3, 8, 6), 0),
        ("type: split, parts: 3, part: 2", image(1, 8, 6), 0),
        ("type: concat, input: [input, input]", image(6, 8, 6), 0),
        ("type: add, input: [input, input, input]", image(3, 8, 6), 0),
        ("type: matmul, m: 2, k: 3, n: 4, repeat: 5", tokens(2, 20), 0),
        ("type: matmul, m: 2, k: 3, n: 4, repeat: 5, weights: true", tokens(2, 20), 60),
    ],
)
def test_what_an_image_becomes(text, output, params):
    node = described(text).nodes[0]
    assert (node.output, node.params) == (output, params)


@pytest.mark.parametrize(
    ("shape", "text", "output", "params"),
    [
        ("tokens", "type: linear, out_features: 10", tokens(5, 10), 50),
        ("features", "type: linear, out_features: 10", features(10), 130),
        ("tokens", "type: global_avg_pool", features(4), 0),
        ("tokens", "type: layer_norm", tokens(5, 4), 8),
        ("tokens", "type: softmax, groups: 2", tokens(5, 4), 0),
        ("tokens", "type: split, parts: 2, part: 1", tokens(5, 2), 0),
        ("tokens", "type: concat, input: [input, input]", tokens(5, 8), 0),
        ("features", "type: concat, input: [input, input]", features(24), 0),
        ("{tokens: 5, features: 1}", "type: embedding, rows: 100, features: 16", tokens(5, 16), 1600),
    ],
)
def test_what_tokens_and_vectors_become(shape, text, output, params):
    node = described(text, shape=shape).nodes[0]
    assert (node.output, node.params) == (output, params)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "pads"),
    [
        (8, 3, 1, 1, (1, 1)),
        (8, 3, 2, 1, (0, 1)),
        (7, 3, 2, 1, (1, 1)),
        (8, 2, 1, 1, (0, 1)),
        (8, 5, 4, 1, (0, 1)),
        (9, 3, 1, 2, (2, 2)),
        (8, 1, 2, 1, (0, 0)),
        (224, 7, 2, 1, (2, 3)),
    ],
)
def test_same_padding_puts_the_odd_pixel_behind(size, kernel, stride, dilation, pads):
    text = f"type: conv2d, out_channels: 1, kernel: {kernel}, stride: {stride}, dilation: {dilation}, padding: same"
    node = described(text, shape=f"{{channels: 1, height: {size}, width: {size}}}").nodes[0]
    before, after = pads
    assert node.layer.pads(node.inputs[0]) == (before, before, after, after)
    assert node.output == image(1, -(-size // stride), -(-size // stride))


@given(
    st.tuples(*[st.integers(1, 12)] * 2),
    st.tuples(*[st.integers(1, 5)] * 2),
    st.tuples(*[st.integers(1, 4)] * 2),
    st.tuples(*[st.integers(0, 2)] * 4),
    st.tuples(*[st.integers(1, 3)] * 2),
    st.booleans(),
)
def test_windows_are_those_of_pytorch(size, kernel, stride, padding, dilation, ceil_mode):
    text = (
        f"type: max_pool, kernel: {[*kernel]}, stride: {[*stride]}, padding: {[*padding]}, dilation: {[*dilation]},"
        f" ceil_mode: {str(ceil_mode).lower()}"
    )
    shape = f"{{channels: 1, height: {size[0]}, width: {size[1]}}}"
    wanted = [
        out_size(size[axis], kernel[axis], stride[axis], padding[axis], padding[axis + 2], dilation[axis], ceil_mode)
        for axis in (0, 1)
    ]
    if min(wanted) < 1:
        assert "more than the padded input's" in refused(text, shape=shape)
        return
    assert described(text, shape=shape).nodes[0].output == image(1, *wanted)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "count"),
    [
        (6, 2, 2, 0, 3),
        (5, 2, 2, 0, 3),
        (5, 3, 2, 0, 2),
        (6, 3, 2, 0, 3),
        (6, 2, 2, 1, 4),
        (5, 2, 2, 1, 3),
        (1, 2, 2, 0, 1),
        (4, 1, 3, 0, 2),
        (4, 3, 5, 1, 1),
        (5, 3, 5, 1, 2),
    ],
)
def test_a_last_window_does_not_start_in_the_padding(size, kernel, stride, padding, count):
    text = f"type: max_pool, kernel: {kernel}, stride: {stride}, padding: {padding}, ceil_mode: true"
    got = described(text, shape=f"{{channels: 1, height: {size}, width: {size}}}").nodes[0].output.height
    assert got == count
    assert last_window_start(got, stride) < size + padding
