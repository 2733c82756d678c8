"""Bank conflicts: cycles that a product waits because a beat needs more words than the buffers' ports serve.

Words are interleaved over the banks. Weights, sums and results are stored in the engine's order, so that the words of a
beat lie in as many different banks as there are; sums are read and written in one beat. Activations are stored in the
engine's order as well, unless the hardware file states a layout: then every beat is checked for words that lie in one
bank. What the DMA engine fills or empties meanwhile is in other banks. Operands of overlapped passes that share one
buffer are not added up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accelsim.config.integers import ceil_div
from accelsim.engines.base import Beats, Blocks, Engine
from accelsim.hardware import ACCUMULATOR_BITS, Hardware, IfmapLayout
from accelsim.workload.gemm import Convolution, Gemm

if TYPE_CHECKING:
    from accelsim.kernels.sram_banks import Image, Runs


UNLIMITED = 1 << 40  # words that a bank serves in a cycle where its ports are not stated
_CHANNELS_LAST: Mapping[IfmapLayout, bool | None] = {"as_read": None, "channels_last": True, "rows": False}
"""Whether a layout stores all channels of a pixel side by side; None where activations lie in the engine's order."""


class Buffer(NamedTuple):
    """What of an SRAM decides how long an access takes."""

    banks: int
    ports: int  #: words that a bank serves in a cycle
    width_bits: int  #: of a word
    layout: IfmapLayout

    @property
    def at_once(self) -> int:
        """Words that all banks together serve in a cycle."""
        return self.banks * self.ports


class Buffers(NamedTuple):
    """The buffer of each operand, three times the same where one buffer is shared."""

    ifmap: Buffer
    weight: Buffer
    ofmap: Buffer
    shared: bool
    sum_bits: int  #: of a partial sum


def describe_buffers(hardware: Hardware) -> Buffers:
    """Describe the buffers of a machine as far as they decide about bank conflicts."""
    srams = hardware.sram
    three = (srams.shared or getattr(srams, name) for name in ("ifmap", "weight", "ofmap"))
    ifmap, weight, ofmap = (Buffer(s.banks, s.ports or UNLIMITED, s.width_bits, s.layout) for s in three)
    return Buffers(ifmap, weight, ofmap, srams.shared is not None, ACCUMULATOR_BITS[hardware.engine.precision])


@lru_cache(maxsize=4096)
def count_conflict_cycles(gemm: Gemm, engine: Engine, buffers: Buffers, cycles: int) -> int:
    """Count the cycles that a product waits for the ports of its buffers.

    ``gemm`` is as it lies on the engine, which takes ``cycles`` for it if no buffer holds it up.
    """
    blocks = engine.blocks(gemm)
    waits = Fraction(0)
    for beats in engine.beats(gemm, cycles):
        if beats.activations and _CHANNELS_LAST[buffers.ifmap.layout] is not None:
            waits += _waits_in_layout(gemm, beats, blocks, buffers)
        else:
            taken = _cycles(_words(beats, gemm, buffers), buffers)
            waits += max(0, taken - beats.cycles) * beats.repeat
    return ceil(waits)


def _words(beats: Beats, gemm: Gemm, buffers: Buffers) -> tuple[int, int, int]:
    """Words that a beat reads and writes in the buffers of ifmap, weights and ofmap."""
    ofmap, sum_bits = buffers.ofmap.width_bits, buffers.sum_bits
    sums = ceil_div(beats.sums_in * sum_bits, ofmap) + ceil_div(beats.sums_out * sum_bits, ofmap)
    return (
        beats.vectors * ceil_div(beats.activations * gemm.activation_bits, buffers.ifmap.width_bits),
        beats.vectors * ceil_div(beats.weights * gemm.stored_weight_bits, buffers.weight.width_bits),
        beats.vectors * (sums + ceil_div(beats.results * gemm.output_bits, ofmap)),
    )


def _cycles(words: tuple[int, int, int], buffers: Buffers) -> int:
    """Cycles that the busiest buffer takes for so many words of each operand, if no two lie in one bank."""
    if buffers.shared:
        return ceil_div(sum(words), buffers.ifmap.at_once)
    return max(ceil_div(count, buffer.at_once) for count, buffer in zip(words, buffers[:3], strict=True))


