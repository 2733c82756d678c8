"""The dutycycle command."""

from __future__ import annotations

from typing import Annotated

import typer

from accelsim.cli.app import app
from accelsim.cli.inputs import above_zero, chosen, run_title
from accelsim.cli.options import DramArgument, HardwareArgument, JsonArgument, PrecisionArgument, SettingsArgument
from accelsim.cli.output import show

OF_EVENTS = ("events_per_hour", "hit", "false_alarms_per_hour")
NEEDS = (  # options, those of which one has to be there for them, and how a message says so
    (OF_EVENTS, ("detector", "detector_mw"), "--detector WORKLOAD or --detector-mw P"),
    (("detector_hw", "detector_period_s"), ("detector",), "--detector WORKLOAD"),
    (("battery_v", "battery_usable", "self_discharge"), ("battery_mah",), "--battery-mah MAH"),
)


@app.command("dutycycle")
def dutycycle_command(
    context: typer.Context,
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="Shipped name, YAML, ONNX or SCALE-Sim CSV.")],
    hw: HardwareArgument = "edge_npu",
    period_s: Annotated[float, typer.Option(metavar="T", help="An inference every T seconds.")] = 1.0,
    then: Annotated[
        list[str] | None,
        typer.Option(metavar="WORKLOAD", help="Runs if the network before does not answer. Repeats: a cascade."),
    ] = None,
    answers: Annotated[
        list[float] | None,
        typer.Option(metavar="P", help="Probability that a network before --then answers; one for each --then."),
    ] = None,
    sleep_mw: Annotated[float | None, typer.Option(metavar="P", help="Power of the sleeping device, mW.")] = None,
    wake_ms: Annotated[float | None, typer.Option(metavar="T", help="Time of one wake-up, ms.")] = None,
    wake_uj: Annotated[float | None, typer.Option(metavar="E", help="Energy of one wake-up, uJ.")] = None,
    battery_mah: Annotated[
        float | None, typer.Option(metavar="MAH", help="Charge of the battery whose life is reported, mAh.")
    ] = None,
    battery_v: Annotated[float, typer.Option(metavar="V", help="Voltage of the battery, V.")] = 3.7,
    battery_usable: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the charge, 0 to 1, that reaches the device.")
    ] = 0.8,
    self_discharge: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of the charge, 0 to 1, that the battery loses by itself each month."),
    ] = 0.02,
    detector: Annotated[
        str | None,
        typer.Option(metavar="WORKLOAD", help="A small network that is always on and wakes the others on events."),
    ] = None,
    detector_hw: Annotated[str, typer.Option(metavar="HW", help="What it runs on.")] = "mcu_npu",
    detector_period_s: Annotated[float, typer.Option(metavar="T", help="How often it looks.")] = 1.0,
    detector_mw: Annotated[
        float | None, typer.Option(metavar="P", help="Power of a detector, instead of --detector.")
    ] = None,
    events_per_hour: Annotated[float, typer.Option(metavar="N", help="Events to be detected.")] = 10.0,
    hit: Annotated[float, typer.Option(metavar="P", help="Probability that one is detected.")] = 0.95,
    false_alarms_per_hour: Annotated[float, typer.Option(metavar="N", help="Wake-ups for nothing.")] = 1.0,
    settings: SettingsArgument = None,
    precision: PrecisionArgument = None,
    dram: DramArgument = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Write dutycycle.json there.")] = None,
    as_json: JsonArgument = False,
) -> None:
    """Average power and battery life of a device that sleeps between inferences, cascades, or is woken by events."""
    from accelsim.config.files import format_json, prepare_folder
    from accelsim.report.dutycycle import DUTYCYCLE_FILES, dutycycle_record, dutycycle_report, write_dutycycle
    from accelsim.studies.dutycycle import dutycycle

    above_zero("--period-s", period_s)
    above_zero("--detector-period-s", detector_period_s)
    for option, value in (("--sleep-mw", sleep_mw), ("--wake-ms", wake_ms), ("--wake-uj", wake_uj)):
        above_zero(option, value, zero=True)
    shares = _answers(then, answers)
    machines = [chosen(name, hw, settings, precision, None) for name in (workload, *(then or []))]
    hardware, networks = machines[0][0], list(zip((network for _, network in machines), shares, strict=True))
    battery = _battery(battery_mah, battery_v, battery_usable, self_discharge)
    rates = _rates(detector_mw, events_per_hour, hit, false_alarms_per_hour)
    _refuse_unused(context)
    notes: list[str] = []
    if detector is not None:
        detector_mw, notes = _detector(detector, detector_hw, detector_period_s, detector_mw)
    folder = None if out is None else prepare_folder(out, DUTYCYCLE_FILES)
    sleep = {"period_s": period_s, "sleep_mw": sleep_mw, "wake_ms": wake_ms, "wake_uj": wake_uj}
    use = {**sleep, **battery, "detector_mw": detector_mw, **rates}
    found = dutycycle(hardware, networks, use, dram.value if dram else None)
    found = found._replace(notes=[*found.notes, *notes])
    record = dutycycle_record(found, {"hardware": hardware.name, "settings": settings or []})
    written = [] if folder is None else write_dutycycle(folder, record)
    if as_json:
        typer.echo(format_json(record), nl=False)
        return
    show(dutycycle_report(found, run_title(hardware, networks[0][0], settings)))
    for path in written:
        typer.echo(f"wrote {path}")


