"""Who gets a request, and whether it may pass."""

from functools import partial
from typing import TYPE_CHECKING

from proxy import replies, stats
from proxy.auth import Opened
from proxy.model_search import ModelSearch
from proxy.models import model_list, model_named
from proxy.paths import FRONT, MODEL, SERVICE, locate
from proxy.pool import Name, Service
from proxy.replies import Reply, moved, refusal
from proxy.way import Way

if TYPE_CHECKING:
    from proxy.exchange import Exchange


def dispatch(exchange: "Exchange") -> None:
    """Send the request on, or answer it."""
    head, way = exchange.head, exchange.client.way
    if head.refusal:
        exchange.kind = stats.OTHER
        exchange.answer(refusal(head.refusal))
        return
    if way is not None and way.leads(head):
        head.authorization = way.passes
        exchange.send(way.service, head.target[way.rest_at :], way.extra, way.rewrite)
        return
    zone, project, run, rest = locate(head.target)
    if zone is SERVICE:
        _to_service(exchange, project, run, rest)
    elif zone is MODEL:
        exchange.kind, exchange.open_to_all = stats.MODEL, True
        _to_model(exchange, project, rest)
    elif zone is FRONT:
        exchange.kind = stats.FRONT
        _to_front(exchange)
    else:
        exchange.kind = stats.OTHER
        exchange.answer(replies.NO_PLACE)


def _to_service(exchange: "Exchange", project: bytes, run: bytes, rest: bytes) -> None:
    client, head = exchange.client, exchange.head
    plane, authorization = client.plane, head.authorization
    service = plane.table.services.get((project, run))
    if service is None or service.auth:
        opened = _authenticate(exchange)
        if opened is None or not opened.has(project, run):
            exchange.answer(_refused(opened))
            return
    elif client.caller.opened(authorization) is not None:  # open, but no place for our token
        head.authorization = None
    if service is not None:
        _to_known_service(exchange, service, rest)
        if head.token is None and not client.trusted:
            extra = client.forwarded(head) + service.forwarded
            client.way = Way(plane, service, head, authorization, extra)
    elif plane.seek is None:
        exchange.answer(replies.NO_RUN)
    else:
        again = partial(_to_found_service, exchange, (project, run), rest)
        exchange.search(plane.seek(project.decode("latin-1"), run.decode("latin-1")), again)


def _to_found_service(exchange: "Exchange", name: Name, rest: bytes) -> None:
    service = exchange.client.plane.table.services.get(name)
    if service is None:
        exchange.answer(replies.NO_RUN)
    else:
        _to_known_service(exchange, service, rest)


def _to_known_service(exchange: "Exchange", service: Service, rest: bytes) -> None:
    if rest[:1] == b"/":
        extra = exchange.client.forwarded(exchange.head) + service.forwarded
        if service.strip_prefix:
            exchange.send(service, rest, extra, service)
        else:
            exchange.send(service, exchange.head.target, extra, None)
    else:
        exchange.answer(moved(service.prefix + b"/" + rest))


def _to_model(exchange: "Exchange", project: bytes, rest: bytes) -> None:
    head, plane = exchange.head, exchange.client.plane
    if head.method == b"OPTIONS":
        exchange.answer(preflight(head.preflight))
        return
    opened = _authenticate(exchange)
    if opened is None or not opened.has_some_of(project):
        exchange.answer(_refused(opened))
        return
    path = rest.partition(b"?")[0]
    if path == b"/models" and head.method in (b"GET", b"HEAD"):
        exchange.answer(model_list(plane.table.routes_of(project, opened)))
    elif path.startswith(b"/models/") and head.method in (b"GET", b"HEAD"):
        exchange.answer(model_named(path[8:], plane.table.routes_of(project, opened)))
    elif path in (b"", b"/"):
        exchange.answer(replies.NO_PLACE)
    else:
        exchange.collect(partial(_to_named_model, exchange, project, opened, rest))


def _to_named_model(exchange: "Exchange", project: bytes, opened: Opened, rest: bytes) -> None:
    search = ModelSearch(exchange.body)
    then = partial(_to_found_model, exchange, project, opened, rest, search)
    if search.over:
        then()
    else:
        exchange.search(search.finish(exchange.client.plane.searches), then)


def _to_found_model(
    exchange: "Exchange", project: bytes, opened: Opened, rest: bytes, search: ModelSearch
) -> None:
    client, name = exchange.client, search.name
    if name is None:
        exchange.answer(replies.NO_MODEL_NAMED)
        return
    pool = client.plane.table.model(project, name, opened)
    if pool is None:
        exchange.answer(replies.unknown_model(name))
        return
    exchange.send(pool, rest, client.forwarded(exchange.head), None)


def _to_front(exchange: "Exchange") -> None:
    client = exchange.client
    front = client.plane.front
    if front is None:
        exchange.answer(replies.NO_PLACE)
    else:
        exchange.send(front, exchange.head.target, client.forwarded(exchange.head), None)


def _authenticate(exchange: "Exchange") -> Opened | None:
    """What the caller's token opens, if it is one. It does not go further than here."""
    head, client = exchange.head, exchange.client
    opened = client.caller.opened(head.authorization)
    if head.token is None:
        head.authorization = None
    else:
        if opened is not None:
            head.authorization = None
        opened = client.plane.tokens.opened_by(head.token)
    return opened


def _refused(opened: Opened | None) -> Reply:
    """The answer to a caller without a token of ours, or with one that opens other places."""
    return replies.UNAUTHENTICATED if opened is None else replies.FORBIDDEN


def preflight(asked: bytes) -> Reply:
    """The answer to a browser that asks before it calls a model from another site's page."""
    return Reply(
        204,
        headers=(
            (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
            (b"access-control-allow-headers", asked or b"authorization, content-type"),
            (b"access-control-max-age", b"86400"),
        ),
    )
