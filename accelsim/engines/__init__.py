"""Compute engines: each counts in closed form and steps cycle by cycle, with equal results."""
