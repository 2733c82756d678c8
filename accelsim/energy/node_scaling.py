"""Scaling of energy and area from one process node to another, by named fits."""

from __future__ import annotations

import csv
import functools
from typing import NamedTuple

from accelsim.config import UserError
from accelsim.config.places import locate_hwconfigs

NODES = {  # by file: the source of its fits, and how far to trust them
    "technology_scaling_stillmaker2017.csv": (
        "Stillmaker and Baas, Integration 58 (2017), energy fits e2 V^2 + e1 V + e0",
        "scaled by fits to simulated circuits of predictive models: trust it within a factor of two from 65 to 32 nm;"
        " at 7 nm it is 3 to 6 times below a table of operations that is itself unverified",
    ),
}


class Scaling(NamedTuple):
    """Factors that turn figures of one node into figures of another."""

    energy: float  #: factor of energies
    area: float  #: factor of areas, the square of the feature sizes: no process shrinks more
    source: str  #: source of the fits
    note: str  #: how far to trust them


@functools.cache
def _fits(file: str) -> dict[int, tuple[float, float, float]]:
    """Coefficients e2, e1 and e0 of the energy fits, by node in nm."""
    with (locate_hwconfigs() / "technology" / file).open(newline="", encoding="utf-8") as lines:
        return {
            int(row["node_nm"]): (float(row["e2"]), float(row["e1"]), float(row["e0"])) for row in csv.DictReader(lines)
        }


def find_node_scaling(file: str, before: tuple[int, float], after: tuple[int, float]) -> Scaling:
    """Find the factors from a node and voltage to another; ``before`` and ``after`` are (node in nm, voltage in V).

    Raises: UserError for an unknown rule file, and for a node that it lacks.
    """
    if file not in NODES:
        raise UserError(f"rule: no scaling called '{file}'; allowed: {', '.join(NODES)}")
    fits = _fits(file)
    for node, _ in (before, after):
        if node not in fits:
            raise UserError(f"node_nm: {file} has no {node} nm; allowed: {', '.join(map(str, fits))}")
    energies = [e2 * volts**2 + e1 * volts + e0 for node, volts in (before, after) for e2, e1, e0 in (fits[node],)]
    source, note = NODES[file]
    return Scaling(energies[1] / energies[0], (after[0] / before[0]) ** 2, source, note)
