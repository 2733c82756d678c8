"""The version of the package: a file of its own, since ``accelsim`` itself must import nothing."""

__version__ = "0.1.0"
