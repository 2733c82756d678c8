"""Runs that are priced at the temperature at which they settle."""

import pytest
from strategies.settings import IDEAL

import accelsim
from accelsim.load import load_hardware, load_workload


def run(*thermal, workload="ds_cnn_kws"):
    settings = [IDEAL, *(f"thermal.{each}" for each in thermal)]
    return accelsim.simulate(load_hardware("edge_npu", settings), load_workload(workload))


def test_a_run_is_priced_where_it_settles():
    cool, warm = run(), run("resistance_k_per_w=300", "ambient_k=320")
    found = warm.summary["thermal"]
    assert found["throttled_to_share"] == 1
    assert 330 < found["temperature_k"] < 400
    parts = [result.summary["energy_pj_by_component"] for result in (cool, warm)]
    for name in parts[0]:
        if name.startswith("leakage"):
            assert parts[1][name] > parts[0][name]
        else:
            assert parts[1][name] == parts[0][name]
    hardware = load_hardware("edge_npu", [IDEAL, f"technology.temperature_k={found['temperature_k']}"])
    there = accelsim.simulate(hardware, load_workload("ds_cnn_kws")).summary
    assert there["energy_pj_by_component"] == pytest.approx(parts[1], rel=1e-9)
    on_chip = sum(pj for name, pj in parts[1].items() if not name.startswith("dram"))
    assert found["power_w"] == pytest.approx(on_chip * 1e-12 / (warm.summary["latency_ms"] * 1e-3), rel=1e-9)
    assert found["temperature_k"] == pytest.approx(320 + 300 * found["power_w"], abs=1e-3)
    assert any("settles at" in note for note in warm.summary["notes"])
    assert sum(row.energy_pj for row in warm.rows) == pytest.approx(sum(parts[1].values()), rel=1e-9)


def test_a_limit_throttles():
    free = run("resistance_k_per_w=300", "ambient_k=320").summary
    limit = 320 + 0.9 * (free["thermal"]["temperature_k"] - 320)
    held = run("resistance_k_per_w=300", "ambient_k=320", f"limit_k={limit}").summary
    found = held["thermal"]
    assert found["temperature_k"] == limit
    assert 0 < found["throttled_to_share"] < 1
    assert found["power_w"] == pytest.approx((limit - 320) / 300, rel=1e-9)
    assert found["sustained_latency_ms"] == pytest.approx(held["latency_ms"] / found["throttled_to_share"])
    assert found["sustained_energy_uj"] > held["energy_uj"]
    assert 300 < found["seconds_to_limit"] < 1500  # some time constants of 300 s
    assert any(note.startswith("THROTTLED") for note in held["notes"])


def test_a_package_that_cannot_be_is_told(command):
    for settings, told in (
        (["ambient_k=320", "resistance_k_per_w=0"], "resistance_k_per_w: should be greater than 0, got 0"),
        (["ambient_k=320", "resistance_k_per_w=9", "limit_k=310"], "limit_k: should be above ambient_k, 320, got 310"),
        (["resistance_k_per_w=9"], "missing key 'ambient_k'"),
        (["ambient_k=320", "resistance_k_per_w=90000"], "thermal runaway"),
        (["ambient_k=320", "resistance_k_per_w=3000", "limit_k=321"], "leakage alone is"),
    ):
        options = [part for each in settings for part in ("--set", f"thermal.{each}")]
        status, _, error = command("run", "ad_autoencoder", "--set", IDEAL, *options)
        assert (status, error.count("\n")) == (2, 1)
        assert told in error


def test_a_sweep_of_warm_machines_is_what_simulate_gives(tmp_path):
    study = {"thermal.resistance_k_per_w": [50, 300]}
    spec = {"hardware": "edge_npu", "workload": "ad_autoencoder", "parameters": study}
    machine = tmp_path / "warm.yaml"
    machine.write_text("extends: edge_npu\nname: warm\nthermal: {resistance_k_per_w: 50, ambient_k: 320}\n")
    done = accelsim.sweep(spec | {"hardware": str(machine)}, tmp_path / "out", workers=1)
    energies = [record["energy_uj"] for record in done.records]
    for resistance, energy in zip((50, 300), energies, strict=True):
        hardware = load_hardware(machine, [f"thermal.resistance_k_per_w={resistance}"])
        assert energy == accelsim.simulate(hardware, load_workload("ad_autoencoder"), dram="ideal").summary["energy_uj"]
    assert energies[0] < energies[1]
