#!/bin/sh
# Before the files go. dpkg says "remove", or "upgrade" when others take their place; rpm says 0, or 1.
set -e

case "$1" in
	remove | 0)
		if [ -d /run/systemd/system ]; then
			systemctl disable --now headgate.socket headgate-admin.socket headgate.service
			systemctl --quiet stop headgate-second.service
		fi
		;;
esac
