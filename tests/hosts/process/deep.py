"""A tree deeper than any path can name and Python's recursion can follow."""

import asyncio
import sys
from pathlib import Path

DEPTH = 3000
MAKE = f"""
import os, sys
os.mkdir(sys.argv[1])
os.chdir(sys.argv[1])
for _ in range({DEPTH}):
    os.mkdir("d")
    os.chdir("d")
open("file", "w").close()
"""


async def make_deep(folder: Path) -> None:
    """Make it at a path that is free; in a process of its own, as it has to go there."""
    making = await asyncio.create_subprocess_exec(sys.executable, "-c", MAKE, str(folder))
    assert await making.wait() == 0
