"""Settings that the tests of several rooms make."""

IDEAL = "dram.fidelity=ideal"  # a memory of bandwidth and latency alone, which takes no time to simulate
