"""Images that do not come."""

from perdure.errors import ImageNotFound, ImagePullDenied, ImagePullFailed
from tests.e2e.bad_input.line import Line

APPLY = "perdure apply -y"

ABSENT = Line(
    "image not found",
    "The registry has no such image.",
    APPLY,
    file="type: service\nname: nothing\nport: 8000\nimage: registry.example.com/nobody/nothing:1\n",
    shown=(
        "error: The run `nothing` has failed: image pull failed: There is no image "
        "`registry.example.com/nobody/nothing:1`: manifest unknown. [image_not_found]\n"
        "hint: Check its name and its tag.\n"
    ),
    ends=1,
    error=ImageNotFound,
)
DENIED = Line(
    "registry refuses",
    "The registry does not take the password.",
    APPLY,
    file="type: service\nname: denied\nport: 8000\nimage: registry.example.com/team/app:1\n"
    "registry_auth: {username: somebody, password: wrong}\n",
    shown=(
        "error: The run `denied` has failed: image pull failed: The registry refused to give "
        "`registry.example.com/team/app:1`: unauthorized. [image_pull_denied]\n"
        "hint: Check the image's name and the credentials in `registry_auth`.\n"
    ),
    ends=1,
    error=ImagePullDenied,
)
SILENT = Line(
    "registry is silent",
    "The registry accepts connections and says nothing. It is asked eight times, for some minutes.",
    APPLY,
    file="type: service\nname: silent\nport: 8000\nimage: registry.example.com/team/app:1\n",
    shown=(
        "error: The run `silent` has failed: image pull failed: `registry.example.com/team/app:1` "
        "could not be pulled: request canceled. [image_pull_failed]\n"
        "hint: Is the registry reachable from the machine?\n"
    ),
    ends=1,
    error=ImagePullFailed,
)
STOP = Line(
    "stop while pulling",
    "A run is stopped while its image is on its way: the pull ends, and no container is made.",
    "perdure stop -y slow",
    shown="The run slow has ended: stopped.\n",
    ends=0,
)
LINES = (ABSENT, DENIED, SILENT, STOP)
