"""Tensor cores, products and operands that tests draw."""

from hypothesis import strategies as st

from accelsim.compress import prune_to_pattern
from accelsim.engines.tensorcore import TensorCoreEngine
from accelsim.hardware import TensorCore
from accelsim.hardware.sparsity import LARGEST_GROUP
from accelsim.workload.gemm import Gemm
from strategies.operands import operands as any_operands
from strategies.sizes import UNJITTED

MOST = 2 if UNJITTED else 5
PATTERNS = ("dense", "2:4", "1:4", "4:8", "1:2")


def unit(pattern="dense", **options):
    core = {"cores": 1, "m": 2, "n": 2, "k": 4, "macs_per_cycle": 4, "tile_m": 4, "tile_n": 4, **options}
    return TensorCoreEngine(TensorCore(kind="tensorcore", pattern=pattern, **core))


@st.composite
def patterns(draw):
    """Dense, the common patterns, and any other."""
    if draw(st.booleans()):
        return draw(st.sampled_from(PATTERNS))
    group = draw(st.integers(1, LARGEST_GROUP))
    return f"{draw(st.integers(1, group))}:{group}"


@st.composite
def units(draw):
    """Units with every option anywhere in its range."""

    def size(most=3):
        return draw(st.integers(1, most))

    m, n, warp_m, warp_n = (size() for _ in range(4))
    bandwidth = st.none() | st.integers(1, 40).map(float) | st.floats(0.2, 20)
    full = draw(st.booleans())
    return unit(
        draw(patterns()),
        cores=size(5),
        m=m,
        n=n,
        k=draw(st.sampled_from([1, 2, 4, 8, 3])),
        macs_per_cycle=size(12),
        index_granule_bits=size(2),
        latency_cycles=draw(st.integers(0, 12)),
        tile_m=m * warp_m * size(2),
        tile_n=n * warp_n * size(2),
        tile_k=None,
        warp_m=draw(st.sampled_from([None, m, m * warp_m])),
        warp_n=draw(st.sampled_from([None, n, n * warp_n])),
        operand_bytes_per_cycle=draw(bandwidth),
        l2_bytes_per_cycle=draw(bandwidth),
        operand_fills=draw(st.booleans()),
        multiprocessors=size(3) if full else 1,
        tiles_at_once=size(3) if full else 1,
        overlap_tiles=draw(st.booleans()),
        charge_full_tile=full,
        launch_cycles=draw(st.integers(0, 9)),
        fill_cycles=draw(st.integers(0, 9)),
        epilogue_cycles=draw(st.integers(0, 9)),
        sustained_math=draw(st.sampled_from([1.0, 0.75, 0.5, 0.311, 1.2])),
        sustained_operands=draw(st.sampled_from([1.0, 0.9, 0.3])),
    )


@st.composite
def deep(draw):
    """A unit whose k-steps may be several instructions deep."""
    engine = draw(units())
    return TensorCoreEngine(engine.unit.model_copy(update={"tile_k": engine.unit.k * draw(st.integers(1, 3))}))


@st.composite
def gemms(draw, pattern):
    """Products of odd sizes and several groups; weights in the pattern."""
    sizes = [draw(st.integers(1, most * MOST)) for most in (5, 9, 5)]
    bits = [draw(st.sampled_from([2, 4, 8, 16])) for _ in range(2)]
    return Gemm(*sizes, draw(st.integers(1, 3)), *bits, pattern=pattern)


def operands(gemm, seed):
    """Operands of a kind that the seed decides, the weights pruned to the product's pattern."""
    a, w = any_operands(gemm, seed)
    return a, prune_to_pattern(w, gemm.pattern) if gemm.pattern else w
