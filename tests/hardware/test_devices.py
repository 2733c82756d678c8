"""Shipped memory devices."""

from accelsim.load import load_device


def test_every_shipped_device_names_its_sources():
    from accelsim.config.places import locate_devices
    from accelsim.load import list_names, read_device_document
    from accelsim.report.show import sourced

    for name in list_names(locate_devices()):
        assert load_device(name).description
        comments = [source for _, _, source in sourced(read_device_document(name))]
        assert sum(bool(comment) for comment in comments) >= 4, name
