"""DRAM devices of banks as a file under hwconfigs/dram describes them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from accelsim.config import Name, Size, Value
from accelsim.config.integers import ceil_div
from accelsim.hardware.datasheet import Currents, InputOutput, Timing

FIELDS = {"ch": "channel", "ra": "rank", "bg": "bank group", "ba": "bank", "ro": "row", "co": "column"}
PagePolicy = Literal["open", "closed"]
CommandBuses = Literal[1, 2]
Nanoseconds = Annotated[float, Field(ge=1e-3, le=1e3)]


class MemoryController(Value):
    """Queues and policies of the controller of each channel."""

    transaction_queue: Annotated[int, Field(ge=2, le=128)] = 32
    """Number of reads that can wait in the controller of a channel; as many writes can wait besides."""
    bank_queue: Annotated[int, Field(ge=1, le=32)] = 8
    """Number of requests that the command queue of one bank holds."""
    row_hit_cap: Annotated[int, Field(ge=1, le=10**6)] = 4
    """Number of reads or writes of an open row after which a waiting request for another row goes first."""
    idle_drain: Annotated[int, Field(ge=0, le=128)] = 8
    """Number of waiting writes above which they are written as soon as no bank has other work."""
    command_buses: CommandBuses = 1
    """Commands that may issue in one cycle: with 2, a row command and a column command go together."""


class BankedDevice(Value):
    """A DRAM of channels, ranks, bank groups and banks, driven command by command."""

    can_extend: ClassVar[bool] = True

    kind: Literal["banked"]
    """Kind of the device: a DRAM of banks, driven by commands."""
    name: Name
    """Name of the device."""
    description: str = ""
    """What the device is, in a sentence or two."""
    tck_ns: Nanoseconds
    """Period of the command clock, ns."""
    channels: Size
    """Number of channels, a power of two, at most 128."""
    ranks: Size
    """Number of ranks of a channel, a power of two, at most 8."""
    bank_groups: Size
    """Number of bank groups of a rank, a power of two."""
    banks_per_group: Size
    """Number of banks of a bank group, a power of two; a channel has at most 64 banks in all."""
    rows: Size
    """Number of rows of a bank, a power of two."""
    columns: Size
    """Number of columns of a row, a power of two; each column is as wide as the bus."""
    bus_width_bits: Size
    """Width of a channel's data bus, bits: a power of two, 8 or more."""
    device_width_bits: Size
    """Width of one device's data bus, bits; as many devices as fill the channel's bus work together."""
    burst_length: Size
    """Number of transfers over the bus that one read or write command makes, a power of two."""
    beats_per_cycle: Size
    """Number of transfers over the bus in one cycle of the command clock: 2 at double data rate."""
    mapping: str
    """Fields of an address, most significant first: each of ro (row), ch, ra, bg, ba and co (column) once."""
    page_policy: PagePolicy = "open"
    """Whether a row stays open after a command (open) or is closed at once (closed)."""
    refresh: bool = True
    """Whether the device is refreshed."""
    controller: MemoryController = MemoryController()
    """Queues and policies of the memory controller."""
    timing_cycles: Timing
    """Least times between commands, cycles of the command clock."""
    currents_ma: Currents
    """Supply voltage and currents, from which the energy of commands follows, mA."""
    io: InputOutput
    """Energy on the wires between controller and device."""

    @model_validator(mode="after")
    def _shape(self) -> BankedDevice:
        for key in (
            "channels",
            "ranks",
            "bank_groups",
            "banks_per_group",
            "rows",
            "columns",
            "bus_width_bits",
            "device_width_bits",
            "burst_length",
        ):
            value = getattr(self, key)
            if value & (value - 1):
                raise ValueError(f"{key}: should be a power of two, got {value}")
        for key, value, most in (
            ("channels", self.channels, 128),
            ("ranks", self.ranks, 8),
            ("banks of a channel", self.banks, 64),
        ):
            if value > most:
                raise ValueError(f"{key}: should be at most {most}, got {value}")
        if self.bus_width_bits < 8 or self.device_width_bits > self.bus_width_bits:
            raise ValueError("bus_width_bits: should be 8 or more and no narrower than a device")
        if self.columns < self.burst_length:
            raise ValueError(f"columns: should hold a burst of {self.burst_length}, got {self.columns}")
        closing = self.timing_cycles.trfc + self.timing_cycles.tras + self.timing_cycles.trp
        if self.refresh and self.timing_cycles.trefi <= closing:
            got = self.timing_cycles.trefi
            raise ValueError(f"timing_cycles: trefi should be more than trfc + tras + trp, {closing}, got {got}")
        check_mapping(self.mapping)
        return self

    @property
    def banks(self) -> int:
        """Number of banks of a channel."""
        return self.ranks * self.bank_groups * self.banks_per_group

    @property
    def devices_per_rank(self) -> int:
        """Number of devices that fill the bus together."""
        return self.bus_width_bits // self.device_width_bits

    @property
    def request_bytes(self) -> int:
        """Bytes that one read or write command moves."""
        return self.bus_width_bits // 8 * self.burst_length

    @property
    def burst_cycles(self) -> int:
        """Cycles of the command clock that one read or write occupies the data bus."""
        return ceil_div(self.burst_length, self.beats_per_cycle)

    @property
    def capacity_bytes(self) -> int:
        """Capacity of all channels, bytes."""
        return self.channels * self.banks * self.rows * self.columns * self.bus_width_bits // 8

    @property
    def peak_gb_s(self) -> float:
        """Peak bandwidth of all channels, 1e9 bytes a second."""
        return self.channels * self.request_bytes / (self.burst_cycles * self.tck_ns)

    @property
    def access_ns(self) -> float:
        """Time to open a row and read a burst of it, ns."""
        t = self.timing_cycles
        return (t.trcd_read + t.al + t.cl + self.burst_cycles) * self.tck_ns

    @property
    def pj_per_ma_cycle(self) -> float:
        """Energy of 1 mA in each device of a rank for one cycle, pJ."""
        return self.currents_ma.supply_v * self.tck_ns * self.devices_per_rank

    @property
    def row_cycle_ma_cycles(self) -> float:
        """Charge of an activate and its precharge above standby, mA cycles (Micron TN-40-07; DRAMsim3)."""
        t, i = self.timing_cycles, self.currents_ma
        return i.idd0 * (t.tras + t.trp) - i.idd3n * t.tras - i.idd2n * t.trp

    @property
    def stream_pj_per_bit(self) -> float:
        """Energy of a bit when whole rows are read in turn, pJ: with the wires, without standby."""
        i, bursts = self.currents_ma, self.columns // self.burst_length
        row = self.row_cycle_ma_cycles + (i.idd4r - i.idd3n) * self.burst_cycles * bursts
        return row * self.pj_per_ma_cycle / (8 * self.request_bytes * bursts) + self.io.read_pj_per_bit

    @property
    def standby_mw(self) -> float:
        """Power while all banks are closed and refreshed, mW."""
        t, i = self.timing_cycles, self.currents_ma
        refresh = (i.idd5ab - i.idd3n) * t.trfc / t.trefi if self.refresh else 0.0
        return (i.idd2n + refresh) * self.pj_per_ma_cycle / self.tck_ns * self.ranks * self.channels

    @property
    def field_bits(self) -> dict[str, int]:
        """Number of address bits of each field of the mapping."""
        sizes = {
            "ch": self.channels,
            "ra": self.ranks,
            "bg": self.bank_groups,
            "ba": self.banks_per_group,
            "ro": self.rows,
            "co": self.columns // self.burst_length,
        }
        return {field: size.bit_length() - 1 for field, size in sizes.items()}

    @property
    def shifts(self) -> dict[str, int]:
        """Lowest bit of each field of the mapping in the number of a burst."""
        places, place = {}, 0
        for field in reversed(mapping_fields(self.mapping)):
            places[field] = place
            place += self.field_bits[field]
        return places


def mapping_fields(mapping: str) -> list[str]:
    """The fields of a mapping, two letters each, from the most significant to the least."""
    return [mapping[i : i + 2] for i in range(0, len(mapping), 2)]


def check_mapping(mapping: str) -> None:
    """Check that a mapping names each field once. Raises: ValueError for one that is unknown, missing or repeated."""
    fields = mapping_fields(mapping)
    allowed = f"each of {', '.join(FIELDS)} once, from the most significant to the least"
    for field in fields:
        if field not in FIELDS:
            raise ValueError(f"mapping: no field '{field}' in '{mapping}'; allowed: {allowed}")
        if fields.count(field) > 1:
            raise ValueError(f"mapping: '{field}' ({FIELDS[field]}) stands twice in '{mapping}'; allowed: {allowed}")
    missing = [field for field in FIELDS if field not in fields]
    if missing:
        field = missing[0]
        raise ValueError(f"mapping: '{field}' ({FIELDS[field]}) is missing in '{mapping}'; allowed: {allowed}")
