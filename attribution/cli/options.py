"""Options: what several verbs share, read from the parameters that the package declares."""

from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from cyclopts import Parameter

from attribution.errors import ParameterError
from attribution.experiments import Rules, Setting
from attribution.kpis import Terms
from attribution.parameters import Parameter as Declared
from attribution.parameters import parameters
from attribution.rare_channels import KEPT, check_most, group_rare
from attribution.statistics import Resampling
from attribution.stitched import FOLDS, Stitched
from attribution.stitching.window import Window
from attribution.tables import Reading

Models: TypeAlias = Annotated[
    list[str] | None,
    Parameter(
        name="--model", help="A model, as NAME or NAME:PARAMETER=VALUE,...; may be repeated.", negative=""
    ),
]
Out: TypeAlias = Annotated[Path | None, Parameter(help="File to write: .parquet, .csv, .json or .xlsx.")]
Json: TypeAlias = Annotated[
    bool, Parameter(name="--json", help="Print JSON records instead of a table.", negative="")
]
Force: TypeAlias = Annotated[bool, Parameter(help="Replace an output that exists and differs.", negative="")]
Threads: TypeAlias = Annotated[
    int | None, Parameter(help="Worker threads (all cores without it); no digit depends on it.")
]


def bounds(parameter: Declared) -> str:
    """Return the allowed values in brackets, where not everything of the kind is allowed."""
    limited = parameter.choices or {parameter.low, parameter.above, parameter.high, parameter.below} != {None}
    return f" ({parameter.allowed})" if limited else ""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """What the two tables are, and into how many folds their customers are dealt."""

    as_of: Annotated[str | None, Parameter(help="End of the data (ISO 8601); later rows are set aside.")] = (
        None
    )
    outcome_names: Annotated[
        str | None, Parameter(help="Numeric outcome columns, the first being learned from: leads,wins,...")
    ] = None
    touchpoints_columns: Annotated[
        str | None, Parameter(help="Columns of the touchpoints table, as OURS=THEIRS,...")
    ] = None
    outcomes_columns: Annotated[
        str | None, Parameter(help="Columns of the outcomes table, as OURS=THEIRS,...")
    ] = None
    folds: Annotated[
        int,
        Parameter(help="Into how many folds customers, or accounts, are dealt: intervals draw from them."),
    ] = FOLDS

    def given(self) -> dict[str, Any]:
        """Return them as arguments of the function ``stitch``, checked."""
        mappings = {
            "touchpoints": mapping(self.touchpoints_columns, "--touchpoints-columns"),
            "outcomes": mapping(self.outcomes_columns, "--outcomes-columns"),
        }
        return {
            "as_of": self.as_of,
            "outcome_names": names_of(self.outcome_names),
            "columns": mappings,
            "folds": self.folds,
        }


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class StitchOptions(TableOptions):
    """How two tables are read into journeys."""

    repeated_outcomes: Annotated[
        str, Parameter(help="Rows of one outcome_id that differ: an error, or the latest counts.")
    ] = "error"
    memory_limit: Annotated[
        str | None,
        Parameter(help="Most memory to take, such as 2GB; what does not fit lies in temporary files."),
    ] = None
    most_channels: Annotated[
        int | None,
        Parameter(help=f"{KEPT.meaning[0].upper()}{KEPT.meaning[1:]}{bounds(KEPT)}. Without it: all do."),
    ] = None

    def given(self) -> dict[str, Any]:
        """Return them as arguments of the function ``stitch``, checked."""
        if self.most_channels is not None:
            check_most("--most-channels", self.most_channels)
        more = {"repeated_outcomes": self.repeated_outcomes, "memory_limit": self.memory_limit}
        return super().given() | more

    def grouped(self, journeys: Stitched) -> Stitched:
        """Return the journeys with no more channels than are to keep their names."""
        return journeys if self.most_channels is None else group_rare(journeys, self.most_channels)


def declared(name: str) -> str:
    """Return what a parameter of the intervals means, and its range."""
    parameter = parameters(Resampling)[name]
    return f"{parameter.meaning[0].upper()}{parameter.meaning[1:]}{bounds(parameter)}."


