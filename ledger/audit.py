"""Whether a brand's balances are the fold of its transfers."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Balances:
    """`points_issued` left the issuing account, `points_held` are what owners' balances say.

    `wrong_balances` are accounts whose balance is not the fold of their transfers.
    """

    points_issued: int
    points_held: int
    wrong_balances: int
    transfers: int

    @property
    def balanced(self) -> bool:
        return self.wrong_balances == 0 and self.points_issued == self.points_held


def audit(session: Session, brand_id: int) -> Balances:
    """Compares stored balances with transfers, all of which it reads, at one instant."""
    return Balances(*session.execute(text(BALANCES), {"brand": brand_id}).one())


# Also a part of larger audits, so that these too see all at one instant.
BALANCES = """
    WITH moved AS (
        SELECT account_id, sum(change) AS fold FROM transfer,
             LATERAL (VALUES (credit_account_id, points), (debit_account_id, -points))
                     AS side(account_id, change)
        WHERE brand_id = :brand GROUP BY account_id),
    folded AS (
        SELECT kind, balance, coalesce(fold, 0) AS fold
        FROM account LEFT JOIN moved ON account_id = account.id WHERE brand_id = :brand)
    SELECT CAST(coalesce(-sum(fold) FILTER (WHERE kind = 'issuing'), 0) AS bigint) AS issued,
           CAST(coalesce(sum(balance) FILTER (WHERE kind <> 'issuing'), 0) AS bigint) AS held,
           count(*) FILTER (WHERE kind <> 'issuing' AND balance <> fold) AS wrong,
           (SELECT count(*) FROM transfer WHERE brand_id = :brand) AS transfers
    FROM folded
"""
