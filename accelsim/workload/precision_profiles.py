"""Precision profiles: a CSV with the activation widths of each convolution of a network, as in the table of Stripes."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from accelsim.config import UserError, show_value, suggest
from accelsim.config.places import locate_anchors
from accelsim.workload.layers import Conv2d
from accelsim.workload.network import Workload

PROFILE_COLUMNS = ("network", "accuracy", "conv_activation_bits", "provenance")
WIDEST = 16  # bits of an activation
PROFILE_RULE = (
    "one entry for each convolution, or for each group of convolutions whose names agree up to the first '-'"
    " (inception_3a-1x1, inception_3a-3x3), in the order of the layers"
)


class Profile(NamedTuple):
    """The activation widths of one network's convolutions at one accuracy."""

    bits: tuple[int, ...]  #: in the order of the convolutions, or of groups of them (PROFILE_RULE)
    provenance: str  #: where they come from
    place: str  #: file and line


_SAME = {"alexnet_grouped": "alexnet"}  # names that profiles use for shipped networks
SHIPPED = "_precision_profiles.csv"  # end of the names of shipped profiles


def find_profile_file(name: str) -> Path:
    """Find the file of a profile by its shipped name (``stripes``) or its path.

    Raises: UserError for a name under which no profile ships.
    """
    if "/" in name or "\\" in name or Path(name).suffix:
        return Path(name)
    names = [path.name.removesuffix(SHIPPED) for path in locate_anchors().glob(f"*{SHIPPED}")]
    if name not in names:
        raise UserError(f"no precision profile called '{name}'{suggest(name, names)}")
    return locate_anchors() / f"{name}{SHIPPED}"


def read_profile(path: Path, network: str, accuracy: str) -> Profile:
    """Read the profile of a network at an accuracy such as ``100%``.

    Raises: UserError for an unreadable file, other columns, a missing row or a width outside 1 to 16.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in PROFILE_COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise UserError(f"{path}:1: missing column '{missing[0]}'; columns: {', '.join(PROFILE_COLUMNS)}")
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: no CSV text: {error}") from None
    network = _SAME.get(network, network)
    for line, row in rows:
        if row["network"] == network and row["accuracy"] == accuracy:
            texts = (row["conv_activation_bits"] or "").split("-")
            wrong = [text for text in texts if not (text.isdecimal() and 1 <= int(text[:9]) <= WIDEST)]
            if wrong:
                problem = f"{show_value(wrong[0])} is no width from 1 to {WIDEST}"
                raise UserError(f"{path}:{line}: conv_activation_bits: {problem}")
            return Profile(tuple(map(int, texts)), row["provenance"] or "", f"{path}:{line}")
    accuracies = [row["accuracy"] for _, row in rows if row["network"] == network]
    if accuracies:
        raise UserError(f"{path}: '{network}' has no accuracy '{accuracy}'{suggest(accuracy, accuracies)}")
    raise UserError(f"{path}: no network '{network}'{suggest(network, {row['network'] or '' for _, row in rows})}")


def apply_profile(workload: Workload, profile: Profile) -> Workload:
    """Set the activation widths of a network's convolutions to those of a profile.

    Raises: UserError where entries and convolutions do not match by ``PROFILE_RULE``.
    """
    names = [node.layer.name for node in workload.nodes if isinstance(node.layer, Conv2d)]
    groups = list(dict.fromkeys(name.partition("-")[0] for name in names))
    if len(profile.bits) == len(names):
        width = dict(zip(names, profile.bits, strict=True))
    elif len(profile.bits) == len(groups):
        of_group = dict(zip(groups, profile.bits, strict=True))
        width = {name: of_group[name.partition("-")[0]] for name in names}
    else:
        raise UserError(
            f"{profile.place}: conv_activation_bits: {len(profile.bits)} entries, '{workload.name}' has {len(names)}"
            f" convolutions in {len(groups)} groups; the rule: {PROFILE_RULE}"
        )
    nodes = tuple(
        replace(node, layer=node.layer.model_copy(update={"activation_bits": width[node.layer.name]}))
        if node.layer.name in width
        else node
        for node in workload.nodes
    )
    file = workload.file.model_copy(update={"layers": [node.layer for node in nodes]})
    return Workload(file, nodes)
