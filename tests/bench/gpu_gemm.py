"""Dense and 2:4 sparse GEMMs timed on an NVIDIA GPU: python tests/bench/gpu_gemm.py --out rows.csv

[M, N] = weights [M, K] x inputs [K, N]; weights are row-major and inputs column-major, as in a linear layer and as int8
demands; int8 gives int32. The sparse product runs on the weights with the two largest of each four kept, the dense one
on all of them. Rows have the columns of accelsim/anchors/gpu_2to4_measured.csv and some more: times are medians, clocks
the lower of a reading before and one after. A product that is wrong or that the GPU cannot do has no row.
Needs torch, which accelsim does not (pip install torch; 2.13's API), nvidia-smi, and compute capability 8.0 or more;
torch limits CUTLASS to 8.x. Exit status: 0, 1 where a case has no row, 2 without torch or a GPU, 130 after Ctrl-C.
"""

import argparse
import csv
import importlib
import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

ANCHORS = Path(__file__).resolve().parents[2] / "accelsim" / "anchors" / "gpu_2to4_measured.csv"
COLUMNS = [
    "gpu",
    "dtype",
    "M",
    "N",
    "K",
    "dense_ms",
    "sparse_ms",
    "dense_TFLOPS",
    "sparse_eff_TFLOPS",
    "speedup",
    "library",
    "source",
    "sm_clock_mhz",
    "memory_clock_mhz",
    "power_limit_w",
    "torch",
    "cuda",
    "driver",
    "repetitions",
    "dense_ms_min",
    "sparse_ms_min",
]
# Outputs x inputs of a layer: BERT-base (Devlin et al. 2019, section 3), Llama 2 7B and Llama 3 8B (their config.json).
SIZES = ((768, 768), (3072, 768), (768, 3072), (4096, 4096), (11008, 4096), (4096, 11008), (14336, 4096), (4096, 14336))
# Largest error over the largest value: fp16 results round to 2^-11 of themselves, a wrong operand is off by about 2^-2.
TOLERANCE = {"fp16": 2.0**-8, "int8": 0.0}
WARM_UP = 10
QUEUE_CYCLES = 2_000_000  # the GPU waits about 1 ms before each product, so that the host has it queued by then

Shape = tuple[int, int, int]  # M, N, K
Case = tuple[str, str, Shape]  # dtype, backend


def parse_machine(text: str) -> dict[str, Any]:
    """Columns from what nvidia-smi says to machine's query; nan for a number that it does not have."""
    gpu, *fields, driver = (field.strip() for field in text.split(","))
    sm, memory, power = (float(field) if field.replace(".", "").isdigit() else math.nan for field in fields)
    return {"gpu": gpu, "sm_clock_mhz": sm, "memory_clock_mhz": memory, "power_limit_w": power, "driver": driver}


def grid(anchors: Path) -> list[Shape]:
    """Squares, the anchors' shapes where their file is there, and layers of transformers; each once."""
    shapes = [(size, size, size) for size in (1024, 2048, 3072, 4096, 6144, 8192, 12288, 16384)]
    if anchors.exists():
        with anchors.open(newline="") as file:
            shapes += [(int(row["M"]), int(row["N"]), int(row["K"])) for row in csv.DictReader(file)]
    shapes += [(outputs, tokens, inputs) for outputs, inputs in SIZES for tokens in (16, 128, 2048)]
    return list(dict.fromkeys(shapes))


def kept_2to4(weights: Any) -> Any:
    """Mask of the two largest magnitudes of each four along K, the earlier of equal ones; of int8 all but -128."""
    fours = abs(weights).reshape(-1, 4)
    kept = fours >= 0
    for i in range(4):
        ahead = sum(fours[:, j] >= fours[:, i] if j < i else fours[:, j] > fours[:, i] for j in range(4) if j != i)
        kept[:, i] = ahead < 2
    return kept.reshape(weights.shape)


