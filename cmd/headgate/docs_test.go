package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/headgate/headgate/cmd/headgate/fleet/fleettest"
	"github.com/headgate/headgate/proxy"
)

var update = flag.Bool("update", false, "rewrite what the documents take from the code")

// block is one fenced block of a document and what the comment before it says of it.
//
//	<!-- file: NAME -->     the block is the content of NAME in the folder where the commands run
//	<!-- test: gateway -->  the commands want a gateway that runs on headgate.toml
//	<!-- test: fleet -->    the commands want three, at 10.0.0.11, 10.0.0.12 and 10.0.0.13
//	<!-- test: etcdctl -->  the commands want etcdctl, and the etcd that headgate.toml names
//	<!-- test: ci -->       the commands are steps of .ci/run
//	<!-- test: service -->  the command runs until it is told to stop
//	<!-- test: stubs -->    programs that are not here, or change the machine, are stand-ins (see stubs); /etc and /var
//	                        are folders of the test's
//	<!-- test: dry run -->  the command has a -dryRun of its own, with which it is run
//
// Without one the commands are run as they stand. What stands behind "  # " has to be in the output of the command, which
// exits 0 unless that ends in ", exit N".
type block struct {
	language, mark, text string
	line                 int
}

// documents are those whose commands are run.
func documents(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	return append(found, filepath.Join(repository, "README.md"), filepath.Join(repository, "CONTRIBUTING.md"))
}

// blocks reads the fenced blocks of a document.
func blocks(t *testing.T, path string) []block {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var found []block
	mark, inside := "", false
	for i, line := range strings.Split(string(text), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && inside:
			inside = false
		case isFence:
			found = append(found, block{language: fence, mark: mark, line: i + 1})
			mark, inside = "", true
		case inside:
			last := &found[len(found)-1]
			last.text += line + "\n"
		case strings.HasPrefix(line, "<!-- ") && strings.HasSuffix(line, " -->"):
			mark = line[len("<!-- ") : len(line)-len(" -->")]
		case line != "":
			mark = ""
		}
	}
	if inside {
		t.Errorf("%s: a block has no end", path)
	}
	return found
}

// promise is one command, what it says it prints, and how it exits.
type promise struct {
	command, output string
	exit            int
}

// otherExit is the end of a promise whose command exits with another code than 0.
var otherExit = regexp.MustCompile(`,? ?exit (\d)$`)

// promises splits a block into commands; a line that ends in a backslash goes on in the next one.
func (b block) promises() []promise {
	var found []promise
	for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
		command, output, _ := strings.Cut(strings.TrimSpace(line), "  # ")
		if command = strings.TrimSpace(command); command != "" && !strings.HasPrefix(command, "#") {
			p := promise{command: command, output: strings.TrimSpace(output)}
			if m := otherExit.FindStringSubmatchIndex(p.output); m != nil {
				p.output, p.exit = p.output[:m[0]], int(p.output[m[2]]-'0')
			}
			found = append(found, p)
		}
	}
	return found
}

func TestEveryCommandInTheDocumentsWorks(t *testing.T) {
	for _, path := range documents(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			run := newReading(t)
			for _, b := range blocks(t, path) {
				run.block(fmt.Sprintf("%s:%d", filepath.Base(path), b.line), b)
			}
		})
	}
}

// reading is a reader who types what one document says, from its beginning to its end, in a folder of their own.
type reading struct {
	t       *testing.T
	folder  string
	gateway *strings.Replacer // the addresses of the documents by those in use; nil before one is needed
	fleet   *strings.Replacer // of three gateways; nil before they are needed
	etcd    string            // where that of this document is; "" before one is named
	stop    []func()          // end the gateways that run
	stubs   string            // the folder of the stubs; "" before one is needed
}

