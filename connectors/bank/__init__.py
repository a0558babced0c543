"""Bank statements: ISO 20022 camt.053 files in, payments out."""
