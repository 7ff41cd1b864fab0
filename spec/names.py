"""The names of runs and replicas, alike for who decides on them and for who starts them.

They are the ids of their workflows, so they must never change for what lives.
"""


def run_id(project: str, run: str) -> str:
    """A run's id: the same in all lives of its name."""
    return f"run/{project}/{run}"


def is_of_run(replica: str, project: str, run: str) -> bool:
    """Whether this is the id of a replica of that run, in any of its lives."""
    return replica.startswith(f"{run_id(project, run)}/")


def replica_id(project: str, run: str, incarnation: str, num: int, generation: int) -> str:
    """A replica's id, unique over all lives of the run's name."""
    return f"{run_id(project, run)}/{incarnation}/r{num}-g{generation}"
