"""Memory devices as a file under hwconfigs/dram describes them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from accelsim.config import Count, Name, NonNegative, Positive, Size, Value
from accelsim.config.integers import ceil_div

FIELDS = {"ch": "channel", "ra": "rank", "bg": "bank group", "ba": "bank", "ro": "row", "co": "column"}
PagePolicy = Literal["open", "closed"]
CommandBuses = Literal[1, 2]
Mhz = Annotated[float, Field(ge=1e-3, le=1e5)]
Cycles = Annotated[int, Field(ge=0, le=10**6)]
Nanoseconds = Annotated[float, Field(ge=1e-3, le=1e3)]


class Timing(Value):
    """What must pass between two commands, in cycles of the command clock; JEDEC's names in lower case."""

    al: Cycles = 0  #: additive latency
    cl: Cycles  #: read latency
    cwl: Cycles  #: write latency
    trcd_read: Cycles  #: activate to read
    trcd_write: Cycles
    trp: Cycles
    tras: Cycles
    tccd_l: Cycles
    tccd_s: Cycles
    trrd_l: Cycles
    trrd_s: Cycles
    tfaw: Cycles  #: window of four activates
    t32aw: Cycles = 0  #: window of 32 activates, 0 for none
    twtr_l: Cycles
    twtr_s: Cycles
    twr: Cycles
    trtp: Cycles
    trtrs: Cycles  #: idle between bursts of two ranks, and between reads and writes
    tppd: Cycles = 0  #: precharge to precharge
    trfc: Cycles
    trefi: Cycles


class Currents(Value):
    """Currents of one device at its supply, in mA: the data sheet's IDD values."""

    supply_v: Positive
    idd0: NonNegative  #: activate and precharge, a row cycle apart
    idd2n: NonNegative  #: standby, all banks closed
    idd3n: NonNegative  #: standby, a bank open
    idd4r: NonNegative
    idd4w: NonNegative
    idd5ab: NonNegative  #: refresh of all banks
    idd2p: NonNegative | None = None  #: power-down, all banks closed; None where the data sheet is silent
    idd6: NonNegative | None = None  #: self-refresh


class InputOutput(Value):
    """Energy on the wires between controller and device, which the currents of the core leave out."""

    read_pj_per_bit: NonNegative
    write_pj_per_bit: NonNegative


class MemoryController(Value):
    """Queues and policies of the controller of each channel."""

    transaction_queue: Annotated[int, Field(ge=2, le=128)] = 32  #: reads that wait; as many writes
    bank_queue: Annotated[int, Field(ge=1, le=32)] = 8  #: requests that a bank's queue holds
    row_hit_cap: Annotated[int, Field(ge=1, le=10**6)] = 4  #: column commands after which a waiting conflict goes first
    idle_drain: Annotated[int, Field(ge=0, le=128)] = 8  #: more writes than this are drained once no bank has work
    command_buses: CommandBuses = 1  #: 2: a row and a column command may issue in one cycle


