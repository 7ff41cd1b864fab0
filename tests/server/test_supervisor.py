"""The supervisor keeps its parts, whoever is killed; and it stops them in order."""

import os
import re
import signal
import socket
import threading
from pathlib import Path

from perdure.logs import ASIDE
from tests.server.conftest import Server
from tests.testbed.deadline import wait_until


def test_a_part_that_is_killed_is_started_again(server: Server) -> None:
    server.part("worker")
    server.start_ready()
    killed = server.kill_part("worker")
    wait_until(lambda: server.pid("worker") not in (0, killed))
    wait_until(lambda: "worker ended (signal 9)" in server.said())


def test_a_part_that_ends_by_itself_is_started_again(server: Server) -> None:
    server.part("worker", "import time; print('here'); time.sleep(0.2); raise SystemExit(3)")
    server.start_ready()
    wait_until(lambda: server.said().count("worker ended (exit code 3)") > 1)


def test_a_new_supervisor_adopts_what_a_killed_one_left(server: Server) -> None:
    server.part("worker")
    server.proxy()
    server.start_ready()
    pids = [server.pid(name) for name in ("holder", "worker", "proxy")]
    server.kill()
    assert server.ask() == str(pids[2])
    server.start_ready()
    assert [server.pid(name) for name in ("holder", "worker", "proxy")] == pids
    assert "worker still runs" in server.said()
    killed = server.kill_part("worker")
    wait_until(lambda: server.pid("worker") not in (0, killed))


def test_a_part_is_not_adopted_when_its_settings_have_changed(server: Server) -> None:
    server.part("worker")
    server.start_ready()
    pid = server.pid("worker")
    server.kill()
    server.start(environment={"PERDURE_OWNER_CHECK": "7"})
    server.is_ready()
    assert server.pid("worker") != pid
    assert "worker runs with other settings" in server.said()


def test_connections_wait_while_the_proxy_is_started_again(server: Server) -> None:
    server.proxy()
    server.start_ready()
    for _ in range(5):
        killed = server.kill_part("proxy")
        assert server.ask() != str(killed)


def test_connections_wait_while_supervisor_and_proxy_are_gone(server: Server) -> None:
    server.proxy()
    server.start_ready()
    server.kill()
    killed = server.kill_part("proxy")
    answers: list[str] = []
    caller = threading.Thread(target=lambda: answers.append(server.ask()))
    caller.start()
    server.start_ready()
    caller.join()
    assert answers == [str(server.pid("proxy"))]
    assert answers != [str(killed)]


def test_a_killed_holder_costs_nothing(server: Server) -> None:
    server.proxy()
    server.start_ready()
    holder, proxy = server.kill_part("holder"), server.pid("proxy")
    assert server.ask() == str(proxy)
    wait_until(lambda: server.pid("holder") not in (0, holder))
    server.kill()
    server.start_ready()
    assert server.ask() == str(proxy)


def test_a_supervisor_without_holder_opens_the_port_anew(server: Server) -> None:
    server.proxy()
    server.start_ready()
    server.kill()
    server.kill_part("holder")
    earlier = server.pid("proxy")
    server.start_ready()
    assert server.ask() == str(server.pid("proxy")) != str(earlier)


def test_the_last_started_is_stopped_first_and_nothing_is_left(server: Server) -> None:
    for name in ("temporal", "worker", "api"):
        server.part(name)
    server.start_ready()
    pids = [server.pid(name) for name in ("holder", "temporal", "worker", "api")]
    for name in ("temporal", "worker", "api"):
        wait_until(lambda name=name: re.search(rf"{name} +\| sleeping", server.said()) is not None)  # type: ignore[misc]
    assert server.terminate() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    logs = [server.data.logs / f"{name}.log" for name in ("api", "worker", "temporal")]
    assert all("told to stop" in log.read_text() for log in logs)
    times = [log.stat().st_mtime_ns for log in logs]
    assert times == sorted(times)


def test_a_part_that_ignores_sigterm_is_killed_after_its_grace(server: Server) -> None:
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)"
    server.part("deaf", f"{ignore}; time.sleep(600)", grace=0.1)
    server.start_ready()
    wait_until(lambda: re.search(r"deaf +\| up", server.said()) is not None)
    pid = server.pid("deaf")
    assert server.terminate() == 0
    assert not Path(f"/proc/{pid}").exists()


