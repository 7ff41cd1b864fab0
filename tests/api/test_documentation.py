import re
from pathlib import Path

from api.app import PREFIX, public_app
from api.services import Services

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"


def test_every_route_is_documented_and_no_other(services: Services) -> None:
    paths = public_app(services).openapi()["paths"]
    routes = {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, methods in paths.items()
        for method in methods
    }
    documented = set(re.findall(r"^\| `([A-Z]+ [^`]+)` \|", PAGE.read_text(), re.MULTILINE))
    assert documented == routes
