"""Settings of one hub, from the environment (`O2C_...`) or config/.env."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_HUB = Path(__file__).parent


class Settings(BaseSettings):
    """Two settings switch the form: no `database_url` and `redis_url` is embedded, both is scaled."""

    model_config = SettingsConfigDict(env_prefix="O2C_", env_file="config/.env", extra="ignore")

    data_dir: Path = Field(default=Path("var"), description="embedded database, key file, dropped files")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in data_dir")
    redis_url: SecretStr | None = Field(default=None, description="broker; none: threads in this process")
    master_key: SecretStr | None = Field(
        default=None, description="32 bytes, base64; none: a file in data_dir"
    )
    public_url: str = Field(default="", description="address vendors call, behind any proxy")
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    config_dir: Path = Path("config")
    mappings_dir: Path = Path("mappings")
    four_eyes: bool = Field(
        default=False, description="whoever wrote a version of a mapping cannot put it in force"
    )
    threads: int = Field(default=8, ge=1, le=64, description="worker threads per process")
    processes: int = Field(default=2, ge=1, le=64, description="worker processes of `o2c work`")
    lease_seconds: float = Field(default=90.0, gt=0, description="longer than one call plus its quiesce time")
    call_seconds: float = Field(default=30.0, gt=0, description="deadline of one call to a vendor")
    attempts_max: int = Field(default=16, ge=1, description="tries before a row becomes a dead letter")
    sweep_seconds: float = Field(default=1.0, gt=0)
    reconcile_at: str = Field(
        default="02:00", pattern=r"^(([01]\d|2[0-3]):[0-5]\d|off)$",
        description="time of day (UTC) at which every ERP's open items are compared with the ledger, or off",
    )  # fmt: skip
    reconcile_settle_minutes: float = Field(
        default=10.0, ge=0, description="what changed so lately is in flight, not yet a difference"
    )
    webhook_bytes_max: int = Field(default=1_000_000, description="larger webhooks are answered 413")
    file_bytes_max: int = 50_000_000
    log_level: str = "INFO"

    @field_validator("database_url")
    @classmethod
    def _driver(cls, url: str) -> str:
        """psycopg 3 is the driver we ship, so a plain postgresql:// URL means it."""
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    def config_file(self, name: str) -> Path:
        """A file of the configuration folder; without such a folder, the one we ship."""
        own = self.config_dir / name
        places = (own, _HUB / "_config" / name, _HUB.parent / "config" / name)
        return next((path for path in places if path.is_file()), own)

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'hub.db'}"

    @property
    def reconcile_time(self) -> time | None:
        """The time of day of the nightly reconciliation, in UTC; None: it is switched off."""
        return None if self.reconcile_at == "off" else time.fromisoformat(self.reconcile_at)

    @property
    def embedded(self) -> bool:
        """Do the workers live in the web process?"""
        return self.redis_url is None
