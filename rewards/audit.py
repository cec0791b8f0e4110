"""Whether a brand's books are right: the ledger in itself, and every transfer a claim's."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.audit import BALANCES
from rewards.credit import CLAIM, CLAIM_KEY, MEMBER


@dataclass(frozen=True)
class Books:
    """What an audit of a brand's points found; `balanced` when nothing is wrong.

    `points_granted` are of claims that are granted and a member's, `points_waiting` of those
    among them that are not credited yet. `unfounded_transfers` have no such claim of the same
    member and points; a claim credited twice has one. `wrong_budgets` are campaigns whose
    reservation is not the sum of their claims, granted or held.
    """

    points_issued: int
    points_held: int
    points_granted: int
    points_waiting: int
    wrong_balances: int
    unfounded_transfers: int
    wrong_budgets: int

    @property
    def balanced(self) -> bool:
        """Whether every balance is the fold of its transfers, and every transfer a claim's."""
        faults = self.wrong_balances + self.unfounded_transfers + self.wrong_budgets
        credited = self.points_granted - self.points_waiting
        return faults == 0 and self.points_issued == self.points_held == credited


def audit(session: Session, brand_id: int) -> Books:
    """Compares balances with transfers, and these with claims, all of which it reads.

    One statement, so that all is seen at one instant.
    """
    values = {"brand": brand_id, "kind": MEMBER, "reason": CLAIM}
    return Books(*session.execute(_AUDIT, values).one())


_AUDIT = text(
    f"""
    WITH balances AS ({BALANCES}),
    founded AS (
        SELECT c.points, t.id AS transfer_id FROM claim c
        LEFT JOIN account a ON a.brand_id = c.brand_id AND a.kind = :kind
             AND a.owner_id = c.member_id
        LEFT JOIN account i ON i.brand_id = c.brand_id AND i.kind = 'issuing'
        LEFT JOIN transfer t ON t.brand_id = c.brand_id AND t.key = {CLAIM_KEY}
             AND t.reason = :reason AND t.subject_id = c.code_id AND t.points = c.points
             AND t.credit_account_id = a.id AND t.debit_account_id = i.id
        WHERE c.brand_id = :brand AND c.decision = 'granted' AND c.member_id IS NOT NULL),
    claims AS (
        SELECT sum(points) AS granted, sum(points) FILTER (WHERE transfer_id IS NULL) AS waiting,
               count(transfer_id) AS credited
        FROM founded),
    reserved AS (
        SELECT reserved_points <> coalesce(promised, 0) AS is_wrong
        FROM campaign_budget b
        LEFT JOIN (SELECT campaign_id, sum(points) AS promised FROM claim
                   WHERE brand_id = :brand AND decision IN ('granted', 'held')
                   GROUP BY campaign_id) p ON p.campaign_id = b.campaign_id
        WHERE b.brand_id = :brand)
    SELECT b.issued, b.held, CAST(coalesce(granted, 0) AS bigint),
           CAST(coalesce(waiting, 0) AS bigint), b.wrong, b.transfers - credited,
           (SELECT count(*) FROM reserved WHERE is_wrong)
    FROM balances b, claims
    """
)
