"""Rooflines: roofs and ridge points by hand, and nothing above its roof."""

import pytest
from strategies.rooflines import line_of, skip_if_slow

from accelsim import load_hardware, load_workload, simulate
from accelsim.config.places import locate_hwconfigs
from accelsim.engines.table import build_engine
from accelsim.load import list_names
from accelsim.simulation.result import InvariantError
from accelsim.studies.roofline import check_point, roofline
from accelsim.workload.gemm import apply_pattern, find_operand_widths, lower_to_gemm


def roofs_of(line):
    return {roof.name: roof.macs_per_s for roof in line.roofs}


def test_an_array_has_one_roof_and_its_ridge_points_by_hand(resnet8_roofline):
    """1024 PEs at 500 MHz; 12.8 GB/s of DRAM; 4 banks x 256 bit (ofmap: 8) at 500 MHz on chip."""
    assert roofs_of(resnet8_roofline) == {"int8": 512e9}
    assert {level.name: level.bytes_per_s for level in resnet8_roofline.levels} == {
        "DRAM": 12.8e9,
        "ifmap SRAM": 64e9,
        "weight SRAM": 64e9,
        "ofmap SRAM": 128e9,
    }
    assert [level.ridge(resnet8_roofline.roofs[0]) for level in resnet8_roofline.levels] == [40, 8, 8, 4]


def test_narrow_operands_gain_an_array_nothing():
    assert roofs_of(line_of("resnet8", precision="int4")) == {"int4": 512e9}


def test_serial_activations_have_a_roof_per_width():
    """65,536 lanes at 980 MHz, a bit a cycle."""
    line = line_of("alexnet_grouped", "stripes", precision="int8")
    lanes = 16**4 * 980e6
    assert roofs_of(line) == {f"{bits}-bit activations": lanes / bits for bits in (4, 8, 16)}
    assert [roof.name for roof in line.roofs if roof.used] == ["8-bit activations"]


def test_a_width_that_only_a_layer_has_gets_its_roof():
    hardware = load_hardware("stripes")
    workload = load_workload("resnet8", ["workload.layers.conv1.activation_bits=11"])
    line = roofline(simulate(hardware, workload), hardware, workload)
    assert [roof.name for roof in line.roofs if roof.used] == ["8-bit activations", "11-bit activations"]
    assert next(p for p in line.points if p.layer == "conv1").roof.macs_per_s == 16**4 * 980e6 / 11


@pytest.mark.parametrize(
    ("name", "roofs"),
    [
        ("dadiannao", {"16 bit": 4096 * 980e6}),
        ("loom", {f"{bits} x {bits} bit": 16**3 * 256 * 980e6 / bits**2 for bits in (4, 8, 16)}),
        ("unpu", {f"{bits}-bit weights": 13824 * 200e6 / bits for bits in (4, 8, 16)}),
        ("pragmatic", {"one bit an activation": 16**4 * 980e6}),
        ("sparseloop_stc", {"int8": 1024e9, "int8 2:4": 2048e9}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_roofs_of_other_engines(name, roofs):
    assert roofs_of(line_of("resnet8", name)) == pytest.approx(roofs, rel=1e-15)


def test_a_gpu_has_a_roof_per_precision_dense_and_sparse():
    """NVIDIA A100 whitepaper, Table 1: 312 TFLOPS, 624 TOPS, 1248 TOPS, twice that at 2:4; a MAC is two operations."""
    line = line_of("resnet8", "a100")
    tera = {"fp16": 312, "bf16": 312, "int8": 624, "int4": 1248}
    expected = {name: rate / 2 * 1e12 for name, rate in tera.items()}
    expected |= {f"{name} 2:4": 2 * rate for name, rate in expected.items()}
    assert roofs_of(line) == pytest.approx(expected, rel=1e-3)  # as rounded there
    assert [roof.name for roof in line.roofs if roof.used] == ["fp16"]


def test_layers_whose_weights_are_pruned_lie_under_the_pattern_s_roof():
    line = line_of("bert_base_s128", "edge_sparse_npu", sparsity="1:4")
    wide = {"int16": 256e9, "int16 2:4": 512e9, "int16 1:4": 1024e9}
    assert roofs_of(line) == wide | {"int8": 512e9, "int8 2:4": 1024e9, "int8 1:4": 2048e9}
    assert {(point.kind, point.roof.name) for point in line.points} == {("linear", "int8 1:4"), ("matmul", "int8")}


def test_points_are_the_layers_rows(resnet8_roofline):
    hardware = load_hardware("edge_npu")
    result = simulate(hardware, load_workload("resnet8"))
    rows = [row for row in result.rows if row.macs]
    total = result.summary["total_cycles"]
    assert [point.layer for point in resnet8_roofline.points] == [row.layer for row in rows]
    for point, row in zip(resnet8_roofline.points, rows, strict=True):
        assert point.macs_per_byte == row.arithmetic_intensity
        assert point.macs_per_s == pytest.approx(row.macs / row.total_cycles * 500e6)
        assert point.share == row.total_cycles / total
    rest = [row for row in result.rows if not row.macs and row.total_cycles]
    assert resnet8_roofline.left_out == len(rest) > 0
    assert sum(p.share for p in resnet8_roofline.points) + resnet8_roofline.left_out_share == pytest.approx(1)


@pytest.mark.parametrize("name", list_names(locate_hwconfigs()))
@pytest.mark.parametrize("network", ["resnet8", pytest.param("alexnet_grouped", marks=pytest.mark.slow)])
def test_no_point_lies_above_its_roof(name, network):
    """In whole numbers, from the rows: MACs <= peak x cycles, bytes x clock <= bandwidth x cycles."""
    skip_if_slow(name)
    hardware, workload = load_hardware(name), load_workload(network)
    result = simulate(hardware, workload)
    line = roofline(result, hardware, workload)
    engine = hardware.engine
    bandwidth, clock = round(hardware.dram.bandwidth_gb_s * 1e9), round(hardware.clock_mhz * 1e6)
    points = {point.layer: point for point in line.points}
    for row, node, bits in zip(
        result.rows, workload.nodes, find_operand_widths(workload, engine.operand_bits), strict=True
    ):
        if row.macs:
            gemm = apply_pattern(lower_to_gemm(node, workload.file.batch, bits), engine.sparse_pattern)
            peak = build_engine(engine).peak_macs_per_cycle(gemm.activation_bits, gemm.weight_bits)
            assert row.macs <= peak * row.total_cycles
            moved = row.dram_read_bytes + row.dram_write_bytes - row.prefetched_bytes
            assert moved * clock <= bandwidth * row.total_cycles
            assert points[row.layer].roof.macs_per_s == peak * clock
            assert 0 < points[row.layer].reached <= 1 + 1e-12
    assert len(points) == sum(row.macs > 0 for row in result.rows)


@pytest.mark.parametrize(("factor", "told"), [(1.001, "its roof"), (0.5, "DRAM at")], ids=["roof", "diagonal"])
def test_a_point_above_is_a_defect(resnet8_roofline, factor, told):
    point = max(resnet8_roofline.points, key=lambda p: p.macs_per_byte)
    check_point(point, resnet8_roofline.dram)
    roof = point.roof.macs_per_s
    above = point._replace(macs_per_s=roof * factor, macs_per_byte=1e9 if told == "its roof" else 1.0)
    with pytest.raises(InvariantError, match=f"layer {point.layer}: .*{told}"):
        check_point(above, resnet8_roofline.dram)
