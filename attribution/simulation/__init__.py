"""Worlds in which the true effect of every channel is known; the shipped sample comes from here."""

from attribution.simulation.company import make_world
from attribution.simulation.leads import sample_tables
from attribution.simulation.world import Simulation, World, simulate

__all__ = ["Simulation", "World", "make_world", "sample_tables", "simulate"]
