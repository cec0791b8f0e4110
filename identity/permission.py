"""Which role may do what. What is theirs to see (brand, company) the queries decide."""

from identity.models import Role


class Permission:
    """What operators of some roles may do; each section of an office defines its own."""

    def __init__(self, *roles: Role) -> None:
        self.roles = frozenset(roles)


def may(role: str, permission: Permission) -> bool:
    """Whether operators of the role may do it; an unknown role may nothing."""
    return role in permission.roles