def test_what_a_part_starts_in_its_own_session_outlives_the_server(
    server: Server, tmp_path: Path
) -> None:
    replica = tmp_path / "replica"
    script = (
        "import subprocess, time\n"
        "p = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        f"open({str(replica)!r}, 'w').write(str(p.pid))\n"
        "time.sleep(600)\n"
    )
    server.part("worker", script)
    server.start_ready()
    wait_until(lambda: replica.exists() and replica.read_text() != "")
    server.terminate()
    os.kill(int(replica.read_text()), signal.SIGKILL)


def test_steps_and_parts_come_in_their_order(server: Server, tmp_path: Path) -> None:
    done = tmp_path / "done"
    server.step("setup", f"import time; time.sleep(0.3); open({str(done)!r}, 'w').write('x')")
    server.part(
        "worker",
        f"import time; open({str(done)!r}).read(); print('has it', flush=True); time.sleep(600)",
        after=["setup"],
    )
    server.start_ready()
    wait_until(lambda: "has it" in server.said())
    assert "worker ended" not in server.said()


def test_a_step_that_fails_is_told_with_its_last_words(server: Server) -> None:
    server.part("temporal")
    server.step("setup", "raise SystemExit('no such table: users')")
    server.start()
    assert server.ends() == 1
    assert "error: `setup` failed with exit code 1" in server.said()
    assert "no such table: users" in server.said()
    assert not Path(f"/proc/{server.pid('temporal')}").exists()


def test_a_second_server_on_one_data_directory_is_refused(server: Server) -> None:
    server.part("worker")
    server.start_ready()
    first = server.process
    assert first is not None
    server.start()
    assert server.ends() == 1
    assert f"Another `perdure server` (pid {first.pid}) uses `{server.data.root}`" in server.said()
    assert first.poll() is None
    server.process = first


def test_a_port_of_another_program_is_refused_by_its_number(server: Server) -> None:
    server.proxy()
    with socket.create_server(("127.0.0.1", server.port)):
        server.start()
        assert server.ends() == 1
    assert f"Port {server.port} of 127.0.0.1 is in use" in server.said()
    assert "PERDURE_PORT" in server.said()


def test_all_logs_are_merged_with_the_name_of_each_part(server: Server) -> None:
    server.part(
        "api", "import time\nfor n in range(1000): print('line', n, flush=True)\ntime.sleep(600)"
    )
    server.start_ready()
    wait_until(lambda: "line 999" in server.said())
    lines = re.findall(r"^api +\| line (\d+)$", server.said(), re.MULTILINE)
    assert lines == [str(n) for n in range(1000)]


def test_what_is_for_the_log_file_alone_is_not_shown(server: Server) -> None:
    script = f"import time; print('head'); print({ASIDE + 'deep'!r}); print('next', flush=True)"
    server.part("api", f"{script}; time.sleep(600)")
    server.start_ready()
    wait_until(lambda: re.search(r"api +\| next", server.said()) is not None)
    assert re.search(r"api +\| head", server.said())
    assert "deep" not in server.said()
    assert "deep" in (server.data.logs / "api.log").read_text()


def test_a_part_that_never_lives_long_enough_to_be_ready_is_given_up(server: Server) -> None:
    server.part("api", "raise SystemExit('cannot import uvicorn')", never_ready=True)
    server.start()
    assert server.ends() == 1
    assert "error: `api` ends as soon as it is started" in server.said()
    assert "cannot import uvicorn" in server.said()


def test_parts_that_are_not_ready_in_time_are_named(server: Server) -> None:
    server.ready_timeout = 1.0
    server.part("temporal")
    server.part("worker", never_ready=True)
    server.part("api", after=["worker"])
    server.start()
    assert server.ends() == 1
    assert "error: Not ready within 1 s: worker, api." in server.said()
    assert not Path(f"/proc/{server.pid('temporal')}").exists()


def test_a_server_that_is_still_starting_can_be_stopped(server: Server) -> None:
    server.part("temporal")
    server.step("setup", "import time; print('setting up', flush=True); time.sleep(600)")
    server.part("worker", after=["setup"])
    server.start()
    wait_until(lambda: "setting up" in server.said())
    assert server.terminate() == 0
    assert not Path(f"/proc/{server.pid('temporal')}").exists()


def test_a_second_signal_kills_what_is_slow_to_stop(server: Server) -> None:
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)"
    server.part("deaf", f"{ignore}; time.sleep(600)", grace=600)
    server.start_ready()
    wait_until(lambda: re.search(r"deaf +\| up", server.said()) is not None)
    assert server.process is not None
    server.process.terminate()
    wait_until(lambda: "stopping" in server.said())
    assert server.terminate() == 0
