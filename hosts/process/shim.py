"""Run one replica and outlive whoever started it: `python -I -S shim.py FOLDER <ORDER`.

The command returns when the replica's process is being started; the shim goes on in the
background. It is one file, since with `-I -S` it can import the standard library only. The order is
read from stdin, to its end: `argv`, `env`, `cwd`, `code` (the folder that `cwd` must be in) and
`uid` (null: our own), as JSON. It holds secrets, so it is never written. All else that the shim
knows and tells is in FOLDER:

    stop.json   read at each SIGTERM: `grace`, in seconds
    lock        held while the shim lives (see `perdure.lock`)
    pid.json    the shim's `pid`; written once, before the replica starts
    log.NNNNNN  the log in CRI's format, whole lines only; the next number follows at 16 MiB. Who
                collects it deletes them in turn; while it is `BACKLOG` behind, nothing is read from
                the replica, which then waits as at any full pipe
    exit.json   `code`; written once, after the last byte of the log

A replica runs once: where there is a `pid.json` or an `exit.json`, nothing is started.
"""

import ctypes
import fcntl
import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress

LINE = 16_384  # bytes; a longer line is cut into pieces, as container engines do
SEGMENT = 16 << 20  # bytes
# Whole segments that wait to be collected, 64 MiB. The store takes some 2 MB/s, so that they are in
# it within the 60 s that an ended replica's log has; and 10 KB/s can go on for two hours meanwhile.
BACKLOG = 4
PARTIAL_SECONDS = 0.25  # a line without its end is told after this time
KILL_SECONDS = 10.0
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
prctl = ctypes.CDLL(None).prctl


class Log:
    """Each batch of whole lines is one append: a crash tears one line at most."""

    def __init__(self) -> None:
        self._number = 0
        self._open()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor, self._size = os.open(f"log.{self._number:06}", flags, 0o600), 0

    def write(self, stream: str, lines: list[tuple[bytes, str]]) -> None:
        """Append lines, each with its flag: `F`, or `P` when the line goes on.

        A full disk costs these lines, never the replica.
        """
        seconds, rest = divmod(time.time_ns(), 10**9)
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        head = f"{clock}.{rest:09}Z {stream} "
        data = b"".join(f"{head}{flag} ".encode() + text + b"\n" for text, flag in lines)
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            return
        self._size += len(data)
        if self._size > SEGMENT:
            os.close(self._descriptor)
            self._number += 1
            self._open()

    @property
    def is_behind(self) -> bool:
        """Whether so much waits to be collected that there must not be more."""
        oldest = self._number - BACKLOG
        return oldest >= 0 and os.path.exists(f"log.{oldest:06}")

    def sync(self) -> None:
        """Bring all of it to the disk."""
        with suppress(OSError):
            os.fsync(self._descriptor)


class Output:
    """One of the replica's two outputs, cut into lines."""

    def __init__(self, stream: str, log: Log) -> None:
        self._stream, self._log, self._rest, self._since = stream, log, b"", 0.0

    def feed(self, data: bytes) -> None:
        """Take what was read from the pipe."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        lines = [piece for text in whole for piece in _pieces(text)]
        if len(self._rest) >= LINE:
            lines += [(text, "P") for text, _ in _pieces(self._rest)]
            self._rest = b""
        self._since = time.monotonic()
        if lines:
            self._log.write(self._stream, lines)

    def flush(self, *, force: bool = False) -> None:
        """Tell a line without its end once it has waited long enough, or when none can follow."""
        if self._rest and (force or time.monotonic() - self._since > PARTIAL_SECONDS):
            self._log.write(self._stream, [(self._rest, "P")])
            self._rest = b""


def _pieces(text: bytes) -> list[tuple[bytes, str]]:
    cut = [text[at : at + LINE] for at in range(0, len(text), LINE)] or [b""]
    return [*((piece, "P") for piece in cut[:-1]), (cut[-1], "F")]


class Replica:
    """The replica's main process, and all of its descendants."""

    def __init__(self, order: dict[str, object]) -> None:
        uid = order["uid"]
        self._uid = uid if isinstance(uid, int) else None
        self._kill_at: float | None = None
        self.code: int | None = None
        identity = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        shim = os.getpid()

        def become_replica() -> None:  # after setuid: with the rights of the account, no more
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != shim:
                os._exit(127)
            _enter(str(order["cwd"]), str(order["code"]))

        self.main = subprocess.Popen(  # type: ignore[call-overload]
            order["argv"],
            env=order["env"],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=become_replica,  # noqa: PLW1509 - the shim has one thread
            **identity,
        )

    @property
    def patience(self) -> float:
        """Seconds until somebody must look again."""
        if self._kill_at is None or self.code is not None:
            return PARTIAL_SECONDS
        return min(PARTIAL_SECONDS, max(0.0, self._kill_at - time.monotonic()))

    def stop(self) -> None:
        """Send SIGTERM to the whole group: a shell passes nothing on. SIGKILL follows."""
        if self.code is not None:
            return
        with open("stop.json") as file:
            kill_at = time.monotonic() + json.load(file)["grace"]
        if self._kill_at is None:
            os.killpg(self.main.pid, signal.SIGTERM)
        self._kill_at = min(kill_at, self._kill_at or kill_at)

    def look(self) -> None:
        """Reap, kill what is over its grace, and end all when the main process has ended."""
        if self.code is not None:
            return
        self._reap()
        if self.main.returncode is None and self._kill_at and time.monotonic() >= self._kill_at:
            self.main.kill()
            self.main.wait()
        if (status := self.main.returncode) is not None:
            self._kill_all()  # as a container ends with its first process; it closes the pipes too
            self.code = status if status >= 0 else 128 - status

    def _reap(self) -> None:
        while seen := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if seen.si_pid == self.main.pid:
                self.main.wait()
                return
            os.waitpid(seen.si_pid, 0)

    def _kill_all(self) -> None:
        deadline = time.monotonic() + KILL_SECONDS
        while time.monotonic() < deadline:
            if self._uid:
                _kill_everything_of(self._uid)
            for pid in _descendants():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            time.sleep(0.005)


