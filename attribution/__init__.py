"""Multi-touch attribution: touchpoints, leads and spend in; exact credits, cost per lead and win rate out."""
