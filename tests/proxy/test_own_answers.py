"""What the proxy answers by itself: errors of the one tree, in a form for each kind of client."""

import json
import re

import pytest

from perdure.errors import PerdureError, kind_of
from proxy import replies
from proxy.replies import Reply, not_held, refusal, unknown_model, without_replica
from tests.docs.page import DOCS

REFUSED = (400, 405, 417, 431, 505)
ANSWERS = (
    *(each for each in vars(replies).values() if isinstance(each, Reply)),
    *map(refusal, REFUSED),
    without_replica(5),
    *(not_held(5, full=full) for full in (True, False)),
    unknown_model("nope"),
)
ROW = re.compile(r"^\| (\d{3}) \| `(\w+)` \| .+ \|$", re.MULTILINE)


def told(body: bytes) -> dict[str, str]:
    read = json.loads(body)
    error: dict[str, str] = read["error"]
    assert (read["detail"], read["code"]) == (error["message"], error["code"])
    return error


def kind(answer: Reply) -> type[PerdureError]:
    found = kind_of(told(answer.body)["code"])
    assert found is not None, answer
    return found


def test_none_is_forgotten_here() -> None:
    assert len(ANSWERS) > len(REFUSED) + 3
    assert set(map(refusal, REFUSED)) == set(replies._REFUSALS.values())


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda each: each.body.decode())
def test_each_is_an_error_of_the_tree_with_its_status_and_says_what_to_do(answer: Reply) -> None:
    error = told(answer.body)
    assert set(error) == {"code", "message", "hint"}
    assert all(error.values())
    assert kind(answer).http_status == answer.status


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda each: each.body.decode())
def test_each_is_an_error_of_openais_as_well(answer: Reply) -> None:
    error = told(answer.as_openai().body)
    assert error == {
        **told(answer.body),
        "type": "invalid_request_error" if answer.status < 500 else "server_error",
        "param": None,
    }


def test_what_is_no_error_is_the_same_for_openais_clients() -> None:
    answer = Reply(200, b"{}")
    assert answer.as_openai() is answer


def test_the_page_on_the_proxy_lists_all_of_them_with_their_status() -> None:
    page = (DOCS / "concepts" / "proxy.md").read_text()
    table = page.partition("## Answers of the proxy itself")[2].partition("\n## ")[0]
    assert sorted(ROW.findall(table)) == sorted(
        {(str(each.status), kind(each).code()) for each in ANSWERS}
    )
