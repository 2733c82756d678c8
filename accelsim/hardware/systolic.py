"""Systolic arrays as a hardware file describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accelsim.config import Count, Size
from accelsim.hardware.description import EngineDescription
from accelsim.hardware.precisions import Precision


class SystolicArray(EngineDescription):
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

    def dataflows(self) -> dict[str, SystolicArray]:
        """``auto`` lets each layer choose among three; ties go to the first of them."""
        if self.dataflow != "auto":
            return {"": self}
        return {name: self.model_copy(update={"dataflow": name}) for name in ("ws", "os", "is")}
