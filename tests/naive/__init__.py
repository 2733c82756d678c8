"""Oracles in plain Python: slow, obvious, and importing nothing from accelsim."""
