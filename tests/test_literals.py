"""Every value of every Literal goes through what dispatches on it, and a value that nobody foresaw is an error.

``DISPATCHERS`` lists, for each Literal that a module or a model of the package has, functions of one value that end in
code which dispatches on it, without a validation before. Who adds a Literal adds a line.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest
from pydantic import BaseModel

import accelsim
from accelsim import load
from accelsim.compress import apply_precision
from accelsim.config import Document
from accelsim.engines.table import build_engine
from accelsim.hardware import ACCUMULATOR_BITS, BITS, Hardware, with_fidelity
from accelsim.memory.bank_conflicts import Buffer, Buffers, count_conflict_cycles
from accelsim.memory.banked_dram import make_rules
from accelsim.memory.device_run import run_trace
from accelsim.memory.schedule import schedule_stream
from accelsim.memory.stream import TileStream
from accelsim.memory.trace_patterns import TracePattern, generate_trace
from accelsim.memory.traces import Requests
from accelsim.power.gating import save_by_gating
from accelsim.report import dvfs as dvfs_words
from accelsim.simulation.bounds import explain_bound
from accelsim.studies.sweep.design_points import choose_points
from accelsim.studies.sweep.spec import _steps, read_study
from accelsim.workload.gemm import Gemm, OperandBits, lower_to_gemm
from accelsim.workload.layers import AnyLayer
from accelsim.workload.layers.base import Layer
from accelsim.workload.network import Node, Workload, build_workload
from accelsim.workload.vector_work import FUNCTION_OPERATIONS, count_vector_work

NOBODY = "nobody foresaw this"
IMAGE, TOKENS = {"channels": 4, "height": 6, "width": 6}, {"tokens": 4, "features": 8}
LAYERS: dict[str, list[dict[str, Any]]] = {  # the layers of a network that ends in a layer of the type
    "conv2d": [{"type": "conv2d", "out_channels": 4, "kernel": 3, "activation": "relu"}],
    "linear": [{"type": "linear", "out_features": 4, "input_shape": TOKENS}],
    "matmul": [{"type": "matmul", "m": 2, "k": 4, "n": 2}],
    "max_pool": [{"type": "max_pool", "kernel": 2}],
    "avg_pool": [{"type": "avg_pool", "kernel": 2}],
    "global_avg_pool": [{"type": "global_avg_pool"}],
    "add": [{"type": "activation", "function": "relu"}, {"type": "add", "input": ["input", "l0"]}],
    "mul": [{"type": "activation", "function": "relu"}, {"type": "mul", "input": ["input", "l0"]}],
    "concat": [{"type": "activation", "function": "relu"}, {"type": "concat", "input": ["input", "l0"]}],
    "activation": [{"type": "activation", "function": "relu"}],
    "softmax": [{"type": "softmax", "input_shape": TOKENS}],
    "batch_norm": [{"type": "batch_norm"}],
    "layer_norm": [{"type": "layer_norm", "input_shape": TOKENS}],
    "rms_norm": [{"type": "rms_norm", "input_shape": TOKENS}],
    "embedding": [{"type": "embedding", "rows": 9, "features": 4, "input_shape": {"tokens": 4, "features": 1}}],
    "reshape": [{"type": "reshape", "to": "flatten"}],
    "upsample": [{"type": "upsample", "factor": 2}],
    "channel_shuffle": [{"type": "channel_shuffle", "groups": 2}],
    "split": [{"type": "split", "parts": 2, "part": 1}],
}
ENGINES = {"systolic": "edge_npu", "bitserial": "stripes", "tensorcore": "edge_sparse_npu"}
SWEEP = {"hardware": "edge_npu", "workload": "resnet8", "parameters": {"engine.rows": [8, 16]}}
DEVICES = {"banked": "lpddr5_6400", "serial": "octospi_psram_8mib"}


def network(layers: list[dict[str, Any]]) -> Workload:
    named = [{"name": f"l{index}"} | layer for index, layer in enumerate(layers)]
    return build_workload(Document("network", {"name": "small", "input": IMAGE, "layers": named}, {}))


SMALL = network([*LAYERS["conv2d"], {"type": "linear", "out_features": 4}])


def changed(value: Any, path: list[str], end: Any) -> Any:
    """A frozen value with another end of a path, which is not validated."""
    below = changed(getattr(value, path[0]), path[1:], end) if path[1:] else end
    copy = value.model_copy(update={path[0]: below})
    for name in ("effective_fidelity", "memory"):  # computed once from the old value
        vars(copy).pop(name, None)
    return copy


def machine(path: str, value: Any, name: str = "edge_npu", *settings: str) -> Hardware:
    return changed(load.load_hardware(name, ["dram.fidelity=ideal", *settings]), path.split("."), value)


def simulates(path: str, name: str = "edge_npu", *settings: str) -> Callable[[Any], object]:
    """Simulate a small network on a machine with a value at a path."""
    return lambda value: accelsim.simulate(machine(path, value, name, *settings), SMALL)


def simulates_layer(kind: str) -> None:
    accelsim.simulate(load.load_hardware("edge_npu", ["dram.fidelity=ideal"]), network(LAYERS[kind]))


def schedules(fidelity: str) -> None:
    hardware = changed(load.load_hardware("edge_npu"), ["dram", "fidelity"], fidelity)
    addresses = None if fidelity == "ideal" else np.zeros((1, 3), np.int64)
    sizes, one = np.full((1, 3), 64, np.int64), np.ones(1, np.int64)
    schedule_stream(TileStream(sizes, 64 * one, np.ones((1, 3), bool), one, one, addresses=addresses), hardware)


def waits_for_banks(layout: Any) -> None:
    engine, gemm = build_engine(load.load_hardware("edge_npu").engine), Gemm(4, 8, 4)
    buffer = Buffer(2, 1, 64, layout)
    count_conflict_cycles(gemm, engine, Buffers(buffer, buffer, buffer, False, 32), engine.count(gemm).cycles)


def runs_trace(fidelity: Any, device: str = "lpddr5_6400") -> None:
    one = np.zeros(1, np.int64)
    run_trace(load.load_device(device), [Requests(one, one, one.astype(np.uint8))], fidelity)


def sweeps(**keys: Any) -> object:
    return choose_points(read_study(SWEEP | keys))


def spaces(scale: Any) -> None:
    study = read_study(SWEEP | {"parameters": {"engine.rows": {"from": 1, "to": 4}}})
    _steps(changed(study.spec.parameters["engine.rows"], ["scale"], scale))


def samples(method: Any) -> None:
    study = read_study(SWEEP)
    choose_points(study._replace(spec=changed(study.spec, ["method"], method)))


def activates(function: Any) -> None:
    plain = SMALL.nodes[0]
    layer = changed(plain.layer, ["activation"], function)
    count_vector_work(Node(layer, plain.inputs, (None,), plain.output), 1, integer=True)


def loads(kind: Any) -> None:
    name = {"hardware": "edge_npu", "workload": "resnet8", "device": "lpddr5_6400"}.get(kind, kind)
    load._read(load._locate(name, load._FORMS[kind].locate_folder(), kind), kind)


def maps(order: Any) -> None:
    fixed = {"m": 8, "n": 4, "k": 4, "order": order}
    hardware = load.load_hardware("edge_npu", ["dram.fidelity=ideal"])
    accelsim.simulate(hardware, network([{"type": "conv2d", "out_channels": 4, "kernel": 1, "mapping": fixed}]))


DISPATCHERS: dict[Any, list[Callable[[Any], object]]] = {
    # workload
    **{layer.model_fields["type"].annotation: [simulates_layer] for layer in get_args(get_args(AnyLayer)[0])},
    Literal["none", "relu", "relu6", "leaky_relu", "sigmoid", "tanh", "gelu", "swish", "hard_swish", "hard_sigmoid"]: [
        FUNCTION_OPERATIONS.__getitem__,
        activates,
    ],
    Literal["same"]: [lambda padding: network([LAYERS["max_pool"][0] | {"padding": padding}])],
    Literal["flatten"]: [lambda shape: network([{"type": "reshape", "to": shape}])],
    # config, hardware, compress
    Literal["hardware", "workload", "device"]: [loads],
    Literal["int2", "int4", "int8", "int16", "fp16", "bf16", "fp32"]: [
        BITS.__getitem__,
        ACCUMULATOR_BITS.__getitem__,
        lambda precision: apply_precision(load.load_hardware("edge_npu"), SMALL, precision),
        simulates("engine.precision"),
    ],
    # memory
    Literal["banked"]: [lambda kind: runs_trace("cycle", DEVICES[kind]), load.DEVICES.__getitem__],
    Literal["serial"]: [lambda kind: runs_trace("cycle", DEVICES[kind]), load.DEVICES.__getitem__],
    Literal["transaction", "cycle"]: [runs_trace, lambda fidelity: runs_trace(fidelity, "octospi_psram_8mib")],
    Literal["ideal", "transaction", "cycle"]: [
        schedules,
        lambda fidelity: with_fidelity(load.load_hardware("edge_npu"), fidelity),
        lambda fidelity: sweeps(dram=fidelity),
    ],
    Literal["as_read", "channels_last", "rows"]: [waits_for_banks],
    Literal["open", "closed"]: [
        lambda policy: make_rules(changed(load.load_device("lpddr5_6400"), ["page_policy"], policy)),
    ],
    Literal[1, 2]: [
        lambda buses: make_rules(changed(load.load_device("lpddr5_6400"), ["controller", "command_buses"], buses)),
    ],
    Literal["stream", "stride", "random", "copies", "tiles"]: [
        lambda pattern: list(generate_trace(TracePattern.model_construct(pattern=pattern, requests=4))),
    ],
    # power and studies
    Literal["none", "clock", "idle-detect", "oracle"]: [lambda policy: save_by_gating([], policy)],
    Literal["fixed", "race-to-idle", "slowest", "least energy", "per layer"]: [dvfs_words._WORDS.__getitem__],
    Literal["linear", "log2", "log10"]: [spaces],
    Literal["grid", "random", "sobol"]: [samples],
    Literal["closed", "stepped"]: [
        lambda fidelity: sweeps(fidelity=fidelity),
        lambda fidelity: accelsim.simulate(machine("clock_mhz", 100.0), SMALL, fidelity),
    ],
    # engines, energy, mapping and simulation
    **{Literal[kind]: [lambda kind: accelsim.simulate(load.load_hardware(ENGINES[kind]), SMALL)] for kind in ENGINES},
    Literal["os", "ws", "is", "auto"]: [simulates("engine.dataflow")],
    Literal["rows", "cols", "none"]: [simulates("engine.output_drain", "edge_npu", "engine.dataflow=os")],
    Literal["none", "activations", "weights", "both"]: [simulates("engine.serial", "stripes")],
    Literal["none", "dynamic", "essential"]: [simulates("engine.skip", "stripes")],
    Literal["itrs-hp", "itrs-lop", "itrs-lstp"]: [simulates("technology.sram_cell")],
    Literal["delay_traffic", "edp", "energy", "cycles", "bytes"]: [simulates("mapper.objective")],
    Literal["mnk", "mkn", "nmk", "nkm", "kmn", "knm"]: [maps],
    Literal["compute", "vector", "memory", "latency"]: [
        lambda bound: bound == "compute" or explain_bound(bound, load.load_hardware("edge_npu"), 2, 1),
    ],
    Literal["compute", "vector", "memory"]: [
        lambda unit: unit == "compute" or explain_bound(unit, load.load_hardware("edge_npu"), 2, 1),
    ],
}


def literals_in(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal:
        yield annotation
        return
    for part in get_args(annotation):
        yield from literals_in(part)


def find_literals() -> dict[Any, set[str]]:
    """Every Literal that a module of the package defines, or a field of a model has, and where."""
    found: dict[Any, set[str]] = {}
    for entry in pkgutil.walk_packages(accelsim.__path__, "accelsim."):
        if entry.name.startswith(("accelsim.__main__", "accelsim.kernels.")):
            continue
        for name, value in vars(importlib.import_module(entry.name)).items():
            if get_origin(value) is Literal:
                found.setdefault(value, set()).add(f"{entry.name}.{name}")
            if inspect.isclass(value) and issubclass(value, BaseModel) and value.__module__ == entry.name:
                for key, field in value.model_fields.items():
                    for literal in literals_in(field.annotation):
                        found.setdefault(literal, set()).add(f"{entry.name}.{name}.{key}")
    return found


FOUND = find_literals()


def test_every_literal_has_an_entry():
    missing = {literal: places for literal, places in FOUND.items() if literal not in DISPATCHERS}
    assert not missing
    assert FOUND.keys() == DISPATCHERS.keys()


CASES = [
    pytest.param(function, value, id=f"{value}-{number}")
    for literal, functions in DISPATCHERS.items()
    for number, function in enumerate(functions)
    for value in get_args(literal)
]


@pytest.mark.parametrize(("function", "value"), CASES)
def test_every_value_is_foreseen(function, value):
    function(value)


UNFORESEEN = [
    pytest.param(function, id=f"{get_args(literal)[0]}-{number}")
    for literal, functions in DISPATCHERS.items()
    for number, function in enumerate(functions)
]


@pytest.mark.parametrize("function", UNFORESEEN)
def test_what_nobody_foresaw_is_an_error(function):
    with pytest.raises((LookupError, ValueError, AssertionError, accelsim.UserError)):
        function(NOBODY)


class Foreign(Layer):
    """A type of layer that no other room knows."""

    type: Literal["foreign"]


def test_a_layer_of_an_unknown_type_is_neither_free_nor_without_a_product():
    shape = SMALL.nodes[0].output
    node = Node(Foreign(name="x", type="foreign"), (shape,), (None,), shape)
    with pytest.raises(AssertionError):
        lower_to_gemm(node, 1, OperandBits(8, 8, 8))
    with pytest.raises(AssertionError):
        count_vector_work(node, 1, integer=True)