Intervals: TypeAlias = Annotated[
    float | None, Parameter(help=f"{declared('intervals')} Without it: no intervals.")
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SpendOptions:
    """The table of spend, and how its amounts are added."""

    spend: Annotated[
        str | None,
        Parameter(help="Table of channel and spend, by day or in sum; with cost_type a ledger."),
    ] = None
    spend_columns: Annotated[str | None, Parameter(help="Columns of the spend table, as OURS=THEIRS,...")] = (
        None
    )
    repeated_spend: Annotated[
        Literal["error", "sum"], Parameter(help="What to do where a day of a channel has several rows.")
    ] = "error"
    rates: Annotated[
        str | None, Parameter(help="Table of currency and rate, where the spend is in several currencies.")
    ] = None

    def given(self) -> dict[str, Any]:
        """Return them as arguments of the function ``measure``."""
        return {
            "spend": self.spend,
            "columns": mapping(self.spend_columns, "--spend-columns"),
            "repeated_spend": self.repeated_spend,
            "rates": self.rates,
        }

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are read."""
        return tuple(path for path in (self.spend, self.rates) if path is not None)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """How customers are drawn anew for intervals."""

    replicates: Annotated[int, Parameter(help=declared("replicates"))] = Resampling.replicates
    seed: Annotated[int, Parameter(help=declared("seed"))] = Resampling.seed

    def given(self, intervals: float | None) -> dict[str, Any]:
        """Return them as arguments of the function ``attribute``."""
        return {"intervals": intervals, "replicates": self.replicates, "seed": self.seed}


def options_of(declared: type) -> Any:
    """Return a dataclass of command line options with the parameters of a declared value."""
    options: list[Any] = [
        (
            name,
            Annotated[parameter.kind | None, Parameter(help=f"{first.upper()}{rest}{bounds(parameter)}.")],
            field(default=parameter.default),
        )
        for name, parameter in parameters(declared).items()
        for first, rest in [(parameter.meaning[0], parameter.meaning[1:])]
    ]
    # The command line library takes a class of the standard library's module for one value.
    here = {"__module__": __name__}
    made = make_dataclass(f"{declared.__name__}Options", options, frozen=True, kw_only=True, namespace=here)
    return Parameter(name="*")(made) | None


if TYPE_CHECKING:
    WindowOptions: TypeAlias = Any
    ReadingOptions: TypeAlias = Any
    TermOptions: TypeAlias = Any
    RuleOptions: TypeAlias = Any
    SettingOptions: TypeAlias = Any
else:
    WindowOptions = options_of(Window)
    ReadingOptions = options_of(Reading)
    TermOptions = options_of(Terms)
    RuleOptions = options_of(Rules)
    SettingOptions = options_of(Setting)


def given(options: Any, declared: type) -> dict[str, Any]:
    """Return the parameters of a declared value as the command line gives them, checked."""
    if options is None:
        return {}
    values = {name: tabs(getattr(options, name)) for name in parameters(declared)}
    declared(**values)
    return values


def tabs(value: Any) -> Any:
    """Return a text in which a tab was written as a shell passes it on."""
    return value.replace("\\t", "\t") if isinstance(value, str) else value


def names_of(text: str | None) -> list[str] | None:
    """Return the names that a text lists.

    >>> names_of("leads, wins")
    ['leads', 'wins']
    """
    return None if text is None else [name.strip() for name in text.split(",")]


def mapping(
    text: str | None, option: str, form: str = "OURS=THEIRS", of: str = "our names"
) -> dict[str, str]:
    """Return the mapping that OURS=THEIRS,... stands for.

    >>> mapping("customer_id=cookie,timestamp=time", "--touchpoints-columns")
    {'customer_id': 'cookie', 'timestamp': 'time'}
    """
    pairs = [part.partition("=") for part in (text or "").split(",") if part]
    if any(not ours or not theirs for ours, _, theirs in pairs):
        raise ParameterError.out_of_range(option, text, f"{form}, separated by commas")
    names = [ours for ours, _, _ in pairs]
    if len(set(names)) < len(names):
        raise ParameterError.out_of_range(option, text, f"each of {of} once")
    return {ours: theirs for ours, _, theirs in pairs}
