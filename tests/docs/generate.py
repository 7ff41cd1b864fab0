"""The pages that are made from the code: `python -m tests.docs.generate` writes them anew."""

from collections.abc import Callable, Mapping

from cli.reference import reference
from tests.docs import configuration_page, error_page, roles_page, settings_page
from tests.docs.page import REFERENCE

PAGES: Mapping[str, Callable[[], str]] = {
    "configuration.md": configuration_page.page,
    "errors.md": error_page.page,
    "roles.md": roles_page.page,
    "settings.md": settings_page.page,
}
"""The files below `docs/reference`; that of the command line is the command line's own."""


def main() -> None:
    """Write them all."""
    for name, page in {**PAGES, "cli.md": reference}.items():
        (REFERENCE / name).write_text(page())


if __name__ == "__main__":
    main()
