"""The model that a service answers for: a name, or a mapping with its API's dialect."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from spec.route import ModelFormat
from spec.section import Section

LONGEST_NAME = 255
"""Characters: Temporal's index, by which models are found, holds no more."""
LONGEST_PREFIX = 1_024
"""Characters: the default probe's address begins with it."""
ModelName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class ModelType(StrEnum):
    """What a model does."""

    CHAT = "chat"


class OpenAIModel(Section):
    """A model behind an OpenAI-compatible API, which begins at `prefix`."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
    )

    type: ModelType = ModelType.CHAT
    name: ModelName
    format: Literal[ModelFormat.OPENAI]
    prefix: Annotated[str, Field(pattern=r"^/\S*$", max_length=LONGEST_PREFIX)] = "/v1"


class TgiModel(Section):
    """A model behind TGI's own API; what is None is read from the model's own repository."""

    type: ModelType = ModelType.CHAT
    name: ModelName
    format: Literal[ModelFormat.TGI]
    chat_template: str | None = None
    eos_token: str | None = None


def _named(value: Any) -> Any:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return {"name": value, "format": ModelFormat.OPENAI}
    return value


ModelEndpoint = Annotated[
    OpenAIModel | TgiModel, Field(discriminator="format"), BeforeValidator(_named)
]
"""Either dialect; a name alone is `openai` at `/v1`."""
