"""The command line as a person uses it, mistakes included."""

import csv
import json
import os
import re
import subprocess
import sys

import pytest

from accelsim import cli
from accelsim.cli import entry

RESNET8 = ("run", "resnet8")


@pytest.fixture
def accelsim(command):
    """A command line by its name."""
    return command


def test_run_prints_a_table_totals_and_the_costliest_layers(accelsim):
    code, out, err = accelsim(*RESNET8)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 100
    for words in ("conv1", "latency", "energy", "costliest layers", "of the cycles"):
        assert words in out


def test_run_json_is_one_object_with_the_promised_keys(accelsim):
    code, out, err = accelsim(*RESNET8, "--json")
    summary = json.loads(out)
    assert (code, err) == (0, "")
    promised = {
        "hardware",
        "workload",
        "version",
        "config_sha256",
        "total_cycles",
        "latency_ms",
        "macs",
        "params",
        "energy_uj",
        "average_power_mw",
        "tops",
        "tops_per_w",
        "energy_pj_by_component",
    }
    assert promised <= summary.keys()
    assert summary["macs"] == 12_501_632
    assert "verified" not in summary


def test_run_writes_layers_and_summary(accelsim, tmp_path):
    folder = tmp_path / "new" / "out"
    code, _, _ = accelsim(*RESNET8, "--out", folder)
    assert code == 0
    assert sorted(os.listdir(folder)) == ["layers.csv", "summary.json", "timeline.svg"]
    assert "stack1_conv1 on edge_npu" in (folder / "timeline.svg").read_text(encoding="utf-8")
    with (folder / "layers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    promised = [
        "layer",
        "kind",
        "m",
        "n",
        "k",
        "groups",
        "macs",
        "compute_cycles",
        "stall_cycles",
        "total_cycles",
        "utilization",
        "dram_read_bytes",
        "dram_write_bytes",
        "energy_pj",
        "arithmetic_intensity",
        "bound",
    ]
    assert set(promised) <= rows[0].keys()
    summary = json.loads((folder / "summary.json").read_text())
    assert sum(int(row["macs"]) for row in rows) == summary["macs"]
    assert next(row for row in rows if row["kind"] == "add")["arithmetic_intensity"] == ""


def test_run_stepped_says_that_it_verified(accelsim):
    arguments = (*RESNET8, "--json", "--set", "engine.rows=16", "--set", "engine.cols=16")
    code, out, _ = accelsim(*arguments, "--fidelity", "stepped")
    stepped, closed = json.loads(out), json.loads(accelsim(*arguments)[1])
    assert code == 0
    assert stepped.pop("verified") is True
    assert stepped == closed


def test_settings_reach_hardware_and_workload(accelsim):
    out = accelsim(*RESNET8, "--json", "--set", "engine.rows=8", "--set", "workload.batch=2")[1]
    changed, plain = json.loads(out), json.loads(accelsim(*RESNET8, "--json")[1])
    assert changed["macs"] == 2 * plain["macs"]
    assert changed["config_sha256"] != plain["config_sha256"]


def test_precision_sets_pes_and_widths(accelsim):
    fp32 = json.loads(accelsim(*RESNET8, "--json", "--precision", "fp32")[1])
    int8 = json.loads(accelsim(*RESNET8, "--json", "--precision", "int8")[1])
    assert (fp32["precision"], int8["precision"]) == ("fp32", "int8")
    assert fp32["dram_read_bytes"] > 3.5 * int8["dram_read_bytes"]


@pytest.mark.parametrize(
    ("settings", "sizes", "cycles"),
    [  # cycle formulas of published RTL arrays: OS K+M+N-1+R, WS 3R+N+M-1 with two-cycle partial-sum hops
        ("rows=8 cols=8 dataflow=os pipeline_registers=1", (8, 16, 8), 39),
        ("rows=1 cols=1 dataflow=os pipeline_registers=1", (1, 1, 1), 3),
        ("rows=4 cols=4 dataflow=ws pipeline_registers=1 psum_hop_cycles=2", (4, 4, 4), 19),
        ("rows=8 cols=8 dataflow=ws pipeline_registers=1 psum_hop_cycles=2", (16, 8, 8), 47),
    ],
)
@pytest.mark.parametrize("fidelity", ["closed", "stepped"])
def test_gemm_json(accelsim, settings, sizes, cycles, fidelity):
    options = [part for setting in settings.split() for part in ("--set", f"engine.{setting}")]
    code, out, _ = accelsim("gemm", *sizes, "--hw", "textbook_os_32", *options, "--fidelity", fidelity, "--json")
    counted = json.loads(out)
    assert code == 0
    assert counted["cycles"] == cycles
    assert {"m", "n", "k", "macs", "utilization", "folds"} <= counted.keys()
    assert counted.get("verified", False) is (fidelity == "stepped")


