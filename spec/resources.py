"""What one replica needs of a machine."""

from typing import Any

from pydantic import field_validator

from spec.cpu import CpuRequest
from spec.gpu import GpuRequest
from spec.ranges import SizeRange
from spec.section import Section
from spec.units import Size, format_size


class Resources(Section):
    """CPU, memory, disk and GPUs of one replica; sizes in GB.

    `shm_size` None is the container engine's own, `disk` None is any, `gpu` None asks for no GPU
    and excludes none.
    """

    cpu: CpuRequest = CpuRequest()
    memory: SizeRange = SizeRange(min=8)
    shm_size: Size | None = None
    gpu: GpuRequest | None = None
    disk: SizeRange | None = SizeRange(min=100)

    @field_validator("disk", mode="before")
    @classmethod
    def _disk_size(cls, value: Any) -> Any:
        return value["size"] if isinstance(value, dict) and value.keys() == {"size"} else value

    def __str__(self) -> str:
        """One line for people: `cpu=2.. mem=8GB.. disk=100GB.. gpu=24GB:1`."""
        parts = {
            "cpu": self.cpu,
            "mem": self.memory,
            "shm": format_size(self.shm_size) if self.shm_size is not None else None,
            "disk": self.disk,
            "gpu": self.gpu,
        }
        return " ".join(f"{name}={part}" for name, part in parts.items() if part is not None)
