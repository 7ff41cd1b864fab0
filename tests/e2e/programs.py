"""Small applications that are served in tests; standard library only."""

from pathlib import Path

HELLO = """
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/env":
            body = "\\n".join(f"{k}={v}" for k, v in sorted(os.environ.items())).encode()
        elif self.path == "/headers":
            body = str(self.headers).encode()
        elif self.path == "/exit":
            os._exit(3)
        elif self.path == "/files":
            body = "\\n".join(sorted(os.listdir("."))).encode()
        else:
            body = f"hello from {os.environ['DSTACK_RUN_NAME']} at {self.path}".encode()
        self.answer(body)

    def do_POST(self):
        left, size = int(self.headers["Content-Length"]), 0
        while left:
            piece = self.rfile.read(min(left, 1 << 20))
            if not piece:
                return
            left, size = left - len(piece), size + len(piece)
        self.answer(str(size).encode())

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

host = "0.0.0.0" if os.environ["DSTACK_REPO_DIR"] == "/workflow" else "127.0.0.1"
print("listening", flush=True)
print("a complaint", file=sys.stderr, flush=True)
ThreadingHTTPServer((host, PORT), Hello).serve_forever()
"""

SLOW = """
import os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(int(self.path.strip("/") or 5)):
            data = f"data: {number}\\n\\n".encode()
            self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(data), data))
            self.wfile.flush()
            time.sleep(0.2)
        self.wfile.write(b"0\\r\\n\\r\\n")

    def log_message(self, *words):
        pass

host = "0.0.0.0" if os.environ["DSTACK_REPO_DIR"] == "/workflow" else "127.0.0.1"
ThreadingHTTPServer((host, PORT), Slow).serve_forever()
"""


ECHO = '''
import base64, hashlib, socketserver

KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

class Echo(socketserver.StreamRequestHandler):
    """WebSocket messages of up to 64 KiB, in one frame each, as RFC 6455 has them."""

    def handle(self):
        headers = {}
        while (line := self.rfile.readline().strip()):
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        if b"sec-websocket-key" not in headers:
            return
        digest = hashlib.sha1(headers[b"sec-websocket-key"] + KEY).digest()
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\\r\\n"
            b"Upgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\\r\\n\\r\\n"
        )
        while (head := self.rfile.read(2)):
            kind, size = head[0], head[1] & 127
            extended = self.rfile.read(2) if size == 126 else b""
            size = int.from_bytes(extended, "big") if extended else size
            mask = self.rfile.read(4)
            body = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(size)))
            self.wfile.write(bytes([kind, 126 if extended else size]) + extended + body)
            if kind & 15 == 8:
                return

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

Server(("0.0.0.0", PORT), Echo).serve_forever()
'''

TERM = """
import signal, sys
from http.server import HTTPServer, SimpleHTTPRequestHandler

def end(*_):
    print("heard SIGTERM", flush=True)
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
HTTPServer(("0.0.0.0", PORT), SimpleHTTPRequestHandler).serve_forever()
"""

GREEDY = """
from http.server import BaseHTTPRequestHandler, HTTPServer

class Greedy(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/eat":
            kept = [bytearray(1 << 20) for _ in range(1000)]
        self.send_response(204)
        self.end_headers()

HTTPServer(("0.0.0.0", PORT), Greedy).serve_forever()
"""

COUNTING = """
import threading, time
from http.server import HTTPServer, SimpleHTTPRequestHandler

def count():
    for number in range(1_000_000):
        print("line", number, flush=True)
        time.sleep(0.01)

threading.Thread(target=count, daemon=True).start()
HTTPServer(("0.0.0.0", PORT), SimpleHTTPRequestHandler).serve_forever()
"""


BUSY = '''
import base64, hashlib, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SICK = os.path.join("SWITCH", "sick")

class Busy(BaseHTTPRequestHandler):
    """`/` says the version, `/N` streams N events, WebSockets echo; `/health` fails when told to.

    It is sick while there is a file `sick` in the switch's folder, or one with its number behind.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        if "Sec-WebSocket-Key" in self.headers:
            self.echo()
        elif self.path == "/health":
            sick = [SICK, SICK + os.environ["DSTACK_REPLICA_NUM"]]
            self.answer(503 if any(map(os.path.exists, sick)) else 200, "health")
        elif events := int(self.path.strip("/") or 0):
            self.stream(events)
        else:
            self.answer(200, "VERSION")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def stream(self, events):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(events):
            self.wfile.write(b"2\\r\\n.\\n\\r\\n")
            time.sleep(0.2)
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

    def log_message(self, *words):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 128

host = "0.0.0.0" if os.environ["DSTACK_REPO_DIR"] == "/workflow" else "127.0.0.1"
Server((host, PORT), Busy).serve_forever()
'''

NARROW = """
import os, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Narrow(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *words):
        pass

while not os.path.exists("SWITCH/open"):
    time.sleep(0.05)
HTTPServer(("0.0.0.0", PORT), Narrow).serve_forever()
"""

CHAT = """
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked = []

class Chat(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, asked)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        names = ("Authorization", "Content-Type", "User-Agent")
        asked.append({"path": self.path, "body": body, **{n: self.headers[n] for n in names}})
        if len(asked) == 1:
            self.answer(503, {"detail": "the model is loading"})
        else:
            message = {"role": "assistant", "content": "hello"}
            self.answer(200, {"model": body["model"], "choices": [{"message": message}]})

    def answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words):
        pass

ThreadingHTTPServer(("0.0.0.0", PORT), Chat).serve_forever()
"""


def program(source: str, port: int) -> str:
    """The application, listening on this port."""
    return source.replace("PORT", str(port))


def told(source: str, folder: Path) -> str:
    """The application, looking for what it is told into this folder of a switch."""
    return source.replace("SWITCH", str(folder))


def busy(version: str, folder: Path | None = None) -> str:
    """`BUSY` of this version."""
    return told(BUSY, folder or Path("/nowhere")).replace("VERSION", version)
