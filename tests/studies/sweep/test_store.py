"""The database of a sweep."""

import sqlite3

from accelsim.studies.sweep import store
from accelsim.studies.sweep.outcomes import Outcome


def test_others_read_while_one_writes(tmp_path):
    with store.open_store(tmp_path) as kept:
        kept.add([("a", Outcome(1, 2.0, 0.1 + 0.2, 4.0, 0.5)), ("b", Outcome(error="no", final=False))])
        with sqlite3.connect(tmp_path / "points.sqlite") as other:
            assert other.execute("SELECT count(*) FROM points").fetchone() == (2,)
        other.close()
    with store.open_store(tmp_path) as kept:
        found = kept.read_outcomes(["a", "b", "c"])
        assert found == {"a": Outcome(1, 2.0, 0.1 + 0.2, 4.0, 0.5), "b": Outcome(error="no", final=False)}
