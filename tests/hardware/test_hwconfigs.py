"""Shipped hardware files: they load, they can be priced, and every number says where it comes from."""

import re

import pytest

from accelsim.config import read_yaml
from accelsim.config.places import locate_hwconfigs
from accelsim.energy.technology import load_technology
from accelsim.engines.pricing import price_hardware
from accelsim.hardware import VectorRates
from accelsim.load import list_names, load_hardware

NAMES = list_names(locate_hwconfigs())


LEAF = re.compile(r"\s*(?P<key>\w+): +(?P<value>[^#\s][^#]*?)(?: +# (?P<comment>.*))?")


SOURCED = re.compile(
    r"(chosen|rule): \w.*"
    r"|assumed: .*\b(to|or)\b.*"
    r"|(Jouppi ISCA'17, (section 2|Table 2|Fig\. 1|section 2 and Table 2)|Chen JSSC'17)\b.*"
    r"|([A-Z]\w+ et al\., (MICRO'16|MICRO'17|DAC'18|ISSCC'18|JSSC'19)|DNNsim)\b.*"
    r"|(NVIDIA (A100 whitepaper|PTX ISA|CUDA C\+\+ Programming Guide|H100 data sheet|GA102 whitepaper|Ada whitepaper)"
    r"|NVIDIA GeForce RTX \d{4}[\w ]* (specification|device query)|Sparseloop artifact), \w.*"
    r"|NVIDIA [\w +]+: \w.*"
    r"|(Arm Vela|Ethos-U55|AP Memory|octal-SPI PSRAM|Gemmini|SCALE-Sim|dram_idd)\b.*"
)


def test_the_promised_files_ship():
    promised = {"edge_npu", "mcu_npu", "tpu_v1", "eyeriss_os", "textbook_os_32", "scalesim_default"}
    assert promised <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_loads_under_its_own_name_and_says_what_it_is(name):
    hardware = load_hardware(name)
    assert hardware.name == name
    assert "riced at 45 nm" in hardware.description


@pytest.mark.parametrize("name", NAMES)
def test_can_be_priced_without_reservations(name):
    hardware = load_hardware(name)
    table = price_hardware(hardware, load_technology(hardware.technology.name))
    assert table.notes == ()
    assert set(VectorRates.model_fields) == set(table.vector_pj)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_its_source_on_its_line(name):
    path = locate_hwconfigs() / f"{name}.yaml"
    sections = ("engine", "vector", "sram", "dram", "technology")
    document = read_yaml(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    settings = 0
    for place, where in document.places.items():
        value = document.data
        for step in place:
            value = value[step]
        named = place[-1:] in (("kind",), ("name",))
        if isinstance(value, dict) or named or (place[0] not in sections and not isinstance(value, int | float)):
            continue
        settings += 1
        leaf = LEAF.fullmatch(lines[int(where.rpartition(":")[2]) - 1])
        assert leaf is not None, place
        assert leaf["key"] == place[-1]
        assert leaf["comment"], place
        assert SOURCED.fullmatch(leaf["comment"]), f"{place}: {leaf['comment']}"
    assert settings >= 7


@pytest.mark.parametrize("name", NAMES)
def test_an_assumed_number_lies_in_its_range(name):
    for line in (locate_hwconfigs() / f"{name}.yaml").read_text(encoding="utf-8").splitlines():
        leaf = re.search(r": ([\d.]+) +# assumed: ([\d.]+) to ([\d.]+)", line)
        if leaf:
            value, low, high = map(float, leaf.groups())
            assert low <= value <= high, line


def test_the_textbook_array_differs_from_the_default_in_its_engine_alone():
    textbook, default = load_hardware("textbook_os_32"), load_hardware("edge_npu")
    same = {"name": default.name, "description": default.description, "engine": default.engine}
    assert textbook.model_copy(update=same) == default
    assert (textbook.engine.dataflow, textbook.engine.overlap_folds) == ("os", False)
