#!/bin/sh
# After the files have come. dpkg says "configure" and the version that was there before, rpm how many versions are
# installed now: 1 at the first time.
set -e

case "$1" in
	configure) before=$2 ;;
	1) before= ;;
	[0-9]*) before=$1 ;;
	*) exit 0 ;; # dpkg undoes something that failed
esac

active() { systemctl --quiet is-active "$1"; }
property() { systemctl show --value --property="$2" "$1"; }

# added is what an operator has added to a unit.
# shellcheck disable=SC2046 # several files
added() { cat /dev/null $(property "$1" DropInPaths); }

# covered reports whether a second process can serve while the first one restarts: it gets all sockets, and is told the same.
covered() {
	first=$(property headgate.service FragmentPath) second=$(property headgate-second.service FragmentPath)
	active headgate.service && active headgate.socket && active headgate-admin.socket &&
		[ "${first%/*}" = "${second%/*}" ] && [ "$(added headgate.service)" = "$(added headgate-second.service)" ]
}

# restart lets a running gateway go on as the new version; one that is stopped stays so.
restart() {
	case $(property headgate.service ActiveState) in inactive | failed) return ;; esac
	if ! said=$(headgate check --no-files --config /etc/headgate/config.toml 2>&1); then
		echo "$said"
		echo "headgate was not restarted and runs on as the version before: this one refuses its configuration"
		return 1
	fi
	if ! covered || ! systemctl start headgate-second.service; then
		systemctl --quiet reset-failed headgate-second.service || true
		systemctl try-restart headgate.service
		return
	fi
	if ! systemctl restart headgate.service; then
		echo "headgate-second serves; when headgate does again: systemctl stop headgate-second"
		return 1
	fi
	systemctl --quiet stop headgate-second.service
}

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	[ -z "$before" ] || restart
fi

if [ -z "$before" ]; then
	cat <<-'END'
	headgate is installed and not started. Say in /etc/headgate/config.toml where Cortex is and who may come in, then:
	    headgate check --config /etc/headgate/config.toml
	    systemctl enable --now headgate
	END
fi
