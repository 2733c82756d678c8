"""Temperature with leakage feedback: balance, runaway, throttling, and a run that is priced where it settles."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from naive import power as naive

import accelsim
from accelsim.config import UserError
from accelsim.load import load_hardware, load_workload
from accelsim.power.thermal import Package, find_seconds_to_limit, find_share_at_limit, find_steady_k, find_warmest_k

IDEAL = "dram.fidelity=ideal"
AREA_M2 = 16e-6


def hotspot(scale=1.0):
    """HotSpot's default leakage of a die of 16 mm2."""
    return lambda kelvin: scale * 1.5e4 * AREA_M2 * math.exp(0.036 * (kelvin - 383.15))


def test_five_watts_on_sixteen_square_millimetres():
    assert find_steady_k(Package(10, 1, 318.15), 5.0, hotspot()) == pytest.approx(369.62, abs=0.005)


packages = st.builds(Package, st.floats(1, 60), st.floats(0.01, 5), st.floats(280, 340))


@given(packages, st.floats(0, 10), st.floats(0.01, 20))
def test_a_balance_is_one_and_the_coolest(package, power, scale):
    leak = hotspot(scale)
    slope, resistance = 0.036, package.resistance_k_per_w
    # the largest power with a balance: where leakage grows with the slope 1 / R
    touching = 383.15 + math.log(1 / (slope * resistance * leak(383.15))) / slope
    most = (touching - package.ambient_k) / resistance - leak(touching)
    assume(abs(power - most) > 1e-6 and touching < 590)
    if touching < package.ambient_k or power > most:
        with pytest.raises(UserError, match="thermal runaway"):
            find_steady_k(package, power, leak)
        return
    found = find_steady_k(package, power, leak)
    assert power + leak(found) == pytest.approx(package.flow_w(found), rel=1e-6, abs=1e-9)
    assert package.ambient_k <= found <= touching + 1e-6
    by_hand = naive.balance_k(power, resistance, package.ambient_k, leak(383.15), 383.15, slope)
    # near the tangent a rounding of the power is the square root of it in temperature
    assert found == pytest.approx(by_hand, abs=1e-6 if most - power > 1e-3 else 0.1)


def test_runaway_tells_the_most_that_is_stable():
    package = Package(40, 1, 318.15)
    with pytest.raises(UserError, match="thermal runaway") as error:
        find_steady_k(package, 3.0, hotspot())
    most = float(str(error.value).partition("at most ")[2].partition(" W")[0])
    assert find_steady_k(package, 0.999 * most, hotspot()) < 415
    with pytest.raises(UserError, match="thermal runaway"):
        find_steady_k(package, 1.001 * most, hotspot())
    with pytest.raises(UserError, match="its leakage alone is too much"):
        find_steady_k(Package(400, 1, 330), 1e-3, hotspot(5))
    with pytest.raises(UserError, match="settle above 600 K; at most 28"):
        find_steady_k(Package(10, 1, 318.15), 60, lambda _: 0.0)


@given(packages, st.floats(0.1, 10), st.floats(0.01, 2), st.floats(1, 60))
def test_a_share_of_the_time_keeps_the_limit(package, power, scale, above):
    limit, leak = package.ambient_k + above, hotspot(scale)
    try:
        share = find_share_at_limit(package, power, leak, limit)
    except UserError as error:
        assert "leakage alone" in str(error)  # noqa: PT017
        assert leak(limit) >= package.flow_w(limit)
        return
    assert 0 < share <= 1
    held = find_warmest_k(package, leak, limit)
    drawn, flow = share * power + leak(held), package.flow_w(held)
    assert drawn == pytest.approx(flow) if share < 1 else drawn <= flow * (1 + 1e-9)
    if share < 0.999:  # a little more is in balance at no temperature up to the limit
        more, kelvins = (share + 1e-3) * power, [package.ambient_k + above * i / 200 for i in range(201)]
        assert all(more + leak(kelvin) > package.flow_w(kelvin) for kelvin in kelvins)


