#!/bin/sh
# Install what the tests need beyond Python packages. Debian or Ubuntu, as root.
set -eu
packages='docker.io docker-registry apache2-utils iptables iproute2 util-linux jq
  python3-minimal libpython3-stdlib procps netbase tini mount git openssh-client openssh-server
  nginx-light wrk curl postgresql'
missing=''
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "Missing packages. Run as root: apt-get install --yes --no-install-recommends$missing" >&2
  exit 1
fi
# A package must not start a daemon of its own here: the tests start theirs.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
