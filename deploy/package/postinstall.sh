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

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# A running gateway goes on as the new version; one that is stopped stays so.
	if [ -z "$before" ] || ! active headgate.service; then
		: # there is nothing to restart
	elif active headgate.socket && active headgate-admin.socket && systemctl start headgate-second.service; then
		# It serves until the first one does again, and goes on should that fail.
		systemctl restart headgate.service
		systemctl stop headgate-second.service
	else
		systemctl restart headgate.service
	fi
fi

if [ -z "$before" ]; then
	cat <<-'END'
	headgate is installed and not started. Say in /etc/headgate/config.toml where Cortex is and who may come in, then:
	    headgate check --config /etc/headgate/config.toml
	    systemctl enable --now headgate
	END
fi