def test_a_limit_past_the_warmer_balance_throttles_nothing_that_is_stable():
    """5 W settle at 369.62 K; above some 492 K leakage outruns the package again, which is no reason to throttle."""
    package, leak = Package(10, 1, 318.15), hotspot()
    assert 5 + leak(500) > package.flow_w(500)
    assert find_share_at_limit(package, 5, leak, 500) == 1
    assert find_seconds_to_limit(package, 5, leak, 500) is None
    tangent = 383.15 + math.log(1 / (0.036 * 10 * leak(383.15))) / 0.036
    assert find_warmest_k(package, leak, 500) == pytest.approx(tangent, abs=1e-3)
    assert find_share_at_limit(package, 20, leak, 500) == pytest.approx((package.flow_w(tangent) - leak(tangent)) / 20)
    assert find_warmest_k(package, leak, 360) == 360


@given(packages, st.floats(0.1, 10), st.floats(0.1, 0.95))
def test_warming_without_leakage_is_an_exponential(package, power, share):
    rise = power * package.resistance_k_per_w
    found = find_seconds_to_limit(package, power, lambda _: 0.0, package.ambient_k + share * rise)
    constant = package.resistance_k_per_w * package.capacitance_j_per_k
    assert found == pytest.approx(-constant * math.log(1 - share), rel=1e-5)
    assert find_seconds_to_limit(package, power, lambda _: 0.0, package.ambient_k + 1.01 * rise) is None
    assume(package.ambient_k + share * rise < 600)  # where warming ends
    *_, (then, kelvin) = naive.warming(package, power, lambda _: 0.0, found)
    assert then == found
    assert kelvin == pytest.approx(package.ambient_k + share * rise, rel=1e-5)
    assert find_seconds_to_limit(package, power, hotspot(), package.ambient_k) == 0


@given(packages, st.floats(0.1, 10), st.floats(0.01, 2), st.floats(1, 60))
def test_time_to_a_limit_is_where_warming_passes_it(package, power, scale, above):
    limit, leak = package.ambient_k + above, hotspot(scale)
    constant = package.resistance_k_per_w * package.capacitance_j_per_k
    found = find_seconds_to_limit(package, power, leak, limit)
    if found is None or found > 5 * constant:
        assert all(kelvin < limit for _, kelvin in naive.warming(package, power, leak, constant))
        return
    *_, (seconds, kelvin) = naive.warming(package, power, leak, found)
    assert seconds == found
    assert kelvin == pytest.approx(limit, abs=1e-3)


def test_a_die_lingers_where_leakage_almost_has_a_balance():
    """Past the tangent by dP it takes about pi C / sqrt(dP L'' / 2), with L'' = slope / R, however small dP is."""
    package, leak = Package(10, 1, 318.15), hotspot()
    tangent = 383.15 + math.log(1 / (0.036 * 10 * leak(383.15))) / 0.036
    most = package.flow_w(tangent) - leak(tangent)
    for more in (1e-3, 1e-5):
        found = find_seconds_to_limit(package, most + more, leak, 490)
        assert found == pytest.approx(math.pi / math.sqrt(more * 0.0036 / 2), rel=0.05)
    assert find_seconds_to_limit(package, most - 1e-5, leak, 490) is None


def test_warming_settles_where_the_balance_is_or_runs_away():
    package = Package(10, 1, 318.15)
    *_, (_, kelvin) = naive.warming(package, 5.0, hotspot(), 400)
    assert kelvin == pytest.approx(find_steady_k(package, 5.0, hotspot()), abs=1e-6)
    *_, (_, kelvin) = naive.warming(package, 0.0, lambda _: 0.0, 10, start=418.15)
    assert kelvin == pytest.approx(318.15 + 100 / math.e, abs=1e-9)
    *_, (seconds, kelvin) = naive.warming(package, 20.0, hotspot(), 1e4)
    assert kelvin > 600
    assert seconds < 100


def test_leakage_warms_faster():
    package = Package(10, 1, 318.15)
    without, with_it = (find_seconds_to_limit(package, 5.0, leak, 360) for leak in (lambda _: 0.0, hotspot()))
    assert with_it < without
    assert find_seconds_to_limit(package, 5.0, hotspot(), 371) is None  # it settles at 369.62 K


