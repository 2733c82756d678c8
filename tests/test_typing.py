"""What a person's own type checker sees of the package."""

import subprocess
import sys

import pytest

SCRIPT = """\
import accelsim

reveal_type(accelsim.simulate(accelsim.load_hardware("edge_npu"), accelsim.load_workload("resnet8")))
reveal_type(accelsim.load_hardware("edge_npu"))
reveal_type(accelsim.gating)
"""


@pytest.mark.slow
def test_public_names_have_types_in_a_strict_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", str(tmp_path), str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert 'Revealed type is "accelsim.simulation.result.Result"' in done.stdout, done.stdout + done.stderr
    assert 'Revealed type is "accelsim.hardware.machine.Hardware"' in done.stdout
    assert "accelsim.studies.gating.GatingResult" in done.stdout
    assert done.returncode == 0, done.stdout
