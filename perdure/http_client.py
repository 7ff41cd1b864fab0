"""One process of ours as another one's HTTP server."""

import httpx


def http_client(
    address: str, *, timeout: httpx.Timeout | float, headers: dict[str, str] | None = None
) -> httpx.AsyncClient:
    """A client of the server at `unix:///PATH` or `tcp://HOST:PORT`, past any proxy."""
    scheme, _, rest = address.partition("://")
    unix = scheme == "unix"
    return httpx.AsyncClient(
        base_url="http://localhost" if unix else f"http://{rest}",
        # Plain HTTP: reading the machine's certificates takes longer than a whole request.
        transport=httpx.AsyncHTTPTransport(uds=rest if unix else None, verify=False),
        timeout=timeout,
        headers=headers,
    )
