"""Small applications that are served in tests; standard library only."""

HELLO = '''
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
'''

SLOW = '''
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
'''


def program(source: str, port: int) -> str:
    """The application, listening on this port."""
    return source.replace("PORT", str(port))
