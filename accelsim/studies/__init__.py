"""Questions that several runs answer: comparisons, rooflines, voltages, gating, sweeps, published figures."""
