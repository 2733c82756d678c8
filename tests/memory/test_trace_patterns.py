"""Patterns of requests."""

from accelsim.memory.trace_patterns import TracePattern, generate_trace


def made(**values):
    pieces = generate_trace(TracePattern(**values))
    return [row for piece in pieces for row in zip(*(column.tolist() for column in piece), strict=True)]


def test_patterns_are_what_they_are_called():
    assert made(pattern="stream", requests=3) == [(0, 0, 0), (0, 64, 0), (0, 128, 0)]
    assert made(pattern="stride", requests=3, stride_bytes=4096, every_cycles=8)[2] == (16, 8192, 0)
    assert made(pattern="copies", requests=4, span_bytes=1024) == [(0, 0, 0), (0, 512, 1), (0, 64, 0), (0, 576, 1)]
    tiles = [address for _, address, _ in made(pattern="tiles", requests=9, tile_rows=2, tile_bytes=128)]
    assert tiles == [0, 64, 2048, 2112, 128, 192, 2176, 2240, 256]
    random = made(pattern="random", requests=500, span_bytes=2**16, write_share=0.5, seed=3)
    assert random == made(pattern="random", requests=500, span_bytes=2**16, write_share=0.5, seed=3)
    assert all(address < 2**16 and address % 64 == 0 for _, address, _ in random)
    assert 150 < sum(write for *_, write in random) < 350
