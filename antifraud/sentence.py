"""A finding in plain words, in Chinese and English."""

from antifraud.models import Finding

LOG10_STRONG = 2.0
LOG10_ODDS_MAX = 6  # more noughts promise more than any model can keep

_ZH = (
    "供给{distributor}的“{product}”，有地点的首次扫码共 {placed} 件，"
    "其中 {off} 件（{share}）在{region}"
    "（正常外流最多约 {expected} 件）{cartons}。{verdict}"
)
_ZH_CARTONS = "，{coherent} 箱各有至少三人在那里扫码"
_ZH_STRONG = (
    "若只是正常外流，这样强的证据出现的机会不到{odds}分之一；"
    "这是统计判断，不是定论，发货记录补齐后会自动重算。"
)
_ZH_WEAK = "这样的数字可以用正常外流解释。"
_ZH_ODDS = ("一", "十", "百", "千", "万", "十万", "百万")  # by the power of ten
_EN = (
    "Of {placed} first scans with a known place of “{product}” supplied to {distributor}, {off} "
    "({share}) came from {region} (normal spill-over: at most about {expected}){cartons}. {verdict}"
)
_EN_CARTONS = "; of {coherent} carton{s}, three or more people each scanned items there"
_EN_STRONG = (
    "Normal spill-over alone shows evidence as strong as this less than once in {odds} times; this "
    "is statistics, not proof, and is reckoned again when shipping papers arrive late."
)
_EN_WEAK = "Normal spill-over may explain such numbers."


def sentence(
    finding: Finding, product: str, distributor: str, region: str, lang: str = "zh"
) -> str:
    """What the finding says and how sure it is, as one short paragraph.

    The names are for the reader; English if `lang` starts with `en`, else Chinese. The odds are
    those of Markov's inequality: an e-value of x or more has at most one chance in x.
    """
    english = lang.startswith("en")
    strong = finding.log10_e_value >= LOG10_STRONG
    if english:
        whole, carton_part, verdict = _EN, _EN_CARTONS, _EN_STRONG if strong else _EN_WEAK
    else:
        whole, carton_part, verdict = _ZH, _ZH_CARTONS, _ZH_STRONG if strong else _ZH_WEAK
    coherent = finding.coherent_cartons
    cartons = carton_part.format(coherent=coherent, s="" if coherent == 1 else "s")
    # Rounded down to a power of ten: such odds are no more exact than that.
    power = int(min(max(finding.log10_e_value, 0.0), LOG10_ODDS_MAX))
    return whole.format(
        placed=f"{finding.placed_scans:,}",
        off=f"{finding.off_scans:,}",
        share=f"{finding.off_scans / max(finding.placed_scans, 1):.0%}",
        expected=f"{finding.expected_scans:.1f}",
        cartons=cartons if coherent else "",
        verdict=verdict.format(odds=f"{10**power:,}" if english else _ZH_ODDS[power]),
        product=product,
        distributor=distributor,
        region=region,
    )
