import json
from collections.abc import Callable

import pytest
from django.conf import settings

from accounts.models import ApiToken, Project, Scope, User
from accounts.services.tokens import token_create
from tests.mlplatform.cli.conftest import Mlp


def environ(text: str) -> dict[str, str]:
    return {"MLP_URL": settings.PORTAL_URL, "MLP_TOKEN": text.strip()}


def test_create_and_list_and_revoke(mlp: Mlp, bare: Mlp) -> None:
    said = mlp("token", "create", "nightly", "--scope", "read", "--days", "30")
    assert (said.code, said.out.startswith("mlp_"), said.out.count("\n")) == (0, True, 1)
    assert "it is not shown again" in said.err
    assert "(read) until" in bare("whoami", environ=environ(said.out)).out
    refused = bare("token", "ls", environ=environ(said.out))
    assert (refused.code, "takes a personal one with the scope admin" in refused.err) == (1, True)
    token = ApiToken.objects.get(name="nightly")
    assert "nightly" in mlp("token", "ls").out
    assert mlp("token", "revoke", str(token.pk)).out == f"Token {token.pk} is revoked.\n"
    assert mlp("token", "revoke", str(token.pk)).code == 1
    assert bare("whoami", environ=environ(said.out)).code == 1


def test_of_a_project(mlp: Mlp, bare: Mlp, project: Project, owner: User) -> None:
    other, _ = token_create(user=owner, name="mine")
    made = json.loads(mlp("token", "create", "pipeline", "-p", "vision", "--json").out)
    assert (made["project"], made["scope"]) == ("vision", "write")
    assert "(write in vision only)" in bare("whoami", environ=environ(made["token"])).out
    [listed] = json.loads(mlp("token", "ls", "-p", "vision", "--json").out)
    assert listed["id"] == made["id"]
    assert mlp("token", "revoke", str(other.pk), "-p", "vision").code == 1
    assert json.loads(mlp("token", "revoke", str(made["id"]), "-p", "vision", "--json").out) == {
        "revoked": made["id"]
    }


def test_rotate(mlp: Mlp, bare: Mlp, owner: User) -> None:
    token, old = token_create(user=owner, name="ci", scope=Scope.READ)
    said = mlp("token", "rotate", str(token.pk), "--grace", "1", "--days", "7")
    assert (said.code, "The old text works until" in said.err) == (0, True)
    assert [bare("whoami", environ=environ(text)).code for text in (old, said.out)] == [0, 0]
    assert mlp("token", "rotate", str(token.pk), "--grace", "1000").code == 1
    assert json.loads(mlp("token", "rotate", str(token.pk), "--json").out)["old_until"] is None
    assert bare("whoami", environ=environ(said.out)).code == 1


def test_one_that_never_expires_is_warned_of(mlp: Mlp) -> None:
    said = mlp("token", "create", "forever", "--days", "never")
    assert (said.code, "It never expires" in said.err) == (0, True)
    assert "never" in mlp("token", "ls").out


@pytest.mark.parametrize(
    "words", [[], ["fly"], ["create"], ["create", " "], ["create", "x", "--days", "soon"], ["revoke", "x"]]
)
def test_what_makes_no_sense(mlp: Mlp, words: list[str]) -> None:
    assert mlp("token", *words).code == 2


def test_who_may_not(mlp_as: Callable[[User], Mlp], viewer: User, stranger: User) -> None:
    for who, said in ((viewer, "As viewer of Vision you may not"), (stranger, "or you may not see it")):
        for words in (["ls"], ["create", "x"], ["revoke", "1"]):
            refused = mlp_as(who)("token", *words, "-p", "vision")
            assert (refused.code, said in refused.err) == (1, True)