def test_gemm_for_people(accelsim):
    code, out, _ = accelsim("gemm", 64, 64, 64)
    assert code == 0
    assert "utilization" in out


@pytest.mark.parametrize("kind", ["hw", "workloads", "technologies"])
def test_list(accelsim, kind):
    code, out, _ = accelsim("list", kind)
    names = [entry["name"] for entry in json.loads(accelsim("list", kind, "--json")[1])[kind]]
    assert code == 0
    assert names == sorted(names)
    assert all(name in out for name in names)


def test_show_workload_says_whether_it_fits(accelsim, tmp_path):
    code, out, _ = accelsim("show", "mobilenet_v2", "--hw", "mcu_npu")
    assert code == 0
    for words in ("300,774,272", "3,504,872", "peak activations", "SRAM"):
        assert words in out
    sizes = json.loads(accelsim("show", "mobilenet_v2", "--hw", "mcu_npu", "--json")[1])
    # the second block's depthwise convolution: 96 x 112 x 112 in, 96 x 56 x 56 out, one byte each
    assert sizes["peak_activation_bytes"] == 96 * (112 * 112 + 56 * 56)
    assert sizes["peak_activation_layer"] == "block2_dw"
    assert sizes["weight_bytes"] == 3_504_872 - 2 * 17_056 + 4 * (17_056 + 1_000) - 1_000  # start values at 32 bits
    assert "OUT OF MEMORY" in accelsim("show", "vgg16", "--hw", "mcu_npu")[1]


def test_show_hardware_with_sources(accelsim):
    code, out, _ = accelsim("show", "edge_npu", "--set", "engine.rows=8")
    assert code == 0
    assert "--set engine.rows=8" in out
    values = json.loads(accelsim("show", "tpu_v1", "--json")[1])["values"]
    assert values["engine.rows"]["value"] == 256
    assert all(entry["source"] for path, entry in values.items() if type(entry["value"]) in (int, float))


def test_show_technology_prints_the_famous_ratios(accelsim):
    code, out, _ = accelsim("show", "cmos45")
    assert code == 0
    assert "18.5 times the energy, 27 times the area" in out


@pytest.mark.slow
def test_validate_holds(accelsim):
    code, out, _ = accelsim("validate")
    assert code == 0, out
    assert "every anchor is in its band" in out
    report = json.loads(accelsim("validate", "--json")[1])
    assert report["holds"] is True
    assert {anchor["group"] for anchor in report["anchors"]} >= {"RTL cycles", "SCALE-Sim cycles", "published macs"}


@pytest.mark.slow
def test_validate_fails_where_an_anchor_leaves_its_band(accelsim, monkeypatch):
    from accelsim.studies.validate import anchors as validate

    right = validate._rows

    def wrong(file):
        rows = right(file)
        if file == "rtl_systolic.csv":
            rows[0]["cycles"] = "40"
        return rows

    monkeypatch.setattr(validate, "_rows", wrong)
    code, out, _ = accelsim("validate")
    assert code == 1
    assert "OUTSIDE RTL cycles" in out