func newReading(t *testing.T) *reading {
	t.Helper()
	r := &reading{t: t, folder: t.TempDir()}
	program, err := exec.LookPath("headgate") // this test binary under that name, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(r.folder, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(r.folder, "bin", "headgate")); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *reading) block(where string, b block) {
	if name, ok := strings.CutPrefix(b.mark, "file: "); ok {
		if err := os.WriteFile(filepath.Join(r.folder, name), []byte(r.onLoopback(b.text)), 0o600); err != nil {
			r.t.Fatal(err)
		}
		r.checkSnippet(where, name)
		if name == "headgate.toml" {
			r.stopGateways() // the next ones run on this file
		}
		return
	}
	switch b.language {
	case "sh":
	case "text", "toml", "yaml", "ini", "json", "nginx", "haproxy", "alloy", "logrotate":
		if hidden := commandLine.FindString(b.text); hidden != "" && b.mark == "" {
			r.t.Errorf("%s: %q is a command in a block of %s, which nothing runs; want sh", where, strings.TrimSpace(hidden), b.language)
		}
		return
	default:
		r.t.Errorf("%s: a block in %q is not run by anything; want sh for commands, text for what is neither commands nor a file", where, b.language)
		return
	}
	for _, p := range b.promises() {
		switch b.mark {
		case "test: ci":
			r.inCI(where, p)
		case "test: service":
			r.service(where, p)
		case "test: gateway":
			r.needGateway()
			p.command = r.gateway.Replace(p.command)
			r.run(where, p)
		case "test: fleet":
			r.needFleet()
			p.command = r.fleet.Replace(p.command)
			r.run(where, p)
		case "test: etcdctl":
			if _, err := exec.LookPath("etcdctl"); err == nil || os.Getenv("CI") == "true" {
				p.command = "export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=" + r.etcd + "; " + p.command
				r.run(where, p)
			}
		case "test: stubs":
			r.needStubs()
			p.command = ofTheMachine.ReplaceAllString(p.command, r.folder+"$1")
			r.run(where, p)
		case "test: dry run":
			p.command += " -dryRun"
			r.run(where, p)
		case "":
			r.run(where, p)
		default:
			r.t.Errorf("%s: %q is not a mark that says how to run the commands", where, b.mark)
		}
	}
}

// commandLine is a line that somebody would type.
var commandLine = regexp.MustCompile(`(?m)^\s*(\$ |(sudo |bin/)?(headgate|make|curl|apt|dnf|systemctl|journalctl|vmagent|cortextool|mimirtool|promtool|docker|chmod|chgrp|install) ).*$`)

// ofTheMachine are the paths of commands that are run with stubs which are taken into the folder of the test.
var ofTheMachine = regexp.MustCompile(`(/(?:etc|var)/)`)

// stubs stand in for programs that are not here, or would change the machine: what each does, as a shell script.
var stubs = map[string]string{
	"apt": "", "dnf": "", "editor": `test -f "$1"`, "systemctl": "", "systemd-tmpfiles": "", "chgrp": `test -f "$2"`,
	"journalctl": "cat headgate.log", // as it is with -o cat; without, more stands on each line
	"cortextool": `test -n "$*"`, "mimirtool": `test -n "$*"`, "cortex-gateway": "", "ip": "", "sysctl": "",
}

// needStubs puts the stubs before all other programs, and a configuration where the package has it.
func (r *reading) needStubs() {
	if r.stubs != "" {
		return
	}
	r.stubs = filepath.Join(r.folder, "stubs")
	shipped, err := os.ReadFile(filepath.Join(repository, "deploy", "config.toml"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, folder := range []string{r.stubs, filepath.Join(r.folder, "etc", "headgate"), filepath.Join(r.folder, "etc", "tmpfiles.d"), filepath.Join(r.folder, "var", "log")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			r.t.Fatal(err)
		}
	}
	files := map[string]string{filepath.Join(r.folder, "etc", "headgate", "config.toml"): string(shipped)}
	for name, script := range stubs {
		files[filepath.Join(r.stubs, name)] = "#!/bin/sh -eu\n" + script + "\n"
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			r.t.Fatal(err)
		}
	}
}

// etcdEndpoints is the line that says where etcd is.
var etcdEndpoints = regexp.MustCompile(`(?m)^endpoints = .*$`)

