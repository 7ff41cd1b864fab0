"""A lock lives as long as the process that inherited it, and asking costs nothing."""

import os
import subprocess
from pathlib import Path

from perdure import lock


def test_a_lock_is_held_once_and_ends_with_its_descriptor(tmp_path: Path) -> None:
    first, second = (lock.open_lock(tmp_path / "lock") for _ in range(2))
    assert not lock.is_held(second)
    assert lock.take(first)
    assert lock.is_held(second)
    assert not lock.take(second)
    assert not lock.is_held(first)
    os.close(first)
    assert not lock.is_held(second)
    assert lock.take(second)
    os.close(second)


def test_asking_does_not_take_it(tmp_path: Path) -> None:
    first, second = (lock.open_lock(tmp_path / "lock") for _ in range(2))
    assert not lock.is_held(first)
    assert lock.take(second)
    os.close(first)
    os.close(second)


def test_a_child_that_inherited_it_keeps_it_until_it_is_dead(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    descriptor = lock.open_lock(path)
    assert lock.take(descriptor)
    child = subprocess.Popen(["/bin/sleep", "600"], pass_fds=[descriptor])
    os.close(descriptor)
    assert lock.is_file_held(path)
    child.kill()
    child.wait()
    assert not lock.is_file_held(path)


def test_a_file_that_is_not_there_is_not_held(tmp_path: Path) -> None:
    assert not lock.is_file_held(tmp_path / "none")
