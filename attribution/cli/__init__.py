"""The command line: the same verbs as in Python, with exit codes that a job can rely on."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib import metadata

from cyclopts import App, CycloptsError

from attribution.cli.advance import advance
from attribution.cli.attribute import attribute
from attribution.cli.channels import channels
from attribution.cli.check import check
from attribution.cli.compare import compare
from attribution.cli.demo import demo
from attribution.cli.engagement import engagement
from attribution.cli.experiment import experiment
from attribution.cli.export import export
from attribution.cli.funnel import funnel
from attribution.cli.gap import gap
from attribution.cli.measure import measure
from attribution.cli.page_stages import page_stages
from attribution.cli.reallocate import reallocate
from attribution.cli.registry import kpis, models
from attribution.cli.report import report
from attribution.cli.run import run, schema
from attribution.cli.sample_size import sample_size
from attribution.cli.stitch import stitch
from attribution.cli.stop import stopping
from attribution.cli.trends import trends
from attribution.cli.value import value
from attribution.cli.velocity import velocity
from attribution.errors import AttributionError, plain
from attribution.tables import discard_unfinished

EPILOGUE = """Exit codes: 0 ok, 1 unexpected, 2 usage, 3 input invalid, 4 data-quality gate failed,
5 no convergence, 6 output exists and differs, 7 cannot write, 130 stopped by a signal."""

app = App(
    name="attribution",
    help="Multi-touch attribution: exact credits, cost per lead and win rate by channel.",
    help_epilogue=EPILOGUE,
    help_format="plaintext",
    version=lambda: metadata.version("attribution-engine"),
)
VERBS = (
    *(demo, stitch, attribute, advance, measure, funnel, velocity, value, trends, reallocate),
    compare,
    *(channels, engagement, page_stages, gap, experiment, sample_size),
    *(run, report, export, check, schema, models, kpis),
)
for verb in VERBS:
    app.command(verb)


def program() -> None:
    """Run the command line as the whole of a process."""
    atexit.register(gc.freeze)  # else all that is left is searched for cycles at the end, for half a second
    main()


def main() -> None:
    """Run the command line; a user's mistake never shows a traceback."""
    try:
        with stopping(discard_unfinished):
            app(exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        fail(f"{error}\ntry: attribution --help", 2)
    except AttributionError as error:
        fail(str(error), error.exit_code)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "start new thread" not in str(error):
            raise
        fail(f"not enough memory ({error}): raise the limit, or split the tables by customer", 3)
    except KeyboardInterrupt:
        fail("stopped", 130)
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(message: str, code: int) -> None:
    """Print the error to standard error and leave with its code."""
    lines = map(plain, f"error: {message}".split("\n"))
    print("\n".join(lines), file=sys.stderr)
    sys.exit(code)
