"""A trace of three requests, and files of traces."""

import numpy as np

HEADER = "arrival_cycle,address,is_write\n"


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


def good():
    return {"arrival": np.array([0, 4, 4]), "addr": np.array([0, 64, 128]), "is_write": np.array([0, 1, 0], np.uint8)}
