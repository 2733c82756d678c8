"""Oracle of SRAM ports, in plain Python: every beat of a product is walked, every word looked up in its bank.

Imports nothing from accelsim. Passes do not overlap.
"""

from collections import Counter


def ceil_div(a, b):
    return -(-a // b)


def elements_of(conv, group, groups, pixel, channel, ky, kx):
    """(image, channel of all groups, row, column) that a window reads at a kernel position; None for padding."""
    image, place = divmod(pixel, conv["out_height"] * conv["out_width"])
    oy, ox = divmod(place, conv["out_width"])
    y = oy * conv["stride"][0] - conv["padding"][0] + ky * conv["dilation"][0]
    x = ox * conv["stride"][1] - conv["padding"][1] + kx * conv["dilation"][1]
    if not (0 <= y < conv["height"] and 0 <= x < conv["width"]):
        return None
    return image, group * conv["channels"] + channel, y, x


def address(conv, groups, place, layout):
    image, channel, y, x = place
    channels = conv["channels"] * groups
    if layout == "channels_last":
        return ((image * conv["height"] + y) * conv["width"] + x) * channels + channel
    return ((image * channels + channel) * conv["height"] + y) * conv["width"] + x


def reduction(conv, layout, channels_inside=False):
    """(channel, ky, kx) in the order in which a layout is walked."""
    high, wide = conv["kernel"]
    windows = [(ky, kx) for ky in range(high) for kx in range(wide)]
    if layout == "channels_last" or channels_inside:
        return [(c, ky, kx) for ky, kx in windows for c in range(conv["channels"])]
    return [(c, ky, kx) for c in range(conv["channels"]) for ky, kx in windows]


def beat_cycles(reads, buffers, conv, groups, bits):
    """Cycles of the busiest buffer: activations by their words, everything else by so many elements of a width."""
    demanded = Counter()
    collided = 0
    for what, amount in reads:
        name = "shared" if "shared" in buffers else what
        buffer = buffers[name]
        if what == "ifmap" and buffer["layout"] != "as_read":
            words = set()
            for place in amount:
                if place is not None:
                    first = address(conv, groups, place, buffer["layout"]) * bits
                    words |= set(range(first // buffer["width"], (first + bits - 1) // buffer["width"] + 1))
            banks = Counter(word % buffer["banks"] for word in words)
            collided = ceil_div(max(banks.values(), default=0), buffer["ports"])
            demanded[name] += len(words)
        else:
            elements, width = (len(amount), bits) if what == "ifmap" else amount
            demanded[name] += ceil_div(elements * width, buffer["width"])
    taken = [ceil_div(n, buffers[name]["banks"] * buffers[name]["ports"]) for name, n in demanded.items()]
    return max([collided, *taken])


def systolic_waits(conv, groups, filters, bits, widths, array, buffers):
    """bits of activations; widths of weights, sums and results; array: rows, cols, dataflow, resident, drain."""
    weight_bits, sum_bits, result_bits = widths
    layout = buffers.get("shared", buffers.get("ifmap"))["layout"]
    order = reduction(conv, layout)
    pixels = range(conv["batch"] * conv["out_height"] * conv["out_width"])
    rows, cols, dataflow, resident, drain = array
    waits = 0

    def beat(*reads):
        return max(0, beat_cycles(reads, buffers, conv, groups, bits) - 1)

    def cut(things, size):
        return [things[i : i + size] for i in range(0, len(things), size)]

    def at(group, pixel, index):
        return elements_of(conv, group, groups, pixel, *index)

    for group in range(groups):
        if dataflow == "os":
            for held in cut(pixels, rows):
                for some in cut(range(filters), cols):
                    for index in order:
                        read = [at(group, p, index) for p in held]
                        waits += beat(("ifmap", read), ("weight", (len(some), weight_bits)))
                    if drain == "none":  # results leave at any time of the pass
                        buffer = buffers.get("shared", buffers.get("ofmap"))
                        words = len(held) * ceil_div(len(some) * result_bits, buffer["width"])
                        taken = ceil_div(words, buffer["banks"] * buffer["ports"])
                        waits += max(0, taken - (len(order) + len(held) + len(some) - 2))
                    else:
                        lines, line = (len(some), len(held)) if drain == "cols" else (len(held), len(some))
                        waits += lines * beat(("ofmap", (line, result_bits)))
            continue
        depths = cut(order, rows)
        for some in cut(range(filters), cols) if dataflow == "ws" else cut(pixels, cols):
            for number, depth in enumerate(depths):
                last = number == len(depths) - 1
                sums = [("ofmap", (len(some), sum_bits))] if number else []
                sums.append(("ofmap", (len(some), result_bits if last else sum_bits)))
                if dataflow == "ws":
                    if not resident:
                        waits += len(depth) * beat(("weight", (len(some), weight_bits)))
                    for pixel in pixels:
                        waits += beat(("ifmap", [at(group, pixel, index) for index in depth]), *sums)
                else:
                    if not resident:
                        for index in depth:
                            waits += beat(("ifmap", [at(group, p, index) for p in some]))
                    waits += filters * beat(("weight", (len(depth), weight_bits)), *sums)
    return waits


def serial_waits(conv, groups, filters, bits, widths, unit, step_cycles, buffers):
    """A bit-serial unit of side-by-side filters, columns and lanes, whose steps all take as long."""
    weight_bits, _, result_bits = widths
    wide, cols, lanes = unit
    pixels = range(conv["batch"] * conv["out_height"] * conv["out_width"])
    high, across = conv["kernel"]
    waits = 0
    for group in range(groups):
        for first in range(0, len(pixels), cols):
            windows = pixels[first : first + cols]
            for some in range(0, filters, wide):
                count, steps = min(wide, filters - some), 0
                for ky in range(high):
                    for kx in range(across):
                        for brick in range(0, conv["channels"], lanes):
                            channels = range(brick, min(brick + lanes, conv["channels"]))
                            read = [elements_of(conv, group, groups, p, c, ky, kx) for p in windows for c in channels]
                            taken = beat_cycles(
                                [("ifmap", read), ("weight", (len(channels) * count, weight_bits))],
                                buffers,
                                conv,
                                groups,
                                bits,
                            )
                            waits += max(0, taken - step_cycles)
                            steps += 1
                words = ceil_div(count * result_bits, buffers.get("shared", buffers.get("ofmap"))["width"])
                buffer = buffers.get("shared", buffers.get("ofmap"))
                taken = ceil_div(len(windows) * words, buffer["banks"] * buffer["ports"])
                waits += max(0, taken - step_cycles * steps)
    return waits
