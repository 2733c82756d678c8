"""A systolic array that holds one operand: weights, or with both operands exchanged activations."""

from __future__ import annotations

from naive.systolic_array import SystolicArray, Token, delay_line, delayed


class OperandStationary(SystolicArray):
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
