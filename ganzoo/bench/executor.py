"""The places where the runs of a grid are made: processes of this machine, or jobs of a Slurm cluster.

A job is a command line that can also be given by hand.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ganzoo.errors import UserError
from ganzoo.runs.exit_report import EXIT_REPORT, read_exit_report

if TYPE_CHECKING:
    import submitit

PR_SET_PDEATHSIG = 1
ENDED_BY_CLUSTER = -1  # exit code of a job whose own exit code the cluster does not tell
ANNOUNCING_SIGNAL = signal.SIGUSR2
"""The signal that submitit has Slurm send to all processes of a job some time before the job is ended."""
TIME_OPTIONS = {"timeout_min", "slurm_timeout_min", "slurm_time"}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """One run.

    Args:
        name: of the run.
        command: program and arguments.
        num_threads: CPU threads that it may use.
        log: the file that its output is appended to.
    """

    name: str
    command: tuple[str, ...]
    num_threads: int
    log: Path

    def environment(self) -> dict[str, str]:
        """Return the variables of its process."""
        threads = dict.fromkeys(THREAD_VARIABLES, str(self.num_threads))
        return {**os.environ, **threads, EXIT_REPORT: str(self.report_path)}

    @property
    def report_path(self) -> Path:
        """The file in which the process says why it ended."""
        return self.log.with_suffix(".exit.json")

    def prepare(self) -> None:
        """Make the folder of the log, and remove the report of an earlier process of the same run."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.report_path.unlink(missing_ok=True)

    def message(self) -> str:
        """Return the sentence with which the job ended; empty if it left none, as a job that was killed."""
        report = read_exit_report(self.report_path)
        return "" if report is None else report["message"]


@dataclass(frozen=True)
class Ended:
    """A job that ended: its exit code is negative if a signal or the cluster ended it."""

    job: Job
    exit_code: int


class Executor(Protocol):
    """Runs jobs; the caller of `submit` limits their number."""

    def submit(self, job: Job) -> None:
        """Start a job, or put it into a queue."""

    def poll(self) -> list[Ended]:
        """Return the jobs that ended since the last call, without waiting."""

    def stop(self) -> list[Ended]:
        """Ask all jobs to save and end, wait for them, and return them."""


class LocalExecutor:
    """Each job is a process of this machine.

    A process has a session of its own, so that Ctrl-C reaches only the benchmark, which then asks each run to save. If
    the benchmark is killed, Linux sends its processes SIGTERM, and they save and end too. On other systems they go on
    with locked run folders, and a new benchmark waits for them.
    """

    def __init__(self) -> None:
        self._running: list[tuple[Job, subprocess.Popen[bytes]]] = []

    def submit(self, job: Job) -> None:
        """Start a process."""
        job.prepare()
        self._running.append((job, _start(job, in_own_session=True)))

    def poll(self) -> list[Ended]:
        """Return the processes that ended."""
        ended = [Ended(job, process.returncode) for job, process in self._running if process.poll() is not None]
        self._running = [(job, process) for job, process in self._running if process.returncode is None]
        return ended

    def stop(self) -> list[Ended]:
        """Send every process SIGTERM and wait: a run saves after its step and ends."""
        for _, process in self._running:
            process.send_signal(signal.SIGTERM)
        ended = [Ended(job, process.wait()) for job, process in self._running]
        self._running = []
        return ended


class SubmititExecutor:
    """Each job is one of a cluster's, by the library submitit.

    If the cluster ends a job early, the next call goes on from its checkpoints.

    Args:
        folder: for submitit's own files.
        cluster: `slurm`, or `local` for processes without a cluster.
        options: of `submitit.AutoExecutor.update_parameters`, such as `slurm_partition`; on Slurm with `timeout_min`.

    Raises:
        UserError: submitit is not installed, there is no such cluster here, or it refuses or lacks an option.
    """

    def __init__(self, folder: Path, *, cluster: str = "slurm", options: Mapping[str, str | int] | None = None) -> None:
        if cluster == "slurm":
            check_slurm_options(options or {})
        try:
            import submitit
        except ImportError as error:
            raise UserError("jobs on Slurm need submitit; install it with `pip install submitit`") from error
        self._options = dict(options or {})
        try:
            self._executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
            self._executor.update_parameters(**self._options)
        except (RuntimeError, NameError, ValueError, TypeError) as error:
            raise UserError(f"submitit cannot use the cluster '{cluster}' with these options: {error}") from error
        self._running: list[tuple[Job, submitit.Job[int]]] = []

    def submit(self, job: Job) -> None:
        """Put a job into the cluster's queue."""
        job.prepare()
        self._executor.update_parameters(name=job.name, **{"cpus_per_task": job.num_threads, **self._options})
        self._running.append((job, self._executor.submit(execute, job)))

    def poll(self) -> list[Ended]:
        """Return the jobs that ended."""
        ended = [Ended(job, _exit_code(submitted)) for job, submitted in self._running if submitted.done()]
        names = {e.job.name for e in ended}
        self._running = [(job, submitted) for job, submitted in self._running if job.name not in names]
        return ended

    def stop(self) -> list[Ended]:
        """Cancel every job: the cluster sends its processes SIGTERM, upon which a run saves and ends."""
        for _, submitted in self._running:
            submitted.cancel(check=False)
        ended = [Ended(job, _exit_code(submitted)) for job, submitted in self._running]
        self._running = []
        return ended


def check_slurm_options(options: Mapping[str, str | int]) -> None:
    """Refuse options of Slurm jobs without a limit of time, for which submitit would take 5 minutes.

    Raises:
        UserError: they do not.
    """
    if not TIME_OPTIONS & options.keys():
        raise UserError(
            "jobs on Slurm need a limit of time; give the minutes that a run may take, such as --slurm timeout_min=1440"
        )


def execute(job: Job) -> int:
    """Run a job in this process's place and return its exit code; called where the cluster put it.

    When the cluster announces the end of the job, or it is cancelled, submitit raises an exception here. It is raised
    on when the run has saved.
    """
    with _start(job, ignored=ANNOUNCING_SIGNAL) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise


def _start(
    job: Job, *, ignored: signal.Signals | None = None, in_own_session: bool = False
) -> "subprocess.Popen[bytes]":
    """Start the process of a job, which ends with this one; its output goes to the log."""
    with job.log.open("ab") as log:
        return subprocess.Popen(
            job.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=job.environment(),
            start_new_session=in_own_session,
            preexec_fn=_DieWithParent(ignored=ignored),
        )


def _exit_code(submitted: "submitit.Job[int]") -> int:
    """Return a job's exit code, waiting for its end."""
    return submitted.result() if submitted.exception() is None else ENDED_BY_CLUSTER


class _DieWithParent:
    """Called in a new process, it has Linux send the process SIGTERM when the thread that made it ends in any way.

    Args:
        ignored: a signal that must not end the process.
    """

    def __init__(self, *, ignored: signal.Signals | None = None) -> None:
        self._ignored = ignored
        # Look everything up before the fork; after it, as little as possible may happen.
        self._parent = os.getpid()
        self._prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def __call__(self) -> None:
        if self._ignored is not None:
            signal.signal(self._ignored, signal.SIG_IGN)
        if self._prctl is not None:
            self._prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != self._parent:
                os._exit(1)