def _enter(folder: str, code: str) -> None:
    """Go to where the replica starts, or end with a word in its log."""
    try:
        os.chdir(folder)
        here, code = os.getcwd(), os.path.realpath(code)
        if os.path.commonpath([here, code]) != code:
            raise PermissionError(f"it leads out of the code, to {here}")
    except (OSError, ValueError) as error:
        os.write(2, f"cannot start in {folder}: {error}\n".encode(errors="surrogateescape"))
        os._exit(126)


def _kill_everything_of(uid: int) -> None:
    """In one step, so that a program that forks all the time cannot get away."""
    if killer := os.fork():
        os.waitpid(killer, 0)
        return
    try:
        os.setresuid(uid, uid, uid)
        os.kill(-1, signal.SIGKILL)  # all but itself
    finally:
        os._exit(0)


def _descendants() -> list[int]:
    """Orphans come to us, so none escapes by a double fork or a session of its own."""
    found, ask = [], [os.getpid()]
    while ask:
        pid = ask.pop()
        with (
            suppress(FileNotFoundError, ProcessLookupError),
            open(f"/proc/{pid}/task/{pid}/children") as file,
        ):
            more = [int(word) for word in file.read().split()]
            found += more
            ask += more
    return found


def _write_once(name: str, value: object) -> None:
    with open(f"{name}.new", "w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{name}.new", name)


def _take_lock() -> None:
    lock = os.open("lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    whole = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    fcntl.fcntl(lock, fcntl.F_OFD_SETLK, whole)


def _go_to_background() -> None:
    """Return in a child of init, once its forerunner may tell the starter that all is well."""
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        os._exit(0 if os.read(told, 1) else 1)
    os.close(told)
    _write_once("pid.json", {"pid": os.getpid()})
    os.write(tell, b"1")
    os.close(tell)
    quiet = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(quiet, standard)
    os.close(quiet)


def _watch(replica: Replica, log: Log, wake: int) -> int:
    everything, signals = selectors.DefaultSelector(), selectors.DefaultSelector()
    everything.register(wake, selectors.EVENT_READ)
    signals.register(wake, selectors.EVENT_READ)
    outputs = {}
    for stream, pipe in (("stdout", replica.main.stdout), ("stderr", replica.main.stderr)):
        outputs[pipe.fileno()] = Output(stream, log)
        everything.register(pipe, selectors.EVENT_READ)
    while True:
        # One that has ended writes no more: the little that is left in its pipes is always read.
        waits = log.is_behind and replica.code is None
        for key, _ in (signals if waits else everything).select(replica.patience):
            if key.fd == wake:
                if signal.SIGTERM in os.read(wake, 512):
                    replica.stop()
            elif data := os.read(key.fd, 65_536):
                outputs[key.fd].feed(data)
            else:
                everything.unregister(key.fileobj)
                outputs.pop(key.fd).flush(force=True)
        for output in outputs.values():
            output.flush()
        replica.look()
        if replica.code is not None and not outputs:
            return replica.code


def main(folder: str) -> None:
    """Run the replica of `folder` to its end, unless it ran before."""
    os.chdir(folder)
    _take_lock()
    if os.path.exists("pid.json") or os.path.exists("exit.json"):
        return
    order = json.load(sys.stdin.buffer)
    _go_to_background()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    wake, wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_in)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    log = Log()
    try:
        code = _watch(Replica(order), log, wake)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        log.write("stderr", [(f"cannot start {order['argv'][0]}: {error}".encode(), "F")])
        code = 127 if isinstance(error, FileNotFoundError) else 126
    log.sync()
    _write_once("exit.json", {"code": code})


if __name__ == "__main__":
    main(sys.argv[1])
