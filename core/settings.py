"""Settings: one frozen dataclass, read once from the environment."""

import base64
import binascii
import fcntl
import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import YimaError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DOORS = ("consumer", "brand", "distributor", "api")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class BadSetting(YimaError):
    code = "bad_setting"
    status = 500
    message = "Setting %(name)s %(problem)s"


@dataclass(frozen=True)
class Settings:
    """Everything the environment decides. Addresses of servers are complete once started."""

    home: Path
    database_url: str
    redis_url: str
    secret_key: bytes  # signs cookies and tickets, seals phone numbers
    key_encryption_key: bytes  # 32 bytes; wraps the codes' signing secrets
    trusted_proxies: tuple[Network, ...]
    geoip_path: Path | None
    verification_folder: Path | None  # files that messengers look for at a host's root
    cookie_secure: bool
    messages_file: Path | None  # demos and development: where one-time codes can be read
    metrics_networks: tuple[Network, ...] = ()  # who may read /metrics besides this machine
    doors: tuple[str, ...] = DOORS  # which of them this process opens
    max_upload_bytes: int = 8 * 1024 * 1024
    code_countries: tuple[str, ...] = ()  # the only ones that get one-time codes; none: all
    link_host: str = ""  # what the form for a code order proposes as the host of its links
    label_font: Path | None = None  # what names on label sheets are printed in
    requests_most: int = 0  # answered at a time by a web process; 0: as many as come


def home_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The folder that holds all data of this installation: `YIMA_HOME`, default `./var`."""
    environ = os.environ if environ is None else environ
    return Path(environ.get("YIMA_HOME") or "var").resolve()


def is_embedded(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this installation runs its own PostgreSQL and Valkey."""
    environ = os.environ if environ is None else environ
    return not environ.get("YIMA_DATABASE_URL")


