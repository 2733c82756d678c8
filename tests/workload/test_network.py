"""Networks: wiring, mistakes with their place, widths and peak activations."""

import pytest
from strategies.networks import described, features, image, read_network, refused, tokens

from accelsim.config import UserError
from accelsim.workload.network import find_peak_activations, set_width


def test_macs_and_parameters_add_up_and_batch_is_not_counted_in():
    net = described(
        "type: conv2d, out_channels: 6, kernel: 3, groups: 3, batch_norm: true",
        "type: linear, out_features: 2",
        "type: matmul, m: 2, k: 3, n: 4, repeat: 5",
        "type: linear, out_features: 3, executed: false, input: a",
        batch=7,
    )
    assert [node.macs for node in net.nodes] == [6 * 24 * 9, 2 * 144, 120, 0]
    assert [node.params for node in net.nodes] == [54 + 12, 290, 0, 3 * 144 + 3]
    assert (net.macs, net.params, net.name) == (1296 + 288 + 120, 66 + 290 + 435, "net")


def test_a_layer_reads_the_one_before_unless_it_says_otherwise():
    net = described(
        "type: activation, function: relu",
        "type: softmax",
        "type: add, input: [a, b]",
        "type: mul, input: [input, c, input]",
        "type: softmax, input_shape: {features: 7}",
        "type: matmul, m: 2, k: 3, n: 4",
        "type: matmul, m: 7, k: 1, n: 1, input: e",
        "type: matmul, m: 2, k: 4, n: 1, input: [f], weights: true",
    )
    assert [node.producers for node in net.nodes] == [(None,), (0,), (0, 1), (None, 2, None), (None,), (), (4,), (5,)]
    assert net.nodes[4].inputs == (features(7),)
    assert net.nodes[3].inputs == (image(3, 8, 6),) * 3


