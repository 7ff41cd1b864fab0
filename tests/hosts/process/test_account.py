"""Accounts of replicas: one owner each, on the whole machine."""

from pathlib import Path

from hosts.process.account import UIDS, claim_uid


def test_two_servers_never_share_an_account(tmp_path: Path) -> None:
    owners = [tmp_path / name for name in ("one", "two", "three")]
    for owner in owners:
        owner.mkdir()
    claimed = [claim_uid(tmp_path / "uids", owner) for owner in owners]
    assert len(set(claimed)) == 3
    assert set(claimed) <= set(UIDS)


def test_an_account_is_free_again_when_its_owner_is_gone(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    uid = claim_uid(tmp_path / "uids", first)
    first.rmdir()
    assert claim_uid(tmp_path / "uids", second) == uid
