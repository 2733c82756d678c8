"""Comparisons as tables and sentences."""

import pytest
from strategies.comparisons import CONVOLUTIONS
from strategies.messages import printed
from strategies.networks import read_network

from accelsim import compare, load_hardware
from accelsim.report.compare import comparison_report, verdicts


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_tables_fit_and_name_all_machines(mixed, width):
    lines = printed(comparison_report(mixed.records, ["engine.zero_gating=true"]), width)
    assert max(map(len, lines)) <= max(width, 74)
    assert "not run: stripes fp32: takes integers only" in "\n".join(lines)
    assert all(line == line.rstrip() for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "gains most" in text
    assert sum(line.startswith("edge_npu: ") for line in lines) == 1


def test_verdicts_say_what_did_not_pay():
    records = compare(load_hardware("edge_npu"), read_network(CONVOLUTIONS), ["int8", "int16"]).records
    assert verdicts(records) == ["edge_npu: int16 did not pay"]


def test_verdict_of_a_single_row():
    records = compare(load_hardware("edge_npu"), read_network(CONVOLUTIONS)).records
    assert verdicts(records) == ["edge_npu: nothing to compare"]
