"""Five classic claims about precision and sparsity, each measured on networks that ship with accelsim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accelsim.config import Document
from accelsim.energy.technology import load_technology
from accelsim.load import load_hardware, load_workload, read_workload_document
from accelsim.studies.compare import ComparedRow, Comparison, compare
from accelsim.studies.cycle_parts import LEAST_PART_SHARE, PART_WORDS
from accelsim.workload.network import Workload, build_workload

GATED = "engine.zero_gating=true"
MEMORIES = {"SRAM": ("sram_ifmap", "sram_weight", "sram_ofmap"), "DRAM": ("dram",)}


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim and what measurements say about it."""

    name: str
    title: str  #: the claim in one sentence
    text: str  #: the measured answer
    figures: dict[str, float]  #: the figures in the text, by name
    rows: tuple[ComparedRow, ...]  #: the measured rows

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows as plain columns."""
        return Comparison(self.rows).records

    def as_json(self) -> dict[str, Any]:
        """The claim as plain data for JSON."""
        return {
            "claim": self.name,
            "title": self.title,
            "text": self.text,
            "figures": self.figures,
            "rows": self.records,
        }


def claim_int8_energy(network: str = "resnet50") -> Claim:
    """Compare the energy of INT8 and FP32 on an array: operations, MACs, memories, and all together."""
    hardware = load_hardware("edge_npu")
    operations = load_technology(hardware.technology.name).operations
    compared = compare(hardware, load_workload(network), ["fp32", "int8"])
    before, after = compared.records
    figures = {"multiplication_ratio": operations["fp32_mul"].energy_pj / operations["int8_mul"].energy_pj}
    for part in ("mac", "registers"):
        figures[f"{part}_ratio"] = before[f"energy_uj_{part}"] / after[f"energy_uj_{part}"]
    for memory, parts in MEMORIES.items():
        energies = [sum(record[f"energy_uj_{part}"] for part in parts) for record in (before, after)]
        figures[f"{memory.lower()}_ratio"] = energies[0] / energies[1]
    figures |= {"total_ratio": after["energy_ratio"], "speedup": after["speedup"]}
    text = (
        f"A multiplication takes {figures['multiplication_ratio']:.1f} times less energy, with its addition"
        f" {figures['mac_ratio']:.1f} times. But operands have only four times fewer bits, and sums keep their 32:"
        f" registers take {figures['registers_ratio']:.1f}, DRAM {figures['dram_ratio']:.1f} and SRAM"
        f" {figures['sram_ratio']:.1f} times less, so that all in all it is {figures['total_ratio']:.1f} times."
        " The array does a MAC per PE and cycle in either; what speeds it up"
        f" {figures['speedup']:.2f} times are the bytes that it no longer waits for."
    )
    return Claim("int8_energy", "INT8 takes 18.5 times less energy than FP32", text, figures, compared.rows)


def claim_stripes(network: str = "alexnet_grouped") -> Claim:
    """Measure the speedup of half the bits on a bit-serial unit: convolutions, and the whole network."""
    compared = compare(load_hardware("stripes"), load_workload(network), ["int16", "int8"])
    _, after = compared.records
    figures = {name: after[name] for name in ("ideal_speedup", "convolution_speedup", "speedup", "energy_ratio")}
    text = (
        f"On convolutions it is {figures['convolution_speedup']:.3f} times. The network gains {figures['speedup']:.3f};"
        f" in shares of the ideal cycles, the gap is {_causes(after)}. Operands are the weights of fully connected"
        " layers, which arrive no faster."
    )
    return Claim("stripes", "Half the bits are twice as fast on a bit-serial unit", text, figures, compared.rows)


def claim_two_of_four(network: str = "resnet50") -> Claim:
    """Measure 2:4 weights on tensor cores: speedup of convolutions and of the whole network, and storage."""
    compared = compare(load_hardware("edge_sparse_npu"), load_workload(network), ["int8"], ["dense", "2:4"])
    before, after = compared.records
    figures = {name: after[name] for name in ("ideal_speedup", "convolution_speedup", "speedup", "energy_ratio")}
    figures["stored_share"] = after["weight_bytes"] / before["weight_bytes"]
    text = (
        f"Convolutions gain {figures['convolution_speedup']:.3f} on the cores, the network {figures['speedup']:.2f}; in"
        f" shares of the ideal cycles, the gap is {_causes(after)}. Weights keep {figures['stored_share']:.1%} of their"
        f" bytes, not half: each has an index. All energy is {figures['energy_ratio']:.2f} times less."
    )
    return Claim("two_of_four", "2:4 sparsity doubles a tensor core's speed", text, figures, compared.rows)


def claim_unstructured(network: str = "resnet50") -> Claim:
    """Measure unstructured zeros on all three engines, without and with zero gating."""
    rows: list[ComparedRow] = []
    figures: dict[str, float] = {}
    for name in ("edge_npu", "stripes", "edge_sparse_npu"):
        for gating in (False, True):
            hardware = load_hardware(name, [GATED] if gating else [])
            compared = compare(hardware, load_workload(network), ["int8"], ["dense", "0.5"])
            rows += compared.rows
            zeros = compared.records[1]
            figures[f"{name}_speedup"] = zeros["speedup"]
            figures[f"{name}_energy_ratio{'_gated' if gating else ''}"] = zeros["energy_ratio"]
    gated = ", ".join(
        f"{saved:.3f} on {name.removesuffix('_energy_ratio_gated')}"
        for name, saved in figures.items()
        if name.endswith("_gated")
    )
    text = (
        "Not a cycle on any of the three engines, and no energy either, unless multiplications by zero are gated;"
        f" all energy is then less by a factor of {gated}. Memory reads and moves zeros like other weights."
    )
    title = "With half of the weights zero, half of the work is gone"
    return Claim("unstructured", title, text, figures, tuple(rows))


def claim_separable(network: str = "mobilenet_v1") -> Claim:
    """Compare MACs and cycles of depthwise-separable and standard convolutions on an array."""
    hardware = load_hardware("edge_npu")
    both = [compare(hardware, each, ["int8"]) for each in (replace_depthwise(network), load_workload(network))]
    before, after = (comparison.records[0] for comparison in both)
    layers = [
        row for comparison in both[1:] for each in comparison.rows if each.measured for row in each.measured.result.rows
    ]
    alone = [row for row in layers if row.kind == "depthwise"]
    figures = {
        "mac_ratio": before["macs"] / after["macs"],
        "cycle_ratio": before["total_cycles"] / after["total_cycles"],
        "energy_ratio": before["energy_uj"] / after["energy_uj"],
        "depthwise_mac_share": sum(row.macs for row in alone) / after["macs"],
        "depthwise_cycle_share": sum(row.total_cycles for row in alone) / after["total_cycles"],
    }
    text = (
        f"{figures['mac_ratio']:.1f} times fewer MACs, but {figures['cycle_ratio']:.1f} times fewer cycles: utilization"
        f" falls from {before['utilization']:.0%} to {after['utilization']:.0%}. Each channel of a depthwise layer is a"
        f" product of its own, with one column; these layers have {figures['depthwise_mac_share']:.1%} of the MACs and"
        f" {figures['depthwise_cycle_share']:.0%} of the cycles. Energy is {figures['energy_ratio']:.1f} times less."
    )
    rows = tuple(row for comparison in both for row in comparison.rows)
    return Claim("separable", "Depthwise-separable convolutions need an eighth of the work", text, figures, rows)


CLAIMS: tuple[Callable[[], Claim], ...] = (
    claim_int8_energy,
    claim_stripes,
    claim_two_of_four,
    claim_unstructured,
    claim_separable,
)


def replace_depthwise(network: str) -> Workload:
    """Build a network in which a standard convolution replaces each depthwise one and the 1x1 convolution behind it.

    For MobileNetV1 that is Howard et al. 2017, Table 4, "Conv MobileNet", whose 4866 million MACs are 4867 here.
    """
    document = read_workload_document(network)
    layers: list[dict[str, Any]] = []
    for layer in document.data["layers"]:
        last = layers[-1] if layers else {}
        if last.get("groups", 1) > 1 and layer["kernel"] == 1:
            del last["groups"]
            last |= {"name": f"{last['name']}_{layer['name']}", "out_channels": layer["out_channels"]}
        else:
            layers.append(dict(layer))
    data = document.data | {"name": f"{document.data['name']}_standard", "layers": layers}
    return build_workload(Document(document.source, data, {}))


def _causes(record: dict[str, Any]) -> str:
    """The causes of a gap in words, the largest first, as shares of the ideal cycles."""
    shares = {words: record[f"gap_{cause}_cycles"] / record["ideal_cycles"] for cause, words in PART_WORDS.items()}
    large = [part for part in shares.items() if abs(part[1]) >= LEAST_PART_SHARE]
    ordered = sorted(large, key=lambda part: -abs(part[1]))
    return ", ".join(f"{words} {share:+.1%}" for words, share in ordered) or "nothing"
