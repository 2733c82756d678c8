"""The points of a sweep: combinations of the parameters' values, each once, in an order that the seed fixes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from accelsim.config import UserError, invalid
from accelsim.studies.sweep.constraints import Constraint, parse_constraint, refuse_unknown
from accelsim.studies.sweep.outcomes import POINT_FIGURES
from accelsim.studies.sweep.sobol import DIMENSIONS, SOBOL_BITS, generate_sobol
from accelsim.studies.sweep.spec import MOST_POINTS, SamplingMethod, Study

MOST_DRAWS = 5_000_000  # after which a sampler stops that meets only known or excluded points


class DesignPoint(NamedTuple):
    """One combination of the parameters' values, for one network."""

    number: int  #: place among all points, from 0
    workload: str  #: the network, as the sweep's file names it
    values: tuple[Any, ...]  #: a value for each parameter, in their order


class Design(NamedTuple):
    """The points of a sweep in order, and the constraints that only the results of a point can decide."""

    points: list[DesignPoint]
    on_results: list[Constraint]
    constants: dict[str, Any]  #: values of the hardware file by dotted path, which constraints may name as well


def choose_points(study: Study) -> Design:
    """Choose the points of a sweep by its method, without those that a constraint on parameters excludes.

    Raises: UserError where no point is left, for more than a million of them, for a sample larger than its grid, and
    for a constraint that cannot be read or decided.
    """
    before, after = _constraints(study)
    names = list(study.axes)
    chosen: list[tuple[Any, ...]] = []
    wanted = study.spec.points or _size(study)
    _refuse_too_many(study, wanted)
    for index, values in enumerate(_candidates(study)):
        known = study.constants | dict(zip(names, values, strict=True)) if before else {}
        if all(_holds(study, constraint, number, known) for number, constraint in before):
            chosen.append(values)
        if len(chosen) == wanted or index >= MOST_DRAWS:
            break
    if not chosen:
        raise invalid(study.document, ("constraints",), "they exclude every point of the sweep")
    pairs = ((values, workload) for values in chosen for workload in study.workloads)
    points = [DesignPoint(number, workload, values) for number, (values, workload) in enumerate(pairs)]
    return Design(points, after, study.constants)


def _size(study: Study) -> int:
    """Points of the whole grid, for one network."""
    return math.prod(len(values) for values in study.axes.values())


def _refuse_too_many(study: Study, wanted: int) -> None:
    """Raises: UserError for more points than the grid has or a sweep takes, and for too many parameters of sobol."""
    size, networks, spec = _size(study), len(study.workloads), study.spec
    if spec.points is not None and spec.points > size:
        problem = f"{spec.points} of a grid that has {size}; allowed: at most {size}"
        raise invalid(study.document, ("points",), problem)
    if wanted * networks > MOST_POINTS:
        path = ("parameters",) if spec.points is None else ("points",)
        raise invalid(
            study.document,
            path,
            f"{wanted * networks} points in all; allowed: at most {MOST_POINTS}; thin the values"
            " out, or draw some with method: sobol and points",
        )
    if spec.method == "sobol" and len(study.axes) > DIMENSIONS:
        problem = f"{len(study.axes)} parameters; method: sobol takes at most {DIMENSIONS}"
        raise invalid(study.document, ("parameters",), problem)


def _constraints(study: Study) -> tuple[list[tuple[int, Constraint]], list[Constraint]]:
    """Parse the constraints: those on parameters alone, each with its place in the list, and those on results."""
    before: list[tuple[int, Constraint]] = []
    after: list[Constraint] = []
    for number, text in enumerate(study.spec.constraints):
        try:
            constraint = parse_constraint(text)
            refuse_unknown(constraint, {*study.axes, *POINT_FIGURES, *study.constants})
        except UserError as error:
            raise invalid(study.document, ("constraints", number), str(error)) from None
        if constraint.names & set(POINT_FIGURES):
            after.append(constraint)
        else:
            before.append((number, constraint))
    return before, after


def _holds(study: Study, constraint: Constraint, number: int, known: dict[str, Any]) -> bool:
    try:
        return constraint.holds(known)
    except UserError as error:
        raise invalid(study.document, ("constraints", number), str(error)) from None


def _candidates(study: Study) -> Iterator[tuple[Any, ...]]:
    """Distinct combinations in the method's order; in the end all of them, unless the grid is too large to list."""
    axes = list(study.axes.values())
    for number in _NUMBERS[study.spec.method]([len(values) for values in axes], study.spec.seed):
        yield _combination(number, axes)


def _combination(number: int, axes: list[list[Any]]) -> tuple[Any, ...]:
    """The combination with a number from 0; the last parameter varies fastest."""
    values: list[Any] = []
    for axis in reversed(axes):
        number, index = divmod(number, len(axis))
        values.append(axis[index])
    return tuple(reversed(values))


def _grid_numbers(lengths: list[int], seed: int) -> Iterator[int]:
    """Every combination in order, for axes of these lengths."""
    return iter(range(math.prod(lengths)))


def _random_numbers(lengths: list[int], seed: int) -> Iterator[int]:
    """Combinations in random order, each once."""
    size, source = math.prod(lengths), random.Random(seed)
    if size <= MOST_POINTS:
        yield from source.sample(range(size), size)
        return
    yield from _once(source.randrange(size) for _ in range(MOST_DRAWS))


def _sobol_numbers(lengths: list[int], seed: int) -> Iterator[int]:
    """Combinations in the order of Sobol's sequence, a coordinate for each parameter, each combination once.

    In a small grid those that the sequence never meets come last.
    """
    size = math.prod(lengths)

    def numbers() -> Iterator[int]:
        draws = min(MOST_DRAWS, 16 * size)
        for _, point in zip(range(draws), generate_sobol(len(lengths), seed), strict=False):
            number = 0
            for coordinate, length in zip(point, lengths, strict=True):
                number = number * length + (coordinate * length >> SOBOL_BITS)
            yield number
        if size <= MOST_POINTS:
            yield from range(size)

    yield from _once(numbers())


_NUMBERS: Mapping[SamplingMethod, Callable[[list[int], int], Iterator[int]]] = {
    "grid": _grid_numbers,
    "random": _random_numbers,
    "sobol": _sobol_numbers,
}


def _once(numbers: Iterator[int]) -> Iterator[int]:
    """Each number where it stands first."""
    seen: set[int] = set()
    for number in numbers:
        if number not in seen:
            seen.add(number)
            yield number
