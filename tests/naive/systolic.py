"""Oracles in plain Python: slow, obvious, and importing nothing from accelsim.

The systolic array holds a token or None in every register, and a token says what it is, so that operands which
meet by mistake, a register written twice or a weight that comes late are caught where they happen.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import NamedTuple


class Options(NamedTuple):
    """A systolic array, as its hardware description names it."""

    rows: int
    cols: int
    dataflow: str
    psum_hop_cycles: int = 1
    pipeline_registers: int = 0
    output_drain: str = "rows"
    weights_resident: bool = False
    overlap_folds: bool = False
    swap_cycles: int = 0
    reload_cycles: int | None = None
    charge_full_array: bool = False


class Counts(NamedTuple):
    cycles: int
    macs: int
    folds: int
    activation_reads: int
    weight_reads: int
    psum_reads: int
    psum_writes: int
    skipped_macs: int = 0


class Fold(NamedTuple):
    """One pass: the part of the held matrix it covers, and the rows and columns it is charged for."""

    number: int
    group: int
    row0: int
    col0: int
    rows: int
    cols: int
    timed_rows: int
    timed_cols: int


class Token(NamedTuple):
    """A value in a register: its fold, its place in the stream (or its row, if a weight); None is a bubble."""

    fold: Fold
    place: int
    value: int | None


def systolic(a, w, options):
    """Product [groups][M][N] and Counts of a [groups][M][K] times w [groups][K][N], all nested lists."""
    if options.dataflow == "os":
        return OutputStationary(a, w, options).run()
    if options.dataflow == "ws":
        return Stationary(a, w, options).run()
    product, counts = Stationary([transposed(x) for x in w], [transposed(x) for x in a], options).run()
    counts = counts._replace(activation_reads=counts.weight_reads, weight_reads=counts.activation_reads)
    return [transposed(x) for x in product], counts


def transposed(matrix):
    return [list(column) for column in zip(*matrix, strict=True)]


def passes(groups, height, width, options):
    """Folds in order: rows innermost, then columns, then groups."""
    order = []
    for group in range(groups):
        for col0 in range(0, width, options.cols):
            for row0 in range(0, height, options.rows):
                rows, cols = min(options.rows, height - row0), min(options.cols, width - col0)
                timed = (options.rows, options.cols) if options.charge_full_array else (rows, cols)
                order.append(Fold(len(order), group, row0, col0, rows, cols, *timed))
    return order


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


class Stationary(SystolicArray):
    """x [groups][T][K] streams past y [groups][K][N], which is held."""

    def __init__(self, x, y, options):
        super().__init__(x, y, (len(y[0]), len(y[0][0])), len(x[0]), options)
        self.reload = options.rows if options.reload_cycles is None else options.reload_cycles
        self.segment = min(options.rows, self.reload) if options.overlap_folds else options.rows
        self.psum = self.grid(lambda: delay_line(options.psum_hop_cycles))  # below each PE
        self.chain = self.grid(lambda: delay_line(options.psum_hop_cycles))
        self.active, self.shadow = self.grid(), self.grid()

    def product_shape(self, held):
        return len(self.x[0]), held[1]

    def run_in_turn(self):
        for fold in self.folds:
            if not self.options.weights_resident:
                for row in reversed(range(self.options.rows)):
                    for c in range(fold.cols):
                        self.enter(self.top_skew, (0, c), 0, self.weight(fold, row, c))
                    self.clock()
            self.begin(fold)
            self.clock_until(self.events + self.streamed * fold.timed_cols)

    def run_overlapped(self):
        """The next load begins with a fold, or so much later that it does not end before the stream and its bubble."""
        busy = 0
        for fold in self.folds:
            load = 0 if self.options.weights_resident else self.reload if fold.number else self.options.rows
            while busy > load:
                self.clock()
                busy -= 1
            for left in range(load, 0, -1):
                if left <= self.segment:
                    self.load_row(fold, left - 1)
                self.clock()
            self.begin(fold)
            busy = self.streamed + self.options.swap_cycles
        self.clock_until(sum(self.streamed * fold.timed_cols for fold in self.folds))

    def weight(self, fold, row, c):
        used = row < fold.rows
        return Token(fold, row, self.y[fold.group][fold.row0 + row][fold.col0 + c] if used else None)

    def load_row(self, fold, row_in_segment):
        """One row for each segment of the chain, each column a cycle later, each segment as late as its sums."""
        for top in range(0, self.options.rows, self.segment):
            for c in range(fold.cols):
                if top + row_in_segment < fold.rows:
                    token = self.weight(fold, top + row_in_segment, c)
                    self.enter(self.top_skew, (top, c), self.options.psum_hop_cycles * top + c, token)

    def stream(self, fold, place):
        for r in range(fold.rows):
            token = Token(fold, place, self.x[fold.group][place][fold.row0 + r])
            self.enter(self.left_skew, r, self.options.psum_hop_cycles * r, token)

    def cycle(self):
        rows, cols = self.options.rows, self.options.cols
        left = self.at_edge(self.left_edge, self.left_skew, range(rows))
        ports = [(top, c) for top in range(0, rows, self.segment) for c in range(cols)]
        top = self.at_edge(self.top_edge, self.top_skew, ports)
        for c in range(cols):
            if not self.options.overlap_folds and top[0, c] is not None:
                for r in reversed(range(rows)):
                    self.active[r][c] = self.active[r - 1][c] if r else top[0, c]
            total = weight = None
            for r in range(rows):
                operand = self.operand[r][c - 1] if c else left[r]
                weight = top[r, c] if r % self.segment == 0 else weight
                self.swap(r, c, operand)
                self.capture(r, c, weight)
                total = delayed(self.psum[r][c], self.multiply(r, c, operand, total))
                weight = delayed(self.chain[r][c], weight)
            self.collect(c, self.psum[-1][c][0])
        for r in range(rows):
            self.operand[r] = [left[r], *self.operand[r][:-1]]

    def swap(self, r, c, operand):
        """A fold's first operand brings its weight into use."""
        if operand is None or operand.place > 0 or c >= operand.fold.cols:
            return
        if self.options.weights_resident:
            self.active[r][c] = self.weight(operand.fold, r, c)
        elif self.options.overlap_folds:
            self.active[r][c], self.shadow[r][c] = self.shadow[r][c], None

    def capture(self, r, c, weight):
        if self.options.overlap_folds and weight is not None and weight.place == r:
            assert self.shadow[r][c] is None, "a weight overwritten before its use"
            self.shadow[r][c] = weight

    def multiply(self, r, c, operand, total):
        """The sum that a PE passes down: begun in the first row, a bubble in columns that the fold does not use."""
        if operand is None:
            return total
        fold, place, value = operand
        if r == 0:
            total = Token(fold, place, 0 if c < fold.cols else None)
        assert total[:2] == (fold, place), "a sum met another vector's operand"
        if c >= fold.cols:
            return total
        weight = self.active[r][c]
        assert weight[:2] == (fold, r), "an operand met another's weight"
        self.macs += 1
        return total._replace(value=total.value + value * weight.value)

    def collect(self, c, total):
        """A sum has left as the last register below the last row takes it."""
        if total is not None and c < total.fold.timed_cols:
            self.leave(total.fold, total.place, total.fold.col0 + c, total.value)
            self.psum_reads += total.value is not None and total.fold.row0 > 0


