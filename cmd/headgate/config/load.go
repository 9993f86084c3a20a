package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// Options are what loading needs beside the text.
type Options struct {
	// NoFiles leaves out certificates and secrets, and every look at the file
	// system but for the configuration file: to check it elsewhere than where
	// it runs.
	NoFiles bool
	// Env looks up an environment variable; nil is os.Getenv.
	Env func(string) string
	// Machine is the one that the configuration is for.
	Machine Machine
	// Now tells the time by which certificates are past or near their end; nil is
	// time.Now.
	Now func() time.Time

	// Reads is told of each file that the configuration names, right before it is
	// read; nil: nobody is.
	Reads func(path string)
	// Failed is told of each of them that could not be read although it may be good: there was no descriptor left, or the
	// file system did not answer. nil: nobody is.
	Failed func(path string)
	// Last are what those files held when all was well. One that cannot be used as it
	// is now is taken to hold that still; Held tells.
	Last []File
	// Unread are the paths of those of Last that are not looked at at all.
	Unread []string
}

// orDefaults fills in what is nil.
func (o Options) orDefaults() Options {
	if o.Env == nil {
		o.Env = os.Getenv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Reads == nil {
		o.Reads = func(string) {}
	}
	if o.Failed == nil {
		o.Failed = func(string) {}
	}
	return o
}

// Load reads the configuration file at path over Default and validates it. The
// problems are all there are, unless the file is not TOML: then it is the one
// that the parser stopped at. The configuration is usable only without an error
// among them.
func Load(path string, o Options) (*Config, Problems) {
	text, problems := Read(path)
	if len(problems) > 0 {
		return Default(), problems
	}
	return Parse(path, text, o)
}

// Read is the text of the configuration file at path, for Parse, or the one problem
// that keeps it from being read.
func Read(path string) ([]byte, Problems) {
	text, err := readUpTo(path, maxConfigFile)
	if err != nil {
		why := readFailure(err)
		if !errors.Is(err, fs.ErrPermission) {
			why += "; want a TOML file, see config.toml.example"
		}
		return nil, Problems{{Level: Error, Key: path, Text: why}}
	}
	return text, nil
}

// Parse is Load for a text that is already in memory. File names in it are
// relative to the folder of path, which need not exist.
func Parse(path string, text []byte, o Options) (*Config, Problems) {
	instead := newSubstitutes(o)
	for {
		c, problems := parseWith(path, text, o.orDefaults(), instead)
		if !instead.use(problems, c.named) {
			c.held = instead.problems
			return c, problems
		}
	}
}

// parseWith is Parse with these texts in the place of those that files hold now.
func parseWith(path string, text []byte, o Options, instead *substitutes) (*Config, Problems) {
	r := new(report)
	c := Default()
	tree, err := parseTOML(string(text))
	if err != nil {
		return c, Problems{syntaxProblem(path, err)}
	}
	newDecoder(r).table(nil, tree, reflect.ValueOf(c).Elem())
	on := newChecks(r, path, o, instead)
	c.validate(on)
	c.named = on.named
	return c, r.finish(text)
}

// parseTOML turns the panics that the library keeps for its own mistakes into
// errors: a reload must never end the process.
func parseTOML(text string) (tree map[string]any, err error) {
	defer func() {
		if p := recover(); p != nil {
			tree, err = nil, errors.New("the TOML parser gave up on it")
		}
	}()
	plain := readPlainTables(text)
	if _, err = toml.Decode(plain.rest, &tree); err == nil && plain.fill(tree) {
		return tree, nil
	}
	if len(plain.runs) > 0 { // the library's own words, and its own reading
		tree = nil
		_, err = toml.Decode(text, &tree)
	}
	return tree, err
}

// syntaxProblem words an error of the parser.
func syntaxProblem(path string, err error) Problem {
	p := Problem{Level: Error, Key: path, Text: "is not TOML: " + err.Error()}
	var parse toml.ParseError
	if errors.As(err, &parse) {
		p.Line = parse.Position.Line
		p.Text = "is not TOML: " + withoutValues(parse.Message)
	}
	return p
}

// The parser quotes what it could not read, and that may be a password whose
// quotes were forgotten. Names of keys may stay, and single characters.
var (
	quotedValue = regexp.MustCompile(`"[^"]{2,}.*"|'[^']{2,}.*'`)
	keyMessage  = regexp.MustCompile(`^Key '.*' (was|has) already`)
	rangeError  = regexp.MustCompile(`^.* is out of range`)
)

func withoutValues(message string) string {
	message = strings.ReplaceAll(message, "\n", " ")
	if keyMessage.MatchString(message) {
		return message
	}
	message = rangeError.ReplaceAllLiteralString(message, "a number is out of range")
	return quotedValue.ReplaceAllLiteralString(message, "a value")
}

// readFailure says why a file cannot be read, without its name: the key or the
// caller has that.
func readFailure(err error) string {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Sprintf("cannot be read: %v; want %s", err, keepPrivate)
	}
	return fmt.Sprintf("cannot be read: %v", err)
}
