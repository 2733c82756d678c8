"""Settings of all tests, and the fixtures that the tests of several rooms use.

How many examples hypothesis tries is a profile:

- ``full``, the default and CI's: 150 for an ordinary property;
- ``quick``, which ``pytest -m "not slow"`` takes: 15, for the loop of a developer;
- ``unjitted``, where ``NUMBA_DISABLE_JIT=1`` keeps numba from compiling: 15, on small sizes.

``HYPOTHESIS_PROFILE=quick`` (or another of these names) in the environment, or pytest's ``--hypothesis-profile``,
takes another than the one that the run would take by itself. Examples are the same in every run.

Tests marked ``slow`` are whole networks with their memory simulated, long searches, notebooks and started processes:
``pytest -m "not slow"`` leaves them out, a plain ``pytest`` runs all.
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from strategies.sizes import FULL_EXAMPLES, UNJITTED

# accelsim adds a key of the kernels' text below this folder, so that what was compiled from another text is
# never run, and what was compiled from this one need not be compiled again. It has to be set before numba loads.
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).resolve().parent.parent / ".pytest_cache" / "numba")

PROFILES = {"full": FULL_EXAMPLES, "quick": 15, "unjitted": 15}
for name, most in PROFILES.items():
    settings.register_profile(name, max_examples=most, derandomize=True, deadline=None)


def pytest_configure(config):
    """Take the hypothesis profile of this run, before test files are read."""
    if config.getoption("--hypothesis-profile"):
        return
    own = "unjitted" if UNJITTED else "quick" if "not slow" in config.option.markexpr else "full"
    profile = os.environ.get("HYPOTHESIS_PROFILE") or own
    if profile not in PROFILES:
        raise pytest.UsageError(f"HYPOTHESIS_PROFILE={profile}: allowed: {', '.join(PROFILES)}")
    settings.load_profile(profile)


def pytest_collection_modifyitems(items):
    """Notebooks are slow; without the JIT they are skipped, as whole networks are."""
    for item in items:
        notebook = item.path.suffix == ".ipynb"
        if notebook:
            item.add_marker(pytest.mark.slow)
        if UNJITTED and (notebook or item.get_closest_marker("needs_jit")):
            item.add_marker(pytest.mark.skip(reason="whole networks"))


@pytest.fixture(scope="session", autouse=True)
def _small_sizes():
    """Without the JIT a DRAM behind a whole network takes minutes: it is simulated only where a test asks for it.

    Validate leaves out the traces of whole DRAMs; test_device runs the short ones.
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


@pytest.fixture
def sweep_file(tmp_path):
    """A file that describes a sweep of 24 points over two small networks."""
    from strategies.sweeps import SPEC

    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


@pytest.fixture(scope="session")
def mixed():
    """A comparison of a network with layers of every kind on one machine of each kind."""
    from strategies.comparisons import MACHINES, MIXED, SPARSITIES
    from strategies.networks import read_network

    from accelsim import compare, load_hardware

    hardware = [load_hardware(name) for name in MACHINES]
    return compare(hardware, read_network(MIXED), ["fp32", "int16", "int8"], SPARSITIES)


@pytest.fixture(scope="session")
def resnet8_roofline():
    """The roofline of resnet8 on edge_npu."""
    from strategies.rooflines import line_of

    return line_of("resnet8")
