"""A wrong option is told by its own name, not by that of the property that it sets."""

from typing import Any

import pytest

from cli.offers import ANYTHING
from cli.overrides import Overrides, override
from perdure.errors import InvalidConfiguration, InvalidInput
from spec.source import LARGEST_TEXT


@pytest.mark.parametrize(
    ("overrides", "message", "hint"),
    [
        ({"max_price": 0.0}, "`--max-price` must be more than 0.", ""),
        ({"gpu": "A100:H100"}, "`--gpu`: `A100:H100` gives the name twice.", ""),
        ({"memory": "64GB..16GB"}, "`--memory`: The range 64GB..16GB ends before it begins.", ""),
        ({"name": "A_b"}, "`--name`: `A_b` is not a run's name.", "Write 2 to 41"),
        ({"regions": ["eu", ""]}, "`--region` must not be empty.", ""),
        ({"retry_duration": "soon"}, "`--retry-duration`: `soon` is not a duration.", "Write"),
        ({"creation_policy": "never"}, "`--reuse`: `never` is not allowed; allowed are", ""),
        ({"backends": ["gpc"]}, "`--backend`: `gpc` is not allowed; allowed are", "Did you mean"),
    ],
)
def test_the_option_is_named(overrides: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        override(ANYTHING, Overrides(**overrides))
    assert not isinstance(caught.value, InvalidConfiguration)
    assert caught.value.message.startswith(message)
    assert caught.value.message.endswith(".")
    assert caught.value.hint.startswith(hint)


def test_what_no_property_is_to_blame_for_names_no_option() -> None:
    with pytest.raises(InvalidInput) as caught:
        override(ANYTHING, Overrides(regions=["x" * LARGEST_TEXT]))
    assert not isinstance(caught.value, InvalidConfiguration)
    assert caught.value.message == "The file is too large for a configuration."
