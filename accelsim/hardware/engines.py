"""The engines that a hardware file may name: one line each."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accelsim.hardware.bitserial import BitSerialUnit
from accelsim.hardware.systolic import SystolicArray
from accelsim.hardware.tensorcore import TensorCore

AnyEngine = Annotated[SystolicArray | BitSerialUnit | TensorCore, Field(discriminator="kind")]
