"""Which keys living workflows need, by what their histories and their memos are sealed with."""

import asyncio
from collections.abc import Iterator

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from engine.converter import KEY_ID

AT_ONCE = 8
"""Histories that are read at the same time."""


async def living_by_key(client: Client) -> dict[bytes, list[str]]:
    """The ids of the workflows that go on, by the id of each payload key that they need.

    A key is needed as long as something in the history of the present run is sealed by it: that is
    replayed whenever a worker has to remember.
    """
    living = [
        client.get_workflow_handle(each.id, run_id=each.run_id)
        async for each in client.list_workflows("ExecutionStatus = 'Running'")
    ]
    turn = asyncio.Semaphore(AT_ONCE)

    async def keys(handle: WorkflowHandle[object, object]) -> set[bytes]:
        async with turn:
            return await _keys_of(handle)

    found: dict[bytes, list[str]] = {}
    for handle, needed in zip(
        living, await asyncio.gather(*(keys(each) for each in living)), strict=True
    ):
        for key in needed:
            found.setdefault(key, []).append(handle.id)
    return found


async def _keys_of(handle: WorkflowHandle[object, object]) -> set[bytes]:
    """Of the history, and of what is not in it: memos, and the last words of deeds under way."""
    try:
        history = await handle.fetch_history()
        described = await handle.describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:  # gone while we looked
            return set()
        raise
    messages: list[Message] = [*history.events, described.raw_description]
    return {
        payload.metadata[KEY_ID]
        for message in messages
        for payload in payloads(message)
        if KEY_ID in payload.metadata
    }


def payloads(message: Message) -> Iterator[Payload]:
    """Every payload in a message of Temporal's, however deep."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        kind = field.message_type
        if kind is None:
            continue
        if kind.GetOptions().map_entry:
            if kind.fields_by_name["value"].message_type is not None:
                for each in value.values():
                    yield from payloads(each)
        elif field.is_repeated:
            for each in value:
                yield from payloads(each)
        else:
            yield from payloads(value)
