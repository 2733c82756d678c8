"""Traces of requests: reading, generating, and what a person gets told; the dram command."""

import json

import numpy as np
import pytest

from accelsim import UserError
from accelsim.load import load_device
from accelsim.memory import traces
from accelsim.memory.trace_patterns import TracePattern, generate_trace
from accelsim.memory.traces import read_trace

DDR4 = "ddr4_2400_8gb_x8"
HEADER = "arrival_cycle,address,is_write\n"


def read(path, capacity=2**33):
    return [list(map(tuple, np.array(piece).T.tolist())) for piece in read_trace(path, capacity)]


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


def good():
    return {"arrival": np.array([0, 4, 4]), "addr": np.array([0, 64, 128]), "is_write": np.array([0, 1, 0], np.uint8)}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", [True, False])
def test_csv_and_npz_say_the_same(tmp_path, newline, end):
    path = tmp_path / "t.csv"
    lines = [HEADER.strip(), "0,0,0", "4,64,1", "4,128,0"]
    path.write_bytes((newline.join(lines) + newline * end).encode())
    rows = [(0, 0, 0), (4, 64, 1), (4, 128, 0)]
    assert [row for piece in read(path) for row in piece] == rows
    assert read(saved(tmp_path / "t.npz", **good())) == [rows]


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_traces_come_in_pieces(tmp_path, monkeypatch, command, suffix):
    path = tmp_path / f"t{suffix}"
    assert command("dram-trace", "random", "--requests", 1000, "--out", path)[0] == 0
    whole = read(path)
    monkeypatch.setattr(traces, "PIECE", 300)
    monkeypatch.setattr(traces, "BLOCK", 5000)
    pieces = read(path)
    assert len(pieces) >= 3
    assert max(map(len, pieces)) <= 1000
    assert [row for piece in pieces for row in piece] == whole[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b,c\n0,0,0\n", r":1: should be arrival_cycle,address,is_write, got 'a,b,c'"),
        ("", r":1: should be arrival_cycle,address,is_write"),
        (HEADER, r"has no requests"),
        (HEADER + "0,0,0\n1,2\n", r":3: should have 3 values"),
        (HEADER + "0,0,0\n1,64,0,0\n", r":3: should have 3 values"),
        (HEADER + "0,0,0\n\n1,64,0\n", r":3: should have 3 values .*, got ''"),
        (HEADER + "0,zero,0\n", r":2: address: should be a whole number, got 'zero'"),
        (HEADER + "0, 64,0\n", r":2: address: should be a whole number, got ' 64'"),
        (HEADER + "0,,0\n", r":2: address: should be a whole number, got ''"),
        (HEADER + ",0,0\n", r":2: arrival_cycle: should be a whole number, got ''"),
        (HEADER + "0,-,0\n", r":2: address: should be a whole number, got '-'"),
        (HEADER + "0,1.5,0\n", r":2: address: should be a whole number, got '1.5'"),
        (HEADER + f"0,{2**70},0\n", r":2: address: should be below 1000000000000000000, got"),
        (HEADER + "5,0,0\n4,0,0\n", r":3: arrival_cycle: should not be earlier than the request before, got 4"),
        (HEADER + "-1,0,0\n", r":2: arrival_cycle: should be between 0 and \d+, got -1"),
        (HEADER + "0,0,0\n0,9000000000,0\n", r":3: address: should be in the device's 8589934592 bytes, from 0"),
        (HEADER + "0,-64,0\n", r":2: address: should be in the device's"),
        (HEADER + "0,0,2\n", r":2: is_write: should be 0 or 1, got 2"),
    ],
)
def test_a_broken_csv_is_told_with_its_line(tmp_path, text, told):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=told):
        read(path)


def test_order_and_lines_hold_across_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(traces, "BLOCK", 7)
    path = tmp_path / "t.csv"
    path.write_text(HEADER + "0,0,0\n9,0,0\n8,0,0\n")
    with pytest.raises(UserError, match=r":4: arrival_cycle: should not be earlier"):
        read(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"addr": np.array([0, None, 2], object)}, r"addr: should hold whole numbers, got objects"),
        ({"addr": np.array([0.0, 1.5, 2.0])}, r"addr: should hold whole numbers, got float64"),
        ({"addr": np.zeros((3, 1), int)}, r"addr: should have one dimension, got shape \(3, 1\)"),
        ({"addr": np.array([0, 64])}, r"arrays should be equally long, got arrival 3, addr 2, is_write 3"),
        ({"addr": np.array([0, 0, 2**63], np.uint64)}, r"addr: should fit 63 bits"),
        ({"addr": np.array([0, 0, 2**40])}, r"addr\[2\]: should be in the device's"),
        ({"arrival": np.array([3, 2, 4])}, r"arrival\[1\]: should not be earlier"),
        ({"is_write": np.array([0, 7, 0])}, r"is_write\[1\]: should be 0 or 1, got 7"),
    ],
)
def test_a_broken_npz_is_told_with_its_array(tmp_path, change, told):
    path = tmp_path / "t.npz"
    np.savez(path, allow_pickle=True, **(good() | change))
    with pytest.raises(UserError, match=told):
        read(path)


def test_what_is_no_trace(tmp_path):
    (tmp_path / "t.npz").write_bytes(b"not a zip")
    (tmp_path / "t.csv").write_bytes(HEADER.encode() + b"\xff\xfe\n")
    short = good()
    del short["addr"]
    saved(tmp_path / "short.npz", **short)
    for name, told in (
        ("t.npz", "is no npz file"),
        ("t.csv", "is no text"),
        ("t.txt", "a trace is CSV or npz"),
        ("missing.csv", "no such file"),
        ("short.npz", "has no array 'addr', only arrival, is_write"),
    ):
        with pytest.raises(UserError, match=told):
            read(tmp_path / name)


