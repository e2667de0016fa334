"""Timing: how soon leads get from stage to stage, with those that are still open censored."""
