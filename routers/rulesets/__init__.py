"""Rulesets: what is migrated, numbered and chained: from document and topic to the local copy."""