def require_equal(got: Any, expected: Any, tolerance: float) -> None:
    """Raises: ArithmeticError where the largest error exceeds its share of the largest value, or is not a number."""
    error = float(abs(got - expected).max()) / float(abs(expected).max())
    if not error <= tolerance:
        raise ArithmeticError(f"the product is wrong by {error:.2g} of its largest value")


def row_of(shape: Shape, dense_ms: Sequence[float], sparse_ms: Sequence[float], **described: Any) -> dict[str, Any]:
    """A row; described: the columns not worked out here. Pruned weights count as operations, as the dense ones do."""
    dense, sparse, gflop = statistics.median(dense_ms), statistics.median(sparse_ms), 2 * math.prod(shape) / 1e9
    return (
        described
        | dict(zip(("M", "N", "K", "repetitions"), (*shape, len(dense_ms)), strict=True))
        | {
            "dense_ms": round(dense, 6),
            "sparse_ms": round(sparse, 6),
            "speedup": round(dense / sparse, 3),
            "dense_TFLOPS": round(gflop / dense, 1),
            "sparse_eff_TFLOPS": round(gflop / sparse, 1),
            "dense_ms_min": round(min(dense_ms), 6),
            "sparse_ms_min": round(min(sparse_ms), 6),
        }
    )


def write_rows(path: Path, cases: Iterable[Case], measure: Callable[[Case], dict[str, Any]]) -> int:
    """Writes a row for each case that can be measured, under a temporary name until all or an exception ends it."""
    part, count = path.with_name(path.name + ".part"), 0
    with part.open("w", buffering=1, newline="") as file:
        try:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for case in cases:
                try:
                    row = measure(case)
                except (ArithmeticError, RuntimeError) as error:  # with RuntimeError torch says what it cannot do
                    print(*case, "no row:", str(error).strip().partition("\n")[0], file=sys.stderr)
                    continue
                writer.writerow(row)
                count += 1
                print(*case, row["dense_ms"], "ms dense,", row["sparse_ms"], "ms sparse", file=sys.stderr)
        finally:
            part.replace(path) if count else part.unlink()
    return count


def usable_torch() -> Any:
    """Raises: OSError without torch, or without an NVIDIA GPU that has sparse tensor cores."""
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError as error:
        raise OSError(f"torch is needed: pip install torch ({error})") from None
    if torch.version.cuda is None or not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 0):
        raise OSError(f"torch {torch.__version__} finds no NVIDIA GPU of compute capability 8.0 or more")
    return torch


def machine(torch: Any) -> dict[str, Any]:
    """Raises: OSError, CalledProcessError without nvidia-smi or where it does not know the GPU."""
    smi = ["nvidia-smi", f"--id=GPU-{torch.cuda.get_device_properties().uuid}", "--format=csv,noheader,nounits"]
    query = "--query-gpu=name,clocks.sm,clocks.mem,power.limit,driver_version"
    return parse_machine(subprocess.check_output([*smi, query], text=True))


def sparse_product(torch: Any, case: Case, pruned: Any, inputs: Any, search: bool) -> tuple[Callable[[], Any], str]:
    """The product and its library. What torch.mm would call is called, as only there int8 can give int32."""
    out = torch.int32 if case[0] == "int8" else None
    if case[1] == "cutlass":
        tensor = torch.sparse.SparseSemiStructuredTensorCUTLASS.from_dense(pruned)
        return lambda: torch._sparse_semi_structured_mm(tensor.packed, tensor.meta, inputs, out_dtype=out), "CUTLASS"
    packed = torch.sparse.SparseSemiStructuredTensorCUSPARSELT.from_dense(pruned).packed
    found = torch._C._cusparselt.mm_search(packed, inputs, None, None, out, False)[:3] if search else (0, 1, -1)
    chosen = dict(zip(("alg_id", "split_k", "split_k_mode"), found, strict=True))
    library = f"cuSPARSELt {torch.backends.cusparselt.version()} " + " ".join(f"{key}={chosen[key]}" for key in chosen)
    return lambda: torch._cslt_sparse_mm(packed, inputs, out_dtype=out, **chosen), library


