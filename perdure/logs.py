"""Logging of every process of ours: to stderr, one line each, as text or as JSON."""

import json
import logging
import sys
import time
from collections.abc import Mapping
from types import TracebackType

from perdure.errors import PerdureError
from perdure.settings import LogFormat, LogLevel
from perdure.subject import of_record

ASIDE = "    · "
"""Begins a line that is for the log file alone: `perdure server` does not show it."""


class TextFormatter(logging.Formatter):
    """`2026-01-31 12:00:00.123 warning store.sealing: message`, and below it a traceback.

    That of an error of our tree, which was expected, is set aside: the message says it all.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One entry, without a newline at its end."""
        clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        head = f"{clock}.{int(record.msecs):03} {record.levelname.lower():<7} {record.name}: "
        details = _details(record, self)
        if record.exc_info and isinstance(record.exc_info[1], PerdureError):
            details = [ASIDE + line for text in details for line in text.splitlines()]
        return "\n".join([head + record.getMessage(), *details])


class JsonFormatter(logging.Formatter):
    """One JSON object a line, whose fields `docs/operations.md` lists."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """One entry, without a newline at its end."""
        subject = of_record(record)
        return as_json(
            {
                "time": rfc3339(record.created),
                "level": record.levelname.lower(),
                "process": self._process,
                "logger": record.name,
                "message": record.getMessage(),
                "run": subject.run,
                "replica": subject.replica,
                "request": subject.request,
                "hint": getattr(record, "hint", ""),
                "error": _error(record, self),
                "stack": self.formatStack(record.stack_info) if record.stack_info else "",
            }
        )


def as_json(entry: Mapping[str, object]) -> str:
    """One line of a log; what is empty is left out."""
    return json.dumps({key: value for key, value in entry.items() if value}, ensure_ascii=False)


def rfc3339(seconds: float) -> str:
    """A time since the epoch, in UTC with milliseconds."""
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{milliseconds:03}Z"


def _error(record: logging.LogRecord, formatter: logging.Formatter) -> dict[str, str] | None:
    if not record.exc_info or record.exc_info[1] is None:
        return None
    error = record.exc_info[1]
    kind = error.code() if isinstance(error, PerdureError) else type(error).__qualname__
    trace = formatter.formatException(record.exc_info)
    return {"type": kind, "message": str(error), "traceback": trace}


def _details(record: logging.LogRecord, formatter: logging.Formatter) -> list[str]:
    details = [formatter.formatException(record.exc_info)] if record.exc_info else []
    return [*details, formatter.formatStack(record.stack_info)] if record.stack_info else details


# Most tell whole requests at INFO, with URLs and bodies in which secrets may be.
TALKATIVE = (
    "httpx",
    "httpcore",
    "asyncssh",
    "botocore",
    "boto3",
    "urllib3",
    "aiodocker",
    "uvicorn",
    "temporalio.worker._worker",  # four lines at each stop, which tell a user nothing
)


def set_up(log_format: LogFormat, *, process: str = "", level: LogLevel = LogLevel.INFO) -> None:
    """Send the log of this process to stderr. Called once, before anything is logged."""
    as_json = log_format is LogFormat.JSON
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(process) if as_json else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))
    logging.captureWarnings(capture=True)
    if as_json:
        sys.excepthook = _log_what_nobody_caught


def tell_failure(error: PerdureError) -> None:
    """The last word of a process that ends by an error: on stderr, in the form of its log."""
    if any(isinstance(each.formatter, JsonFormatter) for each in logging.root.handlers):
        logging.getLogger(__name__).error(error.message, extra={"hint": error.hint})
        return
    hint = f"hint: {error.hint}\n" if error.hint else ""
    first, newline, rest = error.message.partition("\n")
    sys.stderr.write(f"error: {first} [{error.code()}]{newline}{rest}\n{hint}")


def _log_what_nobody_caught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger(__name__).critical("The process failed", exc_info=(kind, error, trace))