BAD_COMMANDS = [
    (("rnu", "resnet8"), "no command called 'rnu'; did you mean 'run'?"),
    (("run",), "WORKLOAD"),
    (("run", "resnet80"), "did you mean 'resnet8'"),
    (("run", "resnet8", "--hw", "egde_npu"), "did you mean 'edge_npu'"),
    (("run", "resnet8", "--hv", "edge_npu"), "--hv"),
    (("run", "resnet8", "--fidelity", "exact"), "exact"),
    (("run", "resnet8", "--precision", "int7"), "int7"),
    (("run", "no/such.yaml"), "no/such.yaml: cannot be read"),
    (("run", "no/such.onnx"), "no/such.onnx"),
    (("run", "resnet8", "--set", "engine.rows"), "PATH=VALUE"),
    (("run", "resnet8", "--set", "engine.row=4"), "did you mean 'rows'"),
    (("run", "resnet8", "--set", "engine.rows=true"), "--set engine.rows=true: engine.rows: should be a whole number"),
    (("run", "resnet8", "--set", "engine.rows='16'"), "should be a whole number"),
    (("run", "resnet8", "--set", "engine.rows=0"), "greater than 0"),
    (("run", "resnet8", "--set", "engine.rows=-3"), "greater than 0"),
    (("run", "resnet8", "--set", "engine.dataflow=wss"), "did you mean 'ws'"),
    (("run", "resnet8", "--set", "clock_mhz=.nan"), "finite"),
    (("run", "resnet8", "--set", "dram.latency_ns=-1"), "greater than or equal to 0"),
    (("run", "resnet8", "--set", "engine.rows=[1"), "not valid YAML"),
    (("run", "mobilenet_v2", "--set", "workload.layers.conv1.kernel=999"), "kernel covers 999"),
    (("run", "resnet8", "--set", "technology.name=cmos455"), "did you mean 'cmos45'"),
    (("run", "resnet8", "--set", "sram.ifmap.capacity_kib=1", "--set", "sram.ofmap.capacity_kib=1"), "sram"),
    (("gemm", "0", "1", "1"), "M: should be a whole number from 1 to 2147483647, got '0'"),
    (("gemm", "1", "x", "1"), "K: should be a whole number from 1 to 2147483647, got 'x'"),
    (("gemm", "1", "1", "9" * 99), "N: should be a whole number"),
    (("gemm", str(2**21), str(2**21), str(2**21)), "64-bit"),
    (("show", "mobilenet_v3"), "did you mean"),
    (("list", "hardware"), "hardware"),
    (("import", "model.pt", "--out", "x.yaml"), ".pt"),
    (("run", "resnet8", "--out", "/proc/nowhere"), "cannot be written"),
    (("run", "resnet8", "--out", ""), "should be a folder"),
    (("run", "edge_npu"), "'edge_npu' is hardware, expected workload; give it with --hw"),
    (("run", "resnet8", "--hw", "resnet8"), "'resnet8' is a workload, expected hardware"),
    (("run", "resnet8", "--set", "workload.batch=0"), "--set workload.batch=0: batch: should be greater than 0"),
    (("run", "resnet8", "--set", "workload.batch=2147483647"), "layer 'conv1'"),
    (("run", "resnet8", "--dram", "exact"), "ideal"),
    (("run", "resnet8", "--hw", "stripes", "--dram", "cycle"), "--dram cycle: fidelity: cycle needs dram.device"),
    (("run", "resnet8", "--set", "dram.device=lpddr5"), "--set dram.device=lpddr5: dram.device: no device called"),
    (("run", "resnet8", "--timeline", "conv1"), "--timeline conv1: needs --out DIR"),
    (("run", "resnet8", "--timeline", "conv9", "--out", "x"), "no layer of resnet8; did you mean 'conv1'"),
    (("show", "cmos45", "--set", "a=3"), "technology"),
    (("show", "edge_npu", "--set", "workload.batch=3"), "hardware"),
]


@pytest.mark.parametrize(("arguments", "said"), BAD_COMMANDS)
def test_a_mistake_is_one_line_and_status_2(accelsim, arguments, said):
    code, out, err = accelsim(*arguments)
    assert (code, out) == (2, ""), err
    assert said in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("setting", ["engine.rows=0", "workload.activation_bits=16", "workload.batch=2147483647"])
def test_nothing_is_written_after_a_mistake(accelsim, tmp_path, setting):
    assert accelsim("run", "resnet8", "--out", tmp_path / "a" / "out", "--set", setting)[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_show_takes_settings_of_the_workload(accelsim):
    batch = ("--set", "workload.batch=4")
    one, four = (json.loads(accelsim("show", "resnet8", *more, "--json")[1]) for more in ((), batch))
    assert four["peak_activation_bytes"] == 4 * one["peak_activation_bytes"]


def test_the_summary_says_what_was_set(accelsim):
    assert json.loads(accelsim(*RESNET8, "--json", "--set", "engine.rows=8")[1])["settings"] == ["engine.rows=8"]


@pytest.mark.slow
def test_kernels_run_where_no_cache_can_be_written(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": "/proc/nowhere", "TMPDIR": str(tmp_path), "HOME": "/proc/nowhere"}
    command = [sys.executable, "-m", "accelsim", "run", "ad_autoencoder", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout)["total_cycles"] > 0
    assert done.stderr == ""


def test_a_failed_run_is_status_1_in_one_line(accelsim, monkeypatch):
    from accelsim.simulation import product as machine

    def broken(*_, **__):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(machine, "schedule_stream", broken)
    code, out, err = accelsim(*RESNET8)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "two lines" in err


def test_interrupt_is_status_130(accelsim, monkeypatch):
    from accelsim.simulation import product as machine

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(machine, "schedule_stream", interrupted)
    assert accelsim(*RESNET8)[0] == 130


def test_help_and_closed_counts_import_nothing_heavy():
    code = "import sys; from accelsim.cli import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"numba", "pandas", "matplotlib", "numpy", "pydantic"} & set(loaded.split())


def test_without_a_command_there_is_help(accelsim):
    code, out, err = accelsim()
    assert (code, err) == (0, "")
    assert all(command in out for command in entry.commands())
    assert len(entry.commands()) == len(cli.app.registered_commands)


@pytest.mark.slow
def test_output_into_a_closed_pipe_is_quiet():
    command = f"{sys.executable} -m accelsim list workloads | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing to compile")
def test_warmup_runs_every_kernel(command):
    code, out, err = command("warmup")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"kernels ready in \d+\.\d s\n", out)
