"""Folders of data files."""

from accelsim.config import places


def test_data_files_lie_beside_the_package_or_inside_it(tmp_path, monkeypatch):
    package = tmp_path / "accelsim"
    monkeypatch.setattr(places, "_PACKAGE", package)
    assert (places.locate_hwconfigs(), places.locate_workloads()) == (tmp_path / "hwconfigs", tmp_path / "workloads")
    (package / "hwconfigs").mkdir(parents=True)
    (package / "workloads").mkdir()
    assert (places.locate_hwconfigs(), places.locate_workloads()) == (package / "hwconfigs", package / "workloads")
