"""Codes of incidents and disputes with their names; item and points are in the rubric."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class CodeName(NamedTuple):
    """How a code is called."""

    chinese: str
    english: str


# rubric.md, section 5
TAXONOMY: Final[Mapping[str, CodeName]] = MappingProxyType(
    {
        "010100": CodeName("命案", "homicide"),
        "010200": CodeName("抢劫抢夺", "robbery"),
        "010301": CodeName("入室盗窃", "residential burglary"),
        "010302": CodeName("盗窃机动车", "motor vehicle theft"),
        "010303": CodeName("盗窃摩托车", "motorcycle theft"),
        "010304": CodeName("盗窃电动自行车", "e-bike theft"),
        "010305": CodeName("盗窃车内财物", "theft from vehicle"),
        "010306": CodeName("其他盗窃案件", "other theft"),
        "010400": CodeName("故意伤害", "injury"),
        "010500": CodeName("其他严重暴力犯罪", "serious violent crime"),
        "010600": CodeName("放火爆炸投毒", "arson, explosion, poisoning"),
        "010701": CodeName("电信网络诈骗", "telecom fraud"),
        "010702": CodeName("接触性诈骗", "fraud in person"),
        "010800": CodeName("贩卖毒品", "drug dealing"),
        "019900": CodeName("其他刑事案件", "other criminal case"),
        "020100": CodeName("殴打他人", "brawl"),
        "020200": CodeName("小额盗窃", "petty theft"),
        "020300": CodeName("损毁财物", "damage to property"),
        "020400": CodeName("涉赌涉黄吸毒", "gambling, vice, drug use"),
        "020500": CodeName("非法侵入住宅", "trespass in dwelling"),
        "020600": CodeName("扰乱公共秩序", "disorder"),
        "020700": CodeName("家庭暴力", "domestic violence"),
        "020800": CodeName("高空抛物", "object thrown from height"),
        "029900": CodeName("其他治安案件", "other public-security case"),
        "030000": CodeName("交通警情", "traffic"),
        "040100": CodeName("火灾", "fire"),
        "040101": CodeName("较大以上火灾", "larger fire"),
        "040200": CodeName("安全事故", "accident"),
        "050000": CodeName("群众求助", "help"),
        "060100": CodeName("举报线索", "tip"),
        "060200": CodeName("投诉保安或物业属实", "upheld complaint on guards or company"),
        "070100": CodeName("群体性事件", "group event"),
        "080101": CodeName("业主之间纠纷", "owner dispute"),
        "080102": CodeName("业主与物业纠纷", "dispute of owner and company"),
        "080103": CodeName("房屋维修纠纷", "house repair dispute"),
        "080104": CodeName("装修纠纷", "decoration dispute"),
        "080105": CodeName("邻里噪声纠纷", "neighbours, noise"),
        "080106": CodeName("停车纠纷", "parking dispute"),
        "080107": CodeName("宠物纠纷", "pets"),
        "080108": CodeName("租赁纠纷", "letting dispute"),
        "080109": CodeName("家庭婚恋纠纷", "family dispute"),
        "080110": CodeName("经济劳资消费纠纷", "money, labour, consumer dispute"),
        "090000": CodeName("无效警情", "invalid call"),
    }
)

KNOWN_CODES: Final = frozenset(TAXONOMY)