class OutputStationary(SystolicArray):
    """x [groups][M][K] and y [groups][K][N] both stream; every PE keeps one sum."""

    def __init__(self, x, y, options):
        super().__init__(x, y, (len(x[0]), len(y[0][0])), len(y[0]), options)
        self.down = self.grid()  # operands below each PE
        self.sums = self.grid()
        drain = {"rows": options.rows, "cols": options.cols, "none": 0}[options.output_drain]
        self.reload = drain if options.reload_cycles is None else options.reload_cycles
        self.lanes = [self.grid() for _ in range(-(-drain // self.reload) if 0 < self.reload < drain else 1)]
        self.moving = set()  # folds and their columns (rows, if sums leave that way) whose sums are on their way

    def product_shape(self, held):
        return held

    def run_in_turn(self):
        for fold in self.folds:
            self.begin(fold)
            self.clock_until(self.events + fold.timed_rows * fold.timed_cols)

    def run_overlapped(self):
        """A fold waits for the stream before it, for room in the drain, and for the bubble."""
        for fold in self.folds:
            self.begin(fold)
            for _ in range(max(self.streamed, self.reload) + self.options.swap_cycles):
                self.clock()
        self.clock_until(sum(fold.timed_rows * fold.timed_cols for fold in self.folds))

    def stream(self, fold, place):
        for r in range(fold.timed_rows):
            value = self.x[fold.group][fold.row0 + r][place] if r < fold.rows else None
            self.enter(self.left_skew, r, r, Token(fold, place, value))
        for c in range(fold.timed_cols):
            value = self.y[fold.group][place][fold.col0 + c] if c < fold.cols else None
            self.enter(self.top_skew, c, c, Token(fold, place, value))

    def cycle(self):
        rows, cols = range(self.options.rows), range(self.options.cols)
        left = self.at_edge(self.left_edge, self.left_skew, rows)
        top = self.at_edge(self.top_edge, self.top_skew, cols)
        self.drain()
        across = [[left[r], *self.operand[r][:-1]] for r in rows]
        down = [[top[c] for c in cols], *self.down[:-1]]
        for r in rows:
            for c in cols:
                if across[r][c] is not None and down[r][c] is not None:
                    self.multiply(r, c, across[r][c], down[r][c])
        self.operand, self.down = across, down

    def multiply(self, r, c, x, y):
        assert x[:2] == y[:2], "operands of different places met"
        fold, used = x.fold, r < x.fold.rows and c < x.fold.cols
        if x.place == 0:
            assert self.sums[r][c] is None, "a sum begun before the last was handed on"
            self.sums[r][c] = 0
        if used:
            self.sums[r][c] += x.value * y.value
            self.macs += 1
        if x.place == self.streamed - 1:
            self.finish(Token(fold, (r, c), self.sums[r][c] if used else None))
            self.sums[r][c] = None

    def finish(self, total):
        """A sum goes into the drain; the last of a column (or row) sets it moving from the next cycle on."""
        fold, (r, c), value = total
        if self.options.output_drain == "none":
            self.leave(fold, fold.row0 + r, fold.col0 + c, value)
            return
        lane = self.lanes[fold.number % len(self.lanes)]
        assert lane[r][c] is None, "two sums in one drain register"
        lane[r][c] = total
        if self.options.output_drain == "rows" and r == fold.timed_rows - 1:
            self.moving.add((fold.number, c))
        if self.options.output_drain == "cols" and c == fold.timed_cols - 1:
            self.moving.add((fold.number, r))

    def drain(self):
        """Every sum on the move goes one register on, those ahead first."""
        by_rows = self.options.output_drain == "rows"
        for lane in self.lanes:
            for r in reversed(range(self.options.rows)):
                for c in reversed(range(self.options.cols)):
                    total = lane[r][c]
                    if total is None or (total.fold.number, c if by_rows else r) not in self.moving:
                        continue
                    lane[r][c] = None
                    next_r, next_c = (r + 1, c) if by_rows else (r, c + 1)
                    if next_r == self.options.rows or next_c == self.options.cols:
                        fold, (r0, c0), value = total
                        self.leave(fold, fold.row0 + r0, fold.col0 + c0, value)
                    else:
                        assert lane[next_r][next_c] is None, "two sums in one drain register"
                        lane[next_r][next_c] = total
