"""A sweep's file: its keys, checked, with the hardware and the networks that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from accelsim.config import (
    Count,
    Document,
    Positive,
    UserError,
    Value,
    assign_value,
    invalid,
    read_yaml,
    validate_document,
)
from accelsim.hardware import DramFidelity, Hardware
from accelsim.load import WORKLOAD_PREFIX, is_path, read_hardware_document, read_workload_document, resolve_device
from accelsim.simulation.network import Fidelity
from accelsim.workload.network import build_workload

MOST_POINTS = 1_000_000
Scale = Literal["linear", "log2", "log10"]
SamplingMethod = Literal["grid", "random", "sobol"]
DRAWS: Mapping[SamplingMethod, bool] = {"grid": False, "random": True, "sobol": True}
"""Whether a method draws a stated number of points; else it takes the whole grid."""


def _scalar(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise PydanticCustomError("scalar", "should be a number, a word, true, false or null")
    return value


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Spacing(NamedTuple):
    """How the values of a range follow one another on a scale."""

    default_step: float
    is_factor: bool  #: a step multiplies a value, and values are above 0; else it is added
    at_share: Callable[[float, float, float], float]  #: first, last, share of the way between them -> value
    at_step: Callable[[float, float, int], float]  #: first, step, number of steps -> value


def _at_geometric_share(first: float, last: float, share: float) -> float:
    return float(first * (last / first) ** share)


def _at_geometric_step(first: float, step: float, number: int) -> float:
    return float(first * step**number)


_SPACINGS: Mapping[Scale, Spacing] = {
    "linear": Spacing(
        1.0, False, lambda first, last, share: first + share * (last - first), lambda first, step, n: first + n * step
    ),
    "log2": Spacing(2.0, True, _at_geometric_share, _at_geometric_step),
    "log10": Spacing(10.0, True, _at_geometric_share, _at_geometric_step),
}


class Range(Value):
    """A range of values, both ends included."""

    start: float = Field(alias="from")
    """First value."""
    to: float
    """Last value; it is left out where whole steps do not reach it."""
    scale: Scale = "linear"
    """How values follow one another: linear by a difference, log2 and log10 by a factor."""
    step: Positive | None = None
    """Difference of values, or their ratio on a logarithmic scale; by default 1 (linear), 2 (log2) or 10 (log10)."""
    count: Annotated[int, Field(ge=2, le=MOST_POINTS)] | None = None
    """Number of values, instead of step."""

    @property
    def spacing(self) -> Spacing:
        """How the values follow one another."""
        return _SPACINGS[self.scale]

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Range:
        if self.start >= self.to:
            raise ValueError(f"from should be below to, got {self.start:g} and {self.to:g}")
        if self.step is not None and self.count is not None:
            raise ValueError("step and count say the same; give one of them")
        if self.spacing.is_factor and self.start <= 0:
            raise ValueError(f"scale: {self.scale} needs from above 0, got {self.start:g}")
        if self.spacing.is_factor and self.step is not None and self.step <= 1:
            raise ValueError(f"step is a factor on scale: {self.scale}, and should be above 1, got {self.step:g}")
        return self


def _form(value: Any) -> str:
    return "range" if isinstance(value, dict) else "list"


Scalars = Annotated[list[Annotated[Any, BeforeValidator(_scalar)]], Field(min_length=1)]
Axis = Annotated[Annotated[Scalars, Tag("list")] | Annotated[Range, Tag("range")], Discriminator(_form)]


class Spec(Value):
    """The keys of a sweep's file: which points of the grid that ``parameters`` span are simulated for each network."""

    hardware: str
    """Hardware from which each point starts: a shipped name, or a path from the folder of the sweep's file."""
    workload: Annotated[list[str], BeforeValidator(_list), Field(min_length=1)]
    """Network or list of networks that each point runs: shipped names, or paths from the folder of the sweep's file."""
    method: SamplingMethod = "grid"
    """Which points of the grid are simulated: all of them (grid), or distinct points drawn at random (random) or by a
    Sobol sequence (sobol)."""
    points: Annotated[int, Field(ge=1, le=MOST_POINTS)] | None = None
    """Number of points to draw for each network (random, sobol)."""
    seed: Count = 0
    """Seed of the draw (random, sobol)."""
    parameters: Annotated[dict[str, Axis], Field(min_length=1)]
    """Values of each parameter, a list or a range, by the path that --set would take."""
    constraints: list[str] = Field(default_factory=list)
    """Conditions that a point must meet, in parameters, values of the hardware and results; points that break one on
    parameters are not simulated, points that break one on results are left out of the tables."""
    fidelity: Fidelity = "closed"
    """Model of the engine: closed (formulas) or stepped (cycle by cycle, each product checked)."""
    dram: DramFidelity = "ideal"
    """Model of the memory: ideal (a bandwidth and a latency), or the hardware's device by transaction or by cycle."""

    @property
    def shares(self) -> bool:
        """Whether points are simulated together, with what they have in common done once; else one by one."""
        return self.fidelity == "closed" and self.dram == "ideal"

    @model_validator(mode="after")
    def _as_many_as_the_method_wants(self) -> Spec:
        if DRAWS[self.method] and self.points is None:
            raise ValueError(f"method: {self.method} needs points, the number of points to draw")
        if not DRAWS[self.method] and self.points is not None:
            raise ValueError("points belongs to method: random or sobol; a grid has all of its points")
        if len(set(self.workload)) < len(self.workload):
            raise ValueError("workload: a network is named twice")
        return self


