"""The deny list: everything that is not the public internet, however it is spelt."""

import pytest
from notify.domain.addresses import may_connect, networks


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::10.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::1",
        "100::1",
        "100:0:0:1::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_denied(address: str) -> None:
    assert not may_connect(address, ())


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "114.114.114.114",
        "172.32.0.1",
        "2400:3200::1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
    ],
)
def test_public(address: str) -> None:
    assert may_connect(address, ())


def test_allowed_networks_open_exactly_what_they_say() -> None:
    allowed = networks(["127.0.0.0/8", "fd12::/16"])
    assert may_connect("127.0.0.1", allowed)
    assert may_connect("::ffff:127.0.0.1", allowed)
    assert may_connect("fd12::9", allowed)
    assert not may_connect("10.0.0.1", allowed)
    assert not may_connect("::1", allowed)
    assert not may_connect("fd13::9", allowed)


def test_what_is_no_network() -> None:
    with pytest.raises(ValueError):
        networks(["10.0.0.1/8"])
