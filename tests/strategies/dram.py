"""Memory devices, traces of requests on which schedulers go wrong, and the commands that a device gives for them."""

from functools import cache

import numpy as np
import yaml
from hypothesis import strategies as st
from naive import dram as naive_dram

from accelsim.config.places import locate_devices
from accelsim.load import list_names, load_device
from accelsim.memory.banked_dram import DRAM_COMMANDS
from accelsim.memory.device_run import run_trace
from accelsim.memory.traces import Requests
from strategies.sizes import UNJITTED

BANKED = [name for name in list_names(locate_devices()) if load_device(name).kind == "banked"]


SERIAL = [name for name in list_names(locate_devices()) if load_device(name).kind == "serial"]


@cache
def plain(name):
    return yaml.safe_load((locate_devices() / f"{name}.yaml").read_text())


# Every banked device, and what no published trace exercises: ranks, closed pages, two channels
CHANGES = ({}, {"page_policy": "closed"}, {"ranks": 2}, {"channels": 2, "ranks": 4})


VARIANTS = [(name, change) for name in BANKED for change in CHANGES]


def as_settings(values):
    return [f"{key}={value}" for key, value in values.items()]


def commands_of(device, requests):
    """Command list of a trace, in the checker's words, and the run."""
    kept = []
    run = run_trace(device, [requests], "cycle", lambda records: kept.append(records.copy()))
    rows = np.concatenate(kept).tolist() if kept else []
    return [(c, ch, DRAM_COMMANDS[k], ra, ba, ro, co) for c, ch, k, ra, ba, ro, co in rows], run


def as_requests(rows):
    arrival, address, is_write = (np.array(column) for column in zip(*rows, strict=True))
    return Requests(arrival.astype(np.int64), address.astype(np.int64), is_write.astype(np.uint8))


def checked(name, values, rows):
    device = load_device(name, as_settings(values))
    commands, run = commands_of(device, as_requests(rows))
    naive_dram.check(plain(name) | values, commands)
    naive_dram.check_served(plain(name) | values, rows, commands)
    return commands, run


@st.composite
def nasty_traces(draw):
    """One address, one bank, all writes, bursts around a refresh: what schedulers trip over."""
    spread = draw(st.sampled_from([1, 2, 64, 2**16, 2**20]))
    writes = draw(st.sampled_from([0.0, 0.5, 1.0]))
    count = draw(st.integers(1, 20 if UNJITTED else 120))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    start = draw(st.sampled_from([0, 3000, 8600, 9300, 11850]))
    step = draw(st.sampled_from([0, 1, 3, 50, 400]))
    address = random.integers(0, 30, count) // draw(st.integers(1, 30)) * spread * 64
    arrival = start + np.cumsum(random.integers(0, step + 1, count))
    return list(zip(arrival.tolist(), address.tolist(), (random.random(count) < writes).tolist(), strict=True))


DDR4 = "ddr4_2400_8gb_x8"
