"""Report: what people look at: a page, charts, and tables for BI, made of what a run has published."""
