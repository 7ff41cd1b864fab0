"""A page that greets, and says which replica it came from."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<title>Hello</title>
<h1>Hello from {run}</h1>
<p>This is replica {replica}. It was asked for {path}.</p>
"""


class Page(BaseHTTPRequestHandler):
    """One page, whatever is asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        page = PAGE.format(
            run=os.environ.get("DSTACK_RUN_NAME", "here"),
            replica=os.environ.get("DSTACK_REPLICA_NUM", "0"),
            path=self.path.replace("<", "&lt;"),
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


in_container = os.environ.get("DSTACK_REPO_DIR") == "/workflow"
ThreadingHTTPServer(("0.0.0.0" if in_container else "127.0.0.1", 8020), Page).serve_forever()
