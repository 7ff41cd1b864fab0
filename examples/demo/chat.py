"""Questions to the model, and its answers."""

import contextlib
import json
import shlex
from collections.abc import AsyncIterator
from typing import Any

import httpx
from screen import DemoFailed
from stage import Stage

PATIENCE = 120.0  # seconds, for an answer on a slow machine


def curl(stage: Stage) -> str:
    """A question as a command."""
    return (
        f"curl {stage.url}/proxy/models/main/chat/completions \\\n"
        f'    -H "Authorization: Bearer $(cat {shlex.quote(str(stage.token_file))})" \\\n'
        f'    -H "Content-Type: application/json" \\\n'
        f"    -d {shlex.quote(json.dumps(question(stage, 'Why is the sky blue?')))}"
    )


async def answer(stage: Stage, text: str) -> str:
    """The model's answer; one that came to its length ends with dots."""
    async with asking(stage, "models/main", question(stage, text)) as response:
        choice = json.loads(await response.aread())["choices"][0]
    content: str = choice["message"]["content"]
    return f"{content} …" if choice.get("finish_reason") == "length" else content


async def stream(stage: Stage, text: str) -> AsyncIterator[str]:
    """The model's answer, as it comes."""
    asked = question(stage, text) | {"stream": True}
    async with asking(stage, f"services/main/{stage.name}/v1", asked) as response:
        async for line in response.aiter_lines():
            data = line.removeprefix("data: ").strip()
            if data and data != "[DONE]":
                for choice in json.loads(data)["choices"]:
                    yield choice["delta"].get("content") or ""


def question(stage: Stage, text: str) -> dict[str, Any]:
    """The body of a chat completion."""
    messages = [{"role": "user", "content": text}]
    return {"model": stage.service["model"], "messages": messages, "max_tokens": 64}


@contextlib.asynccontextmanager
async def asking(stage: Stage, where: str, body: dict[str, Any]) -> AsyncIterator[httpx.Response]:
    """A chat completion, whose answer is read in the block."""
    token = stage.token_file.read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{stage.url}/proxy/{where}/chat/completions"
    async with (
        httpx.AsyncClient(headers=headers, timeout=PATIENCE, trust_env=False) as client,
        client.stream("POST", url, json=body) as response,
    ):
        if response.is_error:
            raise DemoFailed(f"{url} answers {response.status_code}: {await response.aread()!r}")
        yield response
