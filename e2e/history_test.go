package e2e

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"
)

// history is every sample of every series that somebody holds: by series, in
// the form of labelSet.String, and by time in Unix milliseconds. A value is the
// bits of the number, since a staleness marker is a NaN that equals nothing.
type history map[string]map[int64]uint64

// add takes series in. A sample that is there already is an error: nobody who
// is asked once may answer it twice.
func (h history) add(all []*prompb.TimeSeries) error {
	for _, series := range all {
		name := seriesName(series.Labels)
		for _, s := range series.Samples {
			if h.has(name, s.Timestamp) {
				return fmt.Errorf("%s has two samples at %d", name, s.Timestamp)
			}
			h.put(name, s)
		}
	}
	return nil
}

func (h history) has(name string, at int64) bool {
	_, has := h[name][at]
	return has
}

func (h history) put(name string, s prompb.Sample) {
	if h[name] == nil {
		h[name] = map[int64]uint64{}
	}
	h[name][s.Timestamp] = math.Float64bits(s.Value)
}

// samples counts them all.
func (h history) samples() (n int) {
	for _, times := range h {
		n += len(times)
	}
	return n
}

// isClosed returns an error unless each series of the target ends with a
// staleness marker, as with a sender that has stopped scraping and said so.
func (h history) isClosed() error {
	if len(h) == 0 {
		return errors.New("no series")
	}
	for name, times := range h {
		if !strings.Contains(name, `__name__="shop_`) {
			continue // of those that senders add, vmagent closes only some
		}
		if last := slices.Max(slices.Collect(maps.Keys(times))); times[last] != value.StaleNaN {
			return fmt.Errorf("%s does not end with a staleness marker", name)
		}
	}
	return nil
}

// differs compares what is held with what was sent, series by series and sample
// by sample, and says how many are missing, are too many or have another value.
func (h history) differs(sent history) error {
	missing, wrong, extra := 0, 0, 0
	first := ""
	note := func(count *int, what, name string, at int64) {
		*count++
		if first == "" {
			first = fmt.Sprintf("%s: %s at %s", what, name, time.UnixMilli(at).Format(time.StampMilli))
		}
	}
	for name, times := range sent {
		for at, bits := range times {
			switch held, has := h[name][at]; {
			case !has:
				note(&missing, "missing", name, at)
			case held != bits:
				note(&wrong, "another value", name, at)
			}
		}
	}
	for name, times := range h {
		for at := range times {
			if !sent.has(name, at) {
				note(&extra, "never sent", name, at)
			}
		}
	}
	if first == "" {
		return nil
	}
	return fmt.Errorf("of %d samples in %d series %d are missing, %d have another value, and %d were never sent; %s",
		sent.samples(), len(sent), missing, wrong, extra, first)
}

// seriesName is the series as a labelSet prints.
func seriesName(labels []prompb.Label) string {
	set := labelSet{}
	for _, l := range labels {
		set[l.Name] = l.Value
	}
	return set.String()
}

// history reads everything between two times from remote read at path, some
// minutes at a time, so that a soak of an hour fits into one answer too.
func (c caller) history(path string, from, to time.Time) (history, error) {
	const window = 2 * time.Minute
	all := history{}
	for first := from; first.Before(to); first = first.Add(window) {
		series, err := c.rawSeries(path, first.UnixMilli(), first.Add(window).UnixMilli()-1)
		if err != nil {
			return nil, err
		}
		if err := all.add(series); err != nil {
			return nil, err
		}
	}
	return all, nil
}
