package config

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxSecretFile is far beyond any secret or certificate; a larger file is not one.
const maxSecretFile = 1 * MiB

// maxListFile is that of 1.8 million token IDs that are UUIDs.
const maxListFile = 64 * MiB

// maxConfigFile is that of about ten million [[tenants]].
const maxConfigFile = 2 * GiB

// credentialsVar is where systemd puts the secrets of LoadCredential=.
const credentialsVar = "${CREDENTIALS_DIRECTORY}"

// files reads what a configuration names.
type files struct {
	dir     string // of the configuration file
	skip    bool   // Options.NoFiles
	env     func(string) string
	reads   func(path string) // Options.Reads
	failed  func(path string) // Options.Failed
	instead *substitutes
	texts   map[string]fileText // what was read, by path: each file once, whoever names it
}

// fileText is what came of reading a file.
type fileText struct {
	text []byte
	err  error
}

// resolve is the path of a file name as it is written in the configuration.
func (f files) resolve(name string) (string, error) {
	if strings.Contains(name, credentialsVar) {
		folder := f.env("CREDENTIALS_DIRECTORY")
		if folder == "" {
			return "", errors.New("CREDENTIALS_DIRECTORY is not set; run under systemd with LoadCredential=, or name another file")
		}
		name = strings.ReplaceAll(name, credentialsVar, folder)
	}
	if strings.Contains(name, "${") {
		return "", errors.New("only " + credentialsVar + " is expanded")
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(f.dir, name)
	}
	return name, nil
}

// read is the content of a file that the configuration names, up to so many bytes,
// or what stands in for it. It is shared.
func (f files) read(path string, most int64) ([]byte, error) {
	if last, ok := f.instead.standIn(path); ok {
		return []byte(last.text), nil
	}
	t, done := f.texts[path]
	if !done {
		f.reads(path)
		t.text, t.err = readRegularUpTo(path, most)
		f.texts[path] = t
		if Unread(t.err) {
			f.failed(path)
		}
	}
	return t.text, t.err
}

// readRegularUpTo is the content of a regular file. The error has no name in it.
func readRegularUpTo(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadOr(err)
	}
	// Opening anything else, such as a pipe, may wait for ever.
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	text, err := readUpTo(path, most)
	if err != nil {
		return nil, unreadOr(err)
	}
	return text, nil
}

// unread is the error of a file that the system did not let us read.
type unread struct{ text string }

func (e *unread) Error() string { return e.text }

// Unread reports whether an error of ReadCredentials is the system's, who may let us read the same file later, and not one
// of what the file is.
func Unread(err error) bool {
	_, is := errors.AsType[*unread](err)
	return is
}

// unreadOr is the error without a name in it.
func unreadOr(err error) error {
	if _, system := errors.AsType[*os.PathError](err); system {
		return &unread{readFailure(err)}
	}
	return errors.New(readFailure(err))
}

func readUpTo(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, errors.New("it is larger than " + formatSize(most))
	}
	return text, nil
}

// keepPrivate is what to do about a file with secrets that everybody may read. Taking the right away is not enough where
// the file is root's: the service must have it left.
const keepPrivate = "it readable for the group that headgate runs with, and for nobody else: chgrp headgate, chmod 640"

// exposed reports whether users other than the owner and the group may read a
// file.
func exposed(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0
}
