"""The command gating: what it prints, draws and writes, and mistakes of one line."""

import json

import pytest
from strategies.settings import IDEAL

from accelsim.config import UserError
from accelsim.load import load_hardware


def test_the_command_tells_draws_and_refuses(command, tmp_path):
    base = ("gating", "ad_autoencoder", "--set", IDEAL)
    status, shown, _ = command(*base, "--out", tmp_path / "g")
    assert status == 0
    assert "idle-detect" in shown
    assert (tmp_path / "g" / "gating.svg").read_text().count("<svg") == 1
    record = json.loads(command(*base, "--json", "--period-ms", 5)[1])
    energies = {each["policy"]: each["energy_uj"] for each in record["policies"]}
    assert energies["oracle"] <= energies["idle-detect"] <= energies["clock"] <= energies["none"]
    assert record["policies"][1]["average_power_mw"] * 5 == pytest.approx(energies["clock"], rel=1e-9)
    status, _, told = command(*base, "--period-ms", 0.001, "--out", tmp_path / "none")
    assert (status, told.count("\n")) == (2, 1)
    assert "--period-ms: should be at least an inference's" in told
    assert not (tmp_path / "none").exists()
    for setting in ("gating.engine.residual_share=1.5", "gating.dram.wake_ns=1", "gating.timeout_ns=-1"):
        assert command(*base, "--set", setting)[0] == 2
    with pytest.raises(UserError, match="residual_share: should be less than or equal to 1"):
        load_hardware("edge_npu", ["gating.engine.residual_share=1.5"])
