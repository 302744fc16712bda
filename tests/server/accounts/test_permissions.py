"""What each role may do."""

from __future__ import annotations

import pytest

from server.accounts.permissions import (
    ABOUT_ACCOUNTS,
    SCOPES,
    TABLE,
    THIS_MACHINE,
    Permission,
    Role,
    may,
    of_token,
)


def test_each_role_may_do_what_the_one_before_may_and_more() -> None:
    viewer, operator, admin = (TABLE[role] for role in Role)
    assert viewer < operator < admin == frozenset(Permission)


@pytest.mark.parametrize(
    ("permission", "first"),
    [
        (Permission.SEE_CAMERAS, Role.VIEWER),
        (Permission.SEE_SIGHTINGS, Role.VIEWER),
        (Permission.EXPORT, Role.OPERATOR),
        (Permission.CORRECT, Role.OPERATOR),
        (Permission.SEE_PEOPLE, Role.OPERATOR),
        (Permission.DELETE_DATA, Role.ADMIN),
        (Permission.MANAGE_ACCOUNTS, Role.ADMIN),
        (Permission.SEE_AUDIT, Role.ADMIN),
    ],
)
def test_a_permission_begins_with_its_role(permission: Permission, first: Role) -> None:
    roles = list(Role)
    allowed = [may(role, permission) for role in roles]
    assert allowed == [roles.index(role) >= roles.index(first) for role in roles]


def test_a_token_does_no_more_than_its_scopes_and_its_owner() -> None:
    scopes = frozenset({Permission.SEE_SIGHTINGS, Permission.DELETE_DATA})
    assert of_token(Role.ADMIN, scopes) == scopes
    assert of_token(Role.VIEWER, scopes) == {Permission.SEE_SIGHTINGS}


def test_neither_tokens_nor_the_machine_touch_accounts() -> None:
    assert not of_token(Role.ADMIN, frozenset(Permission)) & ABOUT_ACCOUNTS
    assert not THIS_MACHINE & ABOUT_ACCOUNTS
    assert Permission.SEE_AUDIT not in THIS_MACHINE
    assert Permission.SEE_AUDIT in SCOPES


def test_every_permission_says_what_it_means_and_has_a_name_of_its_own() -> None:
    assert all(permission.meaning for permission in Permission)
    assert len({permission.value for permission in Permission}) == len(Permission)
