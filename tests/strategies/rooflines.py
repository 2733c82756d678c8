"""Rooflines of shipped networks and machines."""

import pytest

from accelsim import load_hardware, load_workload, simulate
from accelsim.compress import apply_precision, apply_sparsity
from accelsim.studies.roofline import roofline
from strategies.sizes import UNJITTED

JITTED_ONLY = ("pragmatic",)  # values decide about its cycles: too slow without numba


def skip_if_slow(name):
    if UNJITTED and name in JITTED_ONLY:
        pytest.skip("small sizes only without numba")


def line_of(network, name="edge_npu", settings=(), sparsity=None, precision=None):
    skip_if_slow(name)
    hardware, workload = load_hardware(name, settings), load_workload(network)
    if precision:
        hardware, workload = apply_precision(hardware, workload, precision)
    if sparsity:
        hardware, workload = apply_sparsity(hardware, workload, sparsity)
    return roofline(simulate(hardware, workload), hardware, workload)
