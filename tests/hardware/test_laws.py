"""Laws of clock and leakage over voltage."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies.silicon import alphas

from accelsim.hardware.laws import AlphaPower, Leakage


@given(alphas, st.floats(1.01, 3))
def test_a_clock_has_its_voltage(law, times):
    volt = law.threshold_v * times
    assert law.voltage_v(law.frequency_mhz(volt)) == pytest.approx(volt, rel=1e-6)
    assert law.frequency_mhz(law.threshold_v) == law.frequency_mhz(0.01) == 0


def test_a_clock_that_no_voltage_reaches_is_refused():
    slow = AlphaPower(1000, 0.4, 0.5)
    top = max(slow.frequency_mhz(volt) for volt in np.linspace(0.4, 3, 2000))
    assert slow.voltage_v(0.99 * top) < 0.8
    with pytest.raises(ValueError, match="no voltage reaches it"):
        slow.voltage_v(1.01 * top)


def test_leakage_is_what_it_was_at_the_reference():
    assert Leakage(0.9, 3.0).times(0.9) == 1
    assert Leakage(0.9, 0.0).times(0.45) == 0.5
    assert Leakage(0.9, 3.0).times(0.8) == pytest.approx(0.8 / 0.9 * math.exp(-0.3))
