"""Oracles of tiles and loop orders: loop nests that are walked, and elements that are counted one by one.

Sizes, tiles and ranges are dicts of m, n and k. A convolution is a dict as in naive.convolution, or None.
"""

import itertools
import math

from naive.convolution import place_of
from naive.counts import ceil_div

OPERANDS = {"ifmap": "mk", "weight": "kn", "ofmap": "mn"}
ORDERS = ["".join(order) for order in itertools.permutations("mnk")]
SUM_BYTES = 4
ARRAY_ROWS = 4  # of the array whose mappings are tried


def idle_letter(operand):
    """The loop over which an operand does not change."""
    return next(letter for letter in "mnk" if letter not in OPERANDS[operand])


def walk(sizes, tiles, order, kept):
    """The loop nest over tiles, with buffers that keep or replace: what each step loads, spills and stores.

    Yields, per step, ranges and the names of what moves: ``ifmap`` and ``weight`` in, ``psum`` in, ``spill`` (partial)
    or ``store`` (final) out.
    """
    held = {operand: (None, set()) for operand in OPERANDS}  # the content of each buffer, and its tiles that are there
    for starts in itertools.product(*(range(0, sizes[letter], tiles[letter]) for letter in order)):
        at = dict(zip(order, starts, strict=True))
        moves = []
        for operand, letters in OPERANDS.items():
            # everything inside the idle loop stays while that loop runs, if the buffer keeps it
            outside = tuple(at[x] for x in order[: order.index(idle_letter(operand))]) if kept[operand] else starts
            tile = tuple(at[letter] for letter in letters)
            if held[operand][0] != outside:
                held[operand] = (outside, set())
            if tile not in held[operand][1]:
                held[operand][1].add(tile)
                if operand != "ofmap":
                    moves.append(operand)
                elif at["k"] > 0:
                    moves.append("psum")
        if at["k"] + tiles["k"] >= sizes["k"]:
            moves.append("store")
        elif not kept["ofmap"]:
            moves.append("spill")
        yield {x: range(at[x], min(sizes[x], at[x] + tiles[x])) for x in "mnk"}, moves


def touched_places(conv, pixels, reductions):
    """(image, channel, row, column), padding included, that output pixels and reduction indices touch."""
    touched = set()
    for pixel, index in itertools.product(pixels, reductions):
        channel, window = divmod(index, math.prod(conv["kernel"]))
        image, row, column = place_of(conv, pixel, *divmod(window, conv["kernel"][1]))
        touched.add((image, channel, row, column))
    return touched


def fetched_elements(conv, pixels, reductions):
    """Elements that come for a tile: the box around its windows, of whole rows if it spans output rows.

    Rows and columns that no window of the layer reads stay where they are.
    """
    everything = touched_places(conv, range(conv["out_height"] * conv["out_width"]), range(math.prod(conv["kernel"])))
    read_rows = {row for _, _, row, _ in everything if 0 <= row < conv["height"]}
    read_columns = {column for *_, column in everything if 0 <= column < conv["width"]}
    boxes = {}
    for image, channel, row, column in touched_places(conv, pixels, reductions):
        top, left, bottom, right = boxes.get((image, channel), (row, column, row, column))
        boxes[image, channel] = (min(top, row), min(left, column), max(bottom, row), max(right, column))
    spans = pixels[0] // conv["out_width"] != pixels[-1] // conv["out_width"]
    total = 0
    for top, left, bottom, right in boxes.values():
        rows = len(read_rows.intersection(range(top, bottom + 1)))
        columns = len(read_columns if spans else read_columns.intersection(range(left, right + 1)))
        total += rows * columns
    return total


def tile_elements(ranges, conv):
    """Elements of each operand's tile."""
    counts = {operand: len(ranges[a]) * len(ranges[b]) for operand, (a, b) in OPERANDS.items()}
    if conv:
        counts["ifmap"] = fetched_elements(conv, ranges["m"], ranges["k"])
    return counts


def moved_bytes(ranges, moves, conv, bits, biased):
    """Bytes of a step: ifmap, weights with start values, partial sums that come, and what leaves.

    ``bits`` are those of activations, weights and results.
    """
    counts = tile_elements(ranges, conv)
    activation_bits, weight_bits, output_bits = bits
    bias = len(ranges["n"]) * SUM_BYTES * (biased and ranges["k"].start == 0)
    sums = counts["ofmap"] * SUM_BYTES
    return (
        ceil_div(counts["ifmap"] * activation_bits, 8) * ("ifmap" in moves),
        (ceil_div(counts["weight"] * weight_bits, 8) + bias) * ("weight" in moves),
        sums * ("psum" in moves),
        ceil_div(counts["ofmap"] * output_bits, 8) if "store" in moves else sums * ("spill" in moves),
    )


def all_mappings(sizes, conv, rungs, room, halves):
    """Bytes that every mapping of these tiles moves which fits a weight-stationary array's buffers, in int8.

    ``rungs`` are the tiles to try by letter, ``room`` the bytes of each buffer. A buffer holds its largest content, in
    each of its halves where it has more than one; sums of a sliced K take four bytes each.
    """
    for tiles in itertools.product(*(rungs[letter] for letter in "mnk")):
        tile = dict(zip("mnk", tiles, strict=True))
        for order in ORDERS:
            for kept in itertools.product((False, True), repeat=3):
                moved, needed = walk_mapping(sizes, conv, tile, order, dict(zip(OPERANDS, kept, strict=True)), halves)
                if all(need <= limit for need, limit in zip(needed, room, strict=True)):
                    yield moved


def walk_mapping(sizes, conv, tile, order, kept, halves):
    """Bytes that a mapping moves, and those that each buffer needs."""
    sum_bytes = SUM_BYTES if tile["k"] < sizes["k"] or tile["k"] > ARRAY_ROWS else 1
    moved, contents = 0, {operand: {} for operand in OPERANDS}
    for ranges, moves in walk(sizes, tile, order, kept):
        counts = tile_elements(ranges, conv)
        moved += sum(counts[operand] for operand in ("ifmap", "weight") if operand in moves)
        moved += counts["ofmap"] * (("store" in moves) + SUM_BYTES * (("psum" in moves) + ("spill" in moves)))
        at = {letter: ranges[letter].start for letter in order}
        for operand, letters in OPERANDS.items():
            place = order.index(idle_letter(operand))
            # what a buffer keeps, or what does not change while the innermost loop runs, stays
            outside = order[:place] if kept[operand] or place == 2 else order
            held = contents[operand].setdefault(tuple(at[x] for x in outside), {})
            held[tuple(at[x] for x in letters)] = counts[operand] * (sum_bytes if operand == "ofmap" else 1)
    needed = [
        max(sum(content.values()) for content in held.values()) * min(most, len(held))
        for held, most in zip(contents.values(), halves, strict=True)
    ]
    return moved, needed
