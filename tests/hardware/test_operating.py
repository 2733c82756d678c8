"""Operating points that cannot be."""

import pytest

from accelsim.config import UserError
from accelsim.load import load_hardware


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("[{voltage_v: 0.8, clock_mhz: 400}, {voltage_v: 0.7, clock_mhz: 500}]", "voltage_v: should ascend"),
        ("[{voltage_v: 0.7, clock_mhz: 400}, {voltage_v: 0.7, clock_mhz: 400}]", "voltage_v: should ascend"),
        ("[{voltage_v: 0.7, clock_mhz: 400}, {voltage_v: 0.8, clock_mhz: 400}]", "clock_mhz: should ascend"),
        ("[{voltage_v: 0.7, clock_mhz: 0}]", "clock_mhz: should be greater than 0, got 0"),
        ("[{voltage_v: 7, clock_mhz: 10}]", "voltage_v: should be less than or equal to 2, got 7"),
        ("[]", "should have 1 or more items"),
        (
            "{points: [{voltage_v: 0.3, clock_mhz: 9}], law: {k_mhz: 1000, threshold_v: 0.3, alpha: 1}}",
            "should be above the threshold of 0.3 V, got 0.3",
        ),
        (
            "{points: [{voltage_v: 0.6, clock_mhz: 999}], law: {k_mhz: 1000, threshold_v: 0.3, alpha: 1}}",
            "at 0.6 V the law reaches 500 MHz, got 999",
        ),
        ("{points: [{voltage_v: 0.6, clock_mhz: 9}], transition_us: -1}", "transition_us: should be greater than or"),
    ],
)
def test_points_that_cannot_be_are_told(setting, told):
    with pytest.raises(UserError, match="operating_points") as error:
        load_hardware("edge_npu", [f"operating_points={setting}"])
    assert told in str(error.value)
