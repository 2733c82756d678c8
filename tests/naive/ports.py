"""Oracle of SRAM ports: every beat of a product is walked, every word looked up in its bank; passes do not overlap.

``buffers`` are dicts of banks, ports, width (bits) and layout, by the names ifmap, weight and ofmap, or one by the
name shared.
"""

from collections import Counter
from typing import NamedTuple

from naive.convolution import place_of
from naive.counts import ceil_div, cut


class Product(NamedTuple):
    """A convolution in groups (``conv``: see naive.convolution), and how many bits its operands and sums have."""

    conv: dict
    groups: int
    filters: int  #: of a group
    activation_bits: int
    weight_bits: int = 8
    sum_bits: int = 32
    result_bits: int = 8

    @property
    def pixels(self):
        """Output pixels of all images."""
        return range(self.conv["batch"] * self.conv["out_height"] * self.conv["out_width"])


class Array(NamedTuple):
    """A systolic array, as its hardware description names it."""

    rows: int
    cols: int
    dataflow: str
    weights_resident: bool
    output_drain: str


class Ports:
    """The buffers of a product, and how long they take for what a beat reads or writes."""

    def __init__(self, product, buffers):
        self.product, self.buffers = product, buffers
        self.layout = self.buffer("ifmap")["layout"]

    def buffer(self, operand):
        return self.buffers.get("shared", self.buffers.get(operand))

    def read(self, group, pixel, channel, ky, kx):
        """(image, channel of all groups, row, column) that a window reads at a kernel position; None for padding."""
        conv = self.product.conv
        image, row, column = place_of(conv, pixel, ky, kx)
        if not (0 <= row < conv["height"] and 0 <= column < conv["width"]):
            return None
        return image, group * conv["channels"] + channel, row, column

    def words(self, place):
        """Words of the ifmap buffer in which an element lies, as the layout has it."""
        image, channel, row, column = place
        conv, bits, width = self.product.conv, self.product.activation_bits, self.buffer("ifmap")["width"]
        channels = conv["channels"] * self.product.groups
        if self.layout == "channels_last":
            number = ((image * conv["height"] + row) * conv["width"] + column) * channels + channel
        else:
            number = ((image * channels + channel) * conv["height"] + row) * conv["width"] + column
        return range(number * bits // width, (number * bits + bits - 1) // width + 1)

    def reduction(self):
        """(channel, ky, kx) in the order in which the layout is walked."""
        high, wide = self.product.conv["kernel"]
        windows = [(ky, kx) for ky in range(high) for kx in range(wide)]
        channels = range(self.product.conv["channels"])
        if self.layout == "channels_last":
            return [(c, *window) for window in windows for c in channels]
        return [(c, *window) for c in channels for window in windows]

    def beat_cycles(self, reads=(), **elements):
        """Cycles of the busiest buffer: places that are read of the ifmap, else so many (elements, bits) of a buffer.

        Sums that come and sums that leave are two amounts of the ofmap: a list of them is taken too.
        """
        demanded, collided = Counter(), 0
        ifmap = "shared" if "shared" in self.buffers else "ifmap"
        if self.layout == "as_read":
            demanded[ifmap] += ceil_div(len(reads) * self.product.activation_bits, self.buffer("ifmap")["width"])
        else:
            words = {word for place in reads if place is not None for word in self.words(place)}
            banks = Counter(word % self.buffer("ifmap")["banks"] for word in words)
            collided = ceil_div(max(banks.values(), default=0), self.buffer("ifmap")["ports"])
            demanded[ifmap] += len(words)
        for operand, amounts in elements.items():
            for count, bits in amounts if isinstance(amounts, list) else [amounts]:
                name = "shared" if "shared" in self.buffers else operand
                demanded[name] += ceil_div(count * bits, self.buffer(operand)["width"])
        taken = [ceil_div(n, self.buffers[name]["banks"] * self.buffers[name]["ports"]) for name, n in demanded.items()]
        return max([collided, *taken])

    def waits(self, reads=(), **elements):
        """Cycles that a beat of one cycle waits for its buffers."""
        return max(0, self.beat_cycles(reads, **elements) - 1)

    def leaving_cycles(self, lines, results):
        """Cycles in which so many lines of results are written, if they may leave at any time."""
        buffer = self.buffer("ofmap")
        words = lines * ceil_div(results * self.product.result_bits, buffer["width"])
        return ceil_div(words, buffer["banks"] * buffer["ports"])


def systolic_waits(product, array, buffers):
    """Cycles that a systolic array waits for its buffers."""
    ports = Ports(product, buffers)
    walk = output_stationary if array.dataflow == "os" else operand_stationary
    return sum(walk(ports, array, group) for group in range(product.groups))


def output_stationary(ports, array, group):
    """Both operands stream; the sums leave at the end of a pass, line by line, or at any time without a drain."""
    product, order, waits = ports.product, ports.reduction(), 0
    for held in cut(product.pixels, array.rows):
        for some in cut(range(product.filters), array.cols):
            for index in order:
                reads = [ports.read(group, pixel, *index) for pixel in held]
                waits += ports.waits(reads, weight=(len(some), product.weight_bits))
            if array.output_drain == "none":
                stream = len(order) + len(held) + len(some) - 2
                waits += max(0, ports.leaving_cycles(len(held), len(some)) - stream)
            else:
                lines, line = (len(some), len(held)) if array.output_drain == "cols" else (len(held), len(some))
                waits += lines * ports.waits(ofmap=(line, product.result_bits))
    return waits


def operand_stationary(ports, array, group):
    """One operand is loaded row by row, the other streams; sums of a slice of K come back with the next slice."""
    product, waits = ports.product, 0
    slices = cut(ports.reduction(), array.rows)
    for some in cut(range(product.filters) if array.dataflow == "ws" else product.pixels, array.cols):
        for number, depth in enumerate(slices):
            bits = product.result_bits if number == len(slices) - 1 else product.sum_bits
            sums = [(len(some), product.sum_bits)] * (number > 0) + [(len(some), bits)]
            loads = () if array.weights_resident else depth
            if array.dataflow == "ws":
                waits += len(loads) * ports.waits(weight=(len(some), product.weight_bits))
                for pixel in product.pixels:
                    waits += ports.waits([ports.read(group, pixel, *index) for index in depth], ofmap=sums)
            else:
                waits += sum(ports.waits([ports.read(group, pixel, *index) for pixel in some]) for index in loads)
                waits += product.filters * ports.waits(weight=(len(depth), product.weight_bits), ofmap=sums)
    return waits


def serial_waits(product, unit, step_cycles, buffers):
    """Cycles that a bit-serial unit waits; ``unit``: filters, windows and lanes at once; its steps all take as long."""
    ports, waits = Ports(product, buffers), 0
    wide, cols, lanes = unit
    high, across = product.conv["kernel"]
    bricks = [
        (ky, kx, channels)
        for ky in range(high)
        for kx in range(across)
        for channels in cut(range(product.conv["channels"]), lanes)
    ]
    for group in range(product.groups):
        for windows in cut(product.pixels, cols):
            for filters in cut(range(product.filters), wide):
                for ky, kx, channels in bricks:
                    reads = [ports.read(group, pixel, c, ky, kx) for pixel in windows for c in channels]
                    weights = len(channels) * len(filters), product.weight_bits
                    waits += max(0, ports.beat_cycles(reads, weight=weights) - step_cycles)
                written = ports.leaving_cycles(len(windows), len(filters))
                waits += max(0, written - step_cycles * len(bricks))
    return waits
