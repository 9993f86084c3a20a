package admin

import (
	"fmt"
	"html/template"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// pageWords are how the page says numbers and times.
var pageWords = template.FuncMap{
	"join":    strings.Join,
	"clock":   clockWords,
	"span":    spanWords,
	"ago":     agoWords,
	"left":    leftWords,
	"rate":    rateWords,
	"number":  numberWords,
	"bytes":   bytesWords,
	"latency": latencyWords,
	"percent": percentWords,
	"zero":    zeroClass,
	"breaks":  breaks,
	"level":   levelWords,
	"seconds": func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) },
	"deref":   func(t *time.Time) time.Time { return *t },
}

func clockWords(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// spanWords is a length of time in its two largest units: "3d 4h", "12m 5s".
func spanWords(d time.Duration) string {
	seconds := int64(d.Round(time.Second) / time.Second)
	if seconds < 1 {
		return "0s"
	}
	units := []struct {
		name   string
		length int64
	}{{"d", 24 * 60 * 60}, {"h", 60 * 60}, {"m", 60}, {"s", 1}}
	var parts []string
	for _, u := range units {
		n := seconds / u.length
		seconds %= u.length
		if n > 0 || len(parts) > 0 {
			parts = append(parts, strconv.FormatInt(n, 10)+u.name)
		}
		if len(parts) == 2 {
			break
		}
	}
	return strings.TrimSuffix(strings.Join(parts, " "), " 0"+lastUnit(parts))
}

// lastUnit is the unit of the last part, so that "2h 0m" can be said as "2h".
func lastUnit(parts []string) string {
	last := parts[len(parts)-1]
	return last[len(last)-1:]
}

func agoWords(now, t time.Time) string { return spanWords(now.Sub(t)) + " ago" }

// leftWords is how long something is good for.
func leftWords(now, t time.Time) string {
	if left := t.Sub(now); left > 0 {
		return "in " + spanWords(left)
	}
	return spanWords(now.Sub(t)) + " ago"
}

// rateWords is a rate in as many digits as say something.
func rateWords(perSecond float64) string {
	switch {
	case perSecond == 0:
		return "0"
	case perSecond < 0.1:
		return "< 0.1"
	case perSecond < 10:
		return strconv.FormatFloat(perSecond, 'f', 1, 64)
	}
	return numberWords(uint64(math.Round(perSecond)))
}

// numberWords groups the digits of a number by three, with narrow spaces that do not break.
func numberWords(n any) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}

func bytesWords(n any) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	value, err := strconv.ParseFloat(fmt.Sprint(n), 64)
	if err != nil {
		panic("BUG: a size that is no number: " + err.Error())
	}
	for value >= 1024 && len(units) > 1 {
		value, units = value/1024, units[1:]
	}
	digits := 0
	if value < 10 && value != math.Trunc(value) {
		digits = 1
	}
	return strconv.FormatFloat(value, 'f', digits, 64) + "\u00a0" + units[0]
}

// latencyWords are milliseconds, whatever the size: below each other they can be compared.
func latencyWords(seconds float64) string {
	ms := seconds * 1000
	switch {
	case ms == 0:
		return "–"
	case ms < 1:
		return strconv.FormatFloat(ms, 'f', 2, 64) + "\u00a0ms"
	case ms < 10:
		return strconv.FormatFloat(ms, 'f', 1, 64) + "\u00a0ms"
	}
	return numberWords(uint64(math.Round(ms))) + "\u00a0ms"
}

// zeroClass is the class of what is nothing, which stands back behind what is something.
func zeroClass(n any) string {
	if fmt.Sprint(n) == "0" {
		return " zero"
	}
	return ""
}

// breaks says where a line may break in a key, a path or a name: behind what separates its parts, but not in an address.
func breaks(text string) template.HTML {
	return template.HTML(separated.ReplaceAllString(template.HTMLEscapeString(text), "$1<wbr>$2"))
}

var separated = regexp.MustCompile(`([_./|=@])([\pL*])`)

func percentWords(used, of int64) string {
	if of <= 0 {
		return ""
	}
	return strconv.FormatFloat(100*float64(used)/float64(of), 'f', 0, 64) + "\u00a0%"
}

// levelWords is how the state of a host is shown.
func levelWords(state string) string {
	switch state {
	case HostUp:
		return "good"
	case HostIll:
		return "warn"
	}
	return "bad"
}
