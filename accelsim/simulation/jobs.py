"""What layers ask of a machine: a product with what follows it, or element-wise work alone."""

from __future__ import annotations

from typing import NamedTuple

from accelsim.energy.prices import add_counts
from accelsim.hardware import AnyEngine
from accelsim.mapping.mapping import Context
from accelsim.simulation.activity import count_vector_bytes
from accelsim.simulation.rows import layer_kind
from accelsim.workload.gemm import Gemm, OperandBits, apply_pattern, lower_to_gemm
from accelsim.workload.layers import GivenMapping
from accelsim.workload.network import Node, WorkloadFile
from accelsim.workload.vector_work import count_vector_work

Operations = tuple[tuple[str, int], ...]  #: elements of the vector unit by kind of operation


class ProductJob(NamedTuple):
    """A matrix product, and the element-wise work on its results."""

    kind: str
    gemm: Gemm
    operations: Operations
    mapping: GivenMapping | None = None  #: the tiles and the loop order that the layer states, instead of a search


class VectorJob(NamedTuple):
    """Element-wise work of a layer without a product."""

    kind: str
    traffic: tuple[int, int, int]  #: bytes of activations in, of stored values in, and of results out
    operations: Operations


Job = ProductJob | VectorJob


def build_job(node: Node, bits: OperandBits, file: WorkloadFile, engine: AnyEngine) -> Job | None:
    """The work of a layer on an engine, in the network of a file; None where nothing is done."""
    if node.layer.is_view or not node.layer.executed:
        return None
    operations = tuple(count_vector_work(node, file.batch, integer=engine.precision.startswith("int")).items())
    gemm = lower_to_gemm(node, file.batch, bits, file.weight_sparsity)
    if gemm is None:
        return VectorJob(layer_kind(node), count_vector_bytes(node, bits, file.batch), operations)
    return ProductJob(layer_kind(node), apply_pattern(gemm, engine.sparse_pattern), operations, node.layer.mapping)


def add_operations(job: Job, context: Context) -> Job:
    """The job with what later layers do on its results as they appear."""
    operations = tuple(add_counts(dict(job.operations), dict(context.operations)).items())
    return job._replace(operations=operations)


def cut_job(job: ProductJob, band: Gemm) -> ProductJob:
    """The share of a band of output rows in a job."""
    operations = tuple((kind, count * band.m // job.gemm.m) for kind, count in job.operations)
    return job._replace(gemm=band, operations=operations)
