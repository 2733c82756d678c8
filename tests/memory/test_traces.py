"""Traces of requests: reading them in pieces, and mistakes with their line."""

import numpy as np
import pytest
from strategies.traces import HEADER, good, saved

from accelsim import UserError
from accelsim.memory import traces
from accelsim.memory.traces import read_trace


def read(path, capacity=2**33):
    return [list(map(tuple, np.array(piece).T.tolist())) for piece in read_trace(path, capacity)]


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