// onLoopback has a file name an etcd of this test, where it names one.
func (r *reading) onLoopback(text string) string {
	if !etcdEndpoints.MatchString(text) {
		return text
	}
	if r.etcd == "" {
		r.etcd = fleettest.New(r.t).Endpoint
	}
	return etcdEndpoints.ReplaceAllString(text, `endpoints = ["`+r.etcd+`"]`)
}

// run runs one command and looks for what it promises.
func (r *reading) run(where string, p promise) {
	r.t.Helper()
	for _, program := range []string{"curl", "openssl", "jq", "vmagent"} {
		if regexp.MustCompile(`\b` + program + ` `).MatchString(p.command) {
			needProgram(r.t, program)
		}
	}
	command := exec.Command("sh", "-euc", p.command)
	command.Dir = r.folder
	if r.stubs != "" {
		command.Env = append(os.Environ(), "PATH="+r.stubs+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	out, err := command.CombinedOutput()
	if command.ProcessState == nil || command.ProcessState.ExitCode() != p.exit || !bytes.Contains(out, []byte(p.output)) {
		r.t.Errorf("%s: %s\nwant %q and exit status %d, got (%v):\n%s", where, p.command, p.output, p.exit, err, out)
	}
}

// inCI wants the command in what CI runs.
func (r *reading) inCI(where string, p promise) {
	script, err := os.ReadFile(filepath.Join(repository, ".ci", "run"))
	if err != nil {
		r.t.Fatal(err)
	}
	// make demo builds first, so whatever is a target that others need is run as well.
	step := regexp.MustCompile(`(?m)^step ` + regexp.QuoteMeta(p.command) + `( |$)`)
	if !step.Match(script) && p.command != "make build" {
		r.t.Errorf("%s: CI does not run %q", where, p.command)
	}
}

// service wants a command that would not end to be the one that the stories of testdata/script run.
func (r *reading) service(where string, p promise) {
	if !regexp.MustCompile(`^(bin/)?headgate run --config headgate\.toml$`).MatchString(p.command) {
		r.t.Errorf("%s: no story runs %q", where, p.command)
		return
	}
	r.needGateway()
}

// needGateway runs the headgate.toml of the document on free ports of loopback, before a stand-in for Cortex.
func (r *reading) needGateway() {
	if r.gateway == nil {
		app := r.startGateway()
		r.gateway = strings.NewReplacer("127.0.0.1:8080", app.Addrs()[0].String(), "127.0.0.1:8081", app.AdminAddr().String())
	}
}

// needFleet runs it three times.
func (r *reading) needFleet() {
	if r.fleet != nil {
		return
	}
	var pairs []string
	for _, address := range []string{"10.0.0.11", "10.0.0.12", "10.0.0.13"} {
		app := r.startGateway()
		pairs = append(pairs, address+":8080", app.Addrs()[0].String())
	}
	r.fleet = strings.NewReplacer(pairs...)
}

// startGateway runs the headgate.toml of the document until stopGateways.
func (r *reading) startGateway() *App {
	text, err := os.ReadFile(filepath.Join(r.folder, "headgate.toml"))
	if err != nil {
		r.t.Fatal(err)
	}
	cortex := newUpstream(r.t)
	cortex.answer = `{"status":"success"}`
	toml := regexp.MustCompile(`(?m)^listen = ".*"$`).ReplaceAllString(string(text), `listen = "127.0.0.1:0"`)
	toml = regexp.MustCompile(`(?m)^url = ".*"$`).ReplaceAllString(toml, `url = "`+cortex.URL+`"`)
	toml += "\n[admin]\nlisten = \"127.0.0.1:0\"\n"
	file := filepath.Join(r.folder, "on-free-ports.toml")
	if err := os.WriteFile(file, []byte(toml), 0o600); err != nil {
		r.t.Fatal(err)
	}
	app, err := New(AppOptions{ConfigFile: file, Log: &lockedBuffer{}})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx, Signals{}) }()
	once := sync.OnceFunc(func() {
		stop()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(once)
	r.stop = append(r.stop, once)
	return app
}

// stopGateways ends those that run.
func (r *reading) stopGateways() {
	for _, stop := range r.stop {
		stop()
	}
	r.gateway, r.fleet, r.stop = nil, nil, nil
}

// checkSnippet lets a program's own tool look at a snippet of its configuration.
func (r *reading) checkSnippet(where, name string) {
	check := map[string][]string{
		"prometheus.yml":       {"promtool", "check", "config", "--syntax-only", name},
		"prometheus-agent.yml": {"promtool", "check", "config", "--syntax-only", "--agent", name},
		"vmagent.yml":          {"vmagent", "-dryRun", "-promscrape.config=" + name, "-remoteWrite.url=http://127.0.0.1:1/api/v1/push"},
		"keepalived.conf":      {administrators("keepalived"), "--config-test", "--use-file", name},
	}[name]
	if name == "keepalived.conf" {
		r.onOwnInterface(name)
	}
	switch {
	case check != nil:
		needProgram(r.t, check[0])
		command := exec.Command(check[0], check[1:]...)
		command.Dir = r.folder
		if out, err := command.CombinedOutput(); err != nil {
			r.t.Errorf("%s: %s: %v\n%s", where, check[0], err, out)
		}
	case strings.HasSuffix(name, ".yml"):
		text, err := os.ReadFile(filepath.Join(r.folder, name))
		if err != nil {
			r.t.Fatal(err)
		}
		var any map[string]any
		if err := yaml.Unmarshal(text, &any); err != nil || len(any) == 0 {
			r.t.Errorf("%s: not YAML: %v", where, err)
		}
	}
}

// administrators is where a program is that Debian keeps out of the PATH of those who are not root.
func administrators(program string) string {
	if _, err := exec.LookPath(program); err != nil {
		return filepath.Join("/usr/sbin", program)
	}
	return program
}

// onOwnInterface has a file of keepalived name a network interface of this machine in the place of eth0.
func (r *reading) onOwnInterface(name string) {
	interfaces, err := net.Interfaces()
	if err != nil {
		r.t.Fatal(err)
	}
	const wanted = net.FlagUp | net.FlagMulticast
	i := slices.IndexFunc(interfaces, func(i net.Interface) bool { return i.Flags&(wanted|net.FlagLoopback) == wanted })
	if i < 0 {
		r.t.Skip("skipped: keepalived knows no interface on a machine that has only loopback")
	}
	path := filepath.Join(r.folder, name)
	text, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("eth0"), []byte(interfaces[i].Name)), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// needProgram skips the rest of the test when a program is not installed, except in CI, which installs it.
func needProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing in CI: %s", name)
	}
	t.Skipf("skipped: %s is not installed", name)
}

