"""What may not reach the UI's origin, and the headers that browsers get with every answer.

Ports do not separate sites: a user's service on `localhost:3000` is "same-site" with us, so that
`SameSite` alone does not keep its pages out. `Sec-Fetch-Site`, `Origin` and `Host` do.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from perdure.loopback import LOOPBACK_NAMES

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

ANSWER_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def refusal(method: str, headers: Mapping[str, str]) -> str | None:
    """Why the request is refused; None when it may come from our own pages, or no page."""
    host = headers.get("host", "")
    if _name_of(host) not in LOOPBACK_NAMES:
        return "This server is reached as `localhost` only."
    navigates = headers.get("sec-fetch-mode") == "navigate" and method in SAFE_METHODS
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and not navigates:
        return "The request comes from another site."
    if method not in SAFE_METHODS and headers.get("origin") != f"http://{host}":
        return "The request comes from another site."
    return None


def _name_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
