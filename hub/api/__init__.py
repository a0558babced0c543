"""The admin API: everything a person or their program may see and do, over REST."""

from hub.api.app import build_api

__all__ = ["build_api"]
