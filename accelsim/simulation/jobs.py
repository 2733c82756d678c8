"""The work of a layer on a machine: a product with element-wise work behind it, or element-wise work alone."""

from __future__ import annotations

from typing import NamedTuple

from accelsim.energy.prices import add_counts
from accelsim.hardware import AnyEngine
from accelsim.mapping.mapping import Context
from accelsim.simulation.activity import count_vector_bytes
from accelsim.simulation.rows import name_layer_kind
from accelsim.workload.gemm import Gemm, OperandBits, apply_pattern, lower_to_gemm
from accelsim.workload.layers import GivenMapping
from accelsim.workload.network import Node, WorkloadFile
from accelsim.workload.vector_work import count_vector_work

Operations = tuple[tuple[str, int], ...]  #: element-wise work as pairs of a kind and its number of elements


class ProductJob(NamedTuple):
    """A matrix product, and the element-wise work on its results."""

    kind: str  #: kind of layer, as in layers.csv
    gemm: Gemm
    operations: Operations  #: element-wise work on the results
    mapping: GivenMapping | None = None  #: tiles and loop order that the layer states instead of a search


class VectorJob(NamedTuple):
    """Element-wise work of a layer without a product."""

    kind: str  #: kind of layer, as in layers.csv
    traffic: tuple[int, int, int]  #: bytes of activations and stored values read, and of results written
    operations: Operations


Job = ProductJob | VectorJob


def build_job(node: Node, bits: OperandBits, file: WorkloadFile, engine: AnyEngine) -> Job | None:
    """Build the work of a layer on an engine; None for a layer that does nothing."""
    if node.layer.is_view or not node.layer.executed:
        return None
    operations = tuple(count_vector_work(node, file.batch, integer=engine.precision.startswith("int")).items())
    gemm = lower_to_gemm(node, file.batch, bits, file.weight_sparsity)
    if gemm is None:
        return VectorJob(name_layer_kind(node), count_vector_bytes(node, bits, file.batch), operations)
    return ProductJob(name_layer_kind(node), apply_pattern(gemm, engine.sparse_pattern), operations, node.layer.mapping)


def add_operations(job: Job, context: Context) -> Job:
    """Add to a job the element-wise work of later layers that is done on its results before they leave."""
    operations = tuple(add_counts(dict(job.operations), dict(context.operations)).items())
    return job._replace(operations=operations)


def cut_job(job: ProductJob, band: Gemm) -> ProductJob:
    """Cut a job to one band of output rows."""
    operations = tuple((kind, count * band.m // job.gemm.m) for kind, count in job.operations)
    return job._replace(gemm=band, operations=operations)
