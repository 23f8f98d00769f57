# Installs packages without starting the services they bring: the lab starts its own nginx inside network
# namespaces, and a web server on port 80 of this host is nothing a build should leave behind.
#
# usage: sh -c "$(cat install.sh)" install.sh 'SERVICE ...' PACKAGE ...
set -eu
services=$1
shift

# Debian's package scripts ask policy-rc.d before they start a service; 101 means no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get install --yes --quiet --quiet --no-install-recommends \
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"

# Nor at the next boot. Only services this run brought are named here.
if command -v systemctl >/dev/null 2>&1; then
    for service in $services; do
        systemctl disable --quiet "$service" || echo "could not disable $service" >&2
    done
fi
