package admin

import (
	"fmt"
	"html"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// unique fills a Status with values that are all different, and remembers in what words the page says each.
type unique struct {
	next   int
	now    time.Time
	wanted map[string]string // by where it stands: "Upstreams.Hosts.InFlight"
}

// fill sets v and whatever is in it.
func (u *unique) fill(v reflect.Value, where, name string) {
	u.next++
	switch v.Kind() {
	case reflect.Struct:
		if at, is := v.Addr().Interface().(*time.Time); is {
			*at = u.now.Add(-time.Duration(u.next) * time.Hour)
			u.wanted[where] = clockWords(*at)
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			inside := where
			if !f.Anonymous {
				inside = strings.TrimPrefix(where+"."+f.Name, ".")
			}
			u.fill(v.Field(i), inside, f.Name)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		u.fill(v.Elem(), where, name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		u.fill(v.Index(0), where, name)
	case reflect.String:
		v.SetString(fmt.Sprintf("text%04d", u.next))
		u.wanted[where] = v.String()
	case reflect.Float64:
		n := float64(1000 + u.next)
		words := map[bool]func(float64) string{true: rateWords, false: func(s float64) string {
			return spanWords(time.Duration(s * float64(time.Second)))
		}}[strings.HasSuffix(name, "PerSecond")]
		switch name {
		case "LatencySeconds":
			words = latencyWords
		case "BytesPerSecond":
			n, words = n*1024, func(f float64) string { return bytesWords(f) }
		}
		v.SetFloat(n)
		u.wanted[where] = words(n)
	case reflect.Int, reflect.Int64, reflect.Uint64:
		n := int64(1000 + u.next)
		words := numberWords(n)
		if slices.Contains([]string{"Bytes", "MaxBodySize"}, name) {
			n = n << 20
			words = bytesWords(n)
		}
		if v.CanUint() {
			v.SetUint(uint64(n))
		} else {
			v.SetInt(n)
		}
		u.wanted[where] = words
	case reflect.Bool:
		v.SetBool(name == "Successful" || name == "Read")
	default:
		panic("a kind of field that nobody has thought of: " + v.Kind().String())
	}
}

// TestThePageShowsAllOfTheStatus: every field of /status is on the page, in the words for what it is, or on the list of
// those that are not.
func TestThePageShowsAllOfTheStatus(t *testing.T) {
	elsewhere := map[string]string{
		"Health":                            "a colour",
		"Attention.Level":                   "a colour",
		"Upstreams.Hosts.ClockAheadSeconds": "something to look at, once it is much",
		"Upstreams.Hosts.Since":             "said as how long ago it was",
		"Upstreams.ResolvedAt":              "said as how long ago it was, where there is no problem",
		"Sources.LastRead":                  "said as how long ago it was",
		"Keys.LastUsed":                     "said as how long ago it was",
		"Sources.Problem":                   "shown below, where no removal is held",
		"MemoryLimit.Bytes":                 "shown below, as a limit",
		"MemoryLimit.Origin":                "shown below, as a limit",
		"Credentials.Shown.NotBefore":       "of use to few",
		"Credentials.Matching":              "of an answer to a query, which the page does not make",
		"Credentials.Next":                  "of an answer to a query, which the page does not make",
		"Routes.Component":                  "almost always the upstream",
		"Routes.Rewrite":                    "for headgate explain",
	}
	u := &unique{now: time.Now().UTC(), wanted: make(map[string]string)}
	var s Status
	u.fill(reflect.ValueOf(&s).Elem(), "", "")
	page := regexp.MustCompile(` class="[^"]*"`).ReplaceAllString(rendered(t, s), "")
	for where, words := range u.wanted {
		_, left := elsewhere[where]
		switch shown := strings.Contains(page, words); {
		case !shown && !left:
			t.Errorf("%s, %q, is not on the page", where, words)
		case shown && left:
			t.Errorf("%s is on the page, though it is on the list of what is not", where)
		}
	}
	if len(u.wanted) < 80 {
		t.Errorf("%d fields were looked at: this test sees too little", len(u.wanted))
	}

	// The memory is a limit like the others, in bytes and with who says so.
	s.Limits = []Limit{{Key: "memory", Used: 3 << 30, Limit: 5 << 30}}
	s.Sources[0].Held = nil
	for _, want := range []string{bytesWords(int64(3 << 30)), bytesWords(int64(5 << 30)), s.MemoryLimit.Origin, s.Sources[0].Problem} {
		if !strings.Contains(rendered(t, s), want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}

// rendered is the page of a status, without what only says how to write it.
func rendered(t *testing.T, s Status) string {
	t.Helper()
	p := newProgram()
	p.status = s
	page := body(t, request{method: "GET", path: "/"}.serve(t, p))
	page = regexp.MustCompile(`</?(wbr|span|b|code)[^>]*>`).ReplaceAllString(page, "")
	return html.UnescapeString(page)
}

// TestThePageIsGreenOnlyWhenAllIsWell: its first word is what people see from afar.
func TestThePageIsGreenOnlyWhenAllIsWell(t *testing.T) {
	s := Status{State: "running", Config: Config{LastReload: Reload{Successful: true}}, Upstreams: []Upstream{{
		Name: "distributor", Resolved: true, Hosts: []Host{{Address: "10.0.0.1:9009", State: HostUp}, {Address: "10.0.0.2:9009", State: HostUp}},
	}}}
	health := func() string {
		s.Attention = s.Notices(time.Now())
		s.Health = s.Worst()
		return s.Health
	}
	if got := health(); got != "good" {
		t.Errorf("with all hosts up it is %s", got)
	}
	s.Upstreams[0].Hosts[0].State, s.Upstreams[0].Hosts[0].Since = HostIll, new(time.Time)
	if got := health(); got != "warn" {
		t.Errorf("with a host that is ill it is %s", got)
	}
	s.Upstreams[0].Hosts[1].State = HostIll
	if got := health(); got != "bad" {
		t.Errorf("with no host up it is %s", got)
	}
	p := newProgram()
	p.status = s
	if page := body(t, request{method: "GET", path: "/"}.serve(t, p)); !strings.Contains(page, `<span class="pill bad" id="health"><span id="state">running</span>, 1 to look at</span>`) {
		t.Errorf("the page does not say so at its head:\n%s", page)
	}
}
