"""Published figures: their errors and bands as records and as a table, and those that take no time to simulate."""

from accelsim.studies.validate import anchors
from accelsim.studies.validate.anchors import Anchor, Validation

NEAR = Anchor("cycles", "near", 100, 104, 0.05, "a paper")


FAR = Anchor("cycles", "far", 100, 80, 0.05, "a paper", "a note")


SHOWN = Anchor("us", "shown", 100, 300, None, "a paper")


def test_an_anchor_holds_within_its_band_and_without_one():
    assert (NEAR.error, FAR.error, SHOWN.error) == (0.04, -0.2, 2.0)
    assert (NEAR.holds, FAR.holds, SHOWN.holds) == (True, False, True)
    assert Validation((NEAR, SHOWN)).holds
    assert not Validation((NEAR, FAR, SHOWN)).holds


def test_records_and_table_say_the_same():
    found = Validation((NEAR, FAR, SHOWN))
    assert found.records[1] == FAR._asdict() | {"error": -0.2, "holds": False}
    assert found.table["name"].tolist() == ["near", "far", "shown"]
    assert list(found.table.columns) == list(found.records[0])


LONG = ("_gpus", "_dram", "_chips", "_silicon")  # groups that the slow tests of the command simulate


def test_anchors_that_take_no_time_are_in_their_bands(command, monkeypatch):
    for group in LONG:
        monkeypatch.setattr(anchors, group, lambda: iter(()))
    code, out, _ = command("validate")
    assert code == 0
    assert "every anchor is in its band" in out
