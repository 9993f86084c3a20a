package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is Chromium with one page open, and what it complained of.
type browser struct {
	context.Context
	t *testing.T

	mu        sync.Mutex
	complaint []string // guarded by mu
	foreign   []string // guarded by mu; what was asked of others than the gateway
}

func openBrowser(t *testing.T, own string) *browser {
	t.Helper()
	needPrograms(t, "chromium")
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath("chromium"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocating, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, done := chromedp.NewContext(allocating)
	t.Cleanup(done)
	b := &browser{Context: ctx, t: t}
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			b.complaint = append(b.complaint, "console: "+string(e.Type))
		case *runtime.EventExceptionThrown:
			b.complaint = append(b.complaint, "exception: "+e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			b.complaint = append(b.complaint, fmt.Sprintf("%s: %s (%s)", e.Entry.Level, e.Entry.Text, e.Entry.URL))
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, own+"/") {
				b.foreign = append(b.foreign, e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	command(b, network.Enable, network.EnableParams{})
	command(b, log.Enable, cdp.Empty{})
	command(b, runtime.Enable, cdp.Empty{})
	return b
}

// command sends one command of the protocol.
func command[P, R any](b *browser, what cdp.Command[P, R], with P) {
	b.t.Helper()
	if _, err := chromedp.Call(b, what, with); err != nil {
		b.t.Fatal(err)
	}
}

// do does something within patience.
func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b, patience)
	defer stop()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// evaluate is what an expression of JavaScript says.
func evaluate[T any](b *browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// text is the text of what a selector finds, without what only separates it.
func (b *browser) text(selector string) string {
	b.t.Helper()
	return evaluate[string](b, fmt.Sprintf(`(document.querySelector(%q)?.textContent ?? "(none)").replace(/\s+/g, " ").trim()`, selector))
}

// dark makes the reader prefer a dark page.
func (b *browser) dark() {
	b.t.Helper()
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
}

func (b *browser) count(selector string) int {
	b.t.Helper()
	return evaluate[int](b, fmt.Sprintf(`document.querySelectorAll(%q).length`, selector))
}

// until waits until an expression is true, on whatever page there is then.
func (b *browser) until(expression string) {
	b.t.Helper()
	b.eventually(func() error {
		// An error is that of a page which is just being left.
		if is, err := chromedp.Run(b, chromedp.Evaluate[bool](expression)); err != nil || !is {
			return fmt.Errorf("the page does not come to %s; it shows\n%s", expression, b.text("body"))
		}
		return nil
	})
}

// eventually waits until holds has no objection any more.
func (b *browser) eventually(holds func() error) {
	b.t.Helper()
	if err := within(soon, holds); err != nil {
		b.t.Fatal(err)
	}
}

// within waits until holds has no objection any more, and returns the last one when that does not come in time.
func within(span time.Duration, holds func() error) error {
	limit := time.After(span)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := holds()
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-limit:
			return err
		}
	}
}

// texts are the texts of what each of the selectors finds, read at one moment.
func (b *browser) texts(selectors []string) []string {
	b.t.Helper()
	quoted, err := json.Marshal(selectors)
	if err != nil {
		b.t.Fatal(err)
	}
	return evaluate[[]string](b, fmt.Sprintf(`%s.map((s) => (document.querySelector(s)?.textContent ?? "(none)").replace(/[ \n]+/g, " ").trim())`, quoted))
}

// content wants nothing to have been complained of, or fetched from elsewhere.
func (b *browser) content() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaint) > 0 {
		b.t.Errorf("Chromium complains: %s", strings.Join(b.complaint, "\n"))
	}
	if len(b.foreign) > 0 {
		b.t.Errorf("the page asked others: %s", strings.Join(b.foreign, "\n"))
	}
}

// screenshot puts a picture into the folder SCREENSHOTS, if that is wanted.
func (b *browser) screenshot(name string) {
	b.t.Helper()
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
