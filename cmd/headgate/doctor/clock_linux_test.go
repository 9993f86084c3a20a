package doctor

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTheClockIsKnownInASandboxToo, where the kernel does not answer, if systemd's own client keeps it right; else nobody
// says that nothing does.
func TestTheClockIsKnownInASandboxToo(t *testing.T) {
	there := filepath.Join(t.TempDir(), "synchronized")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	none := there + "-not"
	says := func(state int, err error) func() (int, error) { return func() (int, error) { return state, err } }
	for _, tc := range []struct {
		what      string
		kernel    func() (int, error)
		synced    string
		known, ok bool
	}{
		{"the kernel says yes", says(unix.TIME_OK, nil), none, true, true},
		{"the kernel says no", says(unix.TIME_ERROR, nil), there, true, false},
		{"the sandbox forbids to ask, timesyncd says yes", says(0, unix.EPERM), there, true, true},
		{"the sandbox forbids to ask, nobody says anything", says(0, unix.EPERM), none, false, false},
	} {
		if known, ok := clockSynchronised(tc.kernel, tc.synced); known != tc.known || ok != tc.ok {
			t.Errorf("%s: known %v, right %v; want %v, %v", tc.what, known, ok, tc.known, tc.ok)
		}
	}
}
