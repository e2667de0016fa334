"""Costs: spend and other costs by cell: a ledger that is checked, spread and added up on three bases."""
