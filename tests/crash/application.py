"""The application that is served while something is killed: it counts aloud, and ends slowly."""

SOURCE = """
import os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock, counted = threading.Lock(), 0

def say(text):
    global counted
    with lock:
        print(counted, text, flush=True)
        counted += 1

def count():
    while True:
        say("counts")
        time.sleep(0.02)

def end(*_):
    time.sleep(ENDING)
    with lock:
        print(counted, "ends", flush=True)
        os._exit(0)

class Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        events = int(self.path.strip("/") or 0)
        if not events:
            body = str(os.getpid()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(events):
            self.wfile.write(b"2\\r\\n.\\n\\r\\n")
            self.wfile.flush()
            time.sleep(0.1)
        self.wfile.write(b"0\\r\\n\\r\\n")

    def log_message(self, *words):
        pass

signal.signal(signal.SIGTERM, end)
say("starts")
threading.Thread(target=count, daemon=True).start()
time.sleep(STARTING)
host = "0.0.0.0" if os.environ["DSTACK_REPO_DIR"] == "/workflow" else "127.0.0.1"
ThreadingHTTPServer((host, PORT), Pages).serve_forever()
"""


def application(port: int, *, starting: float = 0.0, ending: float = 0.0) -> str:
    """It opens `port` after `starting` seconds, and ends `ending` seconds after SIGTERM."""
    numbers = {"PORT": port, "STARTING": starting, "ENDING": ending}
    text = SOURCE
    for name, number in numbers.items():
        text = text.replace(name, str(number))
    return text


def faults_of(lines: list[str], *, ended: bool) -> list[str]:
    """What is wrong with its log: lines that are missing, doubled or too many."""
    numbers = [int(line.split()[0]) for line in lines]
    words = [line.split()[1] for line in lines]
    wrong = [
        f"line {expected} is {found}" for expected, found in enumerate(numbers) if expected != found
    ]
    if words.count("starts") != 1:
        wrong.append(f"started {words.count('starts')} times")
    if words.count("ends") != int(ended):
        wrong.append(f"ended {words.count('ends')} times")
    return wrong[:5]
