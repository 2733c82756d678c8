"""Runs with operands from files: they decide about cycles, and broken or unread ones are reported."""

import numpy as np
import pytest
from strategies.bitserial_runs import machine, small
from strategies.networks import read_network

import accelsim
from accelsim.config import UserError


def tensors(folder, dtype=np.int16, **changes):
    generator = np.random.default_rng(0)
    arrays = {
        "stem.activation": generator.integers(0, 256, (3, 9, 9)),
        "stem.weight": generator.integers(-128, 128, (6, 3, 3, 3)),
        "fc.activation": generator.integers(0, 200, (36,)),
        "fc.weight": generator.integers(-128, 128, (5, 36)),
    } | changes
    for name, array in arrays.items():
        if array is not None:
            np.save(folder / f"{name}.npy", array.astype(dtype) if array.dtype.kind in "iu" else array)
    return folder


def test_tensors_decide_and_are_named(tmp_path):
    hardware = machine(more=", skip: dynamic")
    given = accelsim.simulate(hardware, small(), "stepped", tensors=tensors(tmp_path))
    assert given.summary["operands"]["tensors"] == ["stem", "fc"]
    zeros = tmp_path / "zeros"
    zeros.mkdir()
    tensors(zeros, **{"stem.activation": np.zeros((3, 9, 9), int)})
    idle = accelsim.simulate(hardware, small(), tensors=zeros)
    windows, steps = 16 // 3 + 1, 9  # of three columns, at nine kernel positions: one cycle for each step of zeros
    assert idle.rows[0].compute_cycles == windows * steps * 2
    assert given.rows[0].compute_cycles > idle.rows[0].compute_cycles


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"stem.weight": None}, "stem.weight.npy: is missing beside stem.activation.npy"),
        ({"stem.activation": np.zeros((3, 9, 8), int)}, r"shape \(3, 9, 8\); allowed: \(1, 3, 9, 9\) or \(3, 9, 9\)"),
        ({"stem.activation": np.full((3, 9, 9), 256)}, "do not fit 8 unsigned bits; allowed: 0 to 255"),
        ({"stem.activation": np.full((3, 9, 9), -129)}, "do not fit 8 signed bits; allowed: -128 to 127"),
        ({"stem.weight": np.full((6, 3, 3, 3), 128)}, "values 128 to 128 do not fit 8 signed bits"),
        ({"stem.activation": np.full((3, 9, 9), np.nan)}, "holds float64; allowed: integers"),
        ({"stem.activation": np.array([None] * 243).reshape(3, 9, 9)}, "no array of plain numbers"),
        ({"fc.weight": np.zeros((36, 5), int)}, r"shape \(36, 5\); allowed: \(5, 36\)"),
    ],
)
def test_broken_tensors(tmp_path, changes, told):
    with pytest.raises(UserError, match=told):
        accelsim.simulate(machine(more=", skip: dynamic"), small(), tensors=tensors(tmp_path, **changes))


def test_files_of_no_layer_are_refused_and_unread_ones_said(tmp_path):
    folder = tensors(tmp_path)
    notes = accelsim.simulate(machine(), small(), tensors=folder).summary["notes"]
    assert any("were not read" in note for note in notes)
    np.save(folder / "stem.activations.npy", np.zeros(3, int))
    with pytest.raises(UserError, match=r"stem\.activations\.npy: is LAYER\.activation\.npy"):
        accelsim.simulate(machine(more=", skip: dynamic"), small(), tensors=folder)


def test_tensors_of_layers_without_weights_are_told(tmp_path):
    np.save(tmp_path / "pool.activation.npy", np.zeros((4, 8, 8), int))
    workload = "{name: w, input: {channels: 4, height: 8, width: 8}, layers: [{name: pool, type: max_pool, kernel: 2}]}"
    pooled = read_network(workload)
    notes = accelsim.simulate(machine(more=", skip: dynamic"), pooled, tensors=tmp_path).summary["notes"]
    assert "not read, since their layers have no stored weights: pool.activation.npy" in notes


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00v\x00{'descr': '<i8', ", b"text"])
def test_files_that_hold_no_array(tmp_path, content):
    folder = tensors(tmp_path)
    (folder / "stem.weight.npy").write_bytes(content)
    with pytest.raises(UserError, match="no array of plain numbers"):
        accelsim.simulate(machine(more=", skip: dynamic"), small(), tensors=folder)
