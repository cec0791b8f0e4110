"""Adding a distributor of a brand."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from identity import naming
from identity.errors import NameTaken
from identity.models import Distributor


def add_distributor(session: Session, brand_id: int, code: str, name: str) -> Distributor:
    """The new distributor; `code` is the ERP's own. Raises `BadCode`, `BadName`, `NameTaken`."""
    values = {
        "brand_id": brand_id,
        "code": naming.erp_code("distributor code", code),
        "name": naming.name("distributor's name", name),
        "created_at": clock.now(),
    }
    query = insert(Distributor).values(values).on_conflict_do_nothing().returning(Distributor)
    distributor = session.scalar(query)
    if distributor is None:
        raise NameTaken(what="distributor", name=values["code"])
    return distributor