class Study(NamedTuple):
    """A checked sweep: what its points start from, and the values of each parameter."""

    spec: Spec
    document: Document  #: of the sweep's own file
    hardware: Document
    workloads: dict[str, Document]  #: by the names in the sweep's file
    axes: dict[str, list[Any]]  #: the values of each parameter, which goes by its dotted path
    constants: dict[str, Any]  #: values of the hardware file by dotted path, before a parameter changes one


def read_study(source: str | Path | Mapping[str, Any]) -> Study:
    """Read a sweep's file, or a mapping of the same keys, and check all that can be checked without simulating.

    Raises: UserError with file:line, key, value and what is allowed.
    """
    if isinstance(source, Mapping):
        document, folder = Document("sweep", dict(source), {}), Path()
    else:
        document, folder = read_yaml(Path(source)), Path(source).parent
    spec = validate_document(Spec, document)
    hardware = _named(document, ("hardware",), spec.hardware, folder)
    workloads = {name: _named(document, ("workload", index), name, folder) for index, name in enumerate(spec.workload)}
    base = validate_document(Hardware, hardware)
    networks = [build_workload(workload) for workload in workloads.values()]
    axes = {name: _values(document, name, axis, base) for name, axis in spec.parameters.items()}
    study = Study(spec, document, hardware, workloads, axes, dict(_flat(base.model_dump(mode="json"))))
    for name, values in axes.items():
        for value in values[: 2 * len(networks) + 100]:  # the rest of a long range is like its beginning
            _try(study, name, value)
    return study


def _named(document: Document, path: tuple[str | int, ...], name: str, folder: Path) -> Document:
    """The document of a hardware or workload file, by its name or its path from the sweep's own folder."""
    target: str | Path = folder / name if is_path(name) else name
    try:
        if path[0] == "hardware":
            found = read_hardware_document(target)
            validate_document(Hardware, found)
        else:
            found = read_workload_document(target)
            build_workload(found)
    except UserError as error:
        raise invalid(document, path, str(error)) from None
    return found


def lay_point(study: Study, workload: Document, settings: dict[str, Any]) -> tuple[Document, Document]:
    """Lay a point's values over its hardware and its network, and give both documents, unchecked.

    ``settings`` are values by dotted path. An error about one of them will name its place in the sweep's file.
    """
    hardware = study.hardware
    for name, value in settings.items():
        source = study.document.place(("parameters", name))
        if name.startswith(WORKLOAD_PREFIX):
            workload = assign_value(workload, name.removeprefix(WORKLOAD_PREFIX), value, source)
        else:
            hardware = assign_value(hardware, name, value, source)
    return resolve_device(hardware), workload


def _try(study: Study, name: str, value: Any) -> None:
    """Refuse a value that is wrong whatever the others are: one whose error names the value's own place."""
    source = study.document.place(("parameters", name))
    for workload in study.workloads.values():
        try:
            hardware, network = lay_point(study, workload, {name: value})
            if name.startswith(WORKLOAD_PREFIX):
                build_workload(network)
            else:
                validate_document(Hardware, hardware)
        except UserError as error:
            if str(error).startswith(f"{source}:"):
                raise
        if not name.startswith(WORKLOAD_PREFIX):
            return


def _values(document: Document, name: str, axis: list[Any] | Range, base: Hardware) -> list[Any]:
    """The values of a parameter, each once, in the order of the file. Raises: UserError."""
    path = ("parameters", name)
    if not all(name.split(".")):
        raise invalid(document, path, "should be a dotted path such as engine.rows")
    if isinstance(axis, Range):
        steps = _steps(axis)
        if len(steps) > MOST_POINTS:
            raise invalid(document, path, f"more than {MOST_POINTS} values; allowed: at most {MOST_POINTS}")
        whole = _is_whole(base, name)
        values: list[Any] = [_rounded(value, whole) for value in steps]
    else:
        values = axis
    once = {(isinstance(value, bool), value): value for value in reversed(values)}
    return [once[key] for key in dict.fromkeys((isinstance(value, bool), value) for value in values)]


def _steps(axis: Range) -> list[float]:
    """The values of a range, the last one only if whole steps reach it; from the first, so that no rounding adds up."""
    first, last, spacing = axis.start, axis.to, axis.spacing
    if axis.count is not None:
        shares = [index / (axis.count - 1) for index in range(axis.count)]
        return [spacing.at_share(first, last, share) for share in shares[:-1]] + [last]
    step = axis.step or spacing.default_step
    values: list[float] = []
    value, slack = first, 1 + 1e-12
    while value <= last * slack if last > 0 else value <= last / slack:
        values.append(value)
        if len(values) > MOST_POINTS:
            break
        value = spacing.at_step(first, step, len(values))
    return values


def _is_whole(base: Hardware, name: str) -> bool:
    """Whether a parameter of the hardware is a whole number, as its value in the file is one."""
    here: Any = base
    for key in name.split("."):
        here = getattr(here, key, None)
    return isinstance(here, int) and not isinstance(here, bool)


def _rounded(value: float, whole: bool) -> int | float:
    """A whole number where the parameter or the value is one; else rounded to 12 digits."""
    return round(value) if whole or value == int(value) else float(f"{value:.12g}")


def _flat(data: dict[str, Any], above: str = "") -> list[tuple[str, Any]]:
    """The scalars of nested mappings, each with its dotted path."""
    pairs: list[tuple[str, Any]] = []
    for key, value in data.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{above}{key}.")
        elif not isinstance(value, list):
            pairs.append((above + key, value))
    return pairs
