"""A million random requests for each DRAM device, every command checked: pytest tests/nightly."""

import numpy as np
import pytest
import yaml
from naive import dram as naive_dram
from strategies.dram import BANKED, as_settings

from accelsim.config.places import locate_devices
from accelsim.load import load_device
from accelsim.memory.banked_dram import DRAM_COMMANDS
from accelsim.memory.device_run import run_trace
from accelsim.memory.trace_patterns import TracePattern, generate_trace

REQUESTS = 1_000_000


@pytest.mark.parametrize("name", BANKED)
@pytest.mark.parametrize("change", [{}, {"page_policy": "closed"}, {"ranks": 2}], ids=str)
def test_no_rule_is_broken(name, change):
    device = load_device(name, as_settings(change))
    plain = yaml.safe_load((locate_devices() / f"{name}.yaml").read_text()) | change
    requests = REQUESTS if not change else REQUESTS // 10
    spec = TracePattern(
        pattern="random",
        requests=requests,
        span_bytes=device.capacity_bytes,
        write_share=0.3,
        request_bytes=device.request_bytes,
    )
    kept = []
    run = run_trace(device, generate_trace(spec), "cycle", lambda records: kept.append(records.copy()))
    records = np.concatenate(kept)
    names = np.array(DRAM_COMMANDS)[records[:, 2]]
    commands = zip(*records[:, :2].T.tolist(), names.tolist(), *records[:, 3:].T.tolist(), strict=True)
    naive_dram.check(plain, list(commands))
    assert (
        run.counts["RD"]
        + run.counts["WR"]
        + run.counts["served_by_writes"]
        + run.counts["joined_reads"]
        + (run.counts["joined_writes"])
        == requests
    )
