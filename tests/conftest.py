"""Settings of all tests: how many examples hypothesis tries, and where numba keeps compiled kernels."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from jit import UNJITTED

# accelsim adds a key of the kernels' text below this folder, so that what was compiled from another text is
# never run, and what was compiled from this one need not be compiled again. It has to be set before numba loads.
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).resolve().parent.parent / ".pytest_cache" / "numba")

settings.register_profile("default", max_examples=150, derandomize=True, deadline=None)
settings.register_profile("unjitted", max_examples=15, derandomize=True, deadline=None)
settings.load_profile("unjitted" if UNJITTED else "default")


def pytest_collection_modifyitems(items):
    """Whole networks take too long without the JIT; notebooks run some too."""
    if UNJITTED:
        for item in items:
            if item.path.suffix == ".ipynb" or item.get_closest_marker("needs_jit"):
                item.add_marker(pytest.mark.skip(reason="whole networks"))


@pytest.fixture(scope="session", autouse=True)
def _small_sizes():
    """Without the JIT a DRAM behind a whole network takes minutes: it is simulated only where a test asks for it.

    Validate leaves out the traces of whole DRAMs; test_dram runs the short ones.
    """
    if UNJITTED:
        from accelsim.hardware import Dram
        from accelsim.studies.validate import anchors as validate

        validate._dram = lambda: iter(())
        Dram.effective_fidelity = property(lambda dram: dram.fidelity or "ideal")


@pytest.fixture
def command(monkeypatch, capfd):
    """Run a command line in this process; gives exit status, standard output and standard error."""
    from accelsim import cli

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["accelsim", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.run_command_line()
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return call
