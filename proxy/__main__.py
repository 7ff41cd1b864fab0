"""`python -m proxy`: one process of the data plane."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

from perdure.logs import set_up
from perdure.program import exit_status, leave
from perdure.settings import Settings, read_settings
from proxy import listener
from proxy.limits import Limits
from proxy.process import Options, run


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="perdure proxy", description="Serve requests for services and models."
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--listen", metavar="HOST:PORT", help="open this address")
    where.add_argument("--listen-fd", type=int, metavar="N", help="take this listening socket over")
    parser.add_argument(
        "--reuse-port", action="store_true", help="let other processes listen on the same port"
    )
    parser.add_argument(
        "--routes", type=Path, metavar="FILE", help="a fixed table, without Temporal and API"
    )
    parser.add_argument(
        "--manage", metavar="ADDRESS", help="health, metrics and table: unix:///PATH or HOST:PORT"
    )
    parser.add_argument(
        "--front",
        action="append",
        metavar="ADDRESS",
        help="where all else goes: the API's unix:///PATH or HOST:PORT; once for each API",
    )
    parser.add_argument(
        "--feed",
        action="append",
        metavar="ADDRESS",
        help="the internal API: unix:///PATH or HOST:PORT; of several, one that answers is asked",
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="the server's data directory")
    parser.add_argument("--tunnels", type=Path, metavar="DIR", help="the sockets of ssh tunnels")
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        type=ip_network,
        metavar="NETWORK",
        help="proxies in front of this one, whose X-Forwarded-* are believed",
    )
    for each in fields(Limits):
        setting = each.metadata.get("setting", "")
        default = f"PERDURE_{setting.upper()}" if setting else f"{each.default:g}"
        parser.add_argument(
            f"--{each.name.replace('_', '-')}",
            type=float,
            metavar="N",
            help=f"{each.metadata['why'].replace('%', '%%')} (default: {default})",
        )
    return parser


def options(arguments: argparse.Namespace, settings: Settings) -> Options:
    """What to run with. Raises `CannotStart`. With `--routes` nothing is taken from elsewhere."""
    fixed, data = arguments.routes is not None, settings.data
    if arguments.listen_fd is not None:
        socket = listener.inherited(arguments.listen_fd)
    else:
        address = arguments.listen or f"{settings.host}:{settings.port}"
        socket = listener.opened(*listener.host_and_port(address), shared=arguments.reuse_port)
    return Options(
        listener=socket,
        routes=arguments.routes,
        manage=_address(arguments.manage, "" if fixed else f"unix://{data.proxy_socket}"),
        feed=_addresses(arguments.feed, f"unix://{data.internal_socket}"),
        front=_addresses(arguments.front, "" if fixed else f"unix://{data.api_socket}"),
        tunnels=arguments.tunnels or data.tunnels,
        trusted=arguments.trust,
        limits=limits_of(arguments, settings),
        settings=settings,
    )


def limits_of(arguments: argparse.Namespace, settings: Settings) -> Limits:
    """As the command line says; what it does not, as the settings do."""
    told = {each.name: getattr(arguments, each.name) for each in fields(Limits)}
    ours = {
        each.name: float(getattr(settings, each.metadata["setting"]))
        for each in fields(Limits)
        if "setting" in each.metadata
    }
    given = {name: value for name, value in told.items() if value is not None}
    return Limits(**{**ours, **given})


def _addresses(given: list[str] | None, default: str) -> tuple[str, ...]:
    if given is None:
        return (default,) if default else ()
    return tuple(_address(each, default) for each in given if each)


def _address(given: str | None, default: str) -> str:
    if given is None:
        return default
    if not given or "://" in given:
        return given
    host, port = listener.host_and_port(given)
    return f"tcp://{host}:{port}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; 1 when it cannot start."""
    given = parser().parse_args(arguments)

    def serve() -> None:
        settings = read_settings(data_dir=given.data_dir)
        set_up(settings.log, process="proxy", level=settings.log_level)
        run(options(given, settings))

    return exit_status(serve)


if __name__ == "__main__":
    leave(main())
