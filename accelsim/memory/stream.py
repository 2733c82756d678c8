"""The stream of loads, computes and stores of a layer, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

IFMAP, WEIGHT, OFMAP = 0, 1, 2
STORE = 3  # after the loads of a step


class TileStream(NamedTuple):
    """Steps in the order in which they run; bytes at the chip's edge, cycles of the engine's clock."""

    load_bytes: np.ndarray  #: int64[steps, 3]: ifmap, weight, partial sums fetched back
    store_bytes: np.ndarray  #: int64[steps]
    fresh: np.ndarray  #: bool[steps, 3]: the step begins a new content of this buffer half
    engine_cycles: np.ndarray  #: int64[steps], of the matrix engine with its waits for banks
    vector_cycles: np.ndarray  #: int64[steps], behind it
    lanes_only: bool = False  #: the vector unit works by itself, straight from the buffers
    addresses: np.ndarray | None = None  #: int64[steps, 3], where the memory wants them; a store's is the ofmap's
    ahead_bytes: int = 0  #: of the first weights, which came before
    halves: tuple[int, int, int] = (2, 2, 2)  #: contents that a buffer has room for

    @property
    def sizes(self) -> np.ndarray:
        """int64[steps, 4]: bytes of three loads and the store."""
        import numpy as np

        return np.concatenate((self.load_bytes, self.store_bytes[:, None]), axis=1)

    @property
    def read_bytes(self) -> int:
        """All that comes in, whenever it does."""
        return int(self.load_bytes.sum()) + self.ahead_bytes

    @property
    def held_bytes(self) -> tuple[int, int, int]:
        """The most that ifmap, weights and results take in their buffers: a content for each half, if there are two."""
        import numpy as np

        moved = (*self.load_bytes[:, :OFMAP].T, np.maximum(self.load_bytes[:, OFMAP], self.store_bytes))
        held = []
        for operand, nbytes in enumerate(moved):
            begins = self.fresh[:, operand].nonzero()[0]
            contents = np.add.reduceat(nbytes, begins) if begins.size else nbytes[:0]
            most = np.sort(contents)[-self.halves[operand] :]
            held.append(int(most.sum()))
        return held[0], held[1], held[2]

    @property
    def last_weight_bytes(self) -> int:
        """Of the weights that lie in their buffer at the end."""
        begun = int(self.fresh[:, WEIGHT].nonzero()[0][-1])
        return int(self.load_bytes[begun:, WEIGHT].sum())

    @property
    def write_bytes(self) -> int:
        """All that goes out."""
        return int(self.store_bytes.sum())


def join_streams(streams: list[TileStream]) -> TileStream:
    """Streams one after the other."""
    import numpy as np

    return TileStream(
        load_bytes=np.concatenate([stream.load_bytes for stream in streams]),
        store_bytes=np.concatenate([stream.store_bytes for stream in streams]),
        fresh=np.concatenate([stream.fresh for stream in streams]),
        engine_cycles=np.concatenate([stream.engine_cycles for stream in streams]),
        vector_cycles=np.concatenate([stream.vector_cycles for stream in streams]),
        lanes_only=streams[0].lanes_only,
        ahead_bytes=sum(stream.ahead_bytes for stream in streams),
        halves=streams[0].halves,
    )
