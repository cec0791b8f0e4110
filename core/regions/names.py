"""Short Chinese names, as people say them: 江苏省 → 江苏, 恩施土家族苗族自治州 → 恩施."""

import re

from core.regions.shipped import Place

_PROVINCE = re.compile(r"(省|市|特别行政区|(壮族|回族|维吾尔)?自治区)$")
# The peoples named in the titles of today's autonomous prefectures.
_PEOPLES = (
    "朝鲜族|土家族|苗族|藏族|羌族|彝族|布依族|侗族|哈尼族|壮族|傣族|白族|景颇族|傈僳族|回族|蒙古族|"
    "蒙古|哈萨克|柯尔克孜"
)
_PREFECTURE = re.compile(rf"(市|地区|(?:{_PEOPLES})+自治州)$")


def short_zh(place: Place) -> str:
    """The place's Chinese name without its rank, where people leave it out.

    Leagues (兴安盟), counties and districts keep theirs: without it they would be mistaken.
    """
    if place.level == "province":
        return _PROVINCE.sub("", place.name_zh)
    if place.level == "prefecture":
        return _PREFECTURE.sub("", place.name_zh)
    if place.level == "county":
        return place.name_zh.removesuffix("市")
    return place.name_zh
