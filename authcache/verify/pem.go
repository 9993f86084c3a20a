package verify

import (
	"bytes"
	"encoding/pem"
	"fmt"
)

// DecodePEM is every block of a PEM text; what stands between them does not count. One that cannot be read, which
// pem.Decode passes over, is an error: the keys of the others would pass for all that there are.
func DecodePEM(text []byte) ([]*pem.Block, error) {
	var blocks []*pem.Block
	for before := 0; ; {
		block, rest := pem.Decode(text)
		read := text
		whole := 0
		if block != nil {
			read, whole = text[:len(text)-len(rest)], 1
		}
		lines, begins, ends, first := 0, 0, 0, 0
		for line := range bytes.Lines(read) {
			lines++
			line = bytes.TrimLeft(line, " \t\ufeff")
			switch {
			case bytes.HasPrefix(line, []byte("-----BEGIN ")):
				begins++
			case bytes.HasPrefix(line, []byte("-----END ")):
				ends++
			default:
				continue
			}
			if first == 0 {
				first = before + lines
			}
		}
		if begins != whole || ends != whole {
			return nil, fmt.Errorf("the PEM block at line %d is damaged; want it whole, from -----BEGIN to -----END, or not at all", first)
		}
		if block == nil {
			return blocks, nil
		}
		blocks = append(blocks, block)
		before += lines
		text = rest
	}
}
