"""Fixtures of the tests of energies."""

import pytest

from accelsim.energy.technology import load_technology


@pytest.fixture(scope="module")
def cmos45():
    return load_technology("cmos45")
