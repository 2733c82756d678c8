"""Small networks that tests write out."""

from accelsim.config import parse_yaml
from accelsim.load import load_workload
from accelsim.workload.layers import Features, Image, Tokens
from accelsim.workload.network import build_workload
from strategies.messages import refusal

NAMES = "abcdefgh"


def read_network(text):
    """The network of a workload file's text."""
    return build_workload(parse_yaml(text, "net.yaml"))


def network(*layers, **keys):
    """A network of flow-style layers without their braces, named a, b, c ... where they do not state a name.

    Keys are those of the file (input, batch ...), one a line, in the order given, behind its name.
    """
    named = [text if "name:" in text else f"name: {name}, {text}" for name, text in zip(NAMES, layers, strict=False)]
    named += layers[len(NAMES) :]
    lines = ["name: net", *(f"{key}: {value}" for key, value in keys.items()), "layers:"]
    return read_network("\n".join([*lines, *(f"  - {{{text}}}" for text in named)]))


def convolution_nodes(name):
    """The convolutions of a shipped network."""
    return [node for node in load_workload(name).nodes if node.layer.type == "conv2d"]


IMAGE = "{channels: 4, height: 6, width: 5}"


def node(text, shape=IMAGE):
    """A layer on an input of a shape."""
    return network(text, input=shape).nodes[0]


SHAPES = {
    "image": "{channels: 3, height: 8, width: 6}",
    "tokens": "{tokens: 5, features: 4}",
    "features": "{features: 12}",
}


def described(*layers, shape="image", **keys):
    """A network whose input is a shape by name or as it is written, or None for no input at all."""
    return network(*layers, **({"input": SHAPES.get(shape, shape)} if shape else {}), **keys)


def refused(*layers, **options):
    return refusal(described, *layers, **options)


def image(channels, height, width):
    return Image(channels=channels, height=height, width=width)


def tokens(count, features):
    return Tokens(tokens=count, features=features)


def features(count):
    return Features(features=count)
