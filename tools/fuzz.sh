#!/bin/sh
# Runs every fuzz target of the module, one after the other, for the time given: tools/fuzz.sh 10s
set -eu

time=${1:?usage: tools/fuzz.sh TIME}
go=${GO:-go}
cd "$(dirname "$0")/.."

found=0
for file in $(grep -rl --include='*_test.go' '^func Fuzz' authcache balancer cmd proxy | sort); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		echo "fuzz $(dirname "$file") $target $time"
		"$go" test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1s "./$(dirname "$file")"
		found=$((found + 1))
	done
done
test "$found" -gt 0 || { echo "no fuzz target found" >&2; exit 1; }
echo "$found fuzz targets, nothing found"
