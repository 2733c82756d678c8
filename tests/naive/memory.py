"""Oracles of the memory side, in plain Python: they import nothing from accelsim."""

IFMAP, WEIGHT, OFMAP = range(3)


def play(loads, stores, fresh, compute, vector, latency, halves):
    """Tick by tick: one DMA queue, one or two halves per buffer, an engine and a vector unit.

    loads[step][operand] and the rest are cycles. Returns the cycle after the last event, and for the engine,
    the vector unit and the bus the set of cycles in which each is busy.
    """
    steps = len(compute)
    content = [[sum(fresh[s][x] for s in range(step + 1)) for x in range(3)] for step in range(steps)]
    queue = []
    for step in range(steps):
        queue += [("load", step, IFMAP), ("load", step, WEIGHT)]
        if step >= halves[OFMAP]:
            queue.append(("store", step - halves[OFMAP], None))
        queue.append(("load", step, OFMAP))
    queue += [("store", step, None) for step in range(max(0, steps - halves[OFMAP]), steps)]

    def length_of(kind, step, operand):
        return stores[step] if kind == "store" else loads[step][operand]

    queue = [transfer for transfer in queue if length_of(*transfer)]  # what moves nothing asks for nothing
    moved, computed, worked = {}, {}, {}  # when each was done
    busy = {"engine": set(), "vector": set(), "bus": set()}
    computing = working = moving = None  # (what, cycles left)
    next_compute = next_work = 0
    tick = 0

    def freed(operand, step):
        """When the half for this step's content was last needed; None if it still is."""
        before = [s for s in range(step) if content[s][operand] == content[step][operand] - halves[operand]]
        if not before:
            return 0
        if operand != OFMAP:
            return computed.get(before[-1])
        last = before[-1]
        if last not in worked or (stores[last] and ("store", last, None) not in moved):
            return None
        return max(worked[last], moved.get(("store", last, None), 0))

    while len(worked) < steps or queue or moving:
        progress = True
        while progress:  # everything that can happen at this instant, zero-cycle work included
            progress = False
            if moving is None and queue:
                kind, step, operand = queue[0]
                free = 0 if kind == "store" else freed(operand, step)
                if (step in worked) if kind == "store" else (free is not None and tick >= free + latency):
                    moving = [queue.pop(0), length_of(kind, step, operand)]
            if computing is None and next_compute < steps:
                ready = all(("load", next_compute, x) in moved for x in range(3) if loads[next_compute][x])
                if ready and freed(OFMAP, next_compute) is not None:
                    computing = [next_compute, compute[next_compute]]
                    next_compute += 1
                    progress = True
            if computing is not None and computing[1] == 0:
                computed[computing[0]] = tick
                computing = None
                progress = True
            if working is None and next_work in computed:
                working = [next_work, vector[next_work]]
                next_work += 1
                progress = True
            if working is not None and working[1] == 0:
                worked[working[0]] = tick
                working = None
                progress = True
        for name, unit in (("engine", computing), ("vector", working), ("bus", moving)):
            if unit is not None:
                busy[name].add(tick)
                unit[1] -= 1
        if len(worked) == steps and not queue and moving is None:
            break
        tick += 1
        if moving is not None and moving[1] == 0:
            moved[moving[0]] = tick
            moving = None
    return max((max(cycles) + 1 for cycles in busy.values() if cycles), default=0), busy


def raw_pixels(conv, pixels, reductions):
    """(image, channel, row, column) of the padded input that output pixels and reduction indices touch."""
    touched = set()
    for pixel in pixels:
        image, place = divmod(pixel, conv["out_height"] * conv["out_width"])
        for index in reductions:
            channel, window = divmod(index, conv["kernel"][0] * conv["kernel"][1])
            y, x = divmod(place, conv["out_width"])
            row = y * conv["stride"][0] - conv["padding"][0] + window // conv["kernel"][1] * conv["dilation"][0]
            column = x * conv["stride"][1] - conv["padding"][1] + window % conv["kernel"][1] * conv["dilation"][1]
            touched.add((image, channel, row, column))
    return touched


def walk(sizes, tiles, order, kept):
    """The loop nest over tiles, with buffers that keep or replace: what each step loads, spills and stores.

    sizes and tiles map m, n, k to ints. Yields, per step, ranges {m, n, k} and the names of what moves: ``ifmap``
    and ``weight`` in, ``psum`` in, ``spill`` (partial) or ``store`` (final) out.
    """
    needs = {"ifmap": "mk", "weight": "kn", "ofmap": "mn"}
    held = {operand: {} for operand in needs}  # content of each buffer: tile -> True, under the content's own name

    def pieces(letter):
        return range(0, sizes[letter], tiles[letter])

    for first in pieces(order[0]):
        for second in pieces(order[1]):
            for third in pieces(order[2]):
                at = dict(zip(order, (first, second, third), strict=True))
                moves = []
                for operand, letters in needs.items():
                    idle = next(letter for letter in "mnk" if letter not in letters)
                    if kept[operand]:  # everything inside the idle loop stays while that loop runs
                        outside = tuple(at[letter] for letter in order[: order.index(idle)])
                    else:
                        outside = tuple(at.values())
                    tile = tuple(at[letter] for letter in letters)
                    if held[operand].get("content") != outside:
                        held[operand] = {"content": outside}
                    if tile not in held[operand]:
                        held[operand][tile] = True
                        if operand != "ofmap":
                            moves.append(operand)
                        elif at["k"] > 0:
                            moves.append("psum")
                last = at["k"] + tiles["k"] >= sizes["k"]
                if last:
                    moves.append("store")
                elif not kept["ofmap"]:
                    moves.append("spill")
                ranges = {letter: range(at[letter], min(sizes[letter], at[letter] + tiles[letter])) for letter in "mnk"}
                yield ranges, moves
