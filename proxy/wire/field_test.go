package wire

import (
	"bytes"
	"strings"
	"testing"
)

// TestNamesAgreeWithTheByteLoop puts every byte at every place of names around one and two words long, among neighbours
// that could lend or borrow.
func TestNamesAgreeWithTheByteLoop(t *testing.T) {
	for _, neighbour := range []byte{'a', 'Z', '-', '0', '_'} {
		for length := 1; length < 18; length++ {
			line := append(bytes.Repeat([]byte{neighbour}, length), ": value\r\n"...)
			for at := range length {
				for c := range 256 {
					line[at] = byte(c)
					name := 0
					for class[line[name]]&token != 0 {
						name++
					}
					want := 0
					if name > 0 && line[name] == ':' {
						want = len(line)
					}
					var f Field
					if got := f.read(line); got != want || got > 0 && len(f.Name) != name {
						t.Fatalf("%q: %d bytes, name %q; the loop says %d bytes, %d of them the name", line, got, f.Name, want, name)
					}
					line[at] = neighbour
				}
			}
		}
	}
}

func TestFieldsArePassedOnTidy(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"Foo: bar\r\n", "Foo: bar\r\n"},
		{"Foo: b\r\n", "Foo: b\r\n"},
		{"Foo: a  b\tc\r\n", "Foo: a  b\tc\r\n"},
		{"Foo:bar\r\n", "Foo: bar\r\n"},
		{"Foo:\tbar\r\n", "Foo: bar\r\n"},
		{"Foo:  bar\r\n", "Foo: bar\r\n"},
		{"Foo: \tbar\r\n", "Foo: bar\r\n"},
		{"Foo: bar \r\n", "Foo: bar\r\n"},
		{"Foo: bar\t\r\n", "Foo: bar\r\n"},
		{"Foo: \r\n", "Foo: \r\n"},
		{"Foo:\r\n", "Foo: \r\n"},
		{"Foo:  \r\n", "Foo: \r\n"},
		{"Foo: caf\xe9\r\n", "Foo: caf\xe9\r\n"},
	} {
		var f Field
		if n := f.read([]byte(c.line + "Next: line\r\n")); n != len(c.line) || string(f.AppendTo(nil)) != c.want {
			t.Errorf("%q: %d bytes, passed on as %q, want %q", c.line, n, f.AppendTo(nil), c.want)
		}
	}
}

func TestRoles(t *testing.T) {
	for _, c := range []struct {
		role  Role
		names string
	}{
		{Host, "host"}, {ContentLength, "content-length"}, {TransferEncoding, "transfer-encoding"}, {Connection, "connection"},
		{Authorization, "authorization"}, {Expect, "expect"}, {RetryAttempt, "retry-attempt"},
		{Scope, "x-scope-orgid x-scope-clientid xscope x_scope_orgid x--scope -x-scope _xscope"},
		{Held, "keep-alive te trailer upgrade http2-settings proxy-x proxy- cookie cookie2 forwarded x-real-ip x-request-id x-forwarded-for " +
			"x-forwarded-x-y x-webauth-user x-remote-user x-original-url x-rewrite-url x-http-method-override x-http-method x-method-override proxy x-forwarded a_b content_length _ authorization_"},
		{Plain, "a content-type content-encoding user-agent x-prometheus-remote-write-version prox x-scop x-forwarde x-webauth x-method cookie3 hos hosts " +
			"content-lengt content-length1 x-http-method-overrides te1 xy a-name-that-is-longer-than-all-that-are-known-here"},
	} {
		for name := range strings.FieldsSeq(c.names) {
			for _, name := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
				var f Field
				if line := []byte(name + ": 1\r\n"); f.read(line) != len(line) || f.Role != c.role {
					t.Errorf("%s has role %d, want %d", name, f.Role, c.role)
				}
			}
		}
	}
}
