"""The application that is served while something is struck: it counts aloud, and ends slowly."""

from pathlib import Path

SOURCE = '''
import base64, hashlib, os, signal, sys, threading, time, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIFE = uuid.uuid4().hex
KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
lock, counted = threading.Lock(), 0
uploaded = threading.Event()

def line(*words):
    """In one piece: an engine that is killed between two pieces takes the first one with it."""
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

def say(text):
    global counted
    with lock:
        line(counted, text, LIFE)
        counted += 1

def count():
    while True:
        say("counts")
        time.sleep(PAUSE)

def end(*_):
    time.sleep(ENDING)
    with lock:
        line(counted, "ends", LIFE)
        os._exit(0)

class Pages(BaseHTTPRequestHandler):
    """`/` tells which life it is, `/N` streams N events, a POST is counted, WebSockets echo.

    `/open` streams until somebody has uploaded something of which no length was told before.
    `/health` fails while the switch is at `sick`.
    """

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "Sec-WebSocket-Key" in self.headers:
            self.echo()
        elif self.path == "/open":
            self.stream(iter(uploaded.is_set, True))
        elif self.path == "/health":
            self.answer("health", 503 if os.path.exists("SWITCH/sick") else 200)
        elif events := int(self.path.strip("/") or 0):
            self.stream(range(events))
        else:
            self.answer(LIFE)

    def do_POST(self):
        if "Content-Length" in self.headers:
            size = self.drop(int(self.headers["Content-Length"]))
        else:
            size = self.drop_chunks()
            uploaded.set()
        self.answer(str(size))

    def drop(self, size):
        left = size
        while left:
            piece = self.rfile.read1(min(left, 1 << 16))
            if not piece:
                raise ConnectionError
            left -= len(piece)
        return size

    def drop_chunks(self):
        size = 0
        while head := self.rfile.readline():
            chunk = self.drop(int(head, 16))
            self.rfile.readline()
            if not chunk:
                return size
            size += chunk
        raise ConnectionError

    def answer(self, text, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def stream(self, events):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in events:
            self.wfile.write(b"2\\r\\n.\\n\\r\\n")
            self.wfile.flush()
            time.sleep(0.1)
        self.wfile.write(b"0\\r\\n\\r\\n")

    def echo(self):
        """Messages of up to 125 bytes, in one frame each, as RFC 6455 has them."""
        digest = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + KEY).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        self.close_connection = True
        while len(head := self.rfile.read(2)) == 2:
            size = head[1] & 127
            mask = self.rfile.read(4)
            body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.rfile.read(size)))
            self.wfile.write(bytes([head[0], size]) + body)
            if head[0] & 15 == 8:
                return

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # a proxy that was killed; its complaint would stand in the log that is counted

    def log_message(self, *words):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 128

signal.signal(signal.SIGTERM, end)
say("starts")
if os.path.exists("SWITCH/fails"):
    say("fails")
    sys.exit(3)
threading.Thread(target=count, daemon=True).start()
time.sleep(STARTING)
host = "0.0.0.0" if os.environ["DSTACK_REPO_DIR"] == "/workflow" else "127.0.0.1"
Server((host, PORT), Pages).serve_forever()
'''


def application(
    port: int,
    *,
    starting: float = 0.0,
    ending: float = 0.0,
    pause: float = 0.1,
    switch: Path = Path("/nowhere"),
) -> str:
    """It opens `port` after `starting` seconds, and ends `ending` seconds after SIGTERM.

    It counts every `pause` seconds. While there is a file `fails` in the folder `switch` it ends at
    its start with exit code 3, while there is a file `sick` its health fails.
    """
    told = {"PORT": port, "STARTING": starting, "ENDING": ending, "PAUSE": pause, "SWITCH": switch}
    text = SOURCE
    for name, value in told.items():
        text = text.replace(name, str(value))
    return text


def lives_of(lines: list[str]) -> dict[str, list[str]]:
    """What each life of the application said, in the order in which they began."""
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(line.split()[2], []).append(line)
    return found


def faults_of(lines: list[str], *, whole: bool) -> list[str]:
    """What is wrong with its log: lines missing, doubled or too many; its end too, if `whole`."""
    numbers = [int(line.split()[0]) for line in lines]
    words = [line.split()[1] for line in lines]
    wrong = [
        f"line {expected} is {found}" for expected, found in enumerate(numbers) if expected != found
    ]
    if words.count("starts") != 1:
        wrong.append(f"started {words.count('starts')} times")
    if words.count("ends") not in ((1,) if whole else (0, 1)):
        wrong.append(f"ended {words.count('ends')} times")
    return wrong[:5]
