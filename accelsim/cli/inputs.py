"""Hardware and network as the options ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelsim.cli.options import PrecisionOption
    from accelsim.hardware import Hardware
    from accelsim.workload.network import Workload


def chosen(
    workload: str, hw: str, settings: list[str] | None, precision: PrecisionOption | None, sparsity: str | None
) -> tuple[Hardware, Workload]:
    """Hardware and network with the settings, then the precision, then the sparsity laid over them."""
    from accelsim.compress import apply_precision, apply_sparsity
    from accelsim.config import UserError
    from accelsim.load import load_hardware, load_workload, split_settings

    of_hardware, of_workload = split_settings(settings or [])
    hardware, network = load_hardware(hw, of_hardware), load_workload(workload, of_workload)
    if precision is not None:
        hardware, network = apply_precision(hardware, network, precision.value)
    if sparsity is not None and any(text.startswith("engine.pattern=") for text in of_hardware):
        raise UserError(f"--sparsity {sparsity}: sets engine.pattern, as a --set does; give one of them")
    if sparsity is not None:
        hardware, network = apply_sparsity(hardware, network, sparsity)
    return hardware, network


def profiled(network: Workload, name: str | None, accuracy: str | None) -> tuple[Workload, list[str]]:
    """The network at a profile's widths, if one is named, and notes on where they come from."""
    from accelsim.config import UserError
    from accelsim.workload.precision_profiles import apply_profile, find_profile_file, read_profile

    if not name:
        if accuracy is not None:
            raise UserError(f"--accuracy {accuracy}: is a row of a profile; give --precision-profile as well")
        return network, []
    path, accuracy = find_profile_file(name), accuracy or "100%"
    profile = read_profile(path, network.name, accuracy)
    return apply_profile(network, profile), [f"activation widths of {path.name} at {accuracy}: {profile.provenance}"]


def run_title(hardware: Hardware, network: Workload, settings: list[str] | None) -> str:
    """Network and hardware of a report, with what was set."""
    title = f"{network.name} on {hardware.name} ({hardware.engine.precision}, batch {network.file.batch})"
    return f"{title} with {', '.join(settings)}" if settings else title


def above_zero(option: str, value: float | None, zero: bool = False) -> None:
    """Raises: UserError for a number of an option that is not above 0, or with zero not 0 either."""
    from math import isfinite

    from accelsim.config import UserError

    if value is not None and not (isfinite(value) and (value > 0 or (zero and value == 0))):
        allowed = "0 or a number above it" if zero else "a number above 0"
        raise UserError(f"{option}: should be {allowed}, got {value:g}")
