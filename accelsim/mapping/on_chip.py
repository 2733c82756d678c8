"""The plan of what stays on chip (results, weights) and of what is compressed where it crosses the chip's edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from accelsim.compress.runlength import estimate_coded_share
from accelsim.config import UserError
from accelsim.config.integers import ceil_div
from accelsim.energy.prices import add_counts
from accelsim.hardware import Hardware, OperandSrams
from accelsim.mapping.footprint import count_compulsory_by_operand
from accelsim.mapping.mapping import ALONE, Context
from accelsim.mapping.memory_needed import count_stored_bytes
from accelsim.memory.sram import Room, describe_room, split_room
from accelsim.workload.gemm import OperandBits, lower_to_gemm
from accelsim.workload.layers import Activation, GlobalAvgPool, Pool
from accelsim.workload.network import Node, Workload, trace_tensors
from accelsim.workload.vector_work import count_vector_work

Fits = Callable[[int, Context], bool]  # whether a layer, given by its number, fits the buffers in a context
PLENTY_KIB = 1 << 30  # room for an operand that needs no tiles, since it lies on chip already
NO_ROOM = "what stays on chip leaves no room"


def plan_on_chip(workload: Workload, bits: Sequence[OperandBits], hardware: Hardware, fits: Fits) -> list[Context]:
    """Plan the context of each layer; ``fits`` says whether a layer, by its number, fits the buffers in a context."""
    plan, found = hardware.schedule, [ALONE] * len(workload.nodes)
    weights = count_all_weight_bytes(workload, bits, hardware)
    if plan.keep_weights and weights <= find_weight_room(hardware.sram):
        found = [context._replace(resident_bytes=weights) for context in found]
    if plan.compress_activations:
        _compress(workload, bits, found)
    if plan.fuse:
        _keep_results(workload, bits, hardware, found, fits)
    return found


def count_all_weight_bytes(workload: Workload, bits: Sequence[OperandBits], hardware: Hardware) -> int:
    """Count the bytes of all weights and start values that one inference reads."""
    pattern = hardware.engine.sparse_pattern
    both = zip(workload.nodes, bits, strict=True)
    return sum(count_stored_bytes(node, b, pattern) for node, b in both if node.layer.executed)


def find_weight_room(sram: OperandSrams) -> int:
    """Find the bytes that may hold resident weights: the weight buffer, or half of a shared buffer."""
    return sram.capacity_bytes // 2 if sram.shared else sram.operand_bytes[1]


def _compress(workload: Workload, bits: Sequence[OperandBits], found: list[Context]) -> None:
    """Set the compressed shares: a layer's activations by their own zeros, its result by those of its first reader."""
    nodes, network = workload.nodes, workload.file.activation_zeros or 0.0
    zeros = [network if node.layer.activation_zeros is None else node.layer.activation_zeros for node in nodes]
    shares = [estimate_coded_share(share, b.activation) for share, b in zip(zeros, bits, strict=True)]
    _, reads, _ = trace_tensors(workload)
    for index, node in enumerate(nodes):
        if None not in node.producers:  # the network's input is not compressed
            found[index] = found[index]._replace(loaded_share=shares[index])
        readers = (r for r in range(index + 1, len(nodes)) if index in reads[r] and nodes[r].layer.executed)
        reader = next(readers, None)
        if reader is not None:
            found[index] = found[index]._replace(stored_share=shares[reader])


def _keep_results(
    workload: Workload, bits: Sequence[OperandBits], hardware: Hardware, found: list[Context], fits: Fits
) -> None:
    """Keep results on chip for the next layer if it reads them; they are stored as well if other layers read them.

    An activation function or pooling behind a product is done on its results before they leave. A result that fits no
    buffer stays on chip band by band between two convolutions of which the second is 1 x 1.
    """
    names, reads, sizes = trace_tensors(workload)
    nodes, batch = workload.nodes, workload.file.batch
    order = [index for index, node in enumerate(nodes) if node.layer.executed and not node.layer.is_view]
    kept_for_good = names[order[-1]]
    asked: dict[int, set[int]] = {}
    for reader in order:
        for tensor in reads[reader]:
            asked.setdefault(tensor, set()).add(reader)

    def nbytes(tensor: int) -> int:
        return ceil_div(sizes[tensor] * batch * bits[tensor].output, 8)

    integer = hardware.engine.precision.startswith("int")
    made = {index: index for index in order}  # the tensor that a layer leaves once later layers are done on it
    makers: list[int] = []
    for index in order:
        before = makers[-1] if makers else index
        tensor = made[before]
        if makers and asked.get(tensor) == {index} and reads[index] == {tensor} and _passes(nodes[index]):
            share = Fraction(nbytes(index), nbytes(before))
            if lower_to_gemm(nodes[before], batch, bits[before]) and share <= 1:
                work = count_vector_work(nodes[index], batch, integer)
                found[before] = _with_tail(found[before], found[index], work, share)
                found[index] = found[index]._replace(done=True)
                made[before] = index
                continue
        makers.append(index)
    for maker, reader in pairwise(makers):
        left = made[maker]
        if left not in reads[reader] or not _takes(nodes[reader], reads[reader], batch, bits[reader]):
            continue
        stored = asked[left] != {reader} or left in kept_for_good
        size = nbytes(left)
        both = found[maker]._replace(kept_bytes=size, stored=stored), found[reader]._replace(there_bytes=size)
        if found[maker].bands == 1 and fits(maker, both[0]) and fits(reader, both[1]):
            found[maker], found[reader] = both
        elif not stored and left == maker and batch == 1:
            pair = [found[maker], found[reader]]
            banded = _in_bands(workload, (maker, reader), bits, pair, find_weight_room(hardware.sram), fits)
            if banded:
                found[maker], found[reader] = banded


