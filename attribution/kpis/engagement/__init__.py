"""Engagement: what happens before there is a lead: ads, visits, page views, and what is counted of them."""
