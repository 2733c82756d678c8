"""Small networks that tests write out."""

from accelsim.config import parse_yaml
from accelsim.workload.network import build_workload

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
