"""Redirects of a replica that knows nothing of the prefix it is served under. Pure."""


def under_prefix(location: bytes, prefix: bytes, hosts: tuple[bytes, ...]) -> bytes:
    """`Location` as the client must see it.

    A value that points at the replica's root, as a path or as a URL at one of `hosts`, gets the
    prefix; relative ones, other hosts and those under the prefix already stay as they are.
    """
    if location.startswith(b"/"):
        return location if location.startswith(b"//") else _prefixed(location, prefix)
    scheme, separator, rest = location.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        return location
    cut = min((i for i in map(rest.find, (b"/", b"?", b"#")) if i >= 0), default=len(rest))
    if rest[:cut].lower() not in hosts:
        return location
    path = rest[cut:]
    return _prefixed(path if path.startswith(b"/") else b"/" + path, prefix)


def _prefixed(path: bytes, prefix: bytes) -> bytes:
    if path == prefix or path.startswith(prefix + b"/"):
        return path
    return prefix + path
