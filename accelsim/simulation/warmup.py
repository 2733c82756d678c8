"""Compilation of all kernels, so that no later run has to wait for it."""

from __future__ import annotations

from time import perf_counter

from accelsim.engines.products import Products
from accelsim.hardware.sparsity import parse_pattern
from accelsim.load import load_device, load_hardware, load_workload
from accelsim.memory.device_run import DeviceFidelity, run_trace
from accelsim.memory.trace_patterns import TracePattern, generate_trace
from accelsim.simulation.network import count_gemm, simulate
from accelsim.workload.gemm import Gemm, apply_pattern


def compile_kernels() -> float:
    """Compile every kernel by running it once on small inputs; return the seconds that it took."""
    started = perf_counter()
    hardware = load_hardware("textbook_os_32", ["engine.rows=2", "engine.cols=2"])
    for dataflow in ("os", "ws", "is"):
        for overlap in (False, True):
            for precision in ("int8", "int16"):
                engine = {"dataflow": dataflow, "overlap_folds": overlap, "precision": precision}
                variant = hardware.model_copy(update={"engine": hardware.engine.model_copy(update=engine)})
                count_gemm(variant, 3, 3, 3, "stepped")
    unit = load_hardware("stripes", ["engine.tiles=1", "engine.rows=2", "engine.cols=2", "engine.lanes=2"]).engine
    for serial in ("none", "activations", "weights", "both"):
        Products(unit.model_copy(update={"serial": serial}), stepped=True).count(Gemm(3, 3, 3), seed=0)
    for skip in ("dynamic", "essential"):
        Products(unit.model_copy(update={"skip": skip}), stepped=True).count(Gemm(3, 3, 3), seed=0)
    cores = load_hardware("edge_sparse_npu").engine
    for bits in (8, 16):  # sums of 32 and of 64 bits
        gemm = apply_pattern(Gemm(3, 3, 3, 1, bits, bits), parse_pattern("2:4"))
        Products(cores, stepped=True).count(gemm, seed=0)
    compile_memories()
    compile_closed()
    return perf_counter() - started


def compile_memories() -> None:
    """Compile the kernels of memory devices, alone and with a network."""
    spec = TracePattern(pattern="copies", requests=8, span_bytes=4096)
    fidelities: tuple[DeviceFidelity, ...] = ("transaction", "cycle")
    for name in ("ddr4_2400_8gb_x8", "octospi_psram_8mib"):
        for fidelity in fidelities:
            run_trace(load_device(name), generate_trace(spec), fidelity)
    network = load_workload("ad_autoencoder")
    for fidelity in fidelities:
        simulate(load_hardware("edge_npu"), network, dram=fidelity)
    simulate(load_hardware("mcu_npu", ["dram={device: octospi_psram_8mib}"]), network)


def compile_closed() -> None:
    """Compile the kernels that closed forms need, which each process of a sweep loads before its first point."""
    for layout in ("as_read", "rows"):
        hardware = load_hardware("edge_npu", [f"sram.ifmap.layout={layout}"])
        simulate(hardware, load_workload("ad_autoencoder"), dram="ideal")
