"""Sparsity: run a network with weights that are dense, in an n:m pattern, or partly zero without a pattern."""

from __future__ import annotations

from accelsim.config import UserError
from accelsim.hardware import Hardware
from accelsim.hardware.sparsity import DENSE, PATTERNS_ALLOWED, parse_pattern
from accelsim.workload.network import Workload, set_sparsity


def apply_sparsity(hardware: Hardware, workload: Workload, sparsity: str) -> tuple[Hardware, Workload]:
    """Apply a sparsity to a machine and a network; layers that state their own ``weight_sparsity`` keep it.

    ``sparsity`` is ``dense``, a pattern such as ``2:4``, or the share of weights that are zero, such as ``0.5``. Only
    an engine with patterns gains cycles, and only from a pattern: on all others a pattern counts as its share of zeros.

    Raises: UserError for a text that is no sparsity, and for a share of zeros on an engine whose pattern is set.
    """
    structured = sparsity == DENSE or ":" in sparsity
    try:
        pattern, share = (parse_pattern(sparsity), 0.0) if structured else (None, float(sparsity))
    except ValueError:
        raise _refused(sparsity) from None
    if not 0 <= share < 1:
        raise _refused(sparsity)
    if share and hardware.engine.sparse_pattern:
        raise UserError(
            f"--sparsity {sparsity}: zeros anywhere are not in {hardware.name}'s engine.pattern"
            f" {hardware.engine.sparse_pattern}; allowed: an n:m pattern, or --set engine.pattern=dense as well"
        )
    engine = hardware.engine.with_pattern(sparsity if pattern else DENSE)
    if engine is not None:
        hardware = hardware.model_copy(update={"engine": engine})
    elif pattern:
        share = float(1 - 1 / pattern.speedup)
    return hardware, set_sparsity(workload, share) if share else workload


def _refused(sparsity: str) -> UserError:
    return UserError(
        f"--sparsity {sparsity}: allowed: {PATTERNS_ALLOWED}, or a share of zeros from 0 to below 1, such as 0.5"
    )
