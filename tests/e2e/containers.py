"""Containers of our servers at an engine of the test bed."""

from tests.testbed.engine import Engine


def containers(engine: Engine, run: str = "") -> list[str]:
    """Names of the containers of our servers, in whatever state; of one run, when it is given."""
    label = f"label=perdure.run={run}" if run else "label=perdure.token"
    return engine.docker("ps", "--all", "--format", "{{.Names}}", "--filter", label).split()
