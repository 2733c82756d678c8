"""Run the same commands in two checkouts and say where their JSON differs.

    python tests/nightly/compare_checkouts.py OLD NEW [--renames tests/nightly/renames.yaml] [--only WORD ...]

OLD and NEW are folders that hold a checkout each. Without a table of renames the two outputs must be equal byte for
byte. With one, every key and every text of OLD first passes through the table; numbers and the order of rows must be
equal in any case. Exits 1 where a case differs.

The table has ``keys`` (an old key and the new one; the whole key must match) and ``texts`` (an old part of a text and
the new one, applied in the order of the file).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CASES = (
    "run mobilenet_v2 --json",
    "run resnet50 --hw edge_sparse_npu --sparsity 2:4 --json",
    "run alexnet_grouped --hw pragmatic --json",
    "run ds_cnn_kws --hw mcu_npu --set schedule.fuse=true --json",
    "run resnet8 --hw gemmini_16 --fidelity stepped --json",
    "run nin --hw a100 --precision fp16 --json",
    "gemm 100 300 200 --hw tpu_v1 --fidelity stepped --json",
    "gemm 64 256 64 --hw sparseloop_stc --json",
    "compare ds_cnn_kws --hw edge_npu --hw stripes --precision int8,int4 --sparsity dense,0.5 --json",
    "roofline mobilenet_v2 --hw edge_npu --out {scratch}/roofline.svg --json",
    "dvfs mobilenet_v2 --json",
    "gating ds_cnn_kws --hw edge_npu --json",
    "dutycycle ds_cnn_kws --hw mcu_npu --period-s 1 --battery-mah 225 --battery-v 3 --sleep-mw 0.1 --json",
    "dutycycle ds_cnn_kws --then resnet8 --answers 0.7 --dram ideal --json",
    "dvfs-fit accelsim/anchors/dvfs_gap9_measured.csv --json",
    "dram accelsim/anchors/dram_traces/h3_rowconflict_1MiB.npz --device ddr4_2400_8gb_x8 --json",
    "show resnet18 --hw edge_npu --json",
    "show edge_npu --json",
    "show lpddr5_6400 --json",
    "validate --json",
)


def main() -> int:
    """Compare all cases; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--renames", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="only cases that hold one of these words")
    asked = parser.parse_args()
    table = yaml.safe_load(asked.renames.read_text()) if asked.renames else None
    different = 0
    for case in CASES:
        if asked.only and not set(asked.only) & set(case.split()):
            continue
        old, new = (output(folder, case) for folder in (asked.old, asked.new))
        where = "" if old == new else first_difference(old, new, table)
        different += bool(where)
        print(f"{'differs' if where else 'same   '}  accelsim {case}{where}", flush=True)
    return int(different > 0)


def output(checkout: Path, case: str) -> str:
    """What a command prints in a checkout, errors behind it."""
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "accelsim", *case.replace("{scratch}", scratch).split()]
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
        written = "".join(path.read_text() for path in sorted(Path(scratch).rglob("*.csv")))
        return (done.stdout + done.stderr + written).replace(scratch, "{scratch}")


def first_difference(old: str, new: str, table: dict[str, Any] | None) -> str:
    """The first place where two outputs differ after the renames, as text to print; empty where there is none."""
    try:
        before, after = json.loads(old), json.loads(new)
    except ValueError:
        return f"\n    {old[-200:]!r}\n    {new[-200:]!r}"
    if table is None:
        return "\n    " + next(differences(before, after, "$"), "only in white space or the order of keys")
    return "".join(f"\n    {line}" for line in list(differences(renamed(before, table), after, "$"))[:5])


def renamed(value: Any, table: dict[str, Any]) -> Any:
    """A JSON value with its keys and texts taken through the table."""
    if isinstance(value, dict):
        keys = table.get("keys") or {}
        return {keys.get(key, key): renamed(item, table) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, table) for item in value]
    if isinstance(value, str):
        for before, after in (table.get("texts") or {}).items():
            value = value.replace(before, after)
    return value


def differences(old: Any, new: Any, path: str) -> Iterator[str]:
    """Places where two JSON values differ, in the order of the first."""
    if isinstance(old, dict) and isinstance(new, dict):
        if list(old) != list(new):
            gone, come = [k for k in old if k not in new], [k for k in new if k not in old]
            yield f"{path}: keys: gone {gone}, new {come}" + ("" if gone or come else ", another order")
        for key in old:
            if key in new:
                yield from differences(old[key], new[key], f"{path}.{key}")
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{path}: {len(old)} items, then {len(new)}"
        for index, (a, b) in enumerate(zip(old, new, strict=False)):
            yield from differences(a, b, f"{path}[{index}]")
    elif type(old) is not type(new) or old != new:
        yield f"{path}: {old!r} -> {new!r}"


if __name__ == "__main__":
    sys.exit(main())
