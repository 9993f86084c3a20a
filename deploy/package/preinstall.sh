#!/bin/sh
# Before the files come: the user that headgate runs as, and the group that may read its configuration.
set -e

getent group headgate >/dev/null || groupadd --system headgate
getent passwd headgate >/dev/null ||
	useradd --system --gid headgate --home-dir / --no-create-home --shell /usr/sbin/nologin headgate
