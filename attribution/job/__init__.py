"""The job: the river from a file, run the same way every night, with a manifest of what it did."""

from attribution.job.checkup import Checkup, checkup
from attribution.job.config import job_of, load_job, schema
from attribution.job.plan import plan
from attribution.job.run import Ran, folder_of, run
from attribution.job.sections import Job

__all__ = ["Checkup", "Job", "Ran", "checkup", "folder_of", "job_of", "load_job", "plan", "run", "schema"]
