"""What following the load costs: `python -m benchmarks.elastic [ROUNDS]`.

Waking from zero, requests that are held, and a rolling update. It makes a Docker engine of its own,
as the tests do, and so has to be run as root.
"""

import sys

from benchmarks.holding import held
from benchmarks.stage import docker_engine, installed
from benchmarks.updating import updates
from benchmarks.waking import of_containers, of_processes

ROUNDS = 5


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"{'medians of ' + str(rounds):<46}", flush=True)
    for each in held(rounds):
        print(each, flush=True)
    print(of_processes(rounds), flush=True)
    with (
        docker_engine() as engine,
        installed("docker", PERDURE_DOCKER_HOST=engine.url) as place,
    ):
        print(of_containers(place, engine, rounds), flush=True)
        print(updates(place, rounds), flush=True)


if __name__ == "__main__":
    main()
