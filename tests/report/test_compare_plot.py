"""The figure of a comparison."""

from xml.etree import ElementTree

import pytest

from accelsim.report.compare_plot import comparison_figure


@pytest.mark.slow
def test_figure_is_drawn_and_the_same_each_time(mixed):
    svg, png = comparison_figure(mixed.records, ["svg", "png"])
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert png.startswith(b"\x89PNG")
    assert [svg, png] == comparison_figure(mixed.records, ["svg", "png"])
