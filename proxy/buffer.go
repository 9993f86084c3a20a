package proxy

import "sync"

// buffer is memory on loan for one message: its head and, behind it, the body or a piece of it.
type buffer struct {
	b    []byte
	pool *sync.Pool
}

// The sizes of buffers: a usual head with a body of a kilobyte; a head with room for a small answer; a head with a body of
// the usual push; the pieces in which a large body is passed on; a head with a body of a megabyte, the most that is held
// by default for a further attempt.
const (
	headRoom     = 16 << 10
	tinyBuffer   = 4 << 10
	smallBuffer  = 16 << 10
	mediumBuffer = 64<<10 + headRoom
	largeBuffer  = 256<<10 + headRoom
	hugeBuffer   = 1<<20 + headRoom
)

var bufferSizes = [...]int{tinyBuffer, smallBuffer, mediumBuffer, largeBuffer, hugeBuffer}

var bufferPools [len(bufferSizes)]sync.Pool // of *buffer

// takeBuffer lends a buffer of at least size bytes. One larger than a huge one is made for the occasion.
func takeBuffer(size int) *buffer {
	for i := range bufferSizes {
		if size > bufferSizes[i] {
			continue
		}
		if b, ok := bufferPools[i].Get().(*buffer); ok {
			return b
		}
		return &buffer{b: make([]byte, bufferSizes[i]), pool: &bufferPools[i]}
	}
	return &buffer{b: make([]byte, size)}
}

// release ends the loan. What was in the buffer stays there until the next loan overwrites it; no loan reads before it
// has written.
func (b *buffer) release() {
	if b != nil && b.pool != nil {
		b.pool.Put(b)
	}
}
