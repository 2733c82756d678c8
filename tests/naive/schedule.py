"""Oracle of the double-buffered schedule, tick by tick: one DMA queue, an engine, a vector unit."""

IFMAP, WEIGHT, OFMAP = range(3)


def play(loads, stores, fresh, compute, vector, latency, halves):
    """Play steps until everything is done; loads[step][operand] and the rest are cycles.

    A buffer has one or two halves. Returns the cycle after the last event, and for the engine, the vector unit and the
    bus the set of cycles in which each is busy.
    """
    run = Run(loads, stores, fresh, compute, vector, latency, halves)
    while not run.is_done():
        while run.begin_or_end():
            pass
        if run.is_done():
            break
        run.tick()
    return max((max(cycles) + 1 for cycles in run.busy.values() if cycles), default=0), run.busy


class Run:
    """The state of a schedule at an instant: what each unit works on, and when everything before it was done."""

    def __init__(self, loads, stores, fresh, compute, vector, latency, halves):
        self.loads, self.stores, self.compute, self.vector = loads, stores, compute, vector
        self.latency, self.halves = latency, halves
        self.steps = len(compute)
        self.content = [[sum(fresh[s][x] for s in range(step + 1)) for x in range(3)] for step in range(self.steps)]
        self.queue = [transfer for transfer in self.transfers() if self.length_of(*transfer)]  # others ask for nothing
        self.moved, self.computed, self.worked = {}, {}, {}  # when each was done
        self.busy = {"engine": set(), "vector": set(), "bus": set()}
        self.computing = self.working = self.moving = None  # [what, cycles left]
        self.next_compute = self.next_work = self.now = 0

    def transfers(self):
        """All transfers in the order of the queue: a step's store stands as far behind it as its buffer has halves."""
        behind = self.halves[OFMAP]
        for step in range(self.steps):
            yield from (("load", step, IFMAP), ("load", step, WEIGHT))
            if step >= behind:
                yield ("store", step - behind, None)
            yield ("load", step, OFMAP)
        yield from (("store", step, None) for step in range(max(0, self.steps - behind), self.steps))

    def length_of(self, kind, step, operand):
        return self.stores[step] if kind == "store" else self.loads[step][operand]

    def is_done(self):
        return len(self.worked) == self.steps and not self.queue and self.moving is None

    def freed(self, operand, step):
        """When the half for this step's content was last needed; None if it still is."""
        earlier = self.content[step][operand] - self.halves[operand]
        before = [s for s in range(step) if self.content[s][operand] == earlier]
        if not before:
            return 0
        last = before[-1]
        if operand != OFMAP:
            return self.computed.get(last)
        if last not in self.worked or (self.stores[last] and ("store", last, None) not in self.moved):
            return None
        return max(self.worked[last], self.moved.get(("store", last, None), 0))

    def may_move(self, kind, step, operand):
        if kind == "store":
            return step in self.worked
        free = self.freed(operand, step)
        return free is not None and self.now >= free + self.latency

    def may_compute(self, step):
        there = all(("load", step, x) in self.moved for x in range(3) if self.loads[step][x])
        return there and self.freed(OFMAP, step) is not None

    def begin_or_end(self):
        """What can happen at this instant, work of no cycles included; whether more may follow from it."""
        progress = False
        if self.moving is None and self.queue and self.may_move(*self.queue[0]):
            self.moving = [self.queue[0], self.length_of(*self.queue.pop(0))]
        if self.computing is None and self.next_compute < self.steps and self.may_compute(self.next_compute):
            self.computing = [self.next_compute, self.compute[self.next_compute]]
            self.next_compute += 1
            progress = True
        if self.computing is not None and self.computing[1] == 0:
            self.computed[self.computing[0]] = self.now
            self.computing = None
            progress = True
        if self.working is None and self.next_work in self.computed:
            self.working = [self.next_work, self.vector[self.next_work]]
            self.next_work += 1
            progress = True
        if self.working is not None and self.working[1] == 0:
            self.worked[self.working[0]] = self.now
            self.working = None
            progress = True
        return progress

    def tick(self):
        """Every unit that has something works on it for a cycle."""
        for name, unit in (("engine", self.computing), ("vector", self.working), ("bus", self.moving)):
            if unit is not None:
                self.busy[name].add(self.now)
                unit[1] -= 1
        self.now += 1
        if self.moving is not None and self.moving[1] == 0:
            self.moved[self.moving[0]] = self.now
            self.moving = None
