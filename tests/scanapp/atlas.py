"""A MaxMind-format file of networks and their regions, as an operator would supply."""

from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet

NETWORKS: dict[str, dict[str, Any]] = {
    "203.0.113.0/24": {"country": {"iso_code": "CN"}, "subdivisions": [{"iso_code": "ZJ"}]},
    "198.51.100.0/24": {"country": {"iso_code": "CN"}, "subdivisions": [{"iso_code": "GD"}]},
    "192.0.2.0/28": {"country": {"iso_code": "CN"}},
    "192.0.2.16/28": {"country": {"iso_code": "HK"}},
    "192.0.2.32/28": {"country": {"iso_code": "JP"}, "subdivisions": [{"iso_code": "13"}]},
    "192.0.2.48/28": {"country": {"iso_code": "XX"}},
    "192.0.2.64/28": {"registered_country": {"iso_code": "CN"}},
}


def write_atlas(
    file: Path, ip_version: int = 4, networks: dict[str, dict[str, Any]] = NETWORKS
) -> Path:
    """The file, written."""
    writer = MMDBWriter(ip_version=ip_version, ipv4_compatible=ip_version == 6)
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(file))
    return file