def run(*thermal, workload="ds_cnn_kws"):
    settings = [IDEAL, *(f"thermal.{each}" for each in thermal)]
    return accelsim.simulate(load_hardware("edge_npu", settings), load_workload(workload))


def test_a_run_is_priced_where_it_settles():
    cool, warm = run(), run("resistance_k_per_w=300", "ambient_k=320")
    found = warm.summary["thermal"]
    assert found["throttled_to_share"] == 1
    assert 330 < found["temperature_k"] < 400
    parts = [result.summary["energy_pj_by_component"] for result in (cool, warm)]
    for name in parts[0]:
        if name.startswith("leakage"):
            assert parts[1][name] > parts[0][name]
        else:
            assert parts[1][name] == parts[0][name]
    hardware = load_hardware("edge_npu", [IDEAL, f"technology.temperature_k={found['temperature_k']}"])
    there = accelsim.simulate(hardware, load_workload("ds_cnn_kws")).summary
    assert there["energy_pj_by_component"] == pytest.approx(parts[1], rel=1e-9)
    on_chip = sum(pj for name, pj in parts[1].items() if not name.startswith("dram"))
    assert found["power_w"] == pytest.approx(on_chip * 1e-12 / (warm.summary["latency_ms"] * 1e-3), rel=1e-9)
    assert found["temperature_k"] == pytest.approx(320 + 300 * found["power_w"], abs=1e-3)
    assert any("settles at" in note for note in warm.summary["notes"])
    assert sum(row.energy_pj for row in warm.rows) == pytest.approx(sum(parts[1].values()), rel=1e-9)


def test_a_limit_throttles():
    free = run("resistance_k_per_w=300", "ambient_k=320").summary
    limit = 320 + 0.9 * (free["thermal"]["temperature_k"] - 320)
    held = run("resistance_k_per_w=300", "ambient_k=320", f"limit_k={limit}").summary
    found = held["thermal"]
    assert found["temperature_k"] == limit
    assert 0 < found["throttled_to_share"] < 1
    assert found["power_w"] == pytest.approx((limit - 320) / 300, rel=1e-9)
    assert found["sustained_latency_ms"] == pytest.approx(held["latency_ms"] / found["throttled_to_share"])
    assert found["sustained_energy_uj"] > held["energy_uj"]
    assert 300 < found["seconds_to_limit"] < 1500  # some time constants of 300 s
    assert any(note.startswith("THROTTLED") for note in held["notes"])


def test_a_package_that_cannot_be_is_told(command):
    for settings, told in (
        (["ambient_k=320", "resistance_k_per_w=0"], "resistance_k_per_w: should be greater than 0, got 0"),
        (["ambient_k=320", "resistance_k_per_w=9", "limit_k=310"], "limit_k: should be above ambient_k, 320, got 310"),
        (["resistance_k_per_w=9"], "missing key 'ambient_k'"),
        (["ambient_k=320", "resistance_k_per_w=90000"], "thermal runaway"),
        (["ambient_k=320", "resistance_k_per_w=3000", "limit_k=321"], "leakage alone is"),
    ):
        options = [part for each in settings for part in ("--set", f"thermal.{each}")]
        status, _, error = command("run", "ad_autoencoder", "--set", IDEAL, *options)
        assert (status, error.count("\n")) == (2, 1)
        assert told in error


def test_a_sweep_of_warm_machines_is_what_simulate_gives(tmp_path):
    study = {"thermal.resistance_k_per_w": [50, 300]}
    spec = {"hardware": "edge_npu", "workload": "ad_autoencoder", "parameters": study}
    machine = tmp_path / "warm.yaml"
    machine.write_text("extends: edge_npu\nname: warm\nthermal: {resistance_k_per_w: 50, ambient_k: 320}\n")
    done = accelsim.sweep(spec | {"hardware": str(machine)}, tmp_path / "out", workers=1)
    energies = [record["energy_uj"] for record in done.records]
    for resistance, energy in zip((50, 300), energies, strict=True):
        hardware = load_hardware(machine, [f"thermal.resistance_k_per_w={resistance}"])
        assert energy == accelsim.simulate(hardware, load_workload("ad_autoencoder"), dram="ideal").summary["energy_uj"]
    assert energies[0] < energies[1]