def from_environ(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings, checked; raises `BadSetting` that names the first missing or malformed one.

    `YIMA_DATABASE_URL` and `YIMA_REDIS_URL` must be set: who runs the embedded servers starts
    them first and puts their addresses into the environment.
    """
    environ = os.environ if environ is None else environ
    home = home_folder(environ)
    database_url = _required(environ, "YIMA_DATABASE_URL", "postgresql://user:password@host/yima")
    for plain in ("postgres://", "postgresql://"):
        database_url = database_url.replace(plain, "postgresql+psycopg://", 1)
    if not database_url.startswith("postgresql+psycopg://"):
        raise BadSetting(name="YIMA_DATABASE_URL", problem="must start with postgresql://")
    redis_url = _required(environ, "YIMA_REDIS_URL", "redis://host:6379/0")
    if not redis_url.startswith(("redis://", "rediss://", "unix://")):
        raise BadSetting(name="YIMA_REDIS_URL", problem="must start with redis://")
    return Settings(
        home=home,
        database_url=database_url,
        redis_url=redis_url,
        secret_key=_secret(environ, "YIMA_SECRET_KEY"),
        key_encryption_key=_secret(environ, "YIMA_KEY_ENCRYPTION_KEY"),
        trusted_proxies=_networks(environ, "YIMA_TRUSTED_PROXIES"),
        geoip_path=_path(environ, "YIMA_GEOIP_FILE", Path.is_file),
        verification_folder=_path(environ, "YIMA_VERIFICATION_FOLDER", Path.is_dir),
        cookie_secure=_flag(environ, "YIMA_COOKIE_SECURE", default=True),
        metrics_networks=_networks(environ, "YIMA_METRICS_NETWORKS"),
        doors=_doors(environ),
        messages_file=_path(environ, "YIMA_MESSAGES_FILE", lambda path: path.parent.is_dir()),
        code_countries=_countries(environ, "YIMA_CODE_COUNTRIES"),
        link_host=environ.get("YIMA_LINK_HOST", "").strip(),
        label_font=_path(environ, "YIMA_LABEL_FONT", Path.is_file),
        requests_most=_count(environ, "YIMA_REQUESTS_MOST"),
    )


def log_style(environ: Mapping[str, str] | None = None) -> tuple[str, bool]:
    """The least level that is logged, and whether as JSON lines; raises `BadSetting`."""
    environ = os.environ if environ is None else environ
    level = environ.get("YIMA_LOG_LEVEL", "").strip().upper() or "INFO"
    if level not in LOG_LEVELS:
        raise BadSetting(name="YIMA_LOG_LEVEL", problem=f"must be one of {', '.join(LOG_LEVELS)}")
    form = environ.get("YIMA_LOG_FORMAT", "").strip().lower() or "text"
    if form not in ("text", "json"):
        raise BadSetting(name="YIMA_LOG_FORMAT", problem="must be text or json")
    return level, form == "json"


def own_secrets(home: Path) -> dict[str, str]:
    """The two secrets of an installation that runs by itself, made on first use (mode 0600)."""
    home.mkdir(parents=True, exist_ok=True)
    names = ("YIMA_SECRET_KEY", "YIMA_KEY_ENCRYPTION_KEY")
    return {name: _kept_secret(home / f"{name.lower()}.secret") for name in names}


def _kept_secret(path: Path) -> str:
    """The file's secret; whoever comes first writes it, and whoever comes at once waits."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        kept = file.read().strip()
        if not kept:  # new, or its maker ended before it wrote
            kept = base64.b64encode(secrets.token_bytes(32)).decode()
            file.write(kept)
            file.flush()
            os.fsync(file.fileno())
        return kept


def _required(environ: Mapping[str, str], name: str, example: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise BadSetting(name=name, problem=f"is missing. Set it, for example to {example}")
    return value


def _secret(environ: Mapping[str, str], name: str) -> bytes:
    text = _required(environ, name, "the output of: openssl rand -base64 32")
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != 32:
        raise BadSetting(name=name, problem="must be 32 bytes in base64: openssl rand -base64 32")
    return value


def _networks(environ: Mapping[str, str], name: str) -> tuple[Network, ...]:
    listed = environ.get(name, "").replace(",", " ").split()
    try:
        return tuple(ipaddress.ip_network(entry) for entry in listed)
    except ValueError as error:
        raise BadSetting(
            name=name,
            problem=f"must list addresses or networks such as 10.0.0.0/8 ({error})",
        ) from error


def _doors(environ: Mapping[str, str]) -> tuple[str, ...]:
    listed = tuple(environ.get("YIMA_DOORS", "").replace(",", " ").split()) or DOORS
    unknown = [door for door in listed if door not in DOORS]
    if unknown:
        raise BadSetting(name="YIMA_DOORS", problem=f"may list only: {', '.join(DOORS)}")
    return listed


def _countries(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    listed = tuple(environ.get(name, "").replace(",", " ").upper().split())
    if any(len(code) != 2 or not code.isascii() or not code.isalpha() for code in listed):
        raise BadSetting(name=name, problem="must list ISO 3166 codes such as CN HK")
    return listed


def _path(environ: Mapping[str, str], name: str, check: Callable[[Path], bool]) -> Path | None:
    value = environ.get(name, "").strip()
    if not value:
        return None
    path = Path(value)
    if not check(path):
        raise BadSetting(name=name, problem=f"names {path}, which is not there")
    return path


def _count(environ: Mapping[str, str], name: str) -> int:
    value = environ.get(name, "").strip() or "0"
    if not value.isascii() or not value.isdigit():
        raise BadSetting(name=name, problem="must be a whole number; 0 is no bound")
    return int(value)


def _flag(environ: Mapping[str, str], name: str, default: bool) -> bool:
    value = environ.get(name, "").strip().lower()
    if value in ("", "1", "true", "yes", "on"):
        return value != "" or default
    if value in ("0", "false", "no", "off"):
        return False
    raise BadSetting(name=name, problem="must be 1 or 0")
