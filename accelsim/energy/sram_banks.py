"""Energy, leakage and area of SRAM banks: rows of CACTI's table, and interpolation between them."""

from __future__ import annotations

import csv
import functools
import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from accelsim.config import UserError
from accelsim.config.places import locate_hwconfigs

N = TypeVar("N", int, float)


class Bank(NamedTuple):
    """One SRAM bank, in which an access reads or writes the whole width."""

    read_pj: float  #: energy of one access that reads
    write_pj: float  #: energy of one access that writes
    subthreshold_mw: float  #: subthreshold leakage
    gate_mw: float  #: gate leakage
    area_mm2: float
    access_ns: float

    @property
    def leakage_mw(self) -> float:
        """Subthreshold and gate leakage together."""
        return self.subthreshold_mw + self.gate_mw

    def between(self, other: Bank, share: float) -> Bank:
        """Interpolate every figure linearly in logarithms, from self (share 0) to other (share 1)."""
        return Bank(*(a * (b / a) ** share for a, b in zip(self, other, strict=True)))


class SramCells(NamedTuple):
    """Banks of one cell class at one node and one temperature, and one bank at several temperatures."""

    banks: dict[int, dict[int, Bank]]  #: banks by width in bits, then size in bytes; both ascending
    sample: Bank  #: the sample bank at the temperature of ``banks``
    samples: dict[float, Bank]  #: the sample bank by temperature in K, ascending


_COLUMNS = ("read_pJ", "write_pJ", "leak_mW", "gate_leak_mW", "area_mm2", "access_ns")
_GRID_K = "350"
_SAMPLE = ("32768", "64")  # size and width of the bank that is listed at every temperature
# 90 nm lop: from 350 to 370 K, which includes the size grid, leakage is ten times what 300-340 and 380-400 K imply.
# 22 nm lstp: leakage at 360 K is half of that at 350 K.
_FAULTY_GRIDS = {("90", "itrs-lop")}
_FAULTY_TEMPERATURES = {("22", "itrs-lstp", "360")}


@functools.cache
def read_sram_cells(table: str, node_nm: int, cell: str) -> SramCells:
    """Read the banks of a node and a cell class from a table (cells and periphery of that class, no power gating).

    Raises: UserError for a node and cell class that the table lacks.
    """
    key = (str(node_nm), cell)
    banks: dict[int, dict[int, Bank]] = {}
    samples: dict[float, Bank] = {}
    with (locate_hwconfigs() / "technology" / table).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (row["tech_nm"], row["cell"]) != key or row["periph"] != cell or row["array_power_gating"] != "False":
                continue
            if key in _FAULTY_GRIDS or (*key, row["temp_K"]) in _FAULTY_TEMPERATURES:
                continue
            bank = Bank(*(float(row[column]) for column in _COLUMNS))
            if row["temp_K"] == _GRID_K:
                banks.setdefault(int(row["width_bits"]), {})[int(row["size_B"])] = bank
            if (row["size_B"], row["width_bits"]) == _SAMPLE:
                samples[float(row["temp_K"])] = bank
    if not banks:
        raise UserError(f"{table} has no sound rows for {cell} cells at {node_nm} nm")
    by_width = {width: dict(sorted(banks[width].items())) for width in sorted(banks)}
    return SramCells(by_width, samples[float(_GRID_K)], dict(sorted(samples.items())))


def interpolate_bank(cells: SramCells, size_bytes: float, width_bits: float, temperature_k: float) -> Bank:
    """Interpolate a bank of any size, width and temperature that lie within the table.

    Interpolation is log-log over size, then over width; leakage is log-linear over temperature, in proportion to the
    sample's. If every second row is left out (steps of 4:1 instead of 2:1), interpolation meets the 45 nm grids over
    size within 8.2 % on average and 29 % at worst (reads), 5.9 % and 19 % (writes), 2.1 % and 7.8 % (leakage); over
    width within 10 % and 38 % (reads).

    Raises: UserError outside the table.
    """
    low, high, share = _enclosing(list(cells.banks), width_bits, "bank width in bits")
    bank = _bank_of_size(cells.banks[low], size_bytes)
    if share:
        bank = bank.between(_bank_of_size(cells.banks[high], size_bytes), share)
    cold, warm, _ = _enclosing(list(cells.samples), temperature_k, "temperature in K")
    share = (temperature_k - cold) / (warm - cold) if warm > cold else 0.0
    sample = cells.samples[cold].between(cells.samples[warm], share)
    return bank._replace(
        subthreshold_mw=bank.subthreshold_mw * sample.subthreshold_mw / cells.sample.subthreshold_mw,
        gate_mw=bank.gate_mw * sample.gate_mw / cells.sample.gate_mw,
    )


class Switch(NamedTuple):
    """The sleep transistors of an SRAM bank."""

    energy_pj: float  #: energy of turning them off and on, at 1 V
    wake_ns: float  #: time until the bank can be used again


@functools.cache
def _switches(table: str) -> dict[int, Switch]:
    """The sleep transistors that a table lists, by size of the bank in bytes."""
    found: dict[int, Switch] = {}
    with (locate_hwconfigs() / "technology" / table).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["array_power_gating"] == "True":
                found[int(row["size_B"])] = Switch(float(row["pg_Tx_energy_pJ"]), float(row["pg_wakeup_ns"]))
    return dict(sorted(found.items()))


def interpolate_switch(table: str, size_bytes: float) -> Switch:
    """Interpolate the sleep transistors of a bank of any size; beyond the table, scale its nearest row."""
    rows = _switches(table)
    sizes = list(rows)
    nearest_size = min(max(size_bytes, sizes[0]), sizes[-1])
    low, high, share = _enclosing(sizes, nearest_size, "bank size in bytes")
    a, b = rows[int(low)], rows[int(high)]
    energy = a.energy_pj * (b.energy_pj / a.energy_pj) ** share * size_bytes / nearest_size
    return Switch(energy, a.wake_ns * (b.wake_ns / a.wake_ns) ** share)


def _bank_of_size(banks: dict[int, Bank], size_bytes: float) -> Bank:
    low, high, share = _enclosing(list(banks), size_bytes, "bank size in bytes")
    return banks[low].between(banks[high], share)


def _enclosing(points: Sequence[N], value: float, what: str) -> tuple[N, N, float]:
    """The neighbours of a value in ascending points, and its logarithmic share of the way between them."""
    if not points[0] <= value <= points[-1]:
        raise UserError(f"{what}: the SRAM table has {points[0]:.10g} to {points[-1]:.10g}, got {value:.10g}")
    i = bisect_right(points, value) - 1
    low = points[i]
    if low == value:
        return low, low, 0.0
    high = points[i + 1]
    return low, high, math.log(value / low) / math.log(high / low)