def test_a_network_of_stand_alone_layers_needs_no_input():
    net = described(
        "type: linear, out_features: 2, input_shape: {features: 3}", "type: matmul, m: 1, k: 1, n: 1", shape=None
    )
    assert (net.nodes[0].inputs, net.file.batch) == ((features(3),), 1)


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (["type: softmax, input: inptu"], "layers.0.input: no layer 'inptu' before 'a'; did you mean 'input'?"),
        (
            ["name: conv1, type: softmax", "name: x, type: softmax, input: [conv2]"],
            "layers.1.input: no layer 'conv2' before 'x'; did you mean 'conv1'?",
        ),
        (["type: softmax, input: b", "type: softmax"], "layers.0.input: no layer 'b' before 'a'; allowed: input"),
        (["type: softmax, input: a"], "layers.0.input: no layer 'a' before 'a'; allowed: input"),
        (
            ["type: softmax", "name: a, type: softmax"],
            "net.yaml:5: layers.1.name: 'a' is the name of an earlier layer already",
        ),
        (
            ["name: input, type: softmax"],
            "net.yaml:4: layers.0.name: 'input' is the name of what the network reads already",
        ),
        (
            ["type: softmax, executed: false", "type: softmax"],
            "net.yaml:5: layers.1: 'b' reads 'a', which is not executed",
        ),
        (["type: softmax, input: [input, input]"], "net.yaml:4: layers.0: layer 'a': softmax takes one input, got 2"),
        (["type: softmax, input: []"], "net.yaml:4: layers.0: layer 'a': softmax takes one input, got 0"),
        (["type: add"], "net.yaml:4: layers.0: layer 'a': add takes 2 to 16 inputs, got 1"),
        (["type: softmax, input: 3"], "layers.0.input: should be the name of a layer or a list of names, got 3"),
        (["type: softmax, input: [3]"], "layers.0.input.0: should be text, got 3"),
        (
            ["type: softmax, input: input, input_shape: {features: 3}"],
            "net.yaml:4: layers.0.input_shape: layer 'a' takes input or input_shape, got both",
        ),
        (
            ["type: matmul, m: 2, k: 3, n: 4, input: input"],
            "layer 'a': m x k x repeat is 6 elements, its input 3x8x6 has 144",
        ),
        (
            ["type: matmul, m: 12, k: 12, n: 4, input: [input, input]"],
            "k x n x repeat is 48 elements, its input 3x8x6 has 144",
        ),
        (
            ["type: matmul, m: 12, k: 12, n: 12, weights: true, input: [input, input]"],
            "layer 'a': weights: the second operand is either stored or read, got 2 inputs",
        ),
        (
            ["type: conv2d, out_channels: 4, kernel: 9"],
            "layer 'a': kernel covers 9 pixels, more than the padded input's 8",
        ),
        (
            ["type: conv2d, out_channels: 4, kernel: [1, 3], dilation: 4, padding: [0, 0, 0, 2]"],
            "layer 'a': kernel covers 9 pixels, more than the padded input's 8",
        ),
        (
            ["type: conv2d, out_channels: 4, kernel: 1, groups: 2"],
            "layer 'a': groups: 2 do not divide the input's 3 channels",
        ),
        (["type: conv2d, out_channels: 4, kernel: 1, groups: 3"], "layers.0.groups: 3 do not divide out_channels 4"),
        (
            ["type: conv2d, out_channels: 4, kernel: 3, padding: valid"],
            "a whole number, [vertical, horizontal], [top, left, bottom, right] or same, got 'valid'",
        ),
        (
            ["type: conv2d, out_channels: 4, kernel: [3]"],
            "layers.0.kernel: should be a whole number or [vertical, horizontal], got [3]",
        ),
        (
            ["type: conv2d, out_channels: 4, kernel: true"],
            "should be a whole number or [vertical, horizontal], got true",
        ),
        (["type: conv2d, out_channels: 4, kernel: [3, 0]"], "layers.0.kernel.1: should be greater than 0, got 0"),
        (
            ["type: conv2d, out_channels: 1, kernel: 1, padding: 2000000000"],
            "layer 'a': its result's height should be less than or equal to 2147483647, got 4000000008",
        ),
        (
            ["type: upsample, factor: 2147483647"],
            "layer 'a': its result's height should be less than or equal to 2147483647",
        ),
        (
            ["type: linear, out_features: 2147483647", "type: concat, input: [a, a]"],
            "layer 'b': its result's features should be",
        ),
        (["type: softmax, groups: 2"], "layer 'a': groups: 2 do not divide 3 features"),
        (["type: channel_shuffle, groups: 2"], "layer 'a': groups: 2 do not divide 3 channels"),
        (["type: split, parts: 3, part: 3"], "layer 'a': part 3 of 3 does not exist in 3 channels"),
        (["type: split, parts: 2, part: 0"], "layer 'a': part 0 of 2 does not exist in 3 channels"),
        (["type: reshape, to: flat"], "layers.0.to: should be flatten or a shape, got 'flat'"),
        (["type: reshape, to: {features: 5}"], "layer 'a': to: 5 has 5 elements, the input 144"),
        (
            ["type: embedding, rows: 2, features: 2"],
            "embedding needs tokens of one feature (their numbers), its input is 3x8x6",
        ),
        (
            ["type: global_avg_pool", "type: max_pool, kernel: 2"],
            "layer 'b': max_pool needs an image (channels x height x width), its input is 3",
        ),
        (
            ["type: max_pool, kernel: 2", "type: add, input: [a, input]"],
            "layer 'b': add of 3x4x3 and 3x8x6: shapes must agree",
        ),
        (
            ["type: reshape, to: {channels: 3, height: 6, width: 8}", "type: add, input: [a, input]"],
            "shapes must agree",
        ),
        (["type: max_pool, kernel: 2", "type: concat, input: [a, input]"], "all but the channels must agree"),
        (["type: reshape, to: flatten", "type: concat, input: [a, input]"], "all but the channels must agree"),
        (["type: softmx"], "net.yaml:4: layers.0.type: no such type, got 'softmx'; did you mean 'softmax'?"),
        (["type: [add]"], "layers.0.type: no such type, got ['add']; did you mean 'add'?"),
        (["kernel: 3"], "net.yaml:4: layers.0: missing key 'type'"),
        (["type: linear, out_features: 1, weight_sparsity: 1"], "weight_sparsity: should be less than 1, got 1"),
        (["type: linear, out_features: 1, weight_bits: 33"], "weight_bits: should be less than or equal to 32, got 33"),
    ],
)
def test_a_wrong_layer_is_told_with_its_place(layers, told):
    assert told in refused(*layers)


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (None, "net.yaml:3: layers.0: layer 'a' has no input; give the network an input or an input_shape"),
        *(
            (shape, f"input: should be {{channels, height, width}}, {{tokens, features}} or {{features}}, got {got}")
            for shape, got in (
                ("7", "7"),
                ("{feature: 3}", "{'feature': 3}"),
                ("{features: 3, width: 2}", "{'features': 3, "),
            )
        ),
        ("{tokens: 5, features: 0}", "net.yaml:2: input.features: should be greater than 0, got 0"),
        ("{channels: 3, height: x, width: 2}", "net.yaml:2: input.height: should be a whole number, got 'x'"),
    ],
)
def test_a_wrong_input_is_told_with_its_place(shape, told):
    assert told in refused("type: softmax", shape=shape)


