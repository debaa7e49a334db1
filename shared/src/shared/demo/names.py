"""Invented names of places and organisations; none of them is meant to exist."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, product
from random import Random
from typing import Final

TOWN: Final = "禾渡"
COUNTY: Final = "临汀"

_FIRST: Final = "云澄松禾枫兰汀芷岚霁溪梧棠沐晴杉荷竹漪雁"
_SECOND: Final = "栖岸语汀庭麓桥园湾湖影台畔泽岭舍"
_ENDINGS: Final = ("花园", "苑", "公寓", "新村", "家园", "雅居", "名邸", "华庭", "佳苑", "小区")
_COMPANY: Final = "安和诚信宁泰祥瑞嘉睦恒润康乐盛景"
_COMPANY_ENDINGS: Final = ("物业服务有限公司", "物业管理有限公司", "城市服务有限公司")
_DEVELOPER_ENDINGS: Final = ("置业有限公司", "房地产开发有限公司")


def compound_names(rng: Random) -> Iterator[str]:
    """Endless different names of compounds, such as 云栖花园."""
    yield from _endless(rng, [a + b for a, b in product(_FIRST, _SECOND) if a != b], _ENDINGS)


def company_names(rng: Random) -> Iterator[str]:
    """Endless different names of property companies."""
    yield from _endless(rng, _pairs(), _COMPANY_ENDINGS)


def developer_names(rng: Random) -> Iterator[str]:
    """Endless different names of developers."""
    yield from _endless(rng, _pairs(), _DEVELOPER_ENDINGS)


def community_names(rng: Random) -> Iterator[str]:
    """Endless different names of communities (社区)."""
    yield from _endless(rng, [a + b for a, b in product(_SECOND, _FIRST) if a != b], ("社区",))


def _pairs() -> list[str]:
    return [a + b for a, b in product(_COMPANY, _COMPANY) if a != b]


def _endless(rng: Random, stems: list[str], endings: tuple[str, ...]) -> Iterator[str]:
    # Stems do not repeat within a round, so that no two names of a district look alike.
    rng.shuffle(stems)
    for number in count(1):
        suffix = "" if number == 1 else f"{number}期"
        for stem in stems:
            yield stem + rng.choice(endings) + suffix
