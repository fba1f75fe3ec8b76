"""The machine: which device and number type to use, how fast it is, what is wrong,
what a model will cost.

>>> from course_utils import machine
>>> machine.pick_device().type in {"cpu", "cuda", "mps", "xpu"}
True
"""

from .cost import Memory, count_parameters, parameter_table, training_flops, training_memory
from .device import (
    at_scale,
    autocast_dtype,
    bf16_is_native,
    keep_freed_memory,
    matmul_peak,
    pick_device,
    product_seconds,
    seed_everything,
    settle_bf16,
    synchronize,
    trains_on_plain_products,
)
from .doctor import describe, diagnose
from .energy import energy_meter, footprint

__all__ = [
    "Memory",
    "at_scale",
    "autocast_dtype",
    "bf16_is_native",
    "count_parameters",
    "describe",
    "diagnose",
    "energy_meter",
    "footprint",
    "keep_freed_memory",
    "matmul_peak",
    "parameter_table",
    "pick_device",
    "product_seconds",
    "seed_everything",
    "settle_bf16",
    "synchronize",
    "training_flops",
    "training_memory",
    "trains_on_plain_products",
]
