package fleet

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Copy is what etcd held at some time, kept in a file to start from when etcd is away. It belongs to one place in one
// etcd; the copy of another is not read.
type Copy struct {
	Path      string // of the file; only its owner may read it
	Endpoints []string
	Prefix    string
}

// origin is the first line of the file: what follows is of here, and of then.
type origin struct {
	Endpoints []string  `json:"endpoints"`
	Prefix    string    `json:"prefix"`
	Time      time.Time `json:"time"`
	Keys      int       `json:"keys"`
}

// line is one key, in a line of its own.
type line struct {
	Key  string `json:"key"`
	Text string `json:"value"`
}

// Load reads the copy, and when it was made. Where there is none, the error is fs.ErrNotExist. A copy of another place,
// or one that is not whole, is an error that says so.
func (c Copy) Load() (map[string]string, time.Time, error) {
	file, err := os.Open(c.Path)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer file.Close()
	d := json.NewDecoder(bufio.NewReader(file))
	var from origin
	if err := d.Decode(&from); err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: is not a copy of tenants, or not whole; it is not used", c.Path)
	}
	if from.Prefix != c.Prefix || !slices.Equal(sorted(from.Endpoints), sorted(c.Endpoints)) {
		return nil, time.Time{}, fmt.Errorf("%s: is a copy of %q at %s, not of %q at %s; it is not used",
			c.Path, from.Prefix, strings.Join(from.Endpoints, ", "), c.Prefix, strings.Join(c.Endpoints, ", "))
	}
	all := make(map[string]string, max(from.Keys, 0))
	for {
		var l line
		err := d.Decode(&l)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("%s: is damaged behind %d keys; it is not used", c.Path, len(all))
		}
		all[l.Key] = l.Text
	}
	if len(all) != from.Keys {
		return nil, time.Time{}, fmt.Errorf("%s: has %d keys of %d; it is not used", c.Path, len(all), from.Keys)
	}
	return all, from.Time, nil
}

// After breath keys Save pauses for a moment: it is in no hurry, and where there is one processor requests would wait for it.
const breath = 500

// Save replaces the copy, whole or not at all. It takes its time.
func (c Copy) Save(all map[string]string, now time.Time) (err error) {
	file, err := os.CreateTemp(filepath.Dir(c.Path), "."+filepath.Base(c.Path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	b := bufio.NewWriterSize(file, 64<<10)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(origin{sorted(c.Endpoints), c.Prefix, now.UTC(), len(all)}); err != nil {
		return err
	}
	n := 0
	for key, text := range all {
		if err := e.Encode(line{key, text}); err != nil {
			return err
		}
		if n++; n%breath == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	if err := b.Flush(); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), c.Path)
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
