"""Images of a private registry."""

from pathlib import Path

from tests.e2e.installation import Installation, service
from tests.e2e.programs import HELLO, program
from tests.testbed.registry import PASSWORD, USER

PORT = 8000


def test_the_password_of_a_registry_may_be_a_secret_of_the_project(
    docker: Installation, private_image: str, tmp_path: Path
) -> None:
    docker.perdure("secret", "set", "REGISTRY", given=PASSWORD)
    auth = {"username": USER, "password": "${{ secrets.REGISTRY }}"}
    source = program(HELLO, PORT)
    folder = service(tmp_path / "private", PORT, source, image=private_image, registry_auth=auth)
    shown = docker.perdure("apply", "-y", "-d", folder=folder)
    docker.until_answered("/proxy/services/main/private/", 200)
    with docker.client() as client:
        answer = client.get("/proxy/services/main/private/")
    assert answer.text == "hello from private at /"
    docker.perdure("stop", "-y", "private")
    for text in (shown, docker.perdure("ps", "-a", "-v")):
        assert PASSWORD not in text
