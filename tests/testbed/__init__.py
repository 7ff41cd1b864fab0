"""Real machines for the tests: network namespaces with engines, registries and images of their own.

Needs root and the packages of `install.sh`.
"""
