package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the import path of this repository, and repository its root as seen from here.
const (
	module     = "github.com/headgate/headgate"
	repository = "../.."
)

const (
	fasthttp  = "github.com/valyala/fasthttp"
	router    = "github.com/fasthttp/router"
	metricset = "github.com/VictoriaMetrics/metrics"
	toml      = "github.com/BurntSushi/toml"
)

// layer is one line of the import table (docs/architecture of the folders: README, "The house").
type layer struct {
	folder string   // and all below it that has no line of its own
	may    []string // what it may import beside the standard library and packages below itself
	never  []string // what it must not even reach through others
	direct []string // of the standard library, what it must not import itself
}

// layers is the import table. What a request runs through knows nothing of files, environment or TOML, and who is
// calling knows nothing of HTTP.
var layers = []layer{
	{folder: "authcache", may: []string{"golang.org/x/crypto", metricset, "github.com/puzpuzpuz/xsync/v4"}, never: []string{fasthttp, toml, module + "/proxy", module + "/balancer", module + "/cmd"}, direct: []string{"net/http", "os"}},
	{folder: "authcache/verify", may: []string{"golang.org/x/crypto", "github.com/golang-jwt/jwt/v5", "github.com/MicahParks/jwkset", "github.com/MicahParks/keyfunc/v3", "github.com/GehirnInc/crypt"}, never: []string{fasthttp, toml}, direct: []string{"os"}},
	{folder: "balancer/tcp", may: []string{"golang.org/x/sys/unix"}, never: []string{fasthttp, toml, metricset, module + "/proxy", module + "/balancer$", module + "/authcache"}},
	{folder: "balancer", may: []string{fasthttp, metricset, "golang.org/x/sys/unix"}, never: []string{toml, module + "/proxy", module + "/authcache", module + "/cmd"}},
	{folder: "proxy", may: []string{"go.opentelemetry.io/otel/trace", "go.opentelemetry.io/otel/attribute", "go.opentelemetry.io/otel/codes", fasthttp, router, metricset, "github.com/puzpuzpuz/xsync/v4", module + "/balancer", module + "/authcache"}, never: []string{toml, "go.opentelemetry.io/otel/sdk", module + "/cmd"}, direct: []string{"os"}},
	{folder: "proxy/pipe", may: []string{"golang.org/x/sys/unix"}, never: []string{fasthttp, toml, module + "/proxy$", module + "/proxy/wire", module + "/balancer", module + "/authcache"}, direct: []string{"os", "net/http"}},
	{folder: "proxy/wire", may: []string{"golang.org/x/sys/unix"}, never: []string{fasthttp, toml, module + "/proxy$", module + "/balancer", module + "/authcache"}, direct: []string{"os", "net/http"}},
}

// goList runs go list in the repository. Without the profile, which has it say of every package what it is built for.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	command := exec.Command("go", append([]string{"list", "-pgo=off"}, args...)...)
	command.Dir = repository
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Fields(string(out))
}

// layerOf is the line for a package: that of its nearest folder.
func layerOf(path string) *layer {
	var nearest *layer
	for i := range layers {
		if within(path, module+"/"+layers[i].folder) && (nearest == nil || len(layers[i].folder) > len(nearest.folder)) {
			nearest = &layers[i]
		}
	}
	return nearest
}

// within reports whether an import path is root or lies below it.
func within(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func TestImportsFollowTheTable(t *testing.T) {
	packages := goList(t, "./...")
	for _, l := range layers {
		if !slices.ContainsFunc(packages, func(p string) bool { return within(p, module+"/"+l.folder) }) {
			t.Errorf("the table has a line for %s, which has no package", l.folder)
		}
	}
	for _, p := range packages {
		l := layerOf(p)
		if l == nil {
			if !within(p, module+"/cmd") {
				t.Errorf("%s has no line in the import table", p)
			}
			continue
		}
		for _, imported := range goList(t, "-f", "{{range .Imports}}{{println .}}{{end}}", p) {
			external := strings.Contains(strings.SplitN(imported, "/", 2)[0], ".")
			switch {
			case !external && slices.Contains(l.direct, imported):
				t.Errorf("%s imports %s, which %s must not know", p, imported, l.folder)
			case external && !within(imported, module+"/"+l.folder) &&
				!slices.ContainsFunc(l.may, func(root string) bool { return within(imported, root) }):
				t.Errorf("%s imports %s, which %s may not: put the code where it belongs, or argue for a line in the table", p, imported, l.folder)
			}
		}
		for _, reached := range goList(t, "-deps", p) {
			for _, never := range l.never {
				exact, isExact := strings.CutSuffix(never, "$")
				if isExact && reached == exact || !isExact && within(reached, never) {
					t.Errorf("%s reaches %s, which %s must never know", p, reached, l.folder)
				}
			}
		}
	}
}

// TestImportsOfEtcdAreOnePackages: its client is large, and what it says is worded in one place.
func TestImportsOfEtcdAreOnePackages(t *testing.T) {
	const own = module + "/cmd/headgate/fleet"
	for pair := range slices.Chunk(goList(t, "-f", "{{$p := .ImportPath}}{{range .Imports}}{{println $p .}}{{end}}", "./..."), 2) {
		importer, imported := pair[0], pair[1]
		if (within(imported, "go.etcd.io") || within(imported, "google.golang.org/grpc")) && !within(importer, own) {
			t.Errorf("%s imports %s, which is for %s alone", importer, imported, own)
		}
	}
}

// TestMeasuringModulesStayOutside: what measures or tests the binary from outside may not borrow its code, or it would
// agree with its mistakes.
func TestMeasuringModulesStayOutside(t *testing.T) {
	for _, folder := range []string{"bench", "e2e"} {
		err := filepath.WalkDir(filepath.Join(repository, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, spec := range file.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				if within(imported, module) && !within(imported, module+"/"+folder) {
					t.Errorf("%s imports %s", path, imported)
				}
			}
			return nil
		})
		if err != nil && !strings.Contains(err.Error(), "no such file") {
			t.Error(err)
		}
	}
}

// TestTheProgramKnowsNothingOfTests: what makes certificates and the like for tests stays out of the binary.
func TestTheProgramKnowsNothingOfTests(t *testing.T) {
	for _, reached := range goList(t, "-deps", "./cmd/headgate") {
		if reached == "testing" || strings.HasSuffix(reached, "test") && within(reached, module) {
			t.Errorf("the program reaches %s", reached)
		}
	}
}
