"""Which image a service runs in."""

import pytest

from policy.image import DefaultImage, image_of, image_refusal
from tests.policy.making import service

DEFAULT = DefaultImage(template="base:py{python}", nvcc_suffix="-devel", pythons=("3.11", "3.12"))


@pytest.mark.parametrize(
    ("properties", "image"),
    [
        ({}, "base:py3.12"),
        ({"python": "3.11"}, "base:py3.11"),
        ({"nvcc": True}, "base:py3.12-devel"),
        ({"image": "own:1"}, "own:1"),
        ({"image": "own:1", "nvcc": True}, "own:1"),
    ],
)
def test_the_image_is_its_own_or_the_default_of_its_python(
    properties: dict[str, object], image: str
) -> None:
    assert image_of(service(**properties), DEFAULT) == image
    assert image_refusal(service(**properties), DEFAULT) is None


def test_a_python_without_a_default_image_is_refused_with_those_there_are() -> None:
    refusal = image_refusal(service(python="3.14"), DEFAULT)
    assert refusal is not None
    assert (refusal.subject, "Python 3.14" in refusal.message) == ("python", True)
    assert "3.11, 3.12" in refusal.hint
