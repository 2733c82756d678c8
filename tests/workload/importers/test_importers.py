"""Names and texts of what is imported."""

from hypothesis import given
from hypothesis import strategies as st

from accelsim.config import parse_yaml
from accelsim.workload.importers import clean_name, format_yaml, make_unique_name


def test_names_are_clean_and_unique():
    assert clean_name("/features/features.0/Conv", "x") == "features_features.0_Conv"
    assert clean_name("…", "network") == "network"
    assert make_unique_name("input", ()) == "input_2"
    assert make_unique_name("a", {"a", "a_2"}) == "a_3"


KEYS = st.from_regex(r"[a-z]{1,5}_[a-z]{1,5}", fullmatch=True)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(KEYS, children),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, PLAIN, min_size=1))
def test_dump_reads_back_equal(data):
    assert parse_yaml(format_yaml(data), "text").data == data
