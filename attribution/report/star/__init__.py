"""Star: a run as facts and dimensions that a BI tool loads, joined by models, channels and days."""
