"""A bank: customers pay into an account, the bank sends camt.053 statements about it."""

from __future__ import annotations

from sandbox.bank.bank import BankSandbox

__all__ = ["BankSandbox"]
