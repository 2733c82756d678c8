"""The stream of tiles of a layer: what each step loads, computes and stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

IFMAP, WEIGHT, OFMAP = 0, 1, 2
STORE = 3  # place of the store, after the three loads of a step


class TileStream(NamedTuple):
    """The steps of a layer in the order in which they run; bytes pass the chip's edge, cycles are the engine's."""

    load_bytes: np.ndarray  #: int64[steps, 3]: ifmap, weights, and partial sums that are fetched back
    store_bytes: np.ndarray  #: int64[steps]
    fresh: np.ndarray  #: bool[steps, 3]: the step begins a new content of the ifmap, weight or ofmap buffer
    engine_cycles: np.ndarray  #: int64[steps], of the matrix engine, with its waits for banks
    vector_cycles: np.ndarray  #: int64[steps], of the vector unit, which takes the engine's results
    lanes_only: bool = False  #: the layer has no product: the vector unit works straight from the buffers
    addresses: np.ndarray | None = None  #: int64[steps, 3], where a device is simulated; a store has the ofmap's
    ahead_bytes: int = 0  #: weights of the first step that were loaded before the layer began
    halves: tuple[int, int, int] = (2, 2, 2)  #: contents for which the ifmap, weight and ofmap buffers have room

    @property
    def sizes(self) -> np.ndarray:
        """Bytes of all transfers, int64[steps, 4]: the three loads and the store."""
        import numpy as np

        return np.concatenate((self.load_bytes, self.store_bytes[:, None]), axis=1)

    @property
    def read_bytes(self) -> int:
        """Bytes of all loads, those before the layer included."""
        return int(self.load_bytes.sum()) + self.ahead_bytes

    @property
    def held_bytes(self) -> tuple[int, int, int]:
        """The most bytes that ifmap, weights and results take in their buffers at a time, in their largest contents."""
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
        """Bytes of the weights that are in their buffer at the end."""
        begun = int(self.fresh[:, WEIGHT].nonzero()[0][-1])
        return int(self.load_bytes[begun:, WEIGHT].sum())

    @property
    def write_bytes(self) -> int:
        """Bytes of all stores."""
        return int(self.store_bytes.sum())


def join_streams(streams: list[TileStream]) -> TileStream:
    """Join streams that run one after the other, without their addresses."""
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
