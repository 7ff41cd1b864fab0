"""Links to a real sshd, with a grace that a test can wait for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hosts.tunnels.address import Tunnel, tunnel
from hosts.tunnels.board import Board
from hosts.tunnels.ledger import Ledger
from hosts.tunnels.link import LinkHealth, LinkState
from perdure.data_dir import DataDir
from tests.hosts.tunnels.running import TunnelsProcess, ask
from tests.hosts.tunnels.sshd import Sshd, make_host_key
from tests.testbed.deadline import eventually


@pytest.fixture
async def board(data: DataDir, sshd: Sshd) -> AsyncIterator[Board]:
    board = Board(data.tunnels, data.keys / "tunnels", grace=0.0)
    yield board
    await board.end()


def machine(board: Board) -> LinkHealth:
    [found] = board.health().machines
    return found


async def is_open(board: Board, *wanted: Tunnel) -> None:
    async def holds() -> bool:
        open_now = {each.address for each in machine(board).tunnels if each.open}
        return open_now == {each.address for each in wanted}

    await eventually(holds, "these are open, and no other")


async def test_a_machine_with_another_host_key_is_refused_and_says_so(
    board: Board, sshd: Sshd, replica: int, tmp_path: Path
) -> None:
    other = make_host_key(tmp_path / "other")
    board.want({tunnel(sshd.address(replica, host_key=other))})

    async def fails() -> bool:
        return machine(board).state is LinkState.FAILING

    await eventually(fails, "the machine fails")
    assert "Host key verification failed" in machine(board).error
    assert "Accepted publickey" not in sshd.log()


async def test_a_machine_that_does_not_know_our_key_is_told_and_tried_again(
    board: Board, sshd: Sshd, replica: int
) -> None:
    known = sshd.authorized_keys.read_text()
    sshd.authorized_keys.write_text("")
    wanted = tunnel(sshd.address(replica))
    board.want({wanted})

    async def fails() -> bool:
        return "Permission denied" in machine(board).error

    await eventually(fails, "the machine refuses us")
    sshd.authorized_keys.write_text(known)
    await is_open(board, wanted)
    assert machine(board).error == ""


async def test_a_connection_that_is_killed_comes_back(
    board: Board, sshd: Sshd, replica: int, data: DataDir
) -> None:
    wanted = tunnel(sshd.address(replica))
    board.want({wanted})
    await is_open(board, wanted)
    [master] = TunnelsProcess(data).masters()
    master.kill()

    async def is_another() -> bool:
        return TunnelsProcess(data).masters() not in ([], [master])

    await eventually(is_another, "there is another connection")
    await is_open(board, wanted)
    assert ask(data.tunnels / wanted.socket) == b"hello"


async def test_a_machine_that_was_away_is_back_as_soon_as_it_answers(
    board: Board, sshd: Sshd, replica: int, data: DataDir
) -> None:
    wanted = tunnel(sshd.address(replica))
    board.want({wanted})
    await is_open(board, wanted)
    sshd.stop()

    async def fails() -> bool:
        return "Connection refused" in machine(board).error

    await eventually(fails, "the machine is away")
    sshd.start()
    await is_open(board, wanted)
    assert ask(data.tunnels / wanted.socket) == b"hello"


async def test_what_is_no_longer_wanted_is_closed_and_the_rest_stays(
    board: Board, sshd: Sshd, replica: int, data: DataDir
) -> None:
    stays = tunnel(sshd.address(replica))
    goes = tunnel(sshd.address(replica, host="localhost"))
    board.want({stays, goes})
    await is_open(board, stays, goes)
    [master] = TunnelsProcess(data).masters()
    board.want({stays})
    await is_open(board, stays)
    assert ask(data.tunnels / goes.socket) == b""
    assert ask(data.tunnels / stays.socket) == b"hello"
    assert TunnelsProcess(data).masters() == [master]


async def test_a_machine_of_which_nothing_is_wanted_is_left_and_can_be_wanted_again(
    board: Board, sshd: Sshd, replica: int, data: DataDir
) -> None:
    wanted = tunnel(sshd.address(replica))
    board.want({wanted})
    await is_open(board, wanted)

    async def is_left() -> bool:
        board.want(())
        return board.health().machines == ()

    await eventually(is_left, "the machine is left")
    assert TunnelsProcess(data).masters() == []
    assert Ledger(data.tunnels / "open.json").read() == frozenset()
    board.want({wanted})
    await is_open(board, wanted)


async def test_what_a_killed_process_left_and_nobody_wants_is_closed(
    board: Board, sshd: Sshd, replica: int, data: DataDir
) -> None:
    wanted = tunnel(sshd.address(replica))
    board.want({wanted})
    await is_open(board, wanted)
    # As the next process finds it: a connection, and the list of what may be open on it.
    successor = Board(data.tunnels, data.keys / "tunnels", grace=0.0)
    successor.adopt()
    await is_open(successor, wanted)

    async def is_left() -> bool:
        successor.want(())
        return successor.health().machines == ()

    await eventually(is_left, "the machine is left")
    assert TunnelsProcess(data).masters() == []


async def test_a_tunnel_is_on_the_list_before_it_is_open(
    board: Board, sshd: Sshd, replica: int, data: DataDir
) -> None:
    wanted = tunnel(sshd.address(replica))
    board.want({wanted})
    assert Ledger(data.tunnels / "open.json").read() == {wanted}
    assert not machine(board).tunnels[0].open