def _waits_in_layout(gemm: Gemm, beats: Beats, blocks: Blocks, buffers: Buffers) -> Fraction:
    """The waits of beats whose activations lie in a stated layout: each beat is checked for bank conflicts."""
    others = _words(beats._replace(activations=0), gemm, buffers)
    floor, beside = _cycles(others, buffers), sum(others) * buffers.shared
    ahead = blocks.ahead or beats.vectors > 1
    found = _histogram(gemm, blocks, buffers.ifmap, 0 if ahead else beside)[slice(*beats.depths)].sum(axis=0)
    if not ahead:
        late = np.maximum(np.maximum(np.arange(found.size), floor) - beats.cycles, 0)
        return Fraction(int(late @ found) * beats.repeat, int(found.sum()))
    passes = Fraction(beats.activations * beats.vectors * beats.repeat, gemm.groups * gemm.m * gemm.k)
    taken = passes * int(np.arange(found.size) @ found) + ceil_div(beside, buffers.ifmap.at_once) * beats.repeat
    return max(Fraction(0), max(taken, Fraction(floor * beats.repeat)) - beats.cycles * beats.repeat)


@lru_cache(maxsize=256)
def _histogram(gemm: Gemm, blocks: Blocks, sram: Buffer, beside: int) -> np.ndarray:
    """Beats by the cycles that the banks take for them, of all groups: int64[blocks of the reduction, cycles].

    There is one row where the blocks need no distinction. ``beside`` are words of other operands in each beat.
    """
    from accelsim.kernels.sram_banks import Banked, block_cycles

    channels_last = bool(_CHANNELS_LAST[sram.layout])
    runs = _runs(gemm, blocks, channels_last)
    conv = gemm.convolution or _as_convolution(gemm)
    elements = conv.batch * conv.height * conv.width * conv.channels * gemm.groups
    bits, width = gemm.activation_bits, sram.width_bits
    seen = np.zeros((elements + width) * bits // width + 2, np.int64)
    runs_a_beat = int(np.diff(runs.ends, prepend=0).max())
    last_word = blocks.pixels * runs_a_beat * (int(runs.length.max()) * bits // width + 2)
    others = np.full(runs.ends.size, beside, np.int64)
    most = last_word + beside
    found = np.zeros((runs.ends.size, most + 2), np.int64)
    channel_pitch = 1 if channels_last else conv.height * conv.width
    begins = Counter(group * conv.channels * channel_pitch * bits % width for group in range(gemm.groups))
    for begin, times in begins.items():  # where a group begins whole words later, the banks only change places
        image = _image(conv, gemm.groups, channels_last)
        buffer = Banked(sram.banks, sram.ports, width, bits, begin)
        seen[:] = 0
        found += times * block_cycles(gemm.m, blocks.pixels, image, runs, buffer, others, most, seen)
    return found if blocks.apart else found.sum(axis=0, keepdims=True)


def _as_convolution(gemm: Gemm) -> Convolution:
    """A product as a 1x1 convolution over a row of pixels."""
    return Convolution(1, gemm.k, 1, gemm.m, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1, gemm.m)


def _image(conv: Convolution, groups: int, channels_last: bool) -> Image:
    """The kernel's image: sizes, and the distance in elements between images, rows and pixels."""
    from accelsim.kernels.sram_banks import Image

    pixel_pitch = conv.channels * groups if channels_last else 1
    return Image(
        height=conv.height,
        width=conv.width,
        out_height=conv.out_height,
        out_width=conv.out_width,
        stride_y=conv.stride[0],
        stride_x=conv.stride[1],
        top=conv.padding[0],
        left=conv.padding[1],
        image_pitch=conv.channels * groups * conv.height * conv.width,
        row_pitch=conv.width * pixel_pitch,
        pixel_pitch=pixel_pitch,
    )


def _runs(gemm: Gemm, blocks: Blocks, channels_last: bool) -> Runs:
    """The reduction of one group in the engine's order, cut into blocks, and these into runs of contiguous elements."""
    from accelsim.kernels.sram_banks import Runs

    conv = gemm.convolution or _as_convolution(gemm)
    (high, wide), channels = conv.kernel, conv.channels
    if channels_last or blocks.channels_inside:
        positions, channel = np.divmod(np.arange(high * wide * channels), channels)
    else:
        channel, positions = np.divmod(np.arange(high * wide * channels), high * wide)
    block = np.arange(positions.size) // blocks.depth
    if blocks.by_position:
        block = channel // blocks.depth * high * wide + positions
        order = np.argsort(block, kind="stable")
        block, positions, channel = block[order], positions[order], channel[order]
    dy, dx = np.divmod(positions, wide)
    begins = np.ones(positions.size, bool)
    begins[1:] = (np.diff(positions) != 0) | (np.diff(block) != 0)
    if not channels_last:  # channels are an image apart
        begins[:] = True
    starts = np.flatnonzero(begins)
    last_of_block = np.append(np.flatnonzero(np.diff(block[starts]) != 0), starts.size - 1)
    return Runs(
        dy=dy[starts] * conv.dilation[0],
        dx=dx[starts] * conv.dilation[1],
        offset=channel[starts] * (1 if channels_last else conv.height * conv.width),
        length=np.diff(starts, append=positions.size),
        ends=last_of_block + 1,
    )
