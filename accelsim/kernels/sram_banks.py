"""Cycles in which banks serve the activations of an engine's beat, counted for every beat of a product."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.compiled import kernel


class Image(NamedTuple):
    """Where activations lie: images of ``height`` x ``width`` pixels, and how far apart neighbours are, in elements."""

    height: int
    width: int
    out_height: int
    out_width: int
    stride_y: int
    stride_x: int
    top: int  #: padding
    left: int
    image_pitch: int
    row_pitch: int
    pixel_pitch: int


class Runs(NamedTuple):
    """Elements of a window that lie one after the other; blocks are made of them."""

    dy: np.ndarray  #: int64[runs], rows below a window's first
    dx: np.ndarray
    offset: np.ndarray  #: int64[runs], of the channel, in elements
    length: np.ndarray
    ends: np.ndarray  #: int64[blocks], the run after a block's last


class Banked(NamedTuple):
    """A buffer of words in banks."""

    banks: int
    ports: int
    width_bits: int
    element_bits: int
    begin: int  #: bit of the first element


@kernel
def block_cycles(pixels, at_once, image, runs, buffer, others, last_word, seen):
    """Histogram int64[blocks, cycles + 1] of what the banks take for each block of each ``at_once`` of the pixels.

    A word is read once a beat, zeros of the padding not at all. ``others`` int64[blocks] are words of other operands
    in the same beat, in whichever banks are free. ``seen`` int64[words of the tensor] is for marks; last_word is the
    most that a beat can touch.
    """
    found = np.zeros((runs.ends.size, last_word + 2), np.int64)
    in_bank = np.zeros(buffer.banks, np.int64)
    together = buffer.banks * buffer.ports
    mark = 0
    for block in range(runs.ends.size):
        first_run = runs.ends[block - 1] if block else 0
        for first in range(0, pixels, at_once):
            mark += 1
            in_bank[:] = 0
            words, busiest = 0, 0
            for pixel in range(first, min(first + at_once, pixels)):
                row = pixel // image.out_width
                number = row // image.out_height
                y = (row - number * image.out_height) * image.stride_y - image.top
                x = (pixel - row * image.out_width) * image.stride_x - image.left
                for run in range(first_run, runs.ends[block]):
                    at_y, at_x = y + runs.dy[run], x + runs.dx[run]
                    if at_y < 0 or at_y >= image.height or at_x < 0 or at_x >= image.width:
                        continue
                    place = number * image.image_pitch + at_y * image.row_pitch
                    place += at_x * image.pixel_pitch + runs.offset[run]
                    bit = buffer.begin + place * buffer.element_bits
                    low = bit // buffer.width_bits
                    high = (bit + runs.length[run] * buffer.element_bits - 1) // buffer.width_bits
                    for word in range(low, high + 1):
                        if seen[word] == mark:
                            continue
                        seen[word] = mark
                        words += 1
                        bank = word % buffer.banks
                        in_bank[bank] += 1
                        busiest = max(busiest, in_bank[bank])
            cycles = max(-(-busiest // buffer.ports), -(-(words + others[block]) // together))
            found[block, min(cycles, last_word + 1)] += 1
    return found