@pytest.mark.parametrize("text", ["", "layers: []", "layers: 3", "layers: [7]"])
def test_a_network_has_layers(text):
    with pytest.raises(UserError, match=r"layers'|layers: should have 1 or more items|should be a (list|mapping)"):
        read_network(f"name: net\n{text}")


def test_a_single_position_is_spread_over_all():
    layers = "type: global_avg_pool", "type: mul, input: [input, a]", "type: reshape, to: {tokens: 48, features: 3}"
    net = described(*layers, "type: add, input: [c, b]")
    assert [node.output for node in net.nodes[1::2]] == [image(3, 8, 6), tokens(48, 3)]


def test_at_width_overrides_every_width_and_nothing_else():
    net = described(
        "type: linear, out_features: 2, weight_bits: 4", "type: softmax, activation_bits: 16", weight_bits=2
    )
    narrow = set_width(net, 8)
    assert {(layer.activation_bits, layer.weight_bits) for layer in (*narrow.file.layers, narrow.file)} == {(8, 8)}
    assert [node.layer for node in narrow.nodes] == narrow.file.layers
    assert [node.output for node in narrow.nodes] == [node.output for node in net.nodes]
    assert [layer.weight_bits for layer in net.file.layers] == [4, None]


RELU, HALVE = "type: activation, function: relu", "type: split, parts: 2, part: "


@pytest.mark.parametrize(
    ("shape", "layers", "peak"),
    [
        ("{features: 10}", ["type: linear, out_features: 6"], (16, "a")),
        ("{features: 10}", ["type: linear, out_features: 6", "type: linear, out_features: 30", RELU], (60, "c")),
        ("{features: 10}", [RELU, RELU], (20, "a")),
        # residual: the input waits beside b for the sum, which takes room of its own
        (
            "{features: 10}",
            ["type: linear, out_features: 4", "type: linear, out_features: 10", "type: add, input: [b, input]"],
            (30, "c"),
        ),
        (
            "{features: 10}",
            ["type: linear, out_features: 40", "type: linear, out_features: 10", "type: add, input: [b, input]"],
            (60, "b"),
        ),
        # the input is dead once a has read it, unless a later layer does
        ("{features: 10}", ["type: linear, out_features: 1", "type: linear, out_features: 10"], (11, "a")),
        (
            "{features: 10}",
            [
                "type: linear, out_features: 1",
                "type: linear, out_features: 10",
                "type: linear, out_features: 1, input: input",
            ],
            (21, "b"),
        ),
        # views: concat is where its parts are, reshape renames, split keeps the whole
        (
            "{features: 10}",
            [
                "type: linear, out_features: 3",
                "type: linear, out_features: 4, input: input",
                "type: concat, input: [a, b]",
                "type: linear, out_features: 9",
            ],
            (17, "b"),
        ),
        (
            "{features: 10}",
            ["type: linear, out_features: 8", "type: reshape, to: {tokens: 2, features: 4}", RELU],
            (18, "a"),
        ),
        ("{features: 10}", [RELU, HALVE + "0", HALVE + "1, input: a", "type: add, input: [b, c]"], (20, "a")),
        (
            "{features: 10}",
            ["type: reshape, to: {tokens: 5, features: 2}", RELU, "type: add, input: [a, b]"],
            (30, "c"),
        ),
        (
            "{features: 10}",
            ["type: linear, out_features: 90, executed: false", "type: linear, out_features: 2, input: input"],
            (12, "b"),
        ),
        (
            None,
            ["type: linear, out_features: 2, input_shape: {features: 30}", "type: linear, out_features: 20"],
            (32, "a"),
        ),
        (
            "{features: 5}",
            [
                "type: linear, out_features: 2",
                "type: linear, out_features: 3, input_shape: {features: 30}",
                "type: add, input: [input, input]",
            ],
            (38, "b"),
        ),
    ],
)
def test_peak_activations(shape, layers, peak):
    assert find_peak_activations(described(*layers, shape=shape)) == peak
