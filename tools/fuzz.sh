#!/bin/sh
# Runs every fuzz target of the module, one after the other, for the time given: tools/fuzz.sh 10s
set -eu

time=${1:?usage: tools/fuzz.sh TIME}
go=${GO:-go}
cd "$(dirname "$0")/.."

# The go command sometimes ends a fuzzing run that found nothing with "context deadline exceeded", when the time is over while
# a worker is busy. That is no finding: a finding names its input.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
fuzz() {
	"$go" test -run '^$' -fuzz "^$1\$" -fuzztime "$time" -fuzzminimizetime 1s "$2" >"$log" 2>&1 && failed=0 || failed=$?
	cat "$log"
	test "$failed" -eq 0 && return 0
	grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input' "$log"
}

found=0
for file in $(grep -rl --include='*_test.go' '^func Fuzz' authcache balancer cmd proxy | sort); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		echo "fuzz $(dirname "$file") $target $time"
		fuzz "$target" "./$(dirname "$file")"
		found=$((found + 1))
	done
done
test "$found" -gt 0 || { echo "no fuzz target found" >&2; exit 1; }
echo "$found fuzz targets, nothing found"
