"""The pages that a stranger reads first: what they quote, name, link to and show as commands is true."""

import ast
import json
import re
import shlex
from pathlib import Path

import pytest
from bench.readme_figures import quick_quotes, slow_quotes
from strategies.pages import PAGES, ROOT, blocks

import accelsim
from accelsim.studies.sweep.design_points import choose_points
from accelsim.studies.sweep.spec import read_study

README = PAGES["README.md"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def assert_quoted(quotes):
    missing = [quote for quote in quotes if on_one_line(quote.text) not in on_one_line(PAGES[quote.page])]
    assert not missing, "\n".join(f"{quote.page} should say: {quote.text}" for quote in missing)


@pytest.mark.needs_jit
def test_figures_in_prose_are_those_of_runs():
    assert_quoted(quick_quotes())


@pytest.mark.slow
@pytest.mark.needs_jit
def test_tables_of_figures_are_those_of_runs():
    assert_quoted(slow_quotes(accelsim.validate().anchors))


@pytest.mark.needs_jit
def test_the_readme_quotes_no_other_figures():
    prose = on_one_line(re.sub(r"```.*?```|^\|.*?$|\]\([^)]*\)", " ", README, flags=re.DOTALL | re.MULTILINE))
    for quote in quick_quotes():
        prose = prose.replace(on_one_line(quote.text), "")
    prose = re.sub(r"`[^`]*`|\bn:m\b|\b2:4\b|\bA100\b|\bLPDDR5\b|\b1-TOPS\b|MobileNetV2|Apache-2\.0", " ", prose)
    assert re.findall(r"\d[\d,.]*\d|\d", prose) == ["3.11", "45", "0", "2", "1", "130"]  # Python, nm, exit statuses


def test_the_readme_is_short():
    lines = README.splitlines()
    assert len(lines) <= 200
    assert all(len(line) <= 125 for line in lines if not line.startswith(("|", "![", "accelsim compare")))


def public_names(code: str) -> set[str]:
    """What a piece of code takes from the package, by dotted name below it."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "accelsim":
            names.add(node.attr)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "accelsim":
            names |= {alias.name for alias in node.names} if node.module == "accelsim" else {node.module}
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.startswith("accelsim.")}
    return names


def code_of(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_pages_and_notebooks_use_public_names_only():
    code = [*(block for page in PAGES for block in blocks(page, "python")), *map(code_of, NOTEBOOKS)]
    used = set().union(*map(public_names, code))
    assert {"load_hardware", "load_workload", "simulate", "compare", "sweep", "dvfs", "gating", "roofline"} <= used
    assert used <= set(accelsim.__all__)


def test_the_table_of_notebooks_names_public_functions_and_all_notebooks():
    rows = [line.split("|") for line in PAGES["notebooks/README.md"].splitlines() if line.startswith("| ")][1:]
    functions = {re.match(r"\w+", name)[0] for row in rows for name in re.findall(r"`(.*?)`", row[3])}
    assert functions <= set(accelsim.__all__)
    assert {name for row in rows for name in re.findall(r"\((\w+\.ipynb)\)", row[4])} == {n.name for n in NOTEBOOKS}


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub forms them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page, flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", [*PAGES, "CONTRIBUTING.md"])
def test_links_lead_somewhere(name):
    page = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", page):
        file, _, anchor = target.partition("#")
        if file.startswith("https:"):
            continue
        path = (ROOT / name).parent / file if file else ROOT / name
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), target


@pytest.mark.slow
@pytest.mark.needs_jit
def test_python_of_the_readme_runs():
    for block in blocks("README.md", "python"):
        exec(block, {})


def test_the_hardware_file_loads(tmp_path):
    path = tmp_path / "my_npu.yaml"
    path.write_text(blocks("hwconfigs/README.md", "yaml")[0], encoding="utf-8")
    assert accelsim.load_hardware(path).name == "my_npu"


def test_the_network_loads(tmp_path):
    path = tmp_path / "example.yaml"
    path.write_text(blocks("workloads/README.md", "yaml")[0], encoding="utf-8")
    assert len(accelsim.load_workload(path).nodes) == 6


@pytest.mark.parametrize(("page", "block"), [("README.md", 0), ("hwconfigs/README.md", 1)])
def test_the_sweep_loads(page, block, tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(blocks(page, "yaml")[block], encoding="utf-8")
    assert len(choose_points(read_study(path)).points) == 3 * 3 * 6


def commands() -> list[str]:
    """The command lines of the README's recipes."""
    return [line for block in blocks("README.md", "sh")[2:] for line in block.splitlines()]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with what the recipes read: a sweep, a network, and measured points under their path."""
    onnx = pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("readme")
    (folder / "sweep.yaml").write_text(blocks("README.md", "yaml")[0], encoding="utf-8")
    (folder / "accelsim").symlink_to(ROOT / "accelsim")
    value = onnx.helper.make_tensor_value_info
    shapes = value("x", 1, [1, 4]), value("y", 1, [1, 3])
    weights = onnx.helper.make_tensor("w", 1, [4, 3], [0.5] * 12)
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph([node], "net", [shapes[0]], [shapes[1]], [weights])
    onnx.save(onnx.helper.make_model(graph), folder / "network.onnx")
    return folder


@pytest.mark.slow
@pytest.mark.needs_jit
@pytest.mark.parametrize("line", commands())
def test_recipes_run(line, workplace, command, monkeypatch):
    """In their order: some read what an earlier one wrote."""
    monkeypatch.chdir(workplace)
    words = shlex.split(line)
    assert words[0] == "accelsim"
    status, out, error = command(*words[1:])
    assert status == 0, error
    assert out or error or "--out" in words
