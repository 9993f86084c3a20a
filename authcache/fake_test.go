package authcache

import (
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/authcache/verify"
)

// A fake hash names its password and how long a check takes: "fake:100ms:secret". Under testing/synctest that time
// passes at once, and exactly.

func fakeHash(password string) string { return "fake:0s:" + password }

func slowHash(took time.Duration, password string) string {
	return "fake:" + took.String() + ":" + password
}

type fake struct {
	took     time.Duration
	password string
	checks   *atomic.Int64 // nil: not counted
}

func (f fake) Match(password []byte) bool {
	if f.checks != nil {
		f.checks.Add(1)
	}
	if f.took > 0 {
		time.Sleep(f.took)
	}
	return string(password) == f.password
}

// Work has as many rounds as a check takes milliseconds.
func (f fake) Work() verify.Work { return verify.Work{Rounds: uint64(f.took.Milliseconds())} }

func parseFake(text string) (verify.Hash, error) {
	return parseCounted(text, nil)
}

func parseCounted(text string, checks *atomic.Int64) (verify.Hash, error) {
	rest, found := strings.CutPrefix(text, "fake:")
	took, password, cut := strings.Cut(rest, ":")
	duration, err := time.ParseDuration(took)
	if !found || !cut || err != nil {
		return nil, errors.New("no fake hash")
	}
	return fake{duration, password, checks}, nil
}

func burnNothing(verify.Work, []byte) {}

// burnFake takes as many milliseconds as there are rounds to burn.
func burnFake(work verify.Work, _ []byte) { time.Sleep(time.Duration(work.Rounds) * time.Millisecond) }
