"""What a browser shows while a service wakes: a page that reloads itself. Pure."""

from html import escape
from math import ceil
from string import Template

from proxy.replies import Reply
from proxy.request_head import RequestHead

AGAIN_SECONDS = 5
"""Until the page loads itself again. Each load is an arrival: it keeps the service awake."""

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="$seconds">
<title>$service is starting</title>
<style>
body { font: 1.1em/1.5 system-ui, sans-serif; max-width: 32em; margin: 20vh auto 0; padding: 0 1em }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } }
</style>
</head>
<body>
<h1>$service is starting</h1>
<p role="status">Nobody had asked for this service for a while, or it is new, so none of its
replicas is ready yet. One is on its way. $lasted
This page loads again by itself until it is there.</p>
</body>
</html>
""")

_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
)


def is_page_load(head: RequestHead) -> bool:
    """Whether a browser asks, to show what it gets: by its own word, else by what it accepts."""
    if head.method != b"GET" or head.upgrades:
        return False
    mode = _value(head, b"sec-fetch-mode")
    if mode is not None:
        return mode.lower() == b"navigate"
    accept = _value(head, b"accept") or b""
    return accept.partition(b",")[0].partition(b";")[0].strip().lower() == b"text/html"


def waiting_page(service: str, cold_start: float | None, retry_seconds: int) -> Reply:
    """503 with the page. `cold_start` is what the last start took, in seconds, if that is known.

    `retry_seconds` are for clients that do not load the page again by themselves.
    """
    page = _PAGE.substitute(
        service=escape(service), seconds=AGAIN_SECONDS, lasted=_lasted(cold_start)
    )
    headers = ((b"retry-after", b"%d" % retry_seconds), *_HEADERS)
    return Reply(503, page.encode(), headers, kind=b"text/html; charset=utf-8")


def _lasted(cold_start: float | None) -> str:
    if cold_start is None:
        return "How long that takes is not known yet."
    seconds = ceil(cold_start)
    return f"The last start took {'a second' if seconds == 1 else f'{seconds} seconds'}."


def _value(head: RequestHead, name: bytes) -> bytes | None:
    """Of a plain field, the first time that it is there."""
    for line in head.lines:
        field, _, value = line.partition(b":")
        if field.lower() == name:
            return value.strip()
    return None