class BankedDevice(Value):
    """A DRAM of channels, ranks, bank groups and banks, driven command by command."""

    can_extend: ClassVar[bool] = True

    kind: Literal["banked"]
    name: Name
    description: str = ""
    tck_ns: Nanoseconds  #: of the command clock
    channels: Size
    ranks: Size  #: of a channel
    bank_groups: Size
    banks_per_group: Size
    rows: Size
    columns: Size  #: of a row, each as wide as the bus
    bus_width_bits: Size  #: of a channel
    device_width_bits: Size
    burst_length: Size  #: beats of a column command
    beats_per_cycle: Size  #: of the command clock
    mapping: str  #: address fields from the most significant to the least
    page_policy: PagePolicy = "open"
    refresh: bool = True
    controller: MemoryController = MemoryController()
    timing_cycles: Timing
    currents_ma: Currents
    io: InputOutput

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
        """Of a channel."""
        return self.ranks * self.bank_groups * self.banks_per_group

    @property
    def devices_per_rank(self) -> int:
        """Dies that work together."""
        return self.bus_width_bits // self.device_width_bits

    @property
    def request_bytes(self) -> int:
        """What one column command moves."""
        return self.bus_width_bits // 8 * self.burst_length

    @property
    def burst_cycles(self) -> int:
        """How long the data of one column command take the bus."""
        return ceil_div(self.burst_length, self.beats_per_cycle)

    @property
    def capacity_bytes(self) -> int:
        """All channels together."""
        return self.channels * self.banks * self.rows * self.columns * self.bus_width_bits // 8

    @property
    def peak_gb_s(self) -> float:
        """All channels together, 1e9 bytes a second."""
        return self.channels * self.request_bytes / (self.burst_cycles * self.tck_ns)

    @property
    def access_ns(self) -> float:
        """To open a row and read a burst of it."""
        t = self.timing_cycles
        return (t.trcd_read + t.al + t.cl + self.burst_cycles) * self.tck_ns

    @property
    def pj_per_ma_cycle(self) -> float:
        """What 1 mA in each device of a rank costs in a cycle."""
        return self.currents_ma.supply_v * self.tck_ns * self.devices_per_rank

    @property
    def row_cycle_ma_cycles(self) -> float:
        """Of an activate and its precharge, above standby (Micron TN-40-07; DRAMsim3, configuration.cc)."""
        t, i = self.timing_cycles, self.currents_ma
        return i.idd0 * (t.tras + t.trp) - i.idd3n * t.tras - i.idd2n * t.trp

    @property
    def stream_pj_per_bit(self) -> float:
        """Of whole rows read one after the other, the wires included and standby left out."""
        i, bursts = self.currents_ma, self.columns // self.burst_length
        row = self.row_cycle_ma_cycles + (i.idd4r - i.idd3n) * self.burst_cycles * bursts
        return row * self.pj_per_ma_cycle / (8 * self.request_bytes * bursts) + self.io.read_pj_per_bit

    @property
    def standby_mw(self) -> float:
        """All banks closed, refreshed."""
        t, i = self.timing_cycles, self.currents_ma
        refresh = (i.idd5ab - i.idd3n) * t.trfc / t.trefi if self.refresh else 0.0
        return (i.idd2n + refresh) * self.pj_per_ma_cycle / self.tck_ns * self.ranks * self.channels

    @property
    def field_bits(self) -> dict[str, int]:
        """How many address bits each field of the mapping has."""
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
        """Where each field of the mapping begins in the number of a burst."""
        places, place = {}, 0
        for field in reversed(mapping_fields(self.mapping)):
            places[field] = place
            place += self.field_bits[field]
        return places


class SerialDevice(Value):
    """A memory behind a serial port: one request after the other, each with command, latency and data."""

    can_extend: ClassVar[bool] = True

    kind: Literal["serial"]
    name: Name
    description: str = ""
    clock_mhz: Mhz
    capacity_mib: Size
    bytes_per_cycle: Size
    request_bytes: Size  #: what the host's port asks for at a time
    command_cycles: Count  #: instruction and address
    read_latency_cycles: Count  #: from the address to the first data
    write_latency_cycles: Count | None  #: null: it cannot be written in operation
    deselect_cycles: Count  #: between two commands
    page_bytes: Size | None = None  #: a burst ends at its boundary
    longest_burst_ns: Positive | None = None  #: chip enable may stay low so long, for refresh
    supply_v: Positive
    read_ma: NonNegative
    write_ma: NonNegative
    standby_ma: NonNegative
    io: InputOutput

    @model_validator(mode="after")
    def _shape(self) -> SerialDevice:
        if self.request_bytes % self.bytes_per_cycle:
            raise ValueError(f"request_bytes: should be a multiple of {self.bytes_per_cycle}, got {self.request_bytes}")
        if self.page_bytes is not None and self.page_bytes % self.request_bytes:
            raise ValueError(f"page_bytes: should be a multiple of {self.request_bytes}, got {self.page_bytes}")
        return self

    @property
    def tck_ns(self) -> float:
        """Of its clock."""
        return 1e3 / self.clock_mhz

    @property
    def capacity_bytes(self) -> int:
        """Of the device."""
        return self.capacity_mib * 2**20

    @property
    def peak_gb_s(self) -> float:
        """While data flow."""
        return self.bytes_per_cycle / self.tck_ns

    @property
    def access_ns(self) -> float:
        """Of a read by itself."""
        data = self.request_bytes // self.bytes_per_cycle
        return (self.command_cycles + self.read_latency_cycles + data) * self.tck_ns

    @property
    def stream_pj_per_bit(self) -> float:
        """While data flow, the wires included."""
        return self.supply_v * self.read_ma * self.tck_ns / (8 * self.bytes_per_cycle) + self.io.read_pj_per_bit

    @property
    def standby_mw(self) -> float:
        """Not selected."""
        return self.supply_v * self.standby_ma


MemoryDevice = BankedDevice | SerialDevice


def mapping_fields(mapping: str) -> list[str]:
    """A mapping's fields, two letters each, from the most significant to the least."""
    return [mapping[i : i + 2] for i in range(0, len(mapping), 2)]


def check_mapping(mapping: str) -> None:
    """Raises: ValueError for a field that is unknown, missing or repeated."""
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
