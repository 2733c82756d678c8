"""Serial devices: as a plain loop has them."""

import pytest
from hypothesis import given
from naive import dram as naive_dram
from strategies.dram import SERIAL, as_requests, nasty_traces, plain
from strategies.sizes import examples

from accelsim.config import UserError
from accelsim.load import load_device
from accelsim.memory.device_run import run_trace


@pytest.mark.parametrize("name", SERIAL)
@given(rows=nasty_traces())
@examples(60, unjitted=10)
def test_serial_devices_equal_a_plain_loop(name, rows):
    values = plain(name)
    if values["write_latency_cycles"] is None:
        rows = [(arrival, address, 0) for arrival, address, _ in rows]
    rows = [(arrival, address % 2**23, write) for arrival, address, write in rows]
    for settings_ in ((), ("page_bytes=64", "longest_burst_ns=500")):
        device = load_device(name, settings_)
        changed = values | dict(item.split("=") for item in settings_)
        changed = {key: int(v) if isinstance(v, str) and v.isdigit() else v for key, v in changed.items()}
        run = run_trace(device, [as_requests(rows)])
        assert (run.total_cycles, run.counts["bursts"]) == naive_dram.serial_end(changed, rows)


def test_a_flash_takes_no_writes():
    device = load_device("octospi_flash_64mib")
    with pytest.raises(UserError, match=r"request 1 writes .*octospi_flash_64mib is read only"):
        run_trace(device, [as_requests([(0, 0, 0), (0, 0, 1)])])
