"""The points of a sweep: which combinations of the parameters' values, each once, in a fixed order."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from accelsim.config import UserError, invalid
from accelsim.studies.sweep.constraints import Constraint, parse_constraint, refuse_unknown
from accelsim.studies.sweep.outcomes import POINT_FIGURES
from accelsim.studies.sweep.sobol import DIMENSIONS, SOBOL_BITS, generate_sobol
from accelsim.studies.sweep.spec import MOST_POINTS, Study

MOST_DRAWS = 5_000_000  # before a sampler that meets only what it has, or what is excluded, stops


class DesignPoint(NamedTuple):
    """One combination of values (in the order of the parameters), for one network."""

    number: int
    workload: str
    values: tuple[Any, ...]


class Design(NamedTuple):
    """All points in order, and the constraints on results, which only a simulation can decide."""

    points: list[DesignPoint]
    on_results: list[Constraint]
    constants: dict[str, Any]  #: what they may speak of besides: values of the hardware by dotted path


def design(study: Study) -> Design:
    """The points of a sweep that its constraints on parameters leave.

    Raises: UserError where there are none, or more than a million.
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
    return math.prod(len(values) for values in study.axes.values())


def _refuse_too_many(study: Study, wanted: int) -> None:
    size, networks, spec = _size(study), len(study.workloads), study.spec
    if spec.points is not None and spec.points > size:
        path, told = ("points",), f"{spec.points} of a grid that has {size}; allowed: at most {size}"
        raise invalid(study.document, path, told)
    if wanted * networks > MOST_POINTS:
        path = ("parameters",) if spec.points is None else ("points",)
        raise invalid(
            study.document,
            path,
            f"{wanted * networks} points in all; allowed: at most {MOST_POINTS}; thin the values"
            " out, or draw some with method: sobol and points",
        )
    if spec.method == "sobol" and len(study.axes) > DIMENSIONS:
        told = f"{len(study.axes)} parameters; method: sobol takes at most {DIMENSIONS}"
        raise invalid(study.document, ("parameters",), told)


def _constraints(study: Study) -> tuple[list[tuple[int, Constraint]], list[Constraint]]:
    """Constraints on parameters alone, with their places in the file, and those on results."""
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
    """Distinct combinations in the method's order; every one there is, in the end, where a sampler can tell."""
    axes = list(study.axes.values())
    if study.spec.method == "sobol":
        numbers = _sobol_numbers([len(values) for values in axes], study.spec.seed)
    elif study.spec.method == "random":
        numbers = _random_numbers(_size(study), study.spec.seed)
    else:
        numbers = iter(range(_size(study)))
    for number in numbers:
        yield _combination(number, axes)


def _combination(number: int, axes: list[list[Any]]) -> tuple[Any, ...]:
    """A combination by its number; the last parameter varies fastest."""
    values: list[Any] = []
    for axis in reversed(axes):
        number, index = divmod(number, len(axis))
        values.append(axis[index])
    return tuple(reversed(values))


def _random_numbers(size: int, seed: int) -> Iterator[int]:
    source = random.Random(seed)
    if size <= MOST_POINTS:
        yield from source.sample(range(size), size)
        return
    yield from _once(source.randrange(size) for _ in range(MOST_DRAWS))


def _sobol_numbers(lengths: list[int], seed: int) -> Iterator[int]:
    """Each coordinate picks a value of its parameter. What the sequence never meets in small grids comes last."""
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


def _once(numbers: Iterator[int]) -> Iterator[int]:
    seen: set[int] = set()
    for number in numbers:
        if number not in seen:
            seen.add(number)
            yield number
