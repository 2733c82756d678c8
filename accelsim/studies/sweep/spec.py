"""What a sweep's file says, checked, with the hardware and networks that it names."""

from __future__ import annotations

from collections.abc import Mapping
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
from accelsim.workload.network import build_workload

MOST_POINTS = 1_000_000
Scale = Literal["linear", "log2", "log10"]


def _scalar(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise PydanticCustomError("scalar", "should be a number, a word, true, false or null")
    return value


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Range(Value):
    """Values from one end to the other, both included: by ``step`` or ``count``, else 1, times 2, or times 10 apart."""

    start: float = Field(alias="from")
    to: float
    scale: Scale = "linear"
    step: Positive | None = None  #: a difference; on a logarithmic scale a factor
    count: Annotated[int, Field(ge=2, le=MOST_POINTS)] | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Range:
        if self.start >= self.to:
            raise ValueError(f"from should be below to, got {self.start:g} and {self.to:g}")
        if self.step is not None and self.count is not None:
            raise ValueError("step and count say the same; give one of them")
        if self.scale != "linear" and self.start <= 0:
            raise ValueError(f"scale: {self.scale} needs from above 0, got {self.start:g}")
        if self.scale != "linear" and self.step is not None and self.step <= 1:
            raise ValueError(f"step is a factor on scale: {self.scale}, and should be above 1, got {self.step:g}")
        return self


def _form(value: Any) -> str:
    return "range" if isinstance(value, dict) else "list"


Scalars = Annotated[list[Annotated[Any, BeforeValidator(_scalar)]], Field(min_length=1)]
Axis = Annotated[Annotated[Scalars, Tag("list")] | Annotated[Range, Tag("range")], Discriminator(_form)]


class Spec(Value):
    """A sweep: which points of the grid that ``parameters`` span are simulated, for each network."""

    hardware: str
    workload: Annotated[list[str], BeforeValidator(_list), Field(min_length=1)]
    method: Literal["grid", "random", "sobol"] = "grid"
    points: Annotated[int, Field(ge=1, le=MOST_POINTS)] | None = None  #: random, sobol: how many, for each network
    seed: Count = 0
    parameters: Annotated[dict[str, Axis], Field(min_length=1)]
    constraints: list[str] = Field(default_factory=list)
    fidelity: Literal["closed", "stepped"] = "closed"
    dram: DramFidelity = "ideal"

    @property
    def shares(self) -> bool:
        """Whether points share what they have in common; else each is simulated by itself."""
        return self.fidelity == "closed" and self.dram == "ideal"

    @model_validator(mode="after")
    def _as_many_as_the_method_wants(self) -> Spec:
        if self.method != "grid" and self.points is None:
            raise ValueError(f"method: {self.method} needs points, the number of points to draw")
        if self.method == "grid" and self.points is not None:
            raise ValueError("points belongs to method: random or sobol; a grid has all of its points")
        if len(set(self.workload)) < len(self.workload):
            raise ValueError("workload: a network is named twice")
        return self


class Study(NamedTuple):
    """A checked sweep: what its points start from, and the values of each parameter."""

    spec: Spec
    document: Document
    hardware: Document
    workloads: dict[str, Document]
    axes: dict[str, list[Any]]
    constants: dict[str, Any]  #: of the hardware as it stands, by dotted path


def read_study(source: str | Path | Mapping[str, Any]) -> Study:
    """A sweep's file, or a mapping of the same keys, checked as far as can be without simulating.

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
        for value in values[: 2 * len(networks) + 100]:  # a long range is right if its beginning is
            _try(study, name, value)
    return study


def _named(document: Document, path: tuple[str | int, ...], name: str, folder: Path) -> Document:
    """The document that a name or a path (from the sweep's own folder) stands for."""
    load = read_hardware_document if path[0] == "hardware" else read_workload_document
    target: str | Path = folder / name if is_path(name) else name
    try:
        found = load(target)
        validate_document(Hardware, found) if path[0] == "hardware" else build_workload(found)
    except UserError as error:
        raise invalid(document, path, str(error)) from None
    return found


def lay_point(study: Study, workload: Document, settings: dict[str, Any]) -> tuple[Document, Document]:
    """Hardware and network of a point, unchecked; errors of a value lead to its place in the sweep's file."""
    hardware = study.hardware
    for name, value in settings.items():
        source = study.document.place(("parameters", name))
        if name.startswith(WORKLOAD_PREFIX):
            workload = assign_value(workload, name.removeprefix(WORKLOAD_PREFIX), value, source)
        else:
            hardware = assign_value(hardware, name, value, source)
    return resolve_device(hardware), workload


def _try(study: Study, name: str, value: Any) -> None:
    """Refuse a value that is wrong whatever the others are: what is told of its own place, not of the whole's."""
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
    """The values of a parameter, each once, in the order of the file."""
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
    """Both ends included as far as whole steps reach; computed from the first, so that no rounding adds up."""
    first, last = axis.start, axis.to
    if axis.count is not None:
        shares = [index / (axis.count - 1) for index in range(axis.count)]
        if axis.scale == "linear":
            return [first + share * (last - first) for share in shares[:-1]] + [last]
        return [first * (last / first) ** share for share in shares[:-1]] + [last]
    step = axis.step or {"linear": 1.0, "log2": 2.0, "log10": 10.0}[axis.scale]
    values: list[float] = []
    value, slack = first, 1 + 1e-12
    while value <= last * slack if last > 0 else value <= last / slack:
        values.append(value)
        if len(values) > MOST_POINTS:
            break
        value = first + len(values) * step if axis.scale == "linear" else first * step ** len(values)
    return values


def _is_whole(base: Hardware, name: str) -> bool:
    """Whether a value of the hardware is a whole number."""
    here: Any = base
    for key in name.split("."):
        here = getattr(here, key, None)
    return isinstance(here, int) and not isinstance(here, bool)


def _rounded(value: float, whole: bool) -> int | float:
    """A whole number where the parameter is one, or where the value is; else to 12 digits."""
    return round(value) if whole or value == int(value) else float(f"{value:.12g}")


def _flat(data: dict[str, Any], above: str = "") -> list[tuple[str, Any]]:
    """Scalars of nested mappings by dotted path."""
    pairs: list[tuple[str, Any]] = []
    for key, value in data.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{above}{key}.")
        elif not isinstance(value, list):
            pairs.append((above + key, value))
    return pairs
