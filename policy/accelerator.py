"""What is refused because of the processors that were asked for, whatever is offered."""

from spec.accelerators import is_tpu
from spec.gpu import GpuRequest
from spec.machine import CpuArch, GpuVendor
from spec.offer import Refusal
from spec.service import ServiceConfiguration

TPU_CORES = 8
"""Of one TPU device; more are several hosts that work as one."""

_NEEDING_IMAGE = {
    GpuVendor.AMD: "AMD",
    GpuVendor.INTEL: "Intel",
    GpuVendor.TENSTORRENT: "Tenstorrent",
}
_OWN_IMAGE = "Name one with `image`."


def accelerator_refusals(asked: ServiceConfiguration) -> tuple[Refusal, ...]:
    """The default image is for x86 and NVIDIA; a TPU of several hosts is not supported."""
    found = (_image_for_gpu(asked), _image_for_cpu(asked), _tpu_of_several_hosts(asked))
    return tuple(refusal for refusal in found if refusal is not None)


def _image_for_gpu(asked: ServiceConfiguration) -> Refusal | None:
    request = _wanted_gpu(asked)
    if request is None or _has_image(asked):
        return None
    maker = _NEEDING_IMAGE.get(request.inferred_vendor(own_image=False) or GpuVendor.NVIDIA)
    if maker is None:
        return None
    message = f"`gpu: {request}` needs an `image`: the default image has no software for {maker}."
    return Refusal(subject="image", message=message, hint=_OWN_IMAGE)


def _image_for_cpu(asked: ServiceConfiguration) -> Refusal | None:
    cpu = asked.resources.cpu
    if cpu.arch is not CpuArch.ARM or _has_image(asked):
        return None
    message = f"`cpu: {cpu}` needs an `image`: the default image is for x86 only."
    return Refusal(subject="image", message=message, hint=_OWN_IMAGE)


def _tpu_of_several_hosts(asked: ServiceConfiguration) -> Refusal | None:
    request = _wanted_gpu(asked)
    names = (request.name or ()) if request else ()
    if not any(is_tpu(name) and int(name.rpartition("-")[2]) > TPU_CORES for name in names):
        return None
    return Refusal(
        subject="gpu",
        message=f"Currently, only {TPU_CORES} TPU cores can be specified, "
        "supporting single TPU device workloads.",
        hint="Ask for a smaller one, as in `gpu: v5litepod-8`.",
    )


def _wanted_gpu(asked: ServiceConfiguration) -> GpuRequest | None:
    request = asked.resources.gpu
    return None if request is None or request.count.max == 0 else request


def _has_image(asked: ServiceConfiguration) -> bool:
    return asked.image is not None or asked.docker
