"""What the columns and keys of results mean that no class documents: of summary.json, compare.csv and points.csv."""

from __future__ import annotations

COMPONENT_TEXTS = {
    "mac": "multiplications and accumulations",
    "registers": "registers of PEs that work, their clock, and the wires between neighbours",
    "vector": "operations of the vector unit",
    "sram_ifmap": "accesses to the buffer of input activations",
    "sram_weight": "accesses to the weight buffer",
    "sram_ofmap": "accesses to the buffer of results and partial sums",
    "dram": "transfers from and to DRAM",
    "leakage_logic": "leakage of engine and vector unit",
    "leakage_sram": "leakage of the buffers",
    "dram_standby": "standby and refresh of the DRAM",
}

SUMMARY_TEXTS = {
    "hardware": "Name of the hardware.",
    "workload": "Name of the network.",
    "settings": "Settings of the run, as given with --set.",
    "version": "Version of accelsim.",
    "config_sha256": "Digest of every value of hardware and network on which the result depends.",
    "precision": "Number format of the engine.",
    "operand_bits": "Least and greatest width of what matrix products read, for activations and weights, bits.",
    "batch": "Number of inferences that ran together.",
    "dram_fidelity": "Model of the memory: ideal, transaction or cycle.",
    "total_cycles": "Cycles of all layers.",
    "compute_cycles": "Cycles of all layers that the engine takes by itself.",
    "stall_cycles": "Cycles that layers take beyond compute_cycles.",
    "stall_cycles_by_cause": "Parts of stall_cycles by cause; the causes are those of layers.csv.",
    "latency_ms": "Time of the whole batch: total_cycles over the clock, ms.",
    "macs": "Multiplications of all layers, with the batch.",
    "params": "Number of stored weights, biases, scales and shifts.",
    "utilization": "MACs over the MACs that the engine's peak allows in total_cycles.",
    "dram_read_bytes": "Bytes read from DRAM.",
    "dram_write_bytes": "Bytes written to DRAM.",
    "compulsory_bytes": "Bytes of all layers when each operand and each result crosses the chip's edge once.",
    "least_bytes": "Bytes that layers must move in any order of work with this much SRAM.",
    "energy_uj": "Energy of the whole batch, uJ.",
    "energy_pj_by_component": "Parts of the energy by component, pJ.",
    "average_power_mw": "Energy over latency, mW.",
    "tops": "Achieved throughput, 1e12 operations a second; a MAC is two operations.",
    "tops_per_w": "Achieved throughput over average power.",
    "tops_per_mm2": "Achieved throughput over area_mm2.",
    "leakage_mw_by_component": "Leakage power of engine, vector unit and each SRAM, mW.",
    "area_mm2": "Area of engine, vector unit and SRAMs, mm2, as the technology prices it; control, DMA engine and pads"
    " are not in it.",
    "area_mm2_by_component": "Parts of area_mm2.",
    "thermal": "With a thermal section: temperature_k, power_w and leakage_mw of the die; throttled_to_share, the share"
    " of time that it may work; sustained_latency_ms and sustained_energy_uj of an inference at that pace; and"
    " seconds_to_limit from ambient temperature (null: never).",
    "sources": "Name, value, unit and source of every figure behind the energies.",
    "notes": "What a reader should know first, such as a lack of memory.",
    "bit_slots": "On serial units: total, the bit slots of all lanes and cycles, in parts that add up to it (skipped is"
    " negative); the speedup over a bit-parallel unit of the same peak, and the ideal_speedup by widths alone.",
    "mac_slots": "On tensor cores: total, multipliers times cycles, in parts that add up to it; the speedup over dense"
    " weights on the same cores, and the ideal_speedup by the pattern alone.",
    "pattern": "On tensor cores with sparse weights: the n:m pattern.",
    "operands": "Where values decide about cycles: the layers whose tensors were read, and how the others were made.",
    "verified": "True for a stepped run: every product and every count was checked.",
}

POINT_TEXTS = {
    "workload": "Name of the network.",
    "total_cycles": "Cycles of the run; empty for a point that could not be simulated.",
    "latency_ms": "Time of the run, ms.",
    "energy_uj": "Energy of the run, uJ.",
    "average_power_mw": "Energy over latency, mW.",
    "utilization": "MACs over the MACs that the engine's peak allows in total_cycles.",
    "error": "Reason why the point could not be simulated; empty for a point that ran.",
}

_CAUSES = {
    "channels": "K or channels do not fill rows, lanes, instructions or a pattern's groups",
    "edge": "pixels and filters do not fill the array, the tiles, the cores or an instruction",
    "operands": "the engine waits for operands from its buffers",
    "pipeline": "the engine fills, drains, and waits for sums or its slowest column; skipped bits are subtracted",
    "memory": "the engine waits for DRAM, or fills again because tiles cut its streams",
    "vector": "the vector unit alone works",
}

COMPARISON_TEXTS = {
    "workload": "Name of the network.",
    "hardware": "Name of the hardware.",
    "precision": "Precision of all operands; own where none was asked for and hardware or network state other widths.",
    "sparsity": "Sparsity of the weights: dense, n:m, or the share of zeros anywhere.",
    "zero_gating": "Whether a multiplication by a zero weight costs no energy.",
    "baseline": "Precision and sparsity that the row is compared with: the first precision of its hardware, dense.",
    "not_run": "Why the hardware does not take the combination (later columns are then empty); empty where it ran.",
    "total_cycles": "Cycles of the run.",
    "latency_ms": "Time of the run, ms.",
    "speedup": "Cycles of the baseline over those of the row.",
    "ideal_speedup": "Speedup that widths or pattern alone promise: 1 on systolic and bit-parallel units, the ratio of"
    " serial bits on bit-serial units, the ratio of multipliers times m / n on tensor cores. The speedup can exceed it,"
    " since narrow operands also relieve the memory.",
    "convolution_speedup": "Speedup of convolutions on the engine alone; empty without any.",
    "energy_uj": "Energy of the run, uJ.",
    "energy_ratio": "Energy of the baseline over that of the row.",
    "utilization": "MACs over the MACs that the engine's peak allows in total_cycles.",
    "macs": "Multiplications of the run.",
    "weight_bytes": "Bytes of the weights as stored, with the metadata of a pattern and 32-bit biases.",
    "peak_activation_bytes": "Most bytes of activations that are alive at a time.",
    "dram_read_bytes": "Bytes read from DRAM.",
    "dram_write_bytes": "Bytes written to DRAM.",
    "ideal_cycles": "Cycles of the baseline over ideal_speedup.",
    "gap_cycles": "total_cycles - ideal_cycles; negative where the row gained more than was promised.",
    "gap_first_layer_cycles": "Part of the gap: cycles of the engine on the first product, whose few channels fill it"
    " worst.",
    **{
        f"gap_{name}_cycles": f"Part of the gap: {text}."
        for name, text in _CAUSES.items()
        if name in ("channels", "edge")
    },
    "gap_operands_cycles": f"Part of the gap: {_CAUSES['operands']}.",
    "gap_uncovered_cycles": "Part of the gap: products that the pattern leaves alone, such as those of attention.",
    **{f"gap_{name}_cycles": f"Part of the gap: {_CAUSES[name]}." for name in ("pipeline", "memory", "vector")},
    "useful_cycles": "Part of total_cycles: the multiplications at the engine's peak.",
    **{f"{name}_cycles": f"Part of total_cycles: {text}." for name, text in _CAUSES.items()},
    **{f"energy_uj_{name}": f"Energy of {text}, uJ." for name, text in COMPONENT_TEXTS.items()},
}
