"""A systolic array through which both operands stream, and which keeps the sums."""

from __future__ import annotations

from naive.systolic_array import SystolicArray, Token
from naive.systolic_folds import drain_cycles


class OutputStationary(SystolicArray):
    """x [groups][M][K] and y [groups][K][N] both stream; every PE keeps one sum."""

    def __init__(self, x, y, options):
        super().__init__(x, y, (len(x[0]), len(y[0][0])), len(y[0]), options)
        self.down = self.grid()  # operands below each PE
        self.sums = self.grid()
        drain = drain_cycles(options)
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
