"""The last good table: what cannot be used is as good as none."""

from hashlib import sha256
from pathlib import Path

import pytest

from proxy.auth import Opened
from proxy.disk import LastGood
from proxy.limits import Limits
from proxy.plane import Plane

HASH = sha256(b"good").hexdigest()


def text(digest: str) -> str:
    return f'{{"version": 1, "tokens": [{{"sha256": "{digest}", "projects": ["main"]}}]}}'


@pytest.mark.parametrize(
    ("content", "good"),
    [(text(HASH), True), (text("nonsense"), False), (text("z" * 64), False), ("{", False)],
)
async def test_a_file_that_cannot_be_used_is_as_good_as_none(
    tmp_path: Path, content: str, good: bool
) -> None:
    plane = Plane(tunnels=tmp_path, limits=Limits())
    path = tmp_path / "last-good.json"
    path.write_text(content)
    assert LastGood(path, plane).load() is good
    assert plane.tokens.opened_by(b"good") == (Opened(frozenset({b"main"})) if good else None)
