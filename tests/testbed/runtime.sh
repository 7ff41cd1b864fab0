#!/bin/sh
# An OCI runtime in front of runc, for machines whose root has no CAP_SYS_RESOURCE: it takes out of
# a new container what needs that capability, so that privileged containers can start.
bundle='' previous='' creates=''
for argument in "$@"; do
  case $previous in --bundle | -b) bundle=$argument ;; esac
  case $argument in
    --bundle=*) bundle=${argument#--bundle=} ;;
    create | run) creates=yes ;;
  esac
  previous=$argument
done
config=$bundle/config.json
if [ -n "$creates" ] && [ -f "$config" ]; then
  jq -c '
    (.process.capabilities // {}) |= map_values((. // []) - ["CAP_SYS_RESOURCE"])
    | .process.oomScoreAdj = ([.process.oomScoreAdj // 0, 0] | max)
    | .process.rlimits = ((.process.rlimits // []) | map(select(.type != "RLIMIT_MEMLOCK")))
  ' "$config" > "$config.new" && mv "$config.new" "$config"
fi
exec runc "$@"
