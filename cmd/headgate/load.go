package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/watch"
)

// loadedConfig is a configuration without errors, as it was found in its file.
type loadedConfig struct {
	config   *config.Config
	text     []byte
	digest   string   // SHA-256 of text, hexadecimal
	warnings []string // one line each

	readings *watch.Readings // of the files that it names
	held     config.Problems // why some of them are not used as they are
}

// invalidConfig is the error of a configuration that cannot be used.
type invalidConfig struct {
	path     string
	problems config.Problems
}

// Error names every problem in a line of its own and counts them in the last one.
func (e *invalidConfig) Error() string {
	return strings.Join(append(lines(e.problems), e.summary()), "\n")
}

// summary counts the problems.
func (e *invalidConfig) summary() string {
	errs := e.problems.Errors()
	text := e.path + ": " + count(errs, "error")
	if warnings := len(e.problems) - errs; warnings > 0 {
		text += ", " + count(warnings, "warning")
	}
	return text
}

// load reads and checks a configuration file. The error is an *invalidConfig.
func load(path string, o config.Options) (*loadedConfig, error) {
	text, problems := config.Read(path)
	if len(problems) > 0 {
		return nil, &invalidConfig{path, problems}
	}
	return parse(path, text, o)
}

// parse is load for a text that was read before; the files that it names are read now.
func parse(path string, text []byte, o config.Options) (*loadedConfig, error) {
	if o.Env == nil {
		o.Env = os.Getenv
	}
	if o.Machine == (config.Machine{}) {
		o.Machine = thisMachine(findMemoryLimit(o.Env))
	}
	cfg, problems := config.Parse(path, text, o)
	if problems.Errors() > 0 {
		return nil, &invalidConfig{path, problems}
	}
	digest := sha256.Sum256(text)
	return &loadedConfig{config: cfg, text: text, digest: hex.EncodeToString(digest[:]), warnings: lines(problems)}, nil
}

// problemsOf splits an error of a reload into one line for each problem, as check prints them.
func problemsOf(err error) []string {
	if invalid := (*invalidConfig)(nil); errors.As(err, &invalid) {
		return lines(invalid.problems)
	}
	problems := strings.Split(err.Error(), "\n")
	for i := range problems {
		problems[i] = "error: " + problems[i]
	}
	return problems
}

// levelOf is what a line of problemsOf weighs in the log.
func levelOf(problem string) slog.Level {
	if strings.HasPrefix(problem, config.Warning.String()+": ") {
		return slog.LevelWarn
	}
	return slog.LevelError
}

func lines(problems config.Problems) []string {
	found := make([]string, 0, len(problems))
	for _, p := range problems {
		found = append(found, p.String())
	}
	return found
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
