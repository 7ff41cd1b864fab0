"""All checks of a machine with an installation, in the order in which they are made."""

from typing import Any

from doctor import cluster, database, disk, leftovers, machine, processes
from doctor.check import Check

DATA, KEYS, SPACE = "data_directory", "master_key", "disk"
STORE, TEMPORAL = "store", "temporal"

ALL: tuple[Check[Any], ...] = (
    Check(DATA, disk.look_at_permissions, disk.judge_permissions),
    Check(KEYS, disk.look_at_keys, disk.judge_keys, after=(DATA,)),
    Check(SPACE, disk.look_at_space, disk.judge_space, after=(DATA,)),
    Check("programs", machine.look_at_programs, machine.judge_programs),
    Check("runtime", machine.look_at_engine, machine.judge_engine),
    Check("gpus", machine.look_at_graphics, machine.judge_graphics),
    Check(STORE, database.look_at_store, database.judge_store, after=(DATA,)),
    Check("processes", processes.look_at_processes, processes.judge_processes, after=(DATA,)),
    Check("front_door", processes.look_at_door, processes.judge_door, after=("processes",)),
    Check(TEMPORAL, cluster.look_at_namespace, cluster.judge_namespace, after=(DATA,)),
    Check("stuck_runs", cluster.look_for_stuck, cluster.judge_stuck, after=(TEMPORAL,)),
    Check(
        "leftovers",
        leftovers.look_for_leftovers,
        leftovers.judge_leftovers,
        after=(KEYS, STORE, TEMPORAL),
    ),
)
