package operator

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// shownFigures are the numbers of /status, by the selectors of where the page
// has them.
func shownFigures(s status) map[string]float64 {
	figures := map[string]float64{
		"#requests": float64(s.Requests), "#errors": float64(s.Errors), "#refused": float64(s.Refused),
		"#request-rate": s.RequestsPerSecond, "#error-rate": s.ErrorsPerSecond, "#refused-rate": s.RefusedPerSecond,
		"#latency": s.LatencySeconds, "#in-flight": float64(s.InFlight), "#connections": float64(s.Connections),
		"#clients": float64(s.Clients), "#credentials-total": float64(s.Credentials.Total),
	}
	cell := func(row, label string, value float64) { figures[row+` [data-label="`+label+`"]`] = value }
	ofTraffic := func(row string, t traffic, labels ...string) {
		for _, label := range labels {
			cell(row, label, map[string]float64{
				"requests/s": t.RequestsPerSecond, "errors/s": t.ErrorsPerSecond, "refused/s": t.RefusedPerSecond,
				"mean latency": t.LatencySeconds, "requests": float64(t.Requests), "errors": float64(t.Errors),
				"refused": float64(t.Refused), "bytes/s in": t.BytesPerSecond,
			}[label])
		}
	}
	for _, u := range s.Upstreams {
		for _, h := range u.Hosts {
			row := fmt.Sprintf(`[data-upstream="%s"] [data-host="%s"]`, u.Name, h.Address)
			cell(row, "in flight", float64(h.InFlight))
			ofTraffic(row, h.traffic, "requests/s", "errors/s", "mean latency", "requests", "errors")
		}
	}
	for _, u := range s.Uses {
		ofTraffic(fmt.Sprintf(`[data-route="%s %s"]`, u.Route, u.Scope), u.traffic,
			"requests/s", "refused/s", "errors/s", "mean latency", "requests", "refused", "errors")
	}
	for _, of := range s.Tenants {
		ofTraffic(fmt.Sprintf(`[data-tenant="%s"]`, of.Tenant), of.traffic, "requests/s", "refused/s", "bytes/s in", "requests", "refused")
	}
	for _, source := range s.Sources {
		row := fmt.Sprintf(`[data-source="%s"]`, source.Name)
		cell(row, "credentials", float64(source.Credentials))
		if len(source.Held) > 0 {
			cell(row, "held", float64(len(source.Held)))
		}
	}
	return figures
}

// shownWords are the words of /status, by the selectors of where the page has
// them.
func shownWords(s status) map[string]string {
	words := map[string]string{
		"h1": "headgate", "#state": s.State, "#version": s.Version, "#digest": s.Config.SHA256, "#path": s.Config.Path,
		"#admin": strings.Join(s.Admin, ", "),
	}
	for i, a := range s.Attention {
		words[fmt.Sprintf(".notices li:nth-child(%d)", i+1)] = a.Text
	}
	for _, u := range s.Upstreams {
		for _, h := range u.Hosts {
			row := fmt.Sprintf(`[data-upstream="%s"] [data-host="%s"]`, u.Name, h.Address)
			words[row+` [data-label="state"]`] = h.State
			words[row+` [data-label="connections"]`] = fmt.Sprintf("%d of %d", h.Connections, h.MaxConnections)
		}
	}
	return words
}

