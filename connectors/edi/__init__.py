"""X12: splitting, checking, naming, acknowledging and writing what trading partners exchange."""
