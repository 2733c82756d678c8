"""Tables of measured points: a broken one is refused with its line."""

import pytest

from accelsim.config import UserError
from accelsim.power.measured_points import read_measured_points


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("volt,mhz\n", "holds no points"),
        ("volts,mhz\n1,2\n", ":1: missing column 'volt'; did you mean 'volts'?"),
        ("volt,mhz,microjoules\n1,2,3\n", ":1: missing column 'inferences_per_s' beside 'microjoules'"),
        ("volt,mhz,volt\n1,2,3\n", ":1: column 'volt' stands twice"),
        ("volt,mhz\n0.8,fast\n", ":2: mhz: should be a number, got 'fast'"),
        ("volt,mhz\n0.8,100\n0,300\n", ":3: volt: should be a number above 0, got '0'"),
        ("volt,mhz\n0.8,nan\n", ":2: mhz: should be a number above 0, got 'nan'"),
        ("volt,mhz\n800,100\n", ":2: volt: should be at most 5 (volts, not millivolts), got '800'"),
        ("volt,mhz,watts\n0.8,100,-1\n", ":2: watts: should be a number above 0"),
        ("volt,mhz,watts\n0.8,100\n", ":2: watts: should be a number, got ''"),
        ("volt,mhz\n0.8,100,7\n", ":2: more values than columns"),
        ("\xff\xfe", "no CSV text"),
    ],
)
def test_what_is_no_point_is_told(text, told, tmp_path):
    path = tmp_path / "points.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError) as error:
        read_measured_points(path)
    assert told in str(error.value)
    assert str(error.value).startswith(f"{path}:")
