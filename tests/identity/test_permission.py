import pytest

from identity.models import Role
from identity.permission import ROLES_OF, Permission, may


def test_every_permission_says_whose_it_is():
    assert set(ROLES_OF) == set(Permission)
    assert all(ROLES_OF.values())


def test_everybody_enters_by_exactly_one_door():
    for role in Role:
        doors = [may(role, Permission.ENTER_CONSOLE), may(role, Permission.ENTER_PORTAL)]
        assert doors.count(True) == 1


@pytest.mark.parametrize(
    ("role", "allowed", "denied"),
    [
        ("brand_admin", Permission.ORDER_CODES, Permission.ANSWER_FINDINGS),
        ("warehouse", Permission.SHIP_GOODS, Permission.ORDER_CODES),
        ("inspector", Permission.DECIDE_FINDINGS, Permission.ACTIVATE_CODES),
        ("distributor", Permission.ANSWER_FINDINGS, Permission.DECIDE_FINDINGS),
    ],
)
def test_each_role_may_do_its_own_work_and_not_anothers(
    role: str, allowed: Permission, denied: Permission
):
    assert may(role, allowed)
    assert not may(role, denied)


def test_an_unknown_role_may_nothing():
    assert not any(may("king", permission) for permission in Permission)
