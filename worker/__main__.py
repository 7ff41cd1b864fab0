"""`python -P -m worker`: runs workflows and activities until it is told to stop."""

from perdure.program import leave, serve

if __name__ == "__main__":
    leave(serve("worker.process", "worker"))
