"""Laws of clock and power, fitted to a chip's measured points: parameters, errors, and operating points for a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    import pandas as pd

USUAL_ALPHA = (1.0, 2.0)  # from full velocity saturation to none


@dataclass(frozen=True)
class DvfsFit:
    """Measured points of a chip, the laws that are fitted to them, and how far each point is from its law."""

    source: str  #: name of the file
    points: list[MeasuredPoint]
    power: PowerLaw | None  #: None where no power was measured
    power_scores: list[Scored]  #: one for each point, in W; none without a law of power
    clock: FittedClock
    clocks: Clocks
    clock_scores: list[Scored]  #: one for each distinct point off the plateau, in MHz

    @property
    def operating_points(self) -> list[tuple[float, float]]:
        """Pairs of a voltage in V and the highest clock there in MHz, both ascending."""
        found: list[tuple[float, float]] = []
        for volt, mhz in sorted([*self.clocks.used, *([self.clocks.floor] if self.clocks.floor else [])]):
            if not found or mhz > found[-1][1]:
                found.append((volt, mhz))
        return found

    @property
    def notes(self) -> list[str]:
        """What a reader of the parameters should know, a sentence each."""
        return [*self._power_notes(), *self._clock_notes()]

    def _power_notes(self) -> list[str]:
        law = self.power
        if law is None:
            return []
        if law.static_mw is None:
            return [
                "the points cannot separate switched capacitance from static power: errors are those of a fit"
                " without static power"
            ]
        if law.per_v is None:
            return [
                "the points cannot say how static power follows the voltage: a constant current is assumed, and"
                " static power holds for that alone"
            ]
        return []

    def _clock_notes(self) -> list[str]:
        notes, clocks, law = [], self.clocks, self.clock
        if clocks.floor:
            plateau = f"{clocks.floor[0]:g} V is the lowest voltage and has several clocks: a plateau, not fitted"
            notes.append(f"{plateau}; the law reaches {clocks.floor[1]:g} MHz there at least")
        if law.law is None:
            voltages = f"{len(clocks.used)} voltage{'s' * (len(clocks.used) != 1)}"
            notes.append(f"{voltages} off a plateau: k, Vth and alpha need three")
            return notes
        if len(clocks.used) == 3:
            notes.append("there are three voltages for three unknowns: any law of the clock fits them exactly")
        low, high = law.alpha_range or (law.law.alpha, law.law.alpha)
        if not USUAL_ALPHA[0] <= law.law.alpha <= USUAL_ALPHA[1]:
            notes.append(
                f"alpha {law.law.alpha:.2f} is outside the usual 1 to 2: k, Vth and alpha describe the curve, not"
                " the transistors"
            )
        if high - low > 0.2:
            notes.append(f"any alpha from {low:.2f} to {high:.2f} fits within {100 * CLOCK_NO_WORSE:g} % of the best")
        return notes

    @property
    def records(self) -> list[dict[str, Any]]:
        """A mapping of plain values for each measured point: what was measured, what the laws say, and the errors."""
        return [self._point(point) for point in self.points]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The records as a table, with a row for each measured point."""
        import pandas as pd

        return pd.DataFrame(self.records)

    def as_record(self) -> dict[str, Any]:
        """The fit as a mapping of plain values: what ``accelsim dvfs-fit --json`` prints."""
        main = self.power_scores or self.clock_scores
        power, clock = _errors(self.power_scores), _errors(self.clock_scores)
        return {
            "source": self.source,
            "parameters": self._parameters(),
            **_errors(main),
            "power": power if self.power else None,
            "frequency": clock,
            "points": self.records,
            "operating_points": [{"voltage_v": volt, "clock_mhz": mhz} for volt, mhz in self.operating_points],
            "notes": self.notes,
        }

    def _parameters(self) -> dict[str, Any]:
        """The parameters of both laws; None for those that the points cannot tell."""
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
        """The record of a measured point."""
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


def dvfs_fit(path: Path | str) -> DvfsFit:
    """Fit laws of clock and power to the measured points of a chip.

    ``path`` is a CSV file with a row for each point: columns ``volt`` and ``mhz``; ``watts``, or ``inferences_per_s``
    and ``microjoules``, where power was measured; ``task`` where several tasks were.

    Returns the laws, ``operating_points`` for a hardware file, and the points with their errors (``records``, and a
    DataFrame of them, ``table``); a parameter that the points cannot tell is None.

    Raises: UserError for a file that cannot be read, a missing column, or a value that is no such quantity.
    """
    path = Path(path)
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
    """Mean and largest absolute error in percent, of the fit and with each point left out; None without any error."""
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
