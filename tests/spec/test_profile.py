"""A profile fills in what the configuration itself does not say."""

import pytest

from perdure.errors import InvalidConfiguration, NotFound
from spec.profile import Profiles
from spec.reader import read_profiles
from spec.service import with_profile
from tests.spec.writing import read, service

FILE = """
profiles:
  - name: cheap
    spot_policy: spot
    max_price: 0.5
    regions: [eu-west-1]
    retry: {on_events: [interruption], duration: 2h}
  - name: usual
    default: true
    max_duration: 1d
    idle_duration:
"""


def profiles() -> Profiles:
    return read_profiles(FILE, "profiles.yml")


def test_the_configuration_wins_over_the_profile_and_the_profile_over_the_default() -> None:
    configuration = read(service(max_price=2, spot_policy="on-demand"))
    profile = profiles().choose("cheap")
    assert profile is not None
    merged = with_profile(configuration, profile)
    assert (merged.max_price, merged.spot_policy) == (2, "on-demand")
    assert merged.regions == ("eu-west-1",)
    assert merged.retry is not None
    assert merged.retry.duration == 7200
    assert merged.idle_duration == 300
    assert merged.commands == configuration.commands


def test_without_a_name_the_default_profile_is_chosen() -> None:
    chosen = profiles().choose()
    assert chosen is not None
    assert chosen.name == "usual"
    assert chosen.model_fields_set == {"name", "default", "max_duration"}
    assert Profiles().choose() is None


def test_an_unknown_profile_is_an_error_that_lists_those_there_are() -> None:
    with pytest.raises(NotFound, match="`dear`") as caught:
        profiles().choose("dear")
    assert caught.value.hint == "The file has `cheap`, `usual`."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profiles: [{name: a}, {name: a}]", "Two profiles are called `a`"),
        ("profiles: [{name: a, default: true}, {name: b, default: true}]", "are the default"),
        ("profiles: [{max_price: 1}]", "`profiles[1].name` is missing"),
        ("profiles: [{name: a, port: 80}]", "`port` is not a known property of `profiles[1]`"),
    ],
)
def test_profiles_have_names_of_their_own_and_one_default(text: str, message: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        read_profiles(text, "profiles.yml")
    assert message in caught.value.message


def test_a_file_may_have_no_profiles() -> None:
    assert read_profiles("profiles:", "profiles.yml").profiles == ()
