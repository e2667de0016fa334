"""Multi-touch attribution: touchpoints, leads and spend in; exact credits and KPIs by channel out.

The river, from the banks through the stream and back::

    touchpoints, outcomes  --stitch-->  journeys  --attribute-->  credits  --measure-->  KPIs
                                           |                                  ^            |
                                        statistics that add up              spend    reallocate --> plan

    import attribution as at

    journeys = at.stitch(touchpoints, outcomes, lookback_days=30)
    result = at.attribute(journeys, at.FirstTouch(), at.TimeDecay(half_life=7), at.Markov(order=2))
    kpis = at.measure(result, spend)
    weekly = at.measure(at.credit_log(journeys, result["markov"]), spend, by=["channel", "week"])
    plan = at.reallocate(weekly, at.FixedBudget(9_000))

Data flows one way. Tables are checked at one gate (``tables``), cut into journeys by customer
(``stitching``, ``paths``), reduced to sums (``statistics``) and shared by ``models``, each of which
is its formula and nothing else.
"""

from typing import TYPE_CHECKING, Any

from attribution import sample
from attribution.budget import (
    Allocation,
    FixedBudget,
    Response,
    TargetCostPerLead,
    backtest_response,
    reallocate,
    response_curves,
)
from attribution.comparison import (
    Comparison,
    OrderChoice,
    Sensitivity,
    choose_order,
    compare,
    sensitivity,
)
from attribution.credit_log import CreditLog, credit_log
from attribution.credits import Credits, Result
from attribution.engine import attribute
from attribution.errors import (
    AttributionError,
    ConvergenceError,
    MissingExtraError,
    OutputError,
    ParameterError,
    StatisticsError,
    TableError,
    VocabularyError,
)
from attribution.experiments import Experiment, Plan, detectable, experiment, power, sample_size
from attribution.graphs import transition_graph, transition_table, write_graphml
from attribution.grouping import with_channels
from attribution.increments import advance
from attribution.journeys import Journeys
from attribution.kpis import (
    KPIS,
    Activity,
    BenchmarkGap,
    CustomerValue,
    Engagement,
    Forecast,
    Funnel,
    Goal,
    Measured,
    PageStages,
    Velocity,
    ad_log,
    benchmark_gap,
    contribution,
    converted,
    customer_value,
    engagement,
    forecast,
    funnel,
    lead_log,
    measure,
    page_stages,
    sales_time,
    seasonality,
    stage_entries,
    velocity,
    web_log,
    with_funnel_position,
    year_over_year,
)
from attribution.learned import Statistics, load_statistics
from attribution.models import (
    MODELS,
    FirstTouch,
    HalfLife,
    LastNonDirect,
    LastTouch,
    Linear,
    Markov,
    Model,
    PositionBased,
    Shapley,
    TimeDecay,
    TouchpointRule,
    parse_model,
)
from attribution.paths import from_paths
from attribution.patterns import path_lengths, path_table, time_lags
from attribution.rare_channels import group_rare
from attribution.report.star.tables import write_star
from attribution.report.writing import write_charts, write_report
from attribution.stitched import Stitched, StitchReport
from attribution.stitching import from_journeys, split_events, stitch
from attribution.tables import Reading, write_table

if TYPE_CHECKING:
    from attribution.report import charts

__all__ = [
    "KPIS",
    "MODELS",
    "Activity",
    "Allocation",
    "AttributionError",
    "BenchmarkGap",
    "Comparison",
    "ConvergenceError",
    "CreditLog",
    "Credits",
    "CustomerValue",
    "Engagement",
    "Experiment",
    "FirstTouch",
    "FixedBudget",
    "Forecast",
    "Funnel",
    "Goal",
    "HalfLife",
    "Journeys",
    "LastNonDirect",
    "LastTouch",
    "Linear",
    "Markov",
    "Measured",
    "MissingExtraError",
    "Model",
    "OrderChoice",
    "OutputError",
    "PageStages",
    "ParameterError",
    "Plan",
    "PositionBased",
    "Reading",
    "Response",
    "Result",
    "Sensitivity",
    "Shapley",
    "Statistics",
    "StatisticsError",
    "StitchReport",
    "Stitched",
    "TableError",
    "TargetCostPerLead",
    "TimeDecay",
    "TouchpointRule",
    "Velocity",
    "VocabularyError",
    "ad_log",
    "advance",
    "attribute",
    "backtest_response",
    "benchmark_gap",
    "charts",
    "choose_order",
    "compare",
    "contribution",
    "converted",
    "credit_log",
    "customer_value",
    "detectable",
    "engagement",
    "experiment",
    "forecast",
    "from_journeys",
    "from_paths",
    "funnel",
    "group_rare",
    "lead_log",
    "load_statistics",
    "measure",
    "page_stages",
    "parse_model",
    "path_lengths",
    "path_table",
    "power",
    "reallocate",
    "response_curves",
    "sales_time",
    "sample",
    "sample_size",
    "seasonality",
    "sensitivity",
    "split_events",
    "stage_entries",
    "stitch",
    "time_lags",
    "transition_graph",
    "transition_table",
    "velocity",
    "web_log",
    "with_channels",
    "with_funnel_position",
    "write_charts",
    "write_graphml",
    "write_report",
    "write_star",
    "write_table",
    "year_over_year",
]


def __getattr__(name: str) -> Any:
    """Return the charts, whose library is loaded by who asks for them."""
    if name == "charts":
        from importlib import import_module

        try:
            return import_module("attribution.report.charts")
        except ModuleNotFoundError as error:
            raise MissingExtraError.of(error.name, "charts", "report") from error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