def queue(torch: Any, product: Callable[[], Any], repetitions: int, flushed: Any) -> list[tuple[Any, Any]]:
    """Events around each repetition, which the GPU may not have reached yet; flushed is written before each."""
    events = [tuple(torch.cuda.Event(enable_timing=True) for _ in range(2)) for _ in range(WARM_UP + repetitions)]
    for start, stop in events:
        flushed.zero_()
        torch.cuda._sleep(QUEUE_CYCLES)
        start.record()
        product()
        stop.record()
    return events[WARM_UP:]


def measure(torch: Any, options: argparse.Namespace, case: Case) -> dict[str, Any]:
    """Raises: ArithmeticError for a wrong product, RuntimeError where torch or the GPU cannot do it."""
    dtype, _, (m, n, k) = case
    torch.manual_seed(0)
    weights, rows = (torch.randn(size, k, dtype=torch.float16, device="cuda") for size in (m, n))
    if dtype == "int8":
        weights, rows = ((32 * each).clamp(-127, 127).to(torch.int8) for each in (weights, rows))
    inputs, dense = rows.t(), torch._int_mm if dtype == "int8" else torch.mm
    pruned = weights * kept_2to4(weights)
    sparse, library = sparse_product(torch, case, pruned, inputs, options.search)
    some, others = slice(None, None, m // 64 + 1), slice(None, None, n // 64 + 1)  # at all places in a tile
    expected = dense(pruned, inputs)
    require_equal(expected[some, others].double(), pruned[some].double() @ inputs[:, others].double(), TOLERANCE[dtype])
    require_equal(sparse(), expected, TOLERANCE[dtype])
    l2_bytes = torch.cuda.get_device_properties().L2_cache_size
    flushed = torch.empty(4 * l2_bytes if options.flush else 0, dtype=torch.int8, device="cuda")
    before = machine(torch)
    events = [queue(torch, each, options.repetitions, flushed) for each in (lambda: dense(weights, inputs), sparse)]
    after = machine(torch)
    torch.cuda.synchronize()
    clocks = {clock: min(before[clock], after[clock]) for clock in ("sm_clock_mhz", "memory_clock_mhz")}
    times_ms = ([start.elapsed_time(stop) for start, stop in each] for each in events)
    return row_of(
        (m, n, k),
        *times_ms,
        dtype=dtype,
        library=f"cuBLAS / {library}",
        source="tests/bench/gpu_gemm.py",
        torch=torch.__version__,
        cuda=torch.version.cuda,
        **(after | clocks),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="gpu_gemm", description=(__doc__ or "").partition(": ")[0])
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="CSV", help="a new file")
    add("--dtypes", nargs="+", choices=list(TOLERANCE), default=list(TOLERANCE))
    add("--backends", nargs="+", choices=["cusparselt", "cutlass"], default=["cusparselt", "cutlass"])
    add("--shape", nargs=3, type=int, action="append", metavar=("M", "N", "K"), help="instead of the grid; repeatable")
    add("--anchors", type=Path, default=ANCHORS, metavar="CSV", help="the grid has its shapes, if it is there")
    add("--repetitions", type=int, default=100)
    add("--no-flush", dest="flush", action="store_false", help="let L2 keep what the repetition before left")
    add("--no-search", dest="search", action="store_false", help="cuSPARSELt's algorithm 0, not the fastest")
    options = parser.parse_args(arguments)
    shapes = [(m, n, k) for m, n, k in options.shape or grid(options.anchors)]
    cases = [(dtype, backend, shape) for dtype in options.dtypes for shape in shapes for backend in options.backends]
    try:
        if options.out.exists():
            raise OSError(f"{options.out} is there already")
        torch = usable_torch()
        return int(write_rows(options.out, cases, lambda case: measure(torch, options, case)) < len(cases))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"gpu_gemm: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\ngpu_gemm: stopped; the finished rows, if any, are in {options.out}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
