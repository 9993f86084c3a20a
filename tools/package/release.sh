#!/bin/sh
# Builds what is released into dist/: static binaries for every architecture, an archive of each with what belongs to it,
# and their checksums. The same commit gives the same bytes, wherever and whenever it is built with the same Go.
#
#	tools/package/release.sh [ARCHITECTURE…]     amd64 and arm64
#
# Outside a checkout VERSION, COMMIT and SOURCE_DATE_EPOCH say what git says inside.
set -eu
cd "$(dirname "$0")/../.."

go=${GO:-go}
version=${VERSION:-$(git describe --tags --always --dirty)}
commit=${COMMIT:-$(git rev-parse HEAD)}
stamp=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
date=$(date -u -d "@$stamp" +%Y-%m-%dT%H:%M:%SZ)

[ "$#" -gt 0 ] || set -- amd64 arm64
mkdir -p dist
rm -rf dist/headgate-* dist/SHA256SUMS
for arch in "$@"; do
	name=headgate-$version-linux-$arch
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOAMD64=v1 GOARM64=v8.0 GOFLAGS= GOEXPERIMENT= "$go" build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.version=$version -X main.commit=$commit -X main.buildDate=$date" \
		-o "dist/$name/headgate" ./cmd/headgate
	cp LICENSE CHANGELOG.md config.toml.example deploy/headgate.service deploy/headgate.socket "dist/$name/"
	chmod -R u=rwX,go=rX "dist/$name"
	tar --sort=name --mtime="@$stamp" --owner=0 --group=0 --numeric-owner --format=ustar -C dist -cf - "$name" |
		gzip -9n >"dist/$name.tar.gz"
done
cd dist
sha256sum headgate-*/headgate *.tar.gz >SHA256SUMS