def _refuse_unused(context: typer.Context) -> None:
    """Raises: UserError for an option that would change nothing without another one, or beside it."""
    from accelsim.config import UserError

    given = [name for name in context.params if getattr(context.get_parameter_source(name), "name", "") != "DEFAULT"]
    for name in given:
        for options, needed, told in NEEDS:
            if name in options and not set(needed) & set(given):
                raise UserError(f"--{name.replace('_', '-')} {context.params[name]}: needs {told}")
    if "period_s" in given and {"detector", "detector_mw"} & set(given):
        raise UserError(
            f"--period-s {context.params['period_s']:g}: with a detector events start inferences, and not"
            " a period; leave it out"
        )


def _answers(then: list[str] | None, answers: list[float] | None) -> list[float]:
    """Of each network; the last one always does."""
    from accelsim.config import UserError

    given, needed = answers or [], len(then or [])
    if len(given) != needed:
        told = "one --answers P for each --then WORKLOAD: the probability that the network before it answers"
        raise UserError(f"--answers: {told}; got {len(given)} for {needed}")
    for value in given:
        _probability("--answers", value)
    return [*given, 1.0]


def _probability(option: str, value: float) -> None:
    from accelsim.config import UserError

    if not 0 <= value <= 1:
        raise UserError(f"{option}: should be a probability from 0 to 1, got {value:g}")


def _battery(mah: float | None, volt: float, usable: float, self_discharge: float) -> dict[str, float | None]:
    """The battery's part of a device's use. Raises: UserError."""
    above_zero("--battery-mah", mah)
    above_zero("--battery-v", volt)
    above_zero("--battery-usable", usable)
    for option, value in (("--battery-usable", usable), ("--self-discharge", self_discharge)):
        _probability(option, value)
    return {
        "battery_mah": mah,
        "battery_v": volt,
        "battery_usable": usable,
        "self_discharge_per_month": self_discharge,
    }


def _rates(power_mw: float | None, events: float, hit: float, false_alarms: float) -> dict[str, float | None]:
    """The events' part of a device's use. Raises: UserError."""
    above_zero("--detector-mw", power_mw, zero=True)
    for option, value in (("--events-per-hour", events), ("--false-alarms-per-hour", false_alarms)):
        above_zero(option, value, zero=True)
    _probability("--hit", hit)
    return {"events_per_hour": events, "hit": hit, "false_alarms_per_hour": false_alarms}


def _detector(name: str, hw: str, period_s: float, power_mw: float | None) -> tuple[float, list[str]]:
    """The average power of a network as detector, and what was assumed for it."""
    from accelsim.config import UserError
    from accelsim.load import load_hardware, load_workload
    from accelsim.studies.dutycycle import find_detector_mw

    if power_mw is not None:
        raise UserError(f"--detector {name}: its power comes from its runs; leave --detector-mw out")
    hardware, network = load_hardware(hw), load_workload(name)
    looks = f"detector: {network.name} on {hardware.name} every {period_s:g} s, which idles in between, all of it on"
    return find_detector_mw(hardware, network, period_s), [f"{looks}; --detector-mw states its power"]
