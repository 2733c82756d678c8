"""A small machine and its prices at 45 nm, and activities of any counts."""

from hypothesis import strategies as st

from accelsim.config import parse_yaml, validate_document
from accelsim.energy.prices import Activity
from accelsim.energy.technology import load_technology
from accelsim.engines.pricing import price_hardware
from accelsim.hardware import Hardware

CMOS45 = load_technology("cmos45")


COUNTS = [name for name in Activity.__dataclass_fields__ if name != "vector_operations"]


HARDWARE = """
name: small
clock_mhz: 500
engine: {kind: systolic, rows: 4, cols: 8, dataflow: ws}
vector: {lanes: 2}
sram:
  ifmap: {capacity_kib: 32, width_bits: 64}
  weight: {capacity_kib: 64, banks: 2, width_bits: 64}
  ofmap: {capacity_kib: 8, width_bits: 128}
dram: {bandwidth_gb_s: 1, latency_ns: 50, standby_mw: 7}
technology: {name: cmos45, sram_cell: itrs-hp, temperature_k: 350}
"""


def hardware(text=HARDWARE, **sections):
    document = parse_yaml(text, "small.yaml")
    document.data.update(sections)
    return validate_document(Hardware, document)


TABLE = price_hardware(hardware(), CMOS45)


@st.composite
def activities(draw):
    counts = {name: draw(st.integers(0, 10**12)) for name in COUNTS}
    kinds = draw(st.dictionaries(st.sampled_from(sorted(CMOS45.vector_operations)), st.integers(0, 10**9)))
    return Activity(**counts, vector_operations=kinds)
