"""The pages of keys are the generator's, and every field of every file, and every column, documents itself."""

from dataclasses import fields
from pathlib import Path

import pytest

from accelsim.config.field_docs import describe_fields
from accelsim.energy.prices import COMPONENTS
from accelsim.hardware import BankedDevice, Hardware, SystolicArray
from accelsim.load import load_hardware, load_workload
from accelsim.report import keys
from accelsim.report.glossary import GLOSSARY
from accelsim.report.key_words import default_value, unit
from accelsim.report.result_keys import COMPONENT_TEXTS, POINT_TEXTS, SUMMARY_TEXTS
from accelsim.simulation.network import simulate
from accelsim.simulation.result import LayerResult
from accelsim.studies.sweep.outcomes import POINT_FIGURES

ROOT = Path(__file__).resolve().parents[2]
MODELS = sorted(
    {model for root in (*keys.ROOTS, *keys.LAYER_TYPES) for model in (root, *keys.sections_of(root))},
    key=lambda model: model.__name__,
)


@pytest.mark.parametrize("page", keys.PAGES)
def test_pages_are_up_to_date(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert keys.fill_page(text) == text, "run: python -m accelsim.report.keys"


def test_every_block_stands_on_a_page_once():
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in keys.PAGES)
    for name in keys.BLOCKS:
        assert text.count(f"<!-- begin {name} -->") == text.count(f"<!-- end {name} -->") == 1, name


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_of_every_file_is_documented(model):
    texts = describe_fields(model)
    for name in model.model_fields:
        assert texts.get(name, "").endswith("."), f"{model.__name__}.{name} needs a sentence below it"
        assert texts[name][0].isupper(), f"{model.__name__}.{name}"
    assert model.__doc__


def test_every_model_of_a_file_is_among_them():
    assert {"Sram", "Timing", "GatedUnit", "FlipFlop", "Range", "GivenMapping", "Tokens"} <= {
        m.__name__ for m in MODELS
    }


def test_every_key_of_every_model_stands_on_a_page():
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in keys.PAGES)
    for model in MODELS:
        for name, field in model.model_fields.items():
            assert f"| `{field.alias or name}` |" in text, f"{model.__name__}.{name}"


def test_every_column_is_documented():
    texts = describe_fields(LayerResult)
    assert [field.name for field in fields(LayerResult)] == list(texts)
    assert all(text.endswith(".") and text[0].isupper() for text in texts.values())
    assert tuple(COMPONENT_TEXTS) == COMPONENTS


def test_the_pages_name_every_column_and_key_of_a_run():
    result = simulate(load_hardware("edge_npu", ["dram.fidelity=ideal"]), load_workload("resnet8"))
    text = keys.layer_columns_text()
    assert [line.split("`")[1] for line in text.splitlines()[2:]] == list(result.record(result.rows[0]))
    assert result.summary.keys() <= SUMMARY_TEXTS.keys()
    assert list(POINT_TEXTS) == ["workload", *POINT_FIGURES, "error"]


class Wider(SystolicArray):
    """An array with queues."""

    fifo_words: int = 3
    """Words of a queue at the edge of the array."""


class Undocumented(SystolicArray):
    """An array with queues that nothing is said of."""

    fifo_words: int = 3


def test_a_new_key_is_listed_by_itself():
    row = ("`fifo_words`", "whole number", "", "3", "Words of a queue at the edge of the array.")
    assert keys.key_rows(Wider) == [row, *keys.key_rows(SystolicArray)]
    with pytest.raises(KeyError, match="fifo_words"):
        keys.key_rows(Undocumented)


def test_inherited_keys_come_last():
    names = [row[0] for row in keys.key_rows(SystolicArray)]
    assert names[0] == "`kind`"
    assert names[-1] == "`zero_gating`"


@pytest.mark.parametrize(
    ("key", "numbers", "section", "expected"),
    [
        ("clock_mhz", {float}, "", "MHz"),
        ("latency_cycles", {int}, "", "cycles"),
        ("tile_k", {int}, "", ""),
        ("temperature_k", {float}, "", "K"),
        ("resistance_k_per_w", {float}, "", "K/W"),
        ("pj_per_bit_mm", {float}, "", "pJ/(bit mm)"),
        ("leakage_per_v", {float}, "", "1/V"),
        ("banks_per_group", {int}, "", ""),
        ("tccd_s", {int}, "timing_cycles", "cycles"),
        ("supply_v", {float}, "currents_ma", "V"),
        ("idd0", {float}, "currents_ma", "mA"),
        ("refresh", set(), "timing_cycles", ""),
        ("macs", {int}, "", "MACs"),
        ("m", {int}, "", ""),
    ],
)
def test_units_come_from_names(key, numbers, section, expected):
    assert unit(key, numbers, section) == expected


def test_rows_have_values_ranges_and_defaults():
    rows = {row[0]: row for row in keys.key_rows(SystolicArray)}
    assert rows["`psum_hop_cycles`"][1:4] == ("whole number, 1 to 64", "cycles", "1")
    assert rows["`rows`"][1:4] == ("whole number, 1 or more", "", "required")
    assert rows["`dataflow`"][1] == "`os`, `ws`, `is`, `auto`"
    assert rows["`overlap_folds`"][1:4] == ("true, false", "", "false")
    hardware = {row[0]: row for row in keys.key_rows(Hardware, links={BankedDevice: ("kind: banked", "there")})}
    assert hardware["`clock_mhz`"][1] == "number, 0.001 to 100000"
    assert default_value(Hardware.model_fields["gating"]) == ""


def test_a_table_keeps_bars_inside_cells():
    assert keys.table(("a",), [("x | y",)]).splitlines() == ["| a |", "| --- |", "| x \\| y |"]


def test_an_unknown_block_is_an_error():
    with pytest.raises(KeyError):
        keys.fill_page("<!-- begin nothing -->\n<!-- end nothing -->")


def test_the_glossary_is_of_sentences():
    assert len(GLOSSARY) >= 20
    assert all(text.endswith(".") and text.count(". ") <= 1 for text in GLOSSARY.values())
