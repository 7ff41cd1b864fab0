"""`perdure validate FILE…`: whether configurations are right, without a server."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.visible import visible
from perdure.errors import InvalidConfiguration
from policy.admission import refusals, warnings
from spec.reader import read_configuration
from spec.service import ServiceConfiguration

STDIN = "-"


def validate(files: Sequence[str], as_json: bool) -> int:
    """Check each file (`-` is standard input) and say so; 1 when any is wrong, else 0.

    What is right, and what this version does not do or does otherwise, is warned of.
    With `as_json`, one object per file and line on standard output: `file`, `ok`, `error` and the
    `configuration` in its canonical long form.
    """
    wrong = False
    for file in files:
        try:
            configuration = read_configuration(_text(file), file)
        except InvalidConfiguration as error:
            wrong = True
            _report_error(file, error, as_json=as_json)
        else:
            _report_success(file, configuration, as_json=as_json)
    return 1 if wrong else 0


def _text(file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
        return content.decode()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise InvalidConfiguration(f"The file cannot be read: {reason}.", file=file) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise InvalidConfiguration(
            "The file is not UTF-8 text.", file=file, line=line, column=column
        ) from None


def _report_success(file: str, configuration: ServiceConfiguration, *, as_json: bool) -> None:
    if as_json:
        _print_json(file, None, configuration.model_dump(mode="json"))
    else:
        sys.stdout.write(visible(f"{file}: ok\n"))
        refused = refusals(configuration)
        for message in (*warnings(configuration), *(refusal.message for refusal in refused)):
            sys.stderr.write(visible(f"{file}: warning: {message}\n"))
        if refused:
            reasons = ", ".join(dict.fromkeys(f"`{refusal.subject}`" for refusal in refused))
            hint = f"hint: `perdure apply` of this version refuses it because of {reasons}.\n"
            sys.stderr.write(visible(hint))


def _report_error(file: str, error: InvalidConfiguration, *, as_json: bool) -> None:
    if as_json:
        details = {
            "code": error.code(),
            "message": error.message,
            "hint": error.hint,
            "line": error.line,
            "column": error.column,
        }
        _print_json(file, details, None)
        return
    for each in (error, *error.others):
        hint = f"hint: {each.hint}\n" if each.hint else ""
        sys.stderr.write(visible(f"{each.place}: {each.message}\n{hint}"))


def _print_json(
    file: str, error: dict[str, Any] | None, configuration: dict[str, Any] | None
) -> None:
    report = {"file": file, "ok": error is None, "error": error, "configuration": configuration}
    sys.stdout.write(visible(json.dumps(report, ensure_ascii=False) + "\n"))
