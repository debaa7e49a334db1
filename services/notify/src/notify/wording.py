"""How figures, days and codes read in Chinese: the filters that templates use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from shared.events.taxonomy import TAXONOMY

UNRATED: Final = "未评星"
_DIGITS: Final = "零一二三四五"

ITEMS: Final[Mapping[str, str]] = {
    "A1": "门卫值守",
    "A2": "巡逻防控",
    "A3": "保安配备持证",
    "A4": "星级保安与培训",
    "A5": "群防群治",
    "B1": "围墙护栏",
    "B2": "照明亮化",
    "B3": "单元门与防盗门窗",
    "B4": "出入口与停车秩序",
    "C1": "视频监控",
    "C2": "门禁对讲",
    "C3": "周界报警与电子巡查",
    "C4": "监控中心与录像",
    "D1": "可防性案件",
    "D2": "其他刑事治安案件",
    "D3": "发案同比",
    "E1": "纠纷警情",
    "E2": "纠纷调处化解",
    "F1": "隐患整改率",
    "F2": "内部治安制度",
    "F3": "警物联动",
    "F4": "安全感",
}
HAZARD_CLASSES: Final[Mapping[str, str]] = {
    "immediate": "立即整改",
    "ordinary": "一般",
    "major": "重大",
    "capital": "需资金改造",
}
CLAUSES: Final[Mapping[str, str]] = {
    "buildings": "楼幢不少于三幢",
    "enclosed": "全封闭管理",
    "occupancy": "入住率过半",
    "construction_permit": "物业企业建设主管部门许可",
    "market_registration": "物业企业市场主体登记",
}
VETOES: Final[Mapping[str, str]] = {
    "V1": "严重暴力犯罪且管理失职",
    "V2": "重大火灾或伤亡事故",
    "V3": "瞒报或弄虚作假",
    "V4": "管理引发的群体性事件",
    "V5": "保安员在岗违法犯罪",
    "V6": "重大隐患逾期未改",
    "V7": "不符合参评条件",
}
CAUSES: Final[Mapping[str, str]] = {
    "fact": "新的检查或警情",
    "time": "随时间变化",
    "rubric": "考核细则调整",
    "revision": "记录更正",
}


def points(milli: int | None) -> str:
    """Milli-points as points, without needless zeros: 88500 reads 88.5."""
    if milli is None:
        return "无"
    sign = "-" if milli < 0 else ""
    whole, rest = divmod(abs(milli), 1000)
    return f"{sign}{whole}" + (f".{rest:03d}".rstrip("0") if rest else "")


def change(milli: int) -> str:
    """A difference with its direction in words."""
    return f"{'减' if milli < 0 else '加'}{points(abs(milli))}分"


def star(stars: int | None) -> str:
    """A star as people say it."""
    if stars is None:
        return UNRATED
    return f"{_DIGITS[stars]}星" if stars else "无星"


def item(code: str) -> str:
    """An item with its name; an item this version does not know keeps its code."""
    return f"{code} {ITEMS[code]}" if code in ITEMS else code


def code(value: str) -> str:
    """A code of the taxonomy by its name."""
    known = TAXONOMY.get(value)
    return known.chinese if known else value


def filters(zone: ZoneInfo) -> dict[str, Callable[..., str]]:
    """What templates may call; instants read as local time in `zone`."""

    def day(value: date | None) -> str:
        return "未定" if value is None else f"{value.year}年{value.month}月{value.day}日"

    def moment(value: datetime) -> str:
        local = value.astimezone(zone)
        return f"{day(local.date())}{local:%H:%M}"

    def called(value: Any, names: Mapping[str, str]) -> str:
        return names.get(str(value), str(value))

    return {
        "points": points,
        "change": change,
        "star": star,
        "item": item,
        "code": code,
        "day": day,
        "moment": moment,
        "hazard_class": lambda value: called(value, HAZARD_CLASSES),
        "clause": lambda value: called(value, CLAUSES),
        "veto": lambda value: called(value, VETOES),
        "cause": lambda value: called(value, CAUSES),
        "level": lambda value: called(value, {"yellow": "黄色", "red": "红色"}),
    }
