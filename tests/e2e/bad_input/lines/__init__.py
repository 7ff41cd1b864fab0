"""The whole list, by topic."""

from tests.e2e.bad_input.lines import (
    access,
    command,
    configuration,
    image,
    interruption,
    log,
    past,
    placement,
    server,
)

TOPICS = {
    "The configuration": configuration.LINES,
    "Server, token, project": access.LINES,
    "A place to run": placement.LINES,
    "The image": image.LINES,
    "The application": command.LINES,
    "Its log": log.LINES,
    "Its past": past.LINES,
    "The server": server.LINES,
    "Interruptions": interruption.LINES,
}
"""In the order in which people meet them."""
