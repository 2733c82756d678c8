"""Validation: compare what the simulator gives with published and measured figures."""
