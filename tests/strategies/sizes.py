"""How much a test tries: less of everything where numba does not compile the kernels, or in the quick loop."""

import os

from hypothesis import settings

UNJITTED = os.environ.get("NUMBA_DISABLE_JIT") == "1"
FULL_EXAMPLES = 150


def count_examples() -> int:
    """How many examples an ordinary property tries in this run."""
    return settings.default.max_examples


def examples(full: int, unjitted: int | None = None) -> settings:
    """Settings of a property that tries ``full`` examples in the full profile, and in the others a like share.

    ``unjitted`` is how many it tries without the JIT, where that is another number.
    """
    share = -(-full * count_examples() // FULL_EXAMPLES)
    return settings(max_examples=unjitted if UNJITTED and unjitted else share)
