"""Which image is meant, how far its pull is, and why it failed."""

import base64
import json
from typing import Any

import pytest

from hosts.docker.image import PullMeter, auth_header, pull_failure, split_reference
from perdure.errors import ImageNotFound, ImagePullDenied, ImagePullFailed
from spec.job import PullProgress, RegistryCredentials


@pytest.mark.parametrize(
    ("image", "name", "tag"),
    [
        ("alpine", "alpine", "latest"),
        ("alpine:3.20", "alpine", "3.20"),
        ("ghcr.io/a/b", "ghcr.io/a/b", "latest"),
        ("localhost:5000/a", "localhost:5000/a", "latest"),
        ("localhost:5000/a:1", "localhost:5000/a", "1"),
        ("a/b@sha256:00ff", "a/b", "sha256:00ff"),
        ("a/b:1@sha256:00ff", "a/b:1", "sha256:00ff"),
    ],
)
def test_a_reference_has_a_name_and_a_tag(image: str, name: str, tag: str) -> None:
    assert split_reference(image) == (name, tag)


# As engines and registries write them.
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("manifest for app:9 not found: manifest unknown: manifest unknown", ImageNotFound),
        ('Get "http://r/v2/a/manifests/1": no basic auth credentials', ImagePullDenied),
        ('Get "http://r/v2/": unauthorized: authentication required', ImagePullDenied),
        (
            "pull access denied for nosuch, repository does not exist or may require"
            " 'docker login': denied: requested access to the resource is denied",
            ImagePullDenied,
        ),
        ("unexpected status from HEAD request to https://r/v2/a: 403 Forbidden", ImagePullDenied),
        ('Get "https://r/v2/": dial tcp: lookup r: no such host', ImagePullFailed),
        (
            'Get "https://r/v2/": dial tcp 10.0.0.1:443: connect: connection refused',
            ImagePullFailed,
        ),
        ("net/http: request canceled while waiting for connection", ImagePullFailed),
        ("toomanyrequests: You have reached your pull rate limit", ImagePullFailed),
        ("received unexpected HTTP status: 503 Service Unavailable", ImagePullFailed),
        ("invalid reference format", ImagePullFailed),
    ],
)
def test_a_refusal_is_told_by_its_words(text: str, kind: type[ImagePullFailed]) -> None:
    failure = pull_failure("app:9", text)
    assert type(failure) is kind
    assert "app:9" in failure.message


def test_progress_adds_up_the_layers() -> None:
    meter = PullMeter()
    events: list[dict[str, Any]] = [
        {"status": "Pulling from a/b", "id": "1"},
        {"status": "Downloading", "id": "x", "progressDetail": {"current": 10, "total": 100}},
        {"status": "Downloading", "id": "y", "progressDetail": {"current": 5, "total": 50}},
        {"status": "Download complete", "id": "x", "progressDetail": {}},
        {"status": "Extracting", "id": "x", "progressDetail": {"current": 7, "total": 100}},
    ]
    told = [meter.feed(event) for event in events]
    assert told == [
        None,
        PullProgress(done=10, total=100, step="Downloading"),
        PullProgress(done=15, total=150, step="Downloading"),
        PullProgress(done=105, total=150, step="Download complete"),
        PullProgress(done=105, total=150, step="Extracting"),
    ]


def test_without_credentials_nothing_is_sent() -> None:
    assert auth_header(None) == {}


def test_credentials_are_sent_as_they_are() -> None:
    header = auth_header(RegistryCredentials(username="$oauthtoken", password="a/b+c"))
    assert json.loads(base64.urlsafe_b64decode(header["X-Registry-Auth"])) == {
        "username": "$oauthtoken",
        "password": "a/b+c",
    }