// TestDocumentsNameTargetsThatExist looks at every `make …` in running text too.
func TestDocumentsNameTargetsThatExist(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9-]+):`).FindAllSubmatch(makefile, -1) {
		targets = append(targets, string(m[1]))
	}
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("`make ([a-z0-9-]+)").FindAllSubmatch(text, -1) {
			if !slices.Contains(targets, string(m[1])) {
				t.Errorf("%s names make %s, which is no target", filepath.Base(path), m[1])
			}
		}
	}
}

func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	for _, path := range append(documents(t), filepath.Join(repository, "CHANGELOG.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)[^):]*\)`).FindAllSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), string(m[1]))); err != nil {
				t.Errorf("%s links to %s, which is not there", filepath.Base(path), m[1])
			}
		}
	}
}

// TestDocumentsHaveTheWholeTableOfRefusals compares the table of docs/operations.md with the code; make golden rewrites
// it.
func TestDocumentsHaveTheWholeTableOfRefusals(t *testing.T) {
	var table strings.Builder
	table.WriteString("| reason | status | on write routes | what to do |\n|---|---|---|---|\n")
	for _, r := range proxy.Refusals() {
		fmt.Fprintf(&table, "| `%s` | %d | %d | %s |\n", r.Reason, r.Status, r.Write, r.Text)
	}
	path := filepath.Join(repository, "docs", "operations.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- generated: refusals -->\n", "<!-- end -->"
	before, rest, found := strings.Cut(string(text), begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the table", path)
	}
	if old == table.String() {
		return
	}
	if !*update {
		t.Fatalf("%s does not have the table of the code; run make golden", path)
	}
	if err := os.WriteFile(path, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
