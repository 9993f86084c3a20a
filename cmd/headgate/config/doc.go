// Package config is what an operator writes: the TOML shape of headgate's
// configuration, its defaults, its validation and the route table that follows
// from it. It does not run anything: the program compiles a snapshot from it.
//
// Load reads a file over Default and reports every problem at once. A new table
// is one struct in shape.go, one validate function listed in validate.go, and
// one section in config.toml.example.
package config
