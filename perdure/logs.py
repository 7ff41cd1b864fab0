"""Logging of every process of ours: to stderr, one line each, as text or as JSON."""

import json
import logging
import sys
import time

from perdure.errors import PerdureError
from perdure.settings import LogFormat

ASIDE = "    · "
"""Begins a line that is for the log file alone: `perdure server` does not show it."""


class TextFormatter(logging.Formatter):
    """`12:00:00.123 warning store.sealing: message`; a traceback follows on lines of its own.

    That of an error of our tree, which was expected, is set aside: the message says it all.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One entry, without a newline at its end."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        head = f"{clock}.{int(record.msecs):03} {record.levelname.lower():<7} {record.name}: "
        details = _details(record, self)
        if record.exc_info and isinstance(record.exc_info[1], PerdureError):
            details = [ASIDE + line for text in details for line in text.splitlines()]
        return "\n".join([head + record.getMessage(), *details])


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `at` (ISO 8601, UTC), `level`, `logger`, `message`, `details`."""

    def format(self, record: logging.LogRecord) -> str:
        """One entry, without a newline at its end."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry = {
            "at": f"{seconds}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if details := _details(record, self):
            entry["details"] = "\n".join(details)
        return json.dumps(entry, ensure_ascii=False)


def _details(record: logging.LogRecord, formatter: logging.Formatter) -> list[str]:
    details = [formatter.formatException(record.exc_info)] if record.exc_info else []
    return [*details, formatter.formatStack(record.stack_info)] if record.stack_info else details


# These tell whole requests at INFO, with URLs and bodies in which secrets may be.
TALKATIVE = (
    "httpx",
    "httpcore",
    "asyncssh",
    "botocore",
    "boto3",
    "urllib3",
    "aiodocker",
    "uvicorn",
)


def set_up(log_format: LogFormat, *, level: int = logging.INFO) -> None:
    """Send the log of this process to stderr. Called once, before anything is logged."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format is LogFormat.JSON else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
