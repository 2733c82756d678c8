"""The words of the field, one plain sentence each."""

from __future__ import annotations

GLOSSARY = {
    "PE": "A processing element: one multiplier with its adder and registers, which does one MAC (a multiplication and"
    " an accumulation) a cycle.",
    "GEMM letters M, N, K": "A matrix product out[M,N] = A[M,K] . W[K,N], in which M counts output pixels (times the"
    " batch), N filters, and K the products that are added up for one output value.",
    "im2col": "The rearrangement of a convolution into a matrix product: each row of A holds the pixels of one window.",
    "ifmap, ofmap": "The input and the output activations of a layer (input and output feature map).",
    "dataflow": "The choice of the operand that stays in the PEs while the other operands move past it.",
    "output-stationary (os)": "A dataflow in which each PE keeps one output value until all K products are added up.",
    "weight-stationary (ws)": "A dataflow in which each PE keeps one weight while activations stream past it.",
    "input-stationary (is)": "A dataflow in which each PE keeps one activation while weights stream past it.",
    "fold": "One pass of the array over the part of a matrix product that its rows and columns hold at a time.",
    "tile": "The part of a layer's operands that the on-chip buffers hold at a time; it consists of whole folds.",
    "stall": "A cycle in which the engine waits for memory, or for a bank of its buffers.",
    "double buffering": "The use of a buffer in two halves, of which one fills (or empties) while the engine uses the"
    " other.",
    "utilization": "The MACs of a layer over the MACs that all PEs could do in the same cycles.",
    "arithmetic intensity": "The number of MACs of a layer for each byte that it moves to or from DRAM.",
    "roofline": "A figure of attainable speed over arithmetic intensity: a slope (the bandwidth of the memory) and a"
    " flat roof (the peak of the engine).",
    "ridge point": "The arithmetic intensity at which slope and roof of a roofline meet: layers to the left of it lack"
    " bandwidth, layers to the right of it lack multipliers.",
    "compulsory bytes": "The bytes that a layer must move at least: every operand once in, the result once out.",
    "bit-serial": "A way of multiplying in which an operand comes bit by bit, so that narrow values take fewer cycles.",
    "n:m sparsity": "A pattern in which, of every m successive weights along the channels, at most n are not zero, such"
    " as 2:4.",
    "metadata": "The positions of the weights that an n:m pattern keeps, stored beside them, by which matching"
    " activations are picked.",
    "zero gating": "The suppression of a multiplication by zero, which saves its energy but not its cycle.",
    "leakage": "The power that transistors draw because they are powered, whether they work or not.",
    "DVFS": "Dynamic voltage and frequency scaling: running at a lower voltage and clock when there is time, since the"
    " energy of an operation follows the square of the voltage.",
    "operating point": "A supply voltage together with the clock at which the chip runs at that voltage.",
    "race to idle": "Running as fast as possible and then idling until the next deadline, instead of running slowly.",
    "power gating": "Switching off the supply of an idle block, which ends its leakage but costs energy and time at"
    " every switch; clock gating only stops its clock.",
    "break-even time": "The shortest time in the off state for which power gating saves as much energy as switching"
    " costs.",
}


def glossary_text() -> str:
    """The glossary as a Markdown list."""
    return "\n".join(f"- **{term}**: {sentence}" for term, sentence in GLOSSARY.items())
