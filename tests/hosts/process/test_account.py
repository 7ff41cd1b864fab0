"""Accounts of replicas: one owner each, on the whole machine, and nothing from one to the next."""

from pathlib import Path

import pytest

from hosts.process import account, leftover
from hosts.process.account import UIDS, claim_uid, release


@pytest.fixture(autouse=True)
def cleaned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The uids of which what is left would be removed. Claims of a test are not the machine's."""
    uids: list[int] = []
    monkeypatch.setattr(leftover, "remove", lambda uid, _: uids.append(uid))
    return uids


@pytest.fixture
def owners(tmp_path: Path) -> list[Path]:
    made = [tmp_path / name for name in ("one", "two", "three")]
    for owner in made:
        owner.mkdir()
    return made


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    return tmp_path / "uids"


def test_two_servers_never_share_an_account(claims: Path, owners: list[Path]) -> None:
    claimed = [claim_uid(claims, owner) for owner in owners]
    assert len(set(claimed)) == 3
    assert set(claimed) <= set(UIDS)


def test_an_account_is_not_used_again_at_once(claims: Path, owners: list[Path]) -> None:
    first = claim_uid(claims, owners[0])
    owners[0].rmdir()
    assert claim_uid(claims, owners[1]) != first


def test_an_account_is_free_again_when_its_owner_is_gone_and_cleaned_before(
    claims: Path, owners: list[Path], cleaned: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = claim_uid(claims, owners[0])
    assert cleaned == []
    owners[0].rmdir()
    monkeypatch.setattr(account, "UIDS", range(uid, uid + 1))
    assert claim_uid(claims, owners[1]) == uid
    assert cleaned == [uid]


def test_a_released_account_was_cleaned_once(
    claims: Path, owners: list[Path], cleaned: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = claim_uid(claims, owners[0])
    owners[0].rmdir()
    release(claims, uid)
    release(claims, uid)
    monkeypatch.setattr(account, "UIDS", range(uid, uid + 1))
    assert claim_uid(claims, owners[1]) == uid
    assert cleaned == [uid]


def test_an_account_whose_owner_is_there_is_not_released(
    claims: Path, owners: list[Path], cleaned: list[int]
) -> None:
    uid = claim_uid(claims, owners[0])
    release(claims, uid)
    assert cleaned == []
    assert (claims / str(uid)).exists()


def test_the_turn_begins_anew_when_nobody_knows_the_last(claims: Path, owners: list[Path]) -> None:
    first = claim_uid(claims, owners[0])
    (claims / "last").write_text("")
    assert claim_uid(claims, owners[1]) in set(UIDS) - {first}
