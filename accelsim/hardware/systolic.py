"""Systolic arrays as a hardware file describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accelsim.config import Count, Size
from accelsim.hardware.description import EngineDescription
from accelsim.hardware.precisions import Precision


class SystolicArray(EngineDescription):
    """A grid of rows x cols processing elements (PEs), each of which does one MAC a cycle.

    In out[M,N] = A[M,K] . W[K,N] the grid holds M x N outputs (``os``), K x N weights (``ws``) or K x M inputs
    (``is``), cut into folds of its own size.
    """

    kind: Literal["systolic"]
    """Kind of the engine: a systolic array."""
    rows: Size
    """Number of rows of processing elements (PEs)."""
    cols: Size
    """Number of columns of PEs."""
    dataflow: Literal["os", "ws", "is", "auto"]
    """Operand that stays in the PEs: outputs (os), weights (ws) or inputs (is); auto takes, for each layer, the one
    that is best by mapper.objective."""
    precision: Precision = "int8"
    """Number format of the widest operands, which sets what a MAC costs; the option --precision replaces it."""
    psum_hop_cycles: Annotated[int, Field(ge=1, le=64)] = 1
    """Cycles that a partial sum takes from one row to the next (ws, is)."""
    pipeline_registers: Annotated[int, Field(ge=0, le=1024)] = 0
    """Registers at the edge of the array: cycles added to each fold, or once in all where folds overlap."""
    output_drain: Literal["rows", "cols", "none"] = "rows"
    """How finished sums leave an output-stationary array: along the rows (as many cycles as rows), along the columns
    (as many cycles as cols) or in no time (none)."""
    weights_resident: bool = False
    """Whether the held operand is in the PEs beforehand, so that folds do not load it (ws, is)."""
    overlap_folds: bool = False
    """Whether the held operand of the next fold loads (os: the sums of the last fold leave) while a fold computes."""
    swap_cycles: Count = 0
    """Idle cycles between two overlapped folds."""
    reload_cycles: Size | None = None
    """Least number of cycles from the start of one overlapped fold to the next; by default rows, for os the drain."""
    charge_full_array: bool = False
    """Whether a fold that fills the array in part takes as many cycles as a full one."""

    def dataflows(self) -> dict[str, SystolicArray]:
        """``auto`` lets each layer choose among three; ties go to the first of them."""
        if self.dataflow != "auto":
            return {"": self}
        return {name: self.model_copy(update={"dataflow": name}) for name in ("ws", "os", "is")}
