"""A systolic array of any dataflow in plain Python, register by register."""

from __future__ import annotations

from naive.systolic_operand_stationary import OperandStationary
from naive.systolic_output_stationary import OutputStationary


def systolic(a, w, options):
    """Product [groups][M][N] and Counts of a [groups][M][K] times w [groups][K][N], all nested lists."""
    if options.dataflow == "os":
        return OutputStationary(a, w, options).run()
    if options.dataflow == "ws":
        return OperandStationary(a, w, options).run()
    product, counts = OperandStationary([transposed(x) for x in w], [transposed(x) for x in a], options).run()
    counts = counts._replace(activation_reads=counts.weight_reads, weight_reads=counts.activation_reads)
    return [transposed(x) for x in product], counts


def transposed(matrix):
    """Rows of a matrix as columns."""
    return [list(column) for column in zip(*matrix, strict=True)]