// compare wants the page to say what /status says, at some moment soon.
func (b *browser) compare(g *gateway) status {
	b.t.Helper()
	var s status
	b.eventually(func() error {
		s = g.status(b.t)
		var selectors []string
		figures, words := shownFigures(s), shownWords(s)
		for selector := range figures {
			selectors = append(selectors, selector)
		}
		for selector := range words {
			selectors = append(selectors, selector)
		}
		uses := len(selectors)
		for _, l := range s.Limits {
			selectors = append(selectors, fmt.Sprintf(`[data-limit="%s"] [data-label="use"]`, l.Key))
		}
		selectors = append(selectors, "#uptime", "#window")

		var wrong []error
		texts := b.texts(selectors)
		for i, selector := range selectors[:uses] {
			if value, is := figures[selector]; is {
				if err := says(texts[i], value); err != nil {
					wrong = append(wrong, fmt.Errorf("%s: %w", selector, err))
				}
			} else if texts[i] != words[selector] {
				wrong = append(wrong, fmt.Errorf("%s: %q, want %q", selector, texts[i], words[selector]))
			}
		}
		for i, l := range s.Limits {
			used, limit, _ := strings.Cut(texts[uses+i], " of ")
			if l.Key == "memory" {
				used = "" // it is another one at every look
			} else if err := says(used, float64(l.Used)); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", l.Key, err))
			}
			if err := says(limit, float64(l.Limit)); err != nil {
				wrong = append(wrong, fmt.Errorf("the limit %s: %w", l.Key, err))
			}
		}
		wrong = append(wrong, lasts(texts[len(texts)-2], s.UptimeSeconds), lasts(texts[len(texts)-1], s.WindowSeconds))
		return errors.Join(wrong...)
	})
	return s
}

// Every number that /status has is on an open page within seconds: of what was
// served, refused and failed, of what is under way, of limits and of what is
// held back.
func TestPageShowsTheStatus(t *testing.T) {
	g := startGateway(t)
	b := openBrowser(t, g.admin)
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(g.admin+"/"))
	if s := b.compare(g); s.Health != "good" || b.count("#health.good") != 1 {
		t.Errorf("it is %s with nothing wrong: %v", s.Health, s.Attention)
	}
	b.screenshot("desk-idle")

	for range 5 {
		g.send(t, "POST", "/api/v1/push", "prometheus-a", "one")
	}
	g.send(t, "GET", "/prometheus/api/v1/labels", "grafana-b", "two")
	g.send(t, "GET", "/prometheus/api/v1/labels", "grafana-b", "wrong")
	held := make(chan int, 1)
	go func() {
		status, err := g.try("GET", "/prometheus/api/v1/query?query=hold", "grafana-b", "two")
		if err != nil {
			t.Error(err)
		}
		held <- status
	}()
	letGo := func() {
		if g.hold != nil {
			close(g.hold)
			<-held
		}
		g.hold = nil
	}
	t.Cleanup(letGo)
	b.until(`document.querySelector("#in-flight").textContent === "1"`)
	for i := range 12 {
		if err := os.Remove(filepath.Join(g.folder, fmt.Sprintf("%d.toml", i))); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	b.until(`document.querySelector(".held") !== null`)
	s := b.compare(g)
	if s.InFlight != 1 || s.Requests < 7 || len(s.Uses) < 2 || len(s.Tenants) != 2 || len(s.Sources) != 2 || s.LatencySeconds == 0 || s.Connections == 0 {
		t.Errorf("/status shows too little of what happened: %+v", s)
	}
	if n := b.count("#all-routes tbody tr"); n != len(s.Routes) || n == 0 {
		t.Errorf("%d routes are shown, /status has %d", n, len(s.Routes))
	}
	if n := b.count("#last-uses tbody tr"); n != s.Credentials.Total {
		t.Errorf("%d credentials are shown, /status has %d", n, s.Credentials.Total)
	}
	if n := b.count("[data-host]"); n != 2 {
		t.Errorf("%d hosts are shown", n)
	}
	for _, c := range s.Certificates {
		at := evaluate[string](b, fmt.Sprintf(`document.querySelector('[data-certificate="%s"] time').dateTime`, c.Key))
		if want := c.Expires.UTC().Format("2006-01-02 15:04:05 UTC"); at != want {
			t.Errorf("%s ends on %s, /status says %s", c.Key, at, want)
		}
	}
	for _, address := range append(s.Listen, s.ListenTLS...) {
		if n := b.count(`[data-listen="` + address + `"]`); n != 1 {
			t.Errorf("the page shows %s %d times", address, n)
		}
	}
	if len(s.Certificates) != 1 || len(s.ListenTLS) != 1 || !filepath.IsAbs(s.Config.Path) {
		t.Errorf("/status has certificates %v, addresses with TLS %v, the file %s", s.Certificates, s.ListenTLS, s.Config.Path)
	}
	letGo()
	b.content()
}

