package exposition

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Write writes what the sources write, series by series in the text format of Prometheus and in any order, as whole
// families sorted by name, each behind its HELP and TYPE. A series that the table does not know goes last, without them.
func Write(w io.Writer, sources ...func(io.Writer)) error {
	var all bytes.Buffer
	for _, source := range sources {
		source(&all)
	}
	families := make(map[*Family][][]byte)
	var unknown [][]byte
	for line := range bytes.Lines(all.Bytes()) {
		if len(line) < 2 || line[0] == '#' {
			continue
		}
		if f := byName[seriesName(line)]; f != nil {
			families[f] = append(families[f], line)
		} else {
			unknown = append(unknown, line)
		}
	}
	sorted := make([]*Family, 0, len(families))
	for f := range families {
		sorted = append(sorted, f)
	}
	slices.SortFunc(sorted, func(a, b *Family) int { return strings.Compare(a.Name, b.Name) })

	var out bytes.Buffer
	out.Grow(all.Len() + 200*len(sorted))
	for _, f := range sorted {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s %s\n", f.Name, escaped(f.Help), f.Name, f.Kind)
		for _, line := range families[f] {
			out.Write(line)
		}
	}
	for _, line := range unknown {
		out.Write(line)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// seriesName is the name at the beginning of a line.
func seriesName(line []byte) string {
	if end := bytes.IndexAny(line, "{ "); end >= 0 {
		line = line[:end]
	}
	return string(line)
}
