"""Data paths to other machines: one ssh connection each, and a unix socket per replica address."""
