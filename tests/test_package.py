"""The package as a whole: its version, what importing it costs, and that its README tells the truth."""

import subprocess
import sys
import tomllib

import pytest
from strategies.pages import ROOT, blocks

import accelsim


def test_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert accelsim.__version__ == project["version"]


@pytest.mark.parametrize("module", ["accelsim", "accelsim.load", "accelsim.cli"])
def test_import_is_cheap(module):
    """numba, pandas and matplotlib take long to import; nothing loads them before they are needed."""
    code = f"import sys, {module}; print(*sorted({{'numba', 'pandas', 'matplotlib', 'onnx'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_readme_opens_with_the_two_commands():
    """Each is enough by itself: it makes its environment, installs, and runs."""
    run, test = blocks("README.md", "sh")[:2]
    install = "python3 -m venv .venv && .venv/bin/pip install -q"
    assert run == f"{install} . && .venv/bin/accelsim run mobilenet_v2\n"
    assert test == f"{install} '.[test]' && .venv/bin/python -m pytest -q\n"
