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

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# A running gateway goes on as the new version; one that is stopped stays so.
	[ -z "$before" ] || systemctl try-restart headgate.service
fi

if [ -z "$before" ]; then
	cat <<-'END'
	headgate is installed and not started. Say in /etc/headgate/config.toml where Cortex is and who may come in, then:
	    headgate check --config /etc/headgate/config.toml
	    systemctl enable --now headgate
	END
fi
