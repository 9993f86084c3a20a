// Package doctor looks at the machine that headgate runs on, or is about to run on, and at what it talks to, and says what
// to change. It changes nothing itself, and knows nothing of configuration files.
package doctor