def _with_tail(maker: Context, tail: Context, work: Mapping[str, int], share: Fraction) -> Context:
    """Add to a product's context a layer that is done on its results: its vector work and its share of the bytes."""
    operations = add_counts(dict(maker.operations), work)
    return maker._replace(operations=tuple(operations.items()), stored_share=share * tail.stored_share)


def _passes(node: Node) -> bool:
    """Whether a layer can be done on results before they leave; pooling windows wait in the ofmap buffer."""
    return isinstance(node.layer, Activation | Pool | GlobalAvgPool)


def _in_bands(
    workload: Workload,
    numbers: tuple[int, int],
    bits: Sequence[OperandBits],
    found: list[Context],
    room: int,
    fits: Fits,
) -> tuple[Context, Context] | None:
    """Contexts of two convolutions that alternate in bands of rows; None where that moves more bytes or cannot be."""
    first, second = (lower_to_gemm(workload.nodes[index], 1, bits[index]) for index in numbers)
    if first is None or second is None or first.convolution is None or second.convolution is None:
        return None
    pointwise = second.convolution.kernel == (1, 1) and second.m == first.m and second.groups == 1
    if not pointwise or any(context != strip_context(context) for context in found):
        return None
    rows, size = first.convolution.out_height, count_compulsory_by_operand(first)[2]
    weights = sum(count_compulsory_by_operand(gemm)[1] for gemm in (first, second))
    bands = 2
    while bands <= rows:
        part = ceil_div(size, rows) * ceil_div(rows, bands)
        for waiting in (weights, 0):
            if waiting > room or (not waiting and weights * (bands - 1) >= 2 * size):
                continue
            one = found[0]._replace(kept_bytes=part, stored=False, bands=bands, waiting_bytes=waiting)
            two = found[1]._replace(there_bytes=part, bands=bands, waiting_bytes=waiting)
            if fits(numbers[0], one) and fits(numbers[1], two):
                return one, two
        bands *= 2
    return None


def strip_context(context: Context) -> Context:
    """Return the context without data that stay on chip between layers."""
    return Context(
        resident_bytes=context.resident_bytes, loaded_share=context.loaded_share, stored_share=context.stored_share
    )


def _takes(node: Any, reads: frozenset[int], batch: int, bits: OperandBits) -> bool:
    """Whether a layer can read the result before it on chip: a product can if it reads nothing else."""
    gemm = lower_to_gemm(node, batch, bits)
    return gemm is None or (gemm.weights_stored and len(reads) == 1)


def reserve_room(sram: OperandSrams, context: Context, is_product: bool) -> Room:
    """Find the room that the buffers have besides the data that stay on chip, in whole KiB.

    The buffers of ifmap and ofmap swap roles from layer to layer, so that a result lies where its reader needs it.

    Raises: UserError where the data that stay on chip leave no room.
    """
    if context == ALONE:
        return describe_room(sram)
    there, kept = context.there_bytes, context.kept_bytes
    if sram.shared:
        left = (sram.capacity_bytes - there - kept - context.resident_bytes - context.waiting_bytes) // 1024
        if left < 1:
            raise UserError(NO_ROOM)
        return split_room(left * 1024)
    ifmap, weight, ofmap = sram.operand_bytes
    room = min(ifmap, ofmap)
    left_in = PLENTY_KIB if there and is_product else (ifmap - there) // 1024
    left_out = (ofmap - kept) // 1024
    if there > room or kept > room or min(left_in, left_out) < 1:
        raise UserError(NO_ROOM)
    left_over = PLENTY_KIB if context.resident_bytes or context.waiting_bytes else weight // 1024
    return Room((left_in * 1024, left_over * 1024, left_out * 1024))
