"""The command dram: what it prints and lists, and mistakes of one line."""

import json

import pytest
from strategies.dram import DDR4
from strategies.traces import good, saved


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


def test_devices_are_listed_and_shown(command):
    code, out, _ = command("list", "devices", "--json")
    devices = json.loads(out)["devices"]
    assert code == 0
    assert {"ddr4_2400_8gb_x8", "lpddr5_6400", "octospi_psram_8mib", "octospi_flash_64mib"} <= {
        d["name"] for d in devices
    }
    assert "timing_cycles.trcd_read" in command("show", DDR4)[1]
