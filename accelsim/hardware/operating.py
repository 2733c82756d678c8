"""Operating points: the voltages that a chip can run at, and the clock at each."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from accelsim.config import NonNegative, Positive, Value
from accelsim.hardware.laws import AlphaPower

Volts = Annotated[float, Field(gt=0, le=2)]
Megahertz = Annotated[float, Field(gt=0, le=1e5)]
ABOVE = 1.01  # of the law's clock that a point may have, since points are rounded


class OperatingPoint(Value):
    """A supply voltage and the engine's clock there."""

    voltage_v: Volts
    """Supply voltage at this point, V; ascending from point to point."""
    clock_mhz: Megahertz
    """Clock at this point, MHz; ascending from point to point."""
    sram_voltage_v: Volts | None = None
    """Supply voltage of the SRAMs at this point, V; by default voltage_v."""

    def __str__(self) -> str:
        return f"{self.voltage_v:.4g} V, {self.clock_mhz:.4g} MHz"


class ClockLaw(Value):
    """The highest clock at a voltage V: f = k (V - Vth)^alpha / V, as ``accelsim dvfs-fit`` finds it."""

    k_mhz: Positive
    """Factor k of the law, MHz V^(1 - alpha)."""
    threshold_v: Positive
    """Threshold voltage Vth of the law, V."""
    alpha: Positive
    """Exponent alpha of the law."""

    @property
    def law(self) -> AlphaPower:
        """The law as a function of voltage and frequency."""
        return AlphaPower(self.k_mhz, self.threshold_v, self.alpha)


class OperatingPoints(Value):
    """Points by ascending voltage, what a change from one to another takes, and the law that bounds them."""

    points: tuple[OperatingPoint, ...] = Field(min_length=1, max_length=64)
    """Operating points by ascending voltage; operating_points may also be this list alone."""
    law: ClockLaw | None = None
    """Law of the highest clock at a voltage, which no point may exceed by more than 1 %; without it none is checked."""
    transition_us: NonNegative = 0.0
    """Time of a change from one point to another, in which nothing runs, us."""
    transition_uj: NonNegative = 0.0
    """Energy of a change from one point to another, uJ."""

    @model_validator(mode="before")
    @classmethod
    def _list_of_points(cls, data: Any) -> Any:
        """Take a bare list as the points."""
        return {"points": tuple(data)} if isinstance(data, list) else _with_tuple(data)

    @model_validator(mode="after")
    def _ascending_and_below_the_law(self) -> OperatingPoints:
        for lower, upper in zip(self.points, self.points[1:], strict=False):
            for name in ("voltage_v", "clock_mhz"):
                if getattr(upper, name) <= getattr(lower, name):
                    raise ValueError(f"points: {name}: should ascend, got {lower} before {upper}")
        if self.law is not None:
            for point in self.points:
                if point.voltage_v <= self.law.threshold_v:
                    raise ValueError(
                        f"points: voltage_v: should be above the threshold of {self.law.threshold_v:g} V,"
                        f" got {point.voltage_v:g}"
                    )
                most = self.law.law.frequency_mhz(point.voltage_v)
                if point.clock_mhz > ABOVE * most:
                    raise ValueError(
                        f"points: clock_mhz: at {point.voltage_v:g} V the law reaches {most:.4g} MHz,"
                        f" got {point.clock_mhz:g}"
                    )
        return self


def _with_tuple(data: Any) -> Any:
    """Make a tuple of the points, since strict values take no list for one."""
    if isinstance(data, dict) and isinstance(data.get("points"), list):
        return {**data, "points": tuple(data["points"])}
    return data
