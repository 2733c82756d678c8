"""The command pareto."""


def test_pareto_prints_and_draws_the_front(command, sweep_file, tmp_path):
    code, out, err = command("sweep", sweep_file, "--out", tmp_path / "out", "--workers", 1)
    assert (code, err) == (0, "")
    for words in ("points", "failed", "reused", "points/s", "layers reused", "latency", "energy", "EDP"):
        assert words in out
    code, out, err = command("pareto", tmp_path / "out", "--x", "latency_ms", "--y", "energy_uj")
    assert (code, err) == (0, "")
    assert "resnet8" in out
    assert (tmp_path / "out" / "pareto.png").stat().st_size > 10_000
    assert "latency [ms]" in (tmp_path / "out" / "pareto.svg").read_text()
    code, out, err = command("pareto", tmp_path / "out", "--x", "latency_mz", "--y", "energy_uj")
    assert (code, out) == (2, "")
    assert "did you mean 'latency_ms'?" in err
    code, _, err = command("pareto", tmp_path / "nowhere")
    assert (code, err.count("\n")) == (2, 1)
