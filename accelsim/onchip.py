"""What stays on chip: results for the next layer, weights for the next inference; and what is coded where it leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from accelsim.compress.runlength import coded_share
from accelsim.hardware import Hardware, OperandSrams
from accelsim.lowering import Bits, gemm_of
from accelsim.needs import stored_bytes
from accelsim.tiles import ALONE, Context
from accelsim.workload import Workload, tensors_of

PLENTY_KIB = 1 << 30  # for an operand that takes no room of its own


def contexts(
    workload: Workload, bits: Sequence[Bits], hardware: Hardware, fits: Callable[[int, Context], bool]
) -> list[Context]:
    """What each layer finds and leaves on chip; fits tells whether a layer can be cut so, by its number."""
    plan, found = hardware.schedule, [ALONE] * len(workload.nodes)
    if plan.keep_weights and all_weights(workload, bits, hardware) <= weight_room(hardware.sram):
        found = [context._replace(weights_there=True) for context in found]
    if plan.compress_activations:
        _code(workload, bits, found)
    if plan.fuse:
        _hand_over(workload, bits, found, fits)
    return found


def all_weights(workload: Workload, bits: Sequence[Bits], hardware: Hardware) -> int:
    """Bytes of everything stored that one inference reads."""
    pattern = hardware.engine.sparse_pattern
    both = zip(workload.nodes, bits, strict=True)
    return sum(stored_bytes(node, b, pattern) for node, b in both if node.layer.executed)


def weight_room(sram: OperandSrams) -> int:
    """Bytes that may hold weights for good; half of a shared buffer."""
    return sram.capacity_bytes // 2 if sram.shared else sram.operand_bytes[1]


def _code(workload: Workload, bits: Sequence[Bits], found: list[Context]) -> None:
    """Each layer reads its activations coded by their own zeros, and stores its result as its first reader wants it."""
    nodes, network = workload.nodes, workload.file.activation_zeros or 0.0
    zeros = [network if node.layer.activation_zeros is None else node.layer.activation_zeros for node in nodes]
    shares = [coded_share(share, b.activation) for share, b in zip(zeros, bits, strict=True)]
    _, reads, _ = tensors_of(workload)
    for index, node in enumerate(nodes):
        if None not in node.producers:  # what comes from outside is plain
            found[index] = found[index]._replace(loaded_share=shares[index])
        readers = (r for r in range(index + 1, len(nodes)) if index in reads[r] and nodes[r].layer.executed)
        reader = next(readers, None)
        if reader is not None:
            found[index] = found[index]._replace(stored_share=shares[reader])


def _hand_over(
    workload: Workload, bits: Sequence[Bits], found: list[Context], fits: Callable[[int, Context], bool]
) -> None:
    """A result stays for the layer behind it, if that reads it; it is stored as well if others do."""
    names, reads, sizes = tensors_of(workload)
    nodes, batch = workload.nodes, workload.file.batch
    order = [index for index, node in enumerate(nodes) if node.layer.executed and not node.layer.is_view]
    asked: dict[int, set[int]] = {}
    for reader in order:
        for tensor in reads[reader]:
            asked.setdefault(tensor, set()).add(reader)
    for maker, reader in pairwise(order):
        if maker not in reads[reader] or not _takes(nodes[reader], reads[reader], batch, bits[reader]):
            continue
        size = -(-sizes[maker] * batch * bits[maker].output // 8)
        stored = asked[maker] != {reader} or maker in names[order[-1]]
        both = found[maker]._replace(kept_bytes=size, stored=stored), found[reader]._replace(there_bytes=size)
        if fits(maker, both[0]) and fits(reader, both[1]):
            found[maker], found[reader] = both


def _takes(node: Any, reads: frozenset[int], batch: int, bits: Bits) -> bool:
    """Whether a layer can read the result before it in place: a product only if it reads nothing else."""
    gemm = gemm_of(node, batch, bits)
    return gemm is None or (gemm.weights_stored and len(reads) == 1)


def with_room(hardware: Hardware, context: Context, is_product: bool, weights: int) -> Hardware | None:
    """Hardware whose buffers hold what they do besides what stays on chip; None where that does not fit.

    Buffers of ifmap and ofmap change their roles from layer to layer, so that a result is where its reader wants it;
    weights: bytes of those that stay.
    """
    if context == ALONE:
        return hardware
    sram, there, kept = hardware.sram, context.there_bytes, context.kept_bytes
    if sram.shared:
        left = (sram.capacity_bytes - there - kept - weights * context.weights_there) // 1024
        update = {"shared": sram.shared.model_copy(update={"capacity_kib": left})}
        return _with_srams(hardware, update) if left >= 1 else None
    ifmap, weight, ofmap = sram.operand_bytes
    room = min(ifmap, ofmap)
    if there > room or kept > room:
        return None
    left_in = PLENTY_KIB if there and is_product else (ifmap - there) // 1024
    left_out = (ofmap - kept) // 1024
    if min(left_in, left_out) < 1:
        return None
    sizes = {"ifmap": left_in, "weight": PLENTY_KIB if context.weights_there else weight // 1024, "ofmap": left_out}
    return _with_srams(
        hardware,
        {name: getattr(sram, name).model_copy(update={"capacity_kib": kib}) for name, kib in sizes.items()},
    )


def _with_srams(hardware: Hardware, update: dict[str, Any]) -> Hardware:
    return hardware.model_copy(update={"sram": hardware.sram.model_copy(update=update)})