def made(**values):
    pieces = generate_trace(TracePattern(**values))
    return [row for piece in pieces for row in zip(*(column.tolist() for column in piece), strict=True)]


def test_patterns_are_what_they_are_called():
    assert made(pattern="stream", requests=3) == [(0, 0, 0), (0, 64, 0), (0, 128, 0)]
    assert made(pattern="stride", requests=3, stride_bytes=4096, every_cycles=8)[2] == (16, 8192, 0)
    assert made(pattern="copies", requests=4, span_bytes=1024) == [(0, 0, 0), (0, 512, 1), (0, 64, 0), (0, 576, 1)]
    tiles = [address for _, address, _ in made(pattern="tiles", requests=9, tile_rows=2, tile_bytes=128)]
    assert tiles == [0, 64, 2048, 2112, 128, 192, 2176, 2240, 256]
    random = made(pattern="random", requests=500, span_bytes=2**16, write_share=0.5, seed=3)
    assert random == made(pattern="random", requests=500, span_bytes=2**16, write_share=0.5, seed=3)
    assert all(address < 2**16 and address % 64 == 0 for _, address, _ in random)
    assert 150 < sum(write for *_, write in random) < 350


def test_dram_says_in_json_what_it_did(tmp_path, command):
    path = saved(tmp_path / "t.npz", **good())
    code, out, _ = command("dram", path, "--device", DDR4, "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["requests"], told["reads"], told["writes"]) == (3, 2, 1)
    assert told["activates"] == 1
    assert told["row_hits"] == 2
    assert told["energy_pj"] == pytest.approx(sum(told["energy_pj_by_component"].values()))
    assert told["bandwidth_gb_s"] == pytest.approx(3 * 64 / (told["total_cycles"] * 0.83))
    for key in ("total_cycles", "average_read_latency_cycles", "io_energy_pj"):
        assert told[key] > 0


@pytest.mark.parametrize("fidelity", ["transaction", "cycle"])
def test_dram_shows_a_table(tmp_path, command, fidelity):
    code, out, _ = command("dram", saved(tmp_path / "t.npz", **good()), "--device", DDR4, "--fidelity", fidelity)
    assert code == 0
    for word in ("total cycles", "row hits", "activate and precharge", "wires, apart"):
        assert word in out


def test_commands_are_listed_with_their_cycles(tmp_path, command):
    path, listed = saved(tmp_path / "t.npz", **good()), tmp_path / "new" / "c.csv"
    assert command("dram", path, "--device", DDR4, "--commands", listed)[0] == 0
    lines = listed.read_text().splitlines()
    assert lines[0] == "cycle,channel,command,rank,bank_group,bank,row,column"
    assert lines[1:] == ["1,0,ACT,0,0,0,0,", "18,0,RD,0,0,0,0,0", "24,0,RD,0,0,0,0,2", "34,0,WR,0,0,0,0,1"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--device", "ddr4"], "no device called 'ddr4'"),
        (["--device", "edge_npu"], "'edge_npu' is hardware, expected device"),
        (["--device", DDR4, "--mapping", "rochrababg"], "--mapping rochrababg: mapping: 'co' (column) is missing"),
        (["--device", DDR4, "--mapping", "rochraxxbgco"], "mapping: no field 'xx'"),
        (["--device", DDR4, "--mapping", "rochrababaco"], "'ba' (bank) stands twice"),
        (["--device", DDR4, "--set", "channels=3"], "--set channels=3: channels: should be a power of two, got 3"),
        (["--device", DDR4, "--set", "chanels=2"], "unknown key 'chanels'; did you mean 'channels'?"),
        (["--device", DDR4, "--set", "page_policy=shut"], "should be 'open' or 'closed'"),
        (["--device", DDR4, "--fidelity", "ideal"], "'ideal' is not one of"),
        (
            ["--device", DDR4, "--fidelity", "transaction", "--commands", "c.csv"],
            "only --fidelity cycle plays",
        ),
        (["--device", "octospi_psram_8mib", "--commands", "c.csv"], "is a serial device"),
        (["--device", "octospi_flash_64mib"], "request 1 writes"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(tmp_path, command, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path / "t.npz", **good())
    code, out, err = command("dram", path, *arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["t.npz"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["stream", "--out", "t.txt"], "a trace is CSV or npz"),
        (["stream", "--out", "t.csv", "--requests", 0], "--requests: requests: should be greater than 0, got 0"),
        (["random", "--out", "t.csv", "--writes", 2], "--writes: write_share: should be less than or equal to 1"),
        (["zigzag", "--out", "t.csv"], "'zigzag' is not one of"),
    ],
)
def test_mistakes_in_a_pattern(tmp_path, command, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    code, _, err = command("dram-trace", *arguments)
    assert code == 2
    assert told in err
    assert not list(tmp_path.iterdir())


def test_devices_are_listed_and_shown(command):
    code, out, _ = command("list", "devices", "--json")
    devices = json.loads(out)["devices"]
    assert code == 0
    assert {"ddr4_2400_8gb_x8", "lpddr5_6400", "octospi_psram_8mib", "octospi_flash_64mib"} <= {
        d["name"] for d in devices
    }
    assert "timing_cycles.trcd_read" in command("show", DDR4)[1]


def test_every_shipped_device_names_its_sources():
    from accelsim.config.places import locate_devices
    from accelsim.load import list_names, read_device_document
    from accelsim.report.show import sourced

    for name in list_names(locate_devices()):
        assert load_device(name).description
        comments = [source for _, _, source in sourced(read_device_document(name))]
        assert sum(bool(comment) for comment in comments) >= 4, name
