"""Systolic arrays, products and operands that tests draw."""

from hypothesis import strategies as st

from accelsim.engines.systolic import SystolicEngine
from accelsim.hardware import SystolicArray
from accelsim.workload.gemm import Gemm


def systolic(rows, cols, dataflow, **options):
    return SystolicEngine(SystolicArray(kind="systolic", rows=rows, cols=cols, dataflow=dataflow, **options))


def arrays(most_rows, most_cols):
    """Descriptions of arrays with every option anywhere in its range."""
    return st.builds(
        SystolicArray,
        kind=st.just("systolic"),
        rows=st.integers(1, most_rows),
        cols=st.integers(1, most_cols),
        dataflow=st.sampled_from(["os", "ws", "is"]),
        psum_hop_cycles=st.integers(1, 4),
        pipeline_registers=st.integers(0, 3),
        output_drain=st.sampled_from(["rows", "cols", "none"]),
        weights_resident=st.booleans(),
        overlap_folds=st.booleans(),
        swap_cycles=st.integers(0, 3),
        reload_cycles=st.none() | st.integers(1, 2 * max(most_rows, most_cols)),
        charge_full_array=st.booleans(),
    )


def gemms(most):
    """Products with 1, primes and everything between as sizes."""
    size = st.integers(1, most) | st.sampled_from([p for p in (1, 2, 3, 5, 7, 13, 23, 37) if p <= most])
    return st.builds(Gemm, m=size, k=size, n=size, groups=st.integers(1, 3))
