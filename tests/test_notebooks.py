"""What the notebooks hold: outputs, no trace of the machine, the README's figure. nbmake runs them besides."""

import base64
import json
import re

import pytest
from strategies.pages import PAGES, ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIGURE = ROOT / "notebooks" / "figures" / "mobilenet_v2_on_edge_npu.png"


def cells(path, kind="code"):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def images(path):
    outputs = [output for cell in cells(path) for output in cell["outputs"]]
    return [base64.b64decode(o["data"]["image/png"]) for o in outputs if "image/png" in o.get("data", {})]


def test_there_are_four():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stored_and_tell_nothing_of_the_machine(path):
    code = cells(path)
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert all(not cell["metadata"] for cell in code)
    outputs = [output for cell in code for output in cell["outputs"]]
    assert all(output["output_type"] != "error" and output.get("name") != "stderr" for output in outputs)
    assert images(path)
    assert not re.search(r"/(home|root|tmp|usr|work|Users)/", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_only_the_public_package_is_used(path):
    source = "".join("".join(cell["source"]) + "\n" for cell in cells(path))
    imported = set(re.findall(r"^(?:from|import) (accelsim[\w.]*)", source, re.MULTILINE))
    assert imported <= {"accelsim", "accelsim.studies.roofline", "accelsim.compress"}


def test_the_readme_shows_the_first_notebooks_figure():
    assert FIGURE.read_bytes() == images(NOTEBOOKS[0])[0]
    assert f"({FIGURE.relative_to(ROOT).as_posix()})" in PAGES["README.md"]
