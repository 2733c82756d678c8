"""The command dram-trace."""

import pytest


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["stream", "--out", "t.txt"], "a trace is CSV or npz"),
        (["stream", "--out", "t.csv", "--requests", 0], "--requests: requests: should be greater than 0, got 0"),
        (["random", "--out", "t.csv", "--writes", 2], "--writes: write_share: should be less than or equal to 1"),
        (["zigzag", "--out", "t.csv"], "'zigzag' is not one of"),
    ],
)
def test_mistakes_in_a_pattern(tmp_path, command, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    code, _, err = command("dram-trace", *arguments)
    assert code == 2
    assert told in err
    assert not list(tmp_path.iterdir())
