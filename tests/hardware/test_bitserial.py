"""Hardware files of bit-serial units: published sizes and peaks, and memories that can be priced."""

import pytest

from accelsim.config import validate_document
from accelsim.energy.prices import price_buffer
from accelsim.energy.sram_banks import read_sram_cells
from accelsim.energy.technology import load_technology
from accelsim.hardware import BitSerialUnit, Hardware
from accelsim.load import read_hardware_document

FAMILY = ("dadiannao", "stripes", "pragmatic", "loom")


class BitSerialHardware(Hardware):
    """A hardware file whose engine has to be a bit-serial unit."""

    engine: BitSerialUnit


def loaded(name, settings=()):
    return validate_document(BitSerialHardware, read_hardware_document(name, settings))


@pytest.mark.parametrize(
    ("name", "size", "serial", "skip"),
    [
        ("dadiannao", (16, 16, 1, 16), "none", "none"),
        ("stripes", (16, 16, 16, 16), "activations", "none"),
        ("pragmatic", (16, 16, 16, 16), "activations", "essential"),
        ("loom", (16, 16, 256, 16), "both", "none"),
        ("unpu", (1, 48, 6, 48), "weights", "none"),
    ],
)
def test_each_hardware_file_describes_its_unit(name, size, serial, skip):
    hardware = loaded(name)
    unit = hardware.engine
    assert (hardware.name, unit.pe_bits) == (name, 16)
    assert ((unit.tiles, unit.rows, unit.cols, unit.lanes), unit.serial, unit.skip) == (size, serial, skip)


def test_pragmatic_is_the_variant_that_its_paper_prefers():
    """Albericio et al., MICRO'17, Sec. 6.2.2 and 6.3: two bits of first stage, one weight set register."""
    unit = loaded("pragmatic").engine
    assert (unit.shifter_bits, unit.column_registers) == (2, 1)


def test_the_family_differs_in_its_engine_alone():
    baseline = loaded("dadiannao")
    for name in FAMILY:
        hardware = loaded(name)
        same = {"name": name, "description": hardware.description, "engine": hardware.engine}
        assert baseline.model_copy(update=same) == hardware


def test_the_family_has_one_peak():
    """4096 products of 16 x 16 bits a cycle: a product takes 16 cycles, or 16 x 16 where both operands are serial."""
    cycles = {"none": 1, "activations": 16, "both": 256}
    for name in FAMILY:
        unit = loaded(name).engine
        assert unit.tiles * unit.rows * unit.cols * unit.lanes == 4096 * cycles[unit.serial]


def test_loom_reaches_the_size_of_its_paper_by_settings():
    """Sharify et al., DAC'18, abstract: 128 products of 16 x 16 bits a cycle."""
    unit = loaded("loom", ("engine.tiles=1", "engine.rows=128", "engine.cols=16")).engine
    assert unit.tiles * unit.rows * unit.cols * unit.lanes == 128 * 16 * 16


def test_unpu_has_its_published_peak():
    """Lee et al., JSSC'19, abstract: 345.6 GOPS at 200 MHz and 16 bit weights."""
    hardware = loaded("unpu")
    unit = hardware.engine
    macs_per_cycle = unit.tiles * unit.rows * unit.cols * unit.lanes / unit.pe_bits
    assert 2 * macs_per_cycle * hardware.clock_mhz * 1e6 == pytest.approx(345.6e9)


@pytest.mark.parametrize("name", [*FAMILY, "unpu"])
def test_the_memories_can_be_priced_and_keep_up_with_the_clock(name):
    hardware = loaded(name)
    technology = load_technology(hardware.technology.name)
    cells = read_sram_cells(technology.sram.table, technology.node_nm, hardware.technology.sram_cell)
    srams = [sram for _, sram in hardware.sram if sram is not None]
    assert srams
    for sram in srams:
        cost = price_buffer(sram, cells, hardware.technology.temperature_k)
        assert min(cells.banks) <= sram.width_bits <= max(cells.banks)
        assert cost.access_ns <= 1e3 / hardware.clock_mhz
