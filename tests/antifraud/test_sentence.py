from antifraud.models import Finding
from antifraud.sentence import sentence


def finding(**more: float) -> Finding:
    numbers = {
        "placed_scans": 1200,
        "off_scans": 360,
        "expected_scans": 12.04,
        "coherent_cartons": 5,
        "log10_e_value": 9.3,
    }
    return Finding(**{**numbers, **more})


def test_the_english_sentence_tells_the_numbers_and_how_sure_they_are() -> None:
    text = sentence(finding(), "Plum wine", "East Trading", "Suzhou, Jiangsu", "en-GB")
    assert text.startswith(
        "Of 1,200 first scans with a known place of “Plum wine” supplied to East Trading, "
        "360 (30%) came from Suzhou, Jiangsu (normal spill-over: at most about 12.0); "
        "of 5 cartons, three or more people each scanned items there."
    )
    assert "less than once in 1,000,000 times" in text
    assert "not proof" in text


def test_the_chinese_sentence_tells_the_same() -> None:
    text = sentence(finding(), "青梅酒", "东方商贸", "江苏苏州")
    for part in (
        "东方商贸",
        "“青梅酒”",
        "1,200",
        "360",
        "30%",
        "江苏苏州",
        "12.0",
        "5 箱",
        "不是定论",
    ):
        assert part in text
    assert "不到百万分之一" in text


def test_odds_follow_the_evidence() -> None:
    assert "once in 1,000 times" in sentence(finding(log10_e_value=3.0), "p", "d", "r", "en")


def test_what_chance_may_explain_is_called_so() -> None:
    weak = finding(off_scans=0, coherent_cartons=0, log10_e_value=-2.0)
    assert sentence(weak, "p", "d", "r", "en").endswith(
        "Normal spill-over may explain such numbers."
    )
    assert sentence(weak, "p", "d", "r").endswith("可以用正常外流解释。")
    assert "carton" not in sentence(weak, "p", "d", "r", "en")


def test_braces_in_names_are_only_names() -> None:
    assert "{odds}" in sentence(finding(), "{odds}", "d", "r", "en")


def test_evidence_beyond_all_floats_still_makes_a_sentence() -> None:
    assert "1,000,000" in sentence(finding(log10_e_value=5e3), "p", "d", "r", "en")
