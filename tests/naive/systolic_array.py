"""A systolic array's registers, clock and edges, which both kinds of arrays share.

Every register holds a token or None, and a token says what it is, so that operands which meet by mistake, a register
written twice or a weight that comes late are caught where they happen.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import NamedTuple

from naive.counts import Counts
from naive.systolic_folds import Fold, passes


class Token(NamedTuple):
    """A value in a register: its fold, its place in the stream (or its row, if a weight); None is a bubble."""

    fold: Fold
    place: int
    value: int | None


def delay_line(cycles):
    return deque([None] * cycles)


def delayed(line, token):
    """One clock edge of a delay line; without registers the token passes at once."""
    line.append(token)
    return line.popleft()


class SystolicArray:
    """What both kinds share: x [groups][lines][time] enters at the left, y at the top; a clock; the events counted."""

    def __init__(self, x, y, held, streamed, options):
        self.x, self.y, self.options, self.streamed = x, y, options, streamed
        self.folds = passes(len(x), *held, options)
        self.product = [[[0] * columns for _ in range(rows)] for rows, columns in [self.product_shape(held)] for _ in x]
        self.left_edge = defaultdict(lambda: delay_line(options.pipeline_registers))  # by row
        self.top_edge = defaultdict(lambda: delay_line(options.pipeline_registers))  # by port
        self.left_skew, self.top_skew = defaultdict(dict), defaultdict(dict)  # by cycle, then as the edges
        self.operand = self.grid()  # at the right of each PE
        self.t, self.last_event, self.events = 0, -1, 0
        self.current, self.place = None, 0  # the fold that streams, and its next operand
        self.macs = self.left_reads = self.top_reads = self.psum_reads = self.psum_writes = 0

    def grid(self, make=lambda: None):
        return [[make() for _ in range(self.options.cols)] for _ in range(self.options.rows)]

    def enter(self, skew, line, cycles, token):
        """Let a token wait ``cycles`` before it enters at ``line``; a bubble is not read from anywhere."""
        assert line not in skew[self.t + cycles], "two operands at one port in one cycle"
        skew[self.t + cycles][line] = token
        if token.value is not None:
            self.left_reads += skew is self.left_skew
            self.top_reads += skew is self.top_skew

    def at_edge(self, edge, skew, lines):
        """What leaves the pipeline registers in this cycle, by line."""
        entering = skew.pop(self.t, {})
        return {line: delayed(edge[line], entering.get(line)) for line in lines}

    def begin(self, fold):
        self.current, self.place = fold, 0

    def clock(self):
        """One cycle: operands enter, then every register takes over its neighbour's old state."""
        if self.current is not None and self.place < self.streamed:
            self.stream(self.current, self.place)
            self.place += 1
        self.cycle()
        self.t += 1

    def clock_until(self, events):
        while self.events < events:
            self.clock()

    def leave(self, fold, row, column, value):
        """A sum leaves the array; one that nobody asked for takes its time too."""
        if value is not None:
            self.product[fold.group][row][column] += value
            self.psum_writes += 1
        self.last_event = self.t
        self.events += 1

    def run(self):
        (self.run_overlapped if self.options.overlap_folds else self.run_in_turn)()
        return self.product, Counts(
            self.last_event + 1,
            self.macs,
            len(self.folds),
            self.left_reads,
            self.top_reads,
            self.psum_reads,
            self.psum_writes,
        )
