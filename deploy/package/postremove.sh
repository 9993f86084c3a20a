#!/bin/sh
# After the files have gone. The user stays, so that nothing which belonged to it belongs to somebody else later.
set -e

case "$1" in
	remove | 0)
		if [ -d /run/systemd/system ]; then
			systemctl daemon-reload
		fi
		;;
	purge)
		rm -rf /var/lib/headgate
		;;
esac
