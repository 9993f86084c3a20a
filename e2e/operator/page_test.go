package operator

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func TestPageShowsTheStatus(t *testing.T) {
	g := startGateway(t)
	for range 5 {
		g.send(t, "POST", "/api/v1/push", "prometheus-a", "one")
	}
	g.send(t, "GET", "/prometheus/api/v1/labels", "grafana-b", "two")
	g.send(t, "GET", "/prometheus/api/v1/labels", "grafana-b", "wrong")

	// A request is counted when its answer has been sent.
	for attempt := 0; g.status(t).Requests < 7; attempt++ {
		if attempt == 1000 {
			t.Fatal("not all requests are counted")
		}
	}
	b := openBrowser(t, g.admin)
	b.do(chromedp.Navigate(g.admin + "/"))
	s := g.status(t)
	for selector, want := range map[string]string{
		"h1":       "headgate",
		"#state":   s.State,
		"#version": s.Version,
		"#digest":  s.Config.SHA256,
		"#clients": fmt.Sprint(s.Clients),
	} {
		if got := b.text(selector); got != want {
			t.Errorf("%s shows %q, /status says %q", selector, got, want)
		}
	}
	cell := func(row, label string) string { return b.text(row + ` [data-label="` + label + `"]`) }
	for _, u := range s.Upstreams {
		for _, h := range u.Hosts {
			row := fmt.Sprintf(`[data-upstream="%s"] [data-host="%s"]`, u.Name, h.Address)
			if got := cell(row, "state"); got != h.State {
				t.Errorf("%s: %q, /status says %q", h.Address, got, h.State)
			}
			if got := cell(row, "requests"); got != fmt.Sprint(h.Requests) {
				t.Errorf("%s: %q requests, /status says %d", h.Address, got, h.Requests)
			}
		}
	}
	if n := b.count("[data-host]"); n != 2 {
		t.Errorf("%d hosts are shown", n)
	}
	for _, u := range s.Uses {
		row := fmt.Sprintf(`[data-route="%s %s"]`, u.Route, u.Scope)
		if got := cell(row, "requests") + " " + cell(row, "refused"); got != fmt.Sprint(u.Requests, " ", u.Refused) {
			t.Errorf("%s: %q, /status says %d %d", u.Route, got, u.Requests, u.Refused)
		}
	}
	for _, of := range s.Tenants {
		if got := cell(fmt.Sprintf(`[data-tenant="%s"]`, of.Tenant), "requests"); got != fmt.Sprint(of.Requests) {
			t.Errorf("%s: %q requests, /status says %d", of.Tenant, got, of.Requests)
		}
	}
	for _, source := range s.Sources {
		if got := cell(fmt.Sprintf(`[data-source="%s"]`, source.Name), "credentials"); got != fmt.Sprint(source.Credentials) {
			t.Errorf("%s: %q credentials, /status says %d", source.Name, got, source.Credentials)
		}
	}
	if n := b.count("#all-routes tbody tr"); n != len(s.Routes) || n == 0 {
		t.Errorf("%d routes are shown, /status has %d", n, len(s.Routes))
	}
	if n := b.count("#last-uses tbody tr"); n != s.Credentials.Total {
		t.Errorf("%d credentials are shown, /status has %d", n, s.Credentials.Total)
	}
	if len(s.Uses) == 0 || len(s.Tenants) != 2 || len(s.Sources) == 0 {
		t.Errorf("/status shows nothing of what happened: %+v", s)
	}
	b.content()
}

// A host that goes down, and a reload, come up on a page that is open, by
// themselves; and what was opened on it stays open.
func TestPageRenewsItself(t *testing.T) {
	g := startGateway(t)
	b := openBrowser(t, g.admin)
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(g.admin+"/"), chromedp.Click(chromedp.CSS("#all-routes summary")))
	g.breakHost(t)
	b.until(`document.querySelector("main").textContent.includes("passed over")`)
	b.until(`document.querySelector(".notices")?.textContent.includes("its requests fail") ?? false`)
	if n := b.count("#all-routes[open]"); n != 1 {
		t.Error("the list of routes was closed")
	}
	b.do(chromedp.Click(chromedp.CSS("#all-routes summary")))

	text, err := os.ReadFile(g.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(g.config, []byte(strings.Replace(string(text), "max_fails = 1", "max_fails = 2", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Click(chromedp.CSS("form button")))
	b.until(`document.querySelector("#changes")?.textContent.includes("upstreams.all.max_fails: 1 → 2") ?? false`)
	b.screenshot("desk")
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
	b.screenshot("desk-dark")
	b.content()
}

// Without JavaScript the page comes anew as a whole.
func TestPageNeedsNoScript(t *testing.T) {
	g := startGateway(t)
	b := openBrowser(t, g.admin)
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.do(chromedp.Navigate(g.admin + "/"))
	g.breakHost(t)
	b.until(`document.querySelector(".notices .warn")?.textContent.includes("its requests fail") ?? false`)
	b.content()
}

// On a phone nothing is wider than the screen.
func TestPageFitsAPhone(t *testing.T) {
	g := startGateway(t)
	g.breakHost(t)
	b := openBrowser(t, g.admin)
	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile), chromedp.Navigate(g.admin+"/"))
	b.screenshot("phone")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach((d) => d.open = true)`))
	if width := evaluate[int](b, `document.documentElement.scrollWidth`); width > 390 {
		t.Errorf("the page is %d wide on a screen of 390", width)
	}
	b.content()
}
