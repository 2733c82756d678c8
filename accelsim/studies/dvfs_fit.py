"""A chip's measured points, fitted: laws, how far each point is from them, and operating points for a hardware file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from accelsim.power.law_fit import (
    CLOCK_NO_WORSE,
    Clocks,
    FittedClock,
    PowerLaw,
    Scored,
    fit_clock,
    fit_power,
    score_clock,
    score_power,
    sort_clocks,
)
from accelsim.power.measured_points import MeasuredPoint, read_measured_points

USUAL_ALPHA = (1.0, 2.0)  # from full velocity saturation to none


class DvfsFit(NamedTuple):
    """Fitted points."""

    source: str
    points: list[MeasuredPoint]
    power: PowerLaw | None  #: None without measured power
    power_scores: list[Scored]
    clock: FittedClock
    clocks: Clocks
    clock_scores: list[Scored]

    @property
    def operating_points(self) -> list[tuple[float, float]]:
        """V and the highest MHz there, voltages ascending; of equal clocks the lowest voltage."""
        found: list[tuple[float, float]] = []
        for volt, mhz in sorted([*self.clocks.used, *([self.clocks.floor] if self.clocks.floor else [])]):
            if not found or mhz > found[-1][1]:
                found.append((volt, mhz))
        return found

    @property
    def notes(self) -> list[str]:
        """What a reader of the figures should know."""
        return [*self._power_notes(), *self._clock_notes()]

    def _power_notes(self) -> list[str]:
        law = self.power
        if law is None:
            return []
        if law.static_mw is None:
            return [
                "the points do not tell switched capacitance and static power apart: errors are those of a fit"
                " without static power"
            ]
        if law.per_v is None:
            return [
                "the points do not tell how static power follows the voltage: a constant current is taken, and"
                " static power holds for that alone"
            ]
        return []

    def _clock_notes(self) -> list[str]:
        notes, clocks, law = [], self.clocks, self.clock
        if clocks.floor:
            told = f"{clocks.floor[0]:g} V is the lowest voltage and has several clocks: a plateau, not fitted"
            notes.append(f"{told}; the law reaches {clocks.floor[1]:g} MHz there at least")
        if law.law is None:
            voltages = f"{len(clocks.used)} voltage{'s' * (len(clocks.used) != 1)}"
            notes.append(f"{voltages} off a plateau: k, Vth and alpha need three")
            return notes
        if len(clocks.used) == 3:
            notes.append("three voltages make three unknowns: the clock's fit is exact whatever the law")
        low, high = law.alpha_range or (law.law.alpha, law.law.alpha)
        if not USUAL_ALPHA[0] <= law.law.alpha <= USUAL_ALPHA[1]:
            notes.append(f"alpha {law.law.alpha:.2f} is outside the usual 1 to 2: read k, Vth and alpha as a curve")
        if high - low > 0.2:
            notes.append(f"alpha from {low:.2f} to {high:.2f} fits within {100 * CLOCK_NO_WORSE:g} % as well")
        return notes

    def record(self) -> dict[str, Any]:
        """As plain data."""
        main = self.power_scores or self.clock_scores
        power, clock = _errors(self.power_scores), _errors(self.clock_scores)
        return {
            "source": self.source,
            "parameters": self._parameters(),
            **_errors(main),
            "power": power if self.power else None,
            "frequency": clock,
            "points": [self._point(point) for point in self.points],
            "operating_points": [{"voltage_v": volt, "clock_mhz": mhz} for volt, mhz in self.operating_points],
            "notes": self.notes,
        }

    def _parameters(self) -> dict[str, Any]:
        power, law = self.power, self.clock.law
        return {
            "switched_pf": power.switched_pf if power else None,
            "static_mw": power.static_mw if power else None,
            "static_reference_v": power.reference_v if power else None,
            "static_per_v": power.per_v if power else None,
            "k_mhz": law.k_mhz if law else None,
            "threshold_v": law.threshold_v if law else None,
            "alpha": law.alpha if law else None,
            "threshold_range_v": self.clock.threshold_range_v,
            "alpha_range": self.clock.alpha_range,
        }

    def _point(self, point: MeasuredPoint) -> dict[str, Any]:
        pair = point.volt, point.mhz
        power = next((score for score in self.power_scores if score.point is point), None)
        clock = next((score for score in self.clock_scores if (score.point.volt, score.point.mhz) == pair), None)
        place = "plateau" if pair == self.clocks.floor else "slower" if pair in self.clocks.slower else "limit"
        return {
            "line": point.line,
            "task": point.task,
            "volt": point.volt,
            "mhz": point.mhz,
            "watts": point.watts,
            "fitted_watts": power.fitted if power else None,
            "power_error_percent": power.error_percent if power else None,
            "power_left_out_error_percent": power.left_out_error_percent if power else None,
            "clock": place,
            "fitted_mhz": clock.fitted if clock else None,
            "frequency_error_percent": clock.error_percent if clock else None,
            "frequency_left_out_error_percent": clock.left_out_error_percent if clock else None,
        }


def dvfs_fit(path: Path) -> DvfsFit:
    """The laws of a file of points.

    Raises: UserError as ``read_points``.
    """
    points = read_measured_points(path)
    power = fit_power(points) if points[0].watts is not None else None
    clocks = sort_clocks(points)
    clock = fit_clock(clocks.used, clocks.floor)
    return DvfsFit(
        path.name,
        points,
        power,
        score_power(points, power) if power else [],
        clock,
        clocks,
        score_clock(points, clocks, clock),
    )


def _errors(scores: Sequence[Scored]) -> dict[str, float | None]:
    """Mean and largest error in percent, of the fit and with each point left out; None where there is none."""
    kinds = {
        "": [score.error_percent for score in scores],
        "leave_one_out_": [score.left_out_error_percent for score in scores],
    }
    found: dict[str, float | None] = {}
    for kind, errors in kinds.items():
        sizes = [abs(error) for error in errors if error is not None]
        found[f"{kind}mean_abs_error_percent"] = sum(sizes) / len(sizes) if sizes else None
        found[f"{kind}max_abs_error_percent"] = max(sizes, default=None)
    return found
