"""A small network and bit-serial machines that run it."""

from pathlib import Path

import accelsim
from accelsim.workload.network import set_width
from strategies.networks import read_network

PROFILES = Path(accelsim.__file__).parent / "anchors" / "stripes_precision_profiles.csv"


SMALL = """
name: small
input: {channels: 3, height: 9, width: 9}
layers:
  - {name: stem, type: conv2d, out_channels: 6, kernel: 3, stride: 2, bias: false, activation: relu}
  - {name: grouped, type: conv2d, out_channels: 4, kernel: 2, groups: 2, bias: false, activation: relu}
  - {name: fc, type: linear, out_features: 5}
"""


UNIT = "engine={kind: bitserial, tiles: 2, rows: 2, cols: 3, lanes: 4, serial: %s%s}"


def small(bits=8):
    return set_width(read_network(SMALL), bits)


def machine(serial="activations", more=""):
    return accelsim.load_hardware("stripes", [UNIT % (serial, more)])
