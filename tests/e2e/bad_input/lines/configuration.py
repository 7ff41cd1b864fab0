"""What is wrong in a file, or missing around it."""

from perdure.errors import (
    InvalidConfiguration,
    InvalidInput,
    MissingVariable,
    TooLarge,
    UnknownSecret,
)
from tests.e2e.bad_input.line import Line

APPLY = "perdure apply -y"

SYNTAX = Line(
    "YAML syntax",
    "The file is no YAML.",
    APPLY,
    file="type: service\nport: 8000\ncommands: [python app.py\n",
    shown=(
        "error: .dstack.yml:3:11: A bracket is opened and not closed. [invalid_configuration]\n"
        "hint: Close it: `[` by `]`, `{` by `}`.\n"
    ),
    ends=1,
    error=InvalidConfiguration,
)
KEY = Line(
    "unknown key",
    "A key is misspelt.",
    APPLY,
    file="type: service\nport: 8000\ncomands: [python app.py]\ncommands: [python app.py]\n",
    shown=(
        "error: .dstack.yml:3:1: `comands` is not a known property. [invalid_configuration]\n"
        "hint: Did you mean `commands`?\n"
    ),
    ends=1,
    error=InvalidConfiguration,
)
TYPE = Line(
    "wrong type",
    "A value is of another type than its property.",
    APPLY,
    file="type: service\nport: [web]\ncommands: [python app.py]\n",
    shown=(
        "error: .dstack.yml:2:1: `port`: This is not a port. [invalid_configuration]\n"
        "hint: Write a port from 1 to 65535, as in `port: 8000`.\n"
    ),
    ends=1,
    error=InvalidConfiguration,
)
PORT = Line(
    "`port` missing",
    "A property is missing that every service has.",
    APPLY,
    file="type: service\ncommands: [python app.py]\n",
    shown=(
        "error: .dstack.yml:1:1: `port` is missing. [invalid_configuration]\n"
        "hint: Add the port that the service listens on, as in `port: 8000`.\n"
    ),
    ends=1,
    error=InvalidConfiguration,
)
VARIABLE = Line(
    "missing `HF_TOKEN`",
    "A variable is named, and nobody gives it a value.",
    APPLY,
    file="type: service\nport: 8000\ncommands: [python app.py]\nenv: [HF_TOKEN]\n",
    shown=(
        "error: The environment variable `HF_TOKEN` has no value. [missing_variable]\n"
        "hint: Set it, as in `export HF_TOKEN=…`, or pass it: `-e HF_TOKEN=…`.\n"
    ),
    ends=2,
    error=MissingVariable,
)
NAME = Line(
    "illegal name",
    "The name cannot be part of an address.",
    APPLY,
    file="type: service\nname: My_Service\nport: 8000\ncommands: [python app.py]\n",
    shown=(
        "error: .dstack.yml:2:1: `name`: `My_Service` is not a run's name. "
        "[invalid_configuration]\n"
        "hint: Write 2 to 41 lower-case letters, digits and dashes, a letter first.\n"
    ),
    ends=1,
    error=InvalidConfiguration,
)
NAME_OPTION = Line(
    "illegal name",
    "So is a name on the command line.",
    "perdure apply -y -n My_Service",
    file="type: service\nport: 8000\ncommands: [python app.py]\n",
    shown=(
        "error: `--name`: `My_Service` is not a run's name. [invalid_input]\n"
        "hint: Write 2 to 41 lower-case letters, digits and dashes, a letter first.\n"
    ),
    ends=2,
    error=InvalidInput,
)
SECRET = Line(
    "unknown secret",
    "A secret is referred to that the project does not have.",
    APPLY,
    file="type: service\nport: 8000\ncommands: [python app.py]\n"
    'env: ["HF_TOKEN=${{ secrets.HF }}"]\n',
    shown=(
        "error: The project has no secret `HF`. [unknown_secret]\n"
        "hint: `perdure secret set HF` asks for its value.\n"
    ),
    ends=2,
    error=UnknownSecret,
)
REPOSITORY = Line(
    "repo over the limit",
    "The folder has more than the server takes.",
    APPLY,
    file="type: service\nport: 8000\ncommands: [python app.py]\n",
    shown=(
        "error: The code in `~/app` has 280 MB, and 100 MB is the limit. The largest files: "
        "[too_large]\n"
        "  70.0 MB  weights-7.bin\n"
        "  60.0 MB  weights-6.bin\n"
        "  50.0 MB  weights-5.bin\n"
        "  40.0 MB  weights-4.bin\n"
        "  30.0 MB  weights-3.bin\n"
        "hint: Name what the service does not need in `.gitignore` or `.dstackignore`, or "
        "apply with `--no-repo`.\n"
    ),
    ends=1,
    error=TooLarge,
)

WITHOUT_SERVER = (SYNTAX, KEY, TYPE, PORT, VARIABLE, NAME, NAME_OPTION)
LINES = (*WITHOUT_SERVER, SECRET, REPOSITORY)
