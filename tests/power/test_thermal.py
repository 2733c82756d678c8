"""Temperature with leakage feedback: balance, runaway, throttling."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from naive import power as naive

from accelsim.config import UserError
from accelsim.power.thermal import Package, find_seconds_to_limit, find_share_at_limit, find_steady_k, find_warmest_k

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
