"""The package as a whole: its version, what importing it costs, and that its README tells the truth."""

import ast
import subprocess
import sys
import tomllib
from collections import defaultdict

import pytest
from strategies.pages import ROOT, blocks

import accelsim


def test_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert accelsim.__version__ == project["version"]


# Public names that two modules define, each with the reason.
TWO_HOMES = {
    "ceil_div": "numba compiles the kernels' own",
    **dict.fromkeys(
        (
            "ACTIVATION_READS",
            "BITS",
            "CYCLES",
            "DYNAMIC",
            "ENDED",
            "FOLDS",
            "Grid",
            "IFMAP",
            "Image",
            "Layout",
            "MACS",
            "MORE",
            "N",
            "NOW",
            "OFMAP",
            "PSUM_READS",
            "PSUM_WRITES",
            "PUSHED",
            "STORE",
            "WEIGHT",
            "WEIGHT_READS",
            "add_counts",
            "await_done",
            "drain",
            "feed",
            "finish",
            "issue",
            "multiply",
            "registers",
            "run",
        ),
        "a kernel's name, still to be told apart from another kernel's or room's",
    ),
}


def names_of(statements):
    """Names that statements at the top of a module define: functions, classes and constants."""
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement.name
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
        elif isinstance(statement, ast.If | ast.Try):
            yield from names_of(statement.body)


def test_a_public_name_is_defined_in_one_module():
    """Who searches for a name finds one thing; what has to stand twice is listed with the reason."""
    homes = defaultdict(set)
    for path in sorted((ROOT / "accelsim").rglob("*.py")):
        for name in names_of(ast.parse(path.read_text(encoding="utf-8")).body):
            if not name.startswith("_"):
                homes[name].add(path.relative_to(ROOT).as_posix())
    twice = {name: sorted(found) for name, found in homes.items() if len(found) > 1}
    assert {name: found for name, found in twice.items() if name not in TWO_HOMES} == {}
    assert TWO_HOMES.keys() <= twice.keys(), "no longer two homes"


@pytest.mark.parametrize("module", ["accelsim", "accelsim.load", "accelsim.cli"])
def test_import_is_cheap(module):
    """numba, pandas and matplotlib take long to import; nothing loads them before they are needed."""
    code = f"import sys, {module}; print(*sorted({{'numba', 'pandas', 'matplotlib', 'onnx'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_readme_opens_with_the_two_commands():
    """Each is enough by itself: it makes its environment, installs, and runs."""
    run, test = blocks("README.md", "sh")[:2]
    install = "python3 -m venv .venv && .venv/bin/pip install -q"
    assert run == f"{install} . && .venv/bin/accelsim run mobilenet_v2\n"
    assert test == f"{install} '.[test]' && .venv/bin/python -m pytest -q\n"
