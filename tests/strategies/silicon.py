"""Laws of chips, points that a chip of such laws has, and tables of measured ones."""

from importlib import resources
from pathlib import Path

from hypothesis import strategies as st

from accelsim.hardware.laws import AlphaPower, Leakage
from accelsim.power.measured_points import MeasuredPoint

ANCHORS = Path(str(resources.files("accelsim") / "anchors"))


GAP9, RK3588 = ANCHORS / "dvfs_gap9_measured.csv", ANCHORS / "rk3588_npu_opp.csv"


SPREAD = (0.5, 0.6, 0.7, 0.8, 0.9)


alphas = st.builds(AlphaPower, st.floats(200, 4000), st.floats(0.15, 0.42), st.floats(1.0, 2.0))


def drawn(law, tasks, static_w, per_v, voltages=SPREAD, clocks=(0.5, 1.0)):
    """Points of a chip that obeys the laws: each task at shares of the highest clock."""
    leak = Leakage(max(voltages), per_v)
    points = []
    for task, pf in tasks.items():
        for volt in voltages:
            for share in clocks:
                mhz = share * law.frequency_mhz(volt)
                watts = pf * 1e-6 * volt**2 * mhz + static_w * leak.times(volt)
                points.append(MeasuredPoint(len(points) + 2, task, volt, mhz, watts))
    return points
