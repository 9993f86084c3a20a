#!/bin/sh
# Makes a .deb and a .rpm of what release.sh built into dist/, from deploy/package/nfpm.yaml, and adds their checksums.
#
#	tools/package/package.sh [ARCHITECTURE…]     amd64 and arm64
set -eu
cd "$(dirname "$0")/../.."

go=${GO:-go}
version=${VERSION:-$(git describe --tags --always --dirty)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

# Packages are ordered by version, so v1.2.0-rc.1 has to come before v1.2.0, 3 commits after it behind it, and what has no
# tag yet is ordered by its time.
case "$version" in
	v[0-9]*) PACKAGE_VERSION=$(echo "${version#v}" | sed -E 's/-dirty$/+dirty/; s/-([0-9]+)-g([0-9a-f]+)/+\1.g\2/; s/-/~/g') ;;
	*) PACKAGE_VERSION=0.0.0~$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).$(echo "$version" | tr - +) ;;
esac
export PACKAGE_VERSION

[ "$#" -gt 0 ] || set -- amd64 arm64
rm -f dist/*.deb dist/*.rpm
for ARCH in "$@"; do
	BINARY=dist/headgate-$version-linux-$ARCH/headgate
	export ARCH BINARY
	for kind in deb rpm; do
		"$go" tool -modfile=tools/package/go.mod nfpm package --config deploy/package/nfpm.yaml --packager "$kind" --target dist/
	done
done
cd dist
sha256sum headgate-*/headgate *.tar.gz *.deb *.rpm >SHA256SUMS
