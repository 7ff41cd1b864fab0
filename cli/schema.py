"""`perdure schema`: the JSON schema of a configuration, for editors."""

import json
import sys

from spec.schema import json_schema


def schema() -> int:
    """Print the schema; always 0."""
    sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
    return 0
