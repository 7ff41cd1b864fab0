"""The list of what may be open."""

from pathlib import Path

from hosts.tunnels.address import tunnel
from hosts.tunnels.ledger import Ledger

ADDRESS = "ssh://perdure@10.0.0.7:22#ssh-ed25519 AAAA/172.30.0.9:8000"


def test_the_next_process_reads_what_was_written(tmp_path: Path) -> None:
    Ledger(tmp_path / "open.json").write([tunnel(ADDRESS)])
    assert Ledger(tmp_path / "open.json").read() == {tunnel(ADDRESS)}


def test_a_file_that_cannot_be_read_is_an_empty_list(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "open.json")
    assert ledger.read() == frozenset()
    (tmp_path / "open.json").write_text('["tcp://10.0.0.7:1"]')
    assert ledger.read() == frozenset()
    (tmp_path / "open.json").write_text("[")
    assert ledger.read() == frozenset()


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "open.json")
    ledger.write([tunnel(ADDRESS)])
    (tmp_path / "open.json").unlink()
    ledger.write([tunnel(ADDRESS)])
    assert not (tmp_path / "open.json").exists()