// A host that goes down, and a reload, come up on a page that is open, by
// themselves, and its head says how it stands.
func TestPageRenewsItself(t *testing.T) {
	g := startGateway(t)
	b := openBrowser(t, g.admin)
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(g.admin+"/"))
	g.breakHost(t)
	b.until(`document.querySelector("main").textContent.includes("passed over")`)
	b.until(`document.querySelector(".notices .warn")?.textContent.includes("its requests fail") ?? false`)
	b.until(`document.querySelector("#health.warn") !== null`)

	text, err := os.ReadFile(g.config)
	if err != nil {
		t.Fatal(err)
	}
	change := func(before, after string) {
		if err := os.WriteFile(g.config, []byte(strings.Replace(string(text), before, after, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		b.do(chromedp.Click(chromedp.CSS(`form[action="reload"] button`)))
	}
	change("max_fails = 1", "max_fails = 2")
	b.until(`document.querySelector("#changes")?.textContent.includes("upstreams.all.max_fails: 1 → 2") ?? false`)
	change("max_fails = 1", "max_fail = 1")
	b.until(`document.querySelector(".problems")?.textContent.includes("upstreams.all.max_fail: ") ?? false`)
	b.until(`document.querySelectorAll(".notices .bad").length === 1`) // one thing, said once

	g.hosts[1].Close()
	for range 4 {
		g.send(t, "POST", "/api/v1/push", "prometheus-a", "one")
	}
	b.until(`document.querySelector("#health.bad") !== null`)
	b.until(`document.querySelector(".notices .bad")?.textContent.includes("no host of all is up") ?? false`)
	b.screenshot("desk-faults")
	b.dark()
	b.screenshot("desk-faults-dark")
	b.content()
}

// What a reader has opened, selected or moved to stays so while the page renews
// itself around it.
func TestPageLeavesTheReaderAlone(t *testing.T) {
	g := startGateway(t)
	b := openBrowser(t, g.admin)
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(g.admin+"/"), chromedp.Click(chromedp.CSS("#all-routes summary")))
	b.do(chromedp.Evaluate[chromedp.Void](`
		getSelection().selectAllChildren(document.getElementById("digest"));
		document.querySelector("form button").focus();
		window.seen = { now: document.getElementById("now").textContent, focus: document.activeElement,
			selected: getSelection().toString(), row: document.querySelector("[data-host]") };`))
	for range 3 {
		g.send(t, "POST", "/api/v1/push", "prometheus-a", "one") // something is other, and there is a section more
	}
	b.until(`document.getElementById("now").textContent !== seen.now && document.querySelector("[data-route]") !== null`)
	for what, holds := range map[string]string{
		"the list of routes is open":     `document.querySelector("#all-routes").open`,
		"the digest is selected":         `seen.selected.length === 64 && getSelection().toString() === seen.selected`,
		"the button has the focus":       `seen.focus.nodeName === "BUTTON" && document.activeElement === seen.focus && seen.focus.isConnected`,
		"the row of a host is as it was": `seen.row.isConnected`,
	} {
		if !evaluate[bool](b, holds) {
			t.Errorf("it is not so any more that %s", what)
		}
	}
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

// A gateway that does not answer any more leaves its last state to be read, and
// the page says that it is old.
func TestPageSaysThatItIsOld(t *testing.T) {
	g := startGateway(t)
	b := openBrowser(t, g.admin)
	b.do(chromedp.Navigate(g.admin + "/"))
	g.end()
	b.until(`!document.getElementById("stale").hidden`)
	if n := b.count("[data-host]"); n != 2 {
		t.Errorf("%d hosts are shown of the last state", n)
	}
}

// misfits are what does not fit where it stands: wider than the screen, on two
// lines where it should be on one, or with a gap where there is nothing.
const misfits = `(() => {
	const wrong = [];
	const lines = (node) => new Set([...node.getClientRects()].map((r) => Math.round(r.top))).size;
	document.querySelectorAll("details").forEach((d) => d.open = true);
	if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is " + document.documentElement.scrollWidth + " wide");
	for (const e of document.querySelectorAll("section, section *")) {
		if (getComputedStyle(e).display !== "inline" && e.scrollWidth > e.clientWidth + 1 && !e.closest("meter")) wrong.push("too wide: " + e.outerHTML.slice(0, 120));
	}
	for (const e of document.querySelectorAll(".tiles dd[id], .tiles dt, .pill, td.n > :first-child, thead th")) {
		if (e.checkVisibility() && lines(e) > 1) wrong.push("on two lines: " + e.textContent);
	}
	// A key breaks where its parts meet: each of the texts between two places for a break is on one line.
	for (const code of document.querySelectorAll("code:not(#digest):not(#changes code)")) {
		for (const part of code.childNodes) {
			const range = document.createRange();
			range.selectNodeContents(part);
			if (part.nodeType === Node.TEXT_NODE && code.checkVisibility() && lines(range) > 1) wrong.push("broken within a word: " + part.nodeValue);
		}
	}
	// Cards stand below each other, as wide as the page, all with the same gap.
	const main = document.querySelector("main").getBoundingClientRect();
	let above = null;
	for (const card of document.querySelector("main").children) {
		const r = card.getBoundingClientRect();
		if (Math.abs(r.left - main.left) > 1 || Math.abs(r.right - main.right) > 1) wrong.push("not as wide as the page: " + card.className + card.innerText.slice(0, 30));
		if (above !== null && (r.top - above < 8 || r.top - above > 20)) wrong.push("a gap of " + (r.top - above) + " above " + card.innerText.slice(0, 30));
		above = Math.max(...[card, ...card.querySelectorAll("section")].filter((e) => e.nodeName === "SECTION").map((e) => e.getBoundingClientRect().bottom));
	}
	return wrong;
})()`

// On whatever screen, with nothing and with much to show, all is in its place.
func TestPageFitsEveryScreen(t *testing.T) {
	g := startGateway(t)
	b := openBrowser(t, g.admin)
	look := func(when string) {
		t.Helper()
		for _, screen := range []struct {
			name          string
			width, height int64
		}{{"desk", 1280, 900}, {"tablet", 800, 1100}, {"phone", 390, 844}} {
			b.do(chromedp.EmulateViewport(screen.width, screen.height), chromedp.Navigate(g.admin+"/"))
			b.screenshot(screen.name + "-" + when)
			for _, wrong := range evaluate[[]string](b, misfits) {
				t.Errorf("%s, %s: %s", screen.name, when, wrong)
			}
		}
	}
	look("with-nothing")
	for i := range 12 {
		g.send(t, "POST", "/api/v1/push", fmt.Sprintf("prometheus-%d", i), "three")
	}
	g.send(t, "GET", "/api/v1/rules/namespace/group", "grafana-b", "two")
	g.send(t, "GET", "/prometheus/api/v1/query_exemplars", "grafana-b", "two")
	g.send(t, "GET", "/prometheus/api/v1/labels", "grafana-b", "wrong")
	g.breakHost(t)
	look("with-much")
	b.dark()
	b.screenshot("phone-dark")
	b.content()
}

// try sends one request as a client and returns the status.
func (g *gateway) try(method, path, user, password string) (int, error) {
	r, err := http.NewRequest(method, g.url+path, nil)
	if err != nil {
		return 0, err
	}
	r.SetBasicAuth(user, password)
	answer, err := (&http.Client{Timeout: patience + 30*time.Second}).Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
