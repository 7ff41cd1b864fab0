"""Which image a service runs in."""

from spec.container import DEFAULT_PYTHON
from spec.offer import Refusal
from spec.public import Model
from spec.service import ServiceConfiguration


class DefaultImage(Model):
    """The image of services without `image`.

    A template with `{python}`, what `nvcc` appends to it, and the versions for which it exists.
    """

    template: str
    nvcc_suffix: str
    pythons: tuple[str, ...]


def image_of(asked: ServiceConfiguration, default: DefaultImage) -> str:
    """The image's name. What `image_refusal` refuses was not let through to here."""
    if asked.image is not None:
        return asked.image
    image = default.template.format(python=asked.python or DEFAULT_PYTHON)
    return image + default.nvcc_suffix if asked.nvcc else image


def image_refusal(asked: ServiceConfiguration, default: DefaultImage) -> Refusal | None:
    """A Python version for which there is no default image."""
    if asked.image is not None or (asked.python or DEFAULT_PYTHON) in default.pythons:
        return None
    return Refusal(
        subject="python",
        message=f"There is no default image for Python {asked.python}.",
        hint=f"Use one of {', '.join(default.pythons)}, or an `image` of your own.",
    )
