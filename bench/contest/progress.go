package contest

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows in one line what is being done and how long it will take. On a terminal the line is overwritten; elsewhere
// each scenario gets one.
type progress struct {
	w        io.Writer
	terminal bool
	began    time.Time
	done     int
	total    int
	scenario string
	width    int
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, began: time.Now()}
	if file, ok := w.(*os.File); ok {
		info, err := file.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// expect sets the number of steps there will be.
func (p *progress) expect(steps int) { p.total = steps }

// step shows the next step, which begins now.
func (p *progress) step(scenario, subject, what string) {
	p.say(scenario, subject, what)
	p.done++
}

// say shows something that is not counted.
func (p *progress) say(scenario, subject, what string) {
	if p.w == nil {
		return
	}
	if !p.terminal {
		if scenario != p.scenario {
			p.scenario = scenario
			fmt.Fprintf(p.w, "[%d/%d] %s%s\n", p.done, p.total, scenario, p.left())
		}
		return
	}
	line := fmt.Sprintf("[%d/%d] %s · %s · %s%s", p.done, p.total, scenario, subject, what, p.left())
	fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, p.width-len(line))))
	p.width = len(line)
}

// left is how long the rest will take if it goes on like this.
func (p *progress) left() string {
	if p.done < 3 || p.total <= p.done {
		return ""
	}
	rest := time.Since(p.began) / time.Duration(p.done) * time.Duration(p.total-p.done)
	return " · " + rest.Round(time.Second).String() + " left"
}

// clear takes the line away, for something that is to stay.
func (p *progress) clear() {
	if p.w != nil && p.terminal {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.width))
		p.width = 0
	}
}

func (p *progress) end() { p.clear() }
