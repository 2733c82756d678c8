"""Systolic arrays as a hardware file describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accelsim.config import Count, Size, Value
from accelsim.hardware.precisions import BITS, Precision
from accelsim.hardware.sparsity import Pattern


class SystolicArray(Value):
    """A grid of rows x cols processing elements (PEs), each one MAC a cycle.

    ``os`` holds outputs (rows M, columns N), ``ws`` weights (rows K, columns N), ``is`` inputs (rows K, columns M);
    ``auto`` whichever of the three suits a layer best. What counts and steps is one of the three
    (``Hardware.dataflows``).
    """

    kind: Literal["systolic"]
    rows: Size
    cols: Size
    dataflow: Literal["os", "ws", "is", "auto"]
    precision: Precision = "int8"
    psum_hop_cycles: Annotated[int, Field(ge=1, le=64)] = 1  #: cycles a partial sum takes from row to row
    pipeline_registers: Annotated[int, Field(ge=0, le=1024)] = 0  #: at the array's edge
    output_drain: Literal["rows", "cols", "none"] = "rows"  #: os: the way finished sums leave
    weights_resident: bool = False  #: ws, is: the held operand is in the PEs beforehand
    overlap_folds: bool = False  #: the next fold's held operand loads while this one computes
    swap_cycles: Count = 0  #: bubble between overlapped folds
    reload_cycles: Size | None = None  #: overlapped folds: least interval; default rows, for os the drain
    charge_full_array: bool = False  #: count partial folds as if they used every row and column
    zero_gating: bool = False  #: a MAC with a zero weight costs no energy, but its cycle

    @property
    def operand_bits(self) -> int:
        """Width of operands that state none."""
        return BITS[self.precision]

    @property
    def pes(self) -> int:
        """Processing elements, each with a peak of one MAC a cycle."""
        return self.rows * self.cols

    @property
    def title(self) -> str:
        """Size and kind in a few words."""
        return f"{self.rows}x{self.cols} {self.dataflow} {self.precision}"

    def peak_macs_per_cycle(self, activation_bits: int, weight_bits: int) -> float:
        """MACs in a cycle in which every PE works; narrow operands gain nothing."""
        return float(self.pes)

    @property
    def grain(self) -> tuple[int, int, int]:
        """M, N, K of one fold; the streamed one counts single vectors."""
        rows, cols = self.rows, self.cols
        return {"os": (rows, cols, 1), "ws": (1, cols, rows), "is": (cols, 1, rows)}[self.dataflow]

    @property
    def streamed(self) -> str:
        """The dimension that flows through the array: m, n or k."""
        return {"os": "k", "ws": "m", "is": "n"}[self.dataflow]

    @property
    def holds_sums(self) -> bool:
        """Sums stay in the PEs until they are finished."""
        return self.dataflow == "os"

    @property
    def sparse_pattern(self) -> Pattern | None:
        """None: zeros are weights like others."""
        return None

    @property
    def drain_cycles(self) -> int:
        """os: cycles that shift a whole array of finished sums out."""
        return {"rows": self.rows, "cols": self.cols, "none": 0}[self.output_drain]
