from antifraud.judge import DEFAULT_RULES, Rules, ScanEvidence, judge
from traceability.verdict import ALLOW, Decision


def test_a_household_that_opens_a_case_is_allowed() -> None:
    assert judge(ScanEvidence(window_scans=24, seconds_since_last=3, km_since_last=0)) == ALLOW


def test_thirty_items_in_a_window_are_allowed_and_the_next_is_held() -> None:
    assert judge(ScanEvidence(window_scans=30)) == ALLOW
    verdict = judge(ScanEvidence(window_scans=31))
    assert verdict.decision == Decision.HOLD
    assert verdict.reasons[0].code == "velocity"
    assert verdict.reasons[0].facts == {"scans": 31, "limit": 30, "window_seconds": 600}


def test_a_collector_of_caps_is_refused_after_two_hundred() -> None:
    assert judge(ScanEvidence(window_scans=200)).decision == Decision.HOLD
    verdict = judge(ScanEvidence(window_scans=201))
    assert verdict.decision == Decision.REFUSE
    assert verdict.reasons[0].facts["limit"] == 200


def test_nobody_is_in_two_cities_within_minutes() -> None:
    verdict = judge(ScanEvidence(1, seconds_since_last=600, km_since_last=1200))
    assert verdict.decision == Decision.HOLD
    assert verdict.reasons[0].code == "impossible_travel"
    assert verdict.reasons[0].facts["speed_kmh"] == 7200


def test_a_flight_and_a_neighbouring_town_are_possible() -> None:
    assert judge(ScanEvidence(1, seconds_since_last=2 * 3600, km_since_last=1200)) == ALLOW
    assert judge(ScanEvidence(1, seconds_since_last=0, km_since_last=300)) == ALLOW


def test_clocks_that_disagree_do_not_divide_by_zero() -> None:
    verdict = judge(ScanEvidence(1, seconds_since_last=-2, km_since_last=500))
    assert verdict.decision == Decision.HOLD


def test_an_unknown_place_accuses_nobody() -> None:
    assert judge(ScanEvidence(1, seconds_since_last=1, km_since_last=None)) == ALLOW
    assert judge(ScanEvidence(1, seconds_since_last=None, km_since_last=5000)) == ALLOW


def test_a_source_that_guesses_serials_is_held_and_never_refused() -> None:
    assert judge(ScanEvidence(1, forged_attempts_of_source=19)) == ALLOW
    for attempts in (20, 1_000_000):
        verdict = judge(ScanEvidence(1, forged_attempts_of_source=attempts))
        assert verdict.decision == Decision.HOLD
        assert verdict.reasons[0].facts["attempts"] == attempts


def test_all_reasons_are_told_and_the_strictest_decides() -> None:
    verdict = judge(
        ScanEvidence(
            window_scans=300,
            seconds_since_last=60,
            km_since_last=2000,
            forged_attempts_of_source=50,
        )
    )
    assert verdict.decision == Decision.REFUSE
    assert [r.code for r in verdict.reasons] == ["velocity", "impossible_travel", "forged_source"]


def test_a_brand_may_set_its_own_thresholds() -> None:
    strict = Rules(window_scans_hold=5)
    assert judge(ScanEvidence(6), strict).decision == Decision.HOLD
    assert judge(ScanEvidence(6), DEFAULT_RULES) == ALLOW
