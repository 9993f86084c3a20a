package wire

import (
	"bytes"
	"strings"
	"testing"
)

// validByteByByte is validValue as RFC 9110 §5.5 says it, one byte after the other.
func validByteByByte(b []byte) bool {
	for _, c := range b {
		switch {
		case c == '\t', 0x20 <= c && c <= 0x7e, c >= 0x80:
		default:
			return false
		}
	}
	return true
}

func TestValidValueAgreesWithTheByteLoop(t *testing.T) {
	check := func(b []byte) {
		if got, want := validValue(b), validByteByByte(b); got != want {
			t.Fatalf("validValue(%q) = %v, the loop says %v", b, got, want)
		}
	}
	// Every byte at every place of every length around one and two words, among neighbours that could lend or borrow.
	for _, neighbour := range []byte{'a', ' ', '\t', 0x21, 0x7e, 0x80, 0xff} {
		for length := range 18 {
			b := bytes.Repeat([]byte{neighbour}, length)
			check(b)
			for at := range b {
				for c := range 256 {
					b[at] = byte(c)
					check(b)
				}
				b[at] = neighbour
			}
		}
	}
	// Every pair of bytes within a word and across two.
	for _, at := range []int{0, 3, 6, 7} {
		b := []byte("abcdefghijklmnop")
		for c := range 256 * 256 {
			b[at], b[at+1] = byte(c), byte(c>>8)
			check(b)
		}
	}
}

func FuzzValidValue(f *testing.F) {
	f.Add([]byte("a field value\twith a tab"))
	f.Add([]byte("0123456\x7f"))
	f.Add([]byte("\x80\x00\xff\x1f\x20\x1f\x80\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := validValue(b), validByteByByte(b); got != want {
			t.Fatalf("validValue(%q) = %v, the loop says %v", b, got, want)
		}
	})
}

func TestClassesAreThoseOfTheRFCs(t *testing.T) {
	const alnum = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	visible := ""
	for c := byte(0x21); c < 0x7f; c++ {
		visible += string(rune(c))
	}
	for _, class := range []struct {
		name string
		bit  uint8
		want string
	}{
		{"tchar", token, alnum + "!#$%&'*+-.^_`|~"},                  // RFC 9110 §5.6.2
		{"HEXDIG", hexDigit, "0123456789abcdefABCDEF"},               // RFC 5234 B.1
		{"pchar", pathChar, alnum + "-._~" + "!$&'()*+,;=" + ":@/%"}, // RFC 3986 §3.3
		{"query", queryChar, strings.ReplaceAll(visible, "#", "")},
		{"reg-name in use", hostChar, alnum + "-._"},
	} {
		for c := range 256 {
			want := strings.IndexByte(class.want, byte(c)) >= 0
			if got := all([]byte{byte(c)}, class.bit); got != want {
				t.Errorf("%s: %q is in: %v, want %v", class.name, byte(c), got, want)
			}
		}
	}
}

func TestEqualFoldFoldsLettersOnly(t *testing.T) {
	for d := byte(0x21); d < 0x7f; d++ {
		if 'A' <= d && d <= 'Z' {
			continue // the name must be lower case
		}
		for c := range 256 {
			want := byte(c) == d || 'a' <= d && d <= 'z' && byte(c) == d-0x20
			if got := EqualFold([]byte{'x', byte(c)}, "x"+string(rune(d))); got != want {
				t.Errorf("EqualFold(%q, %q) = %v", byte(c), d, got)
			}
		}
	}
	for _, b := range []string{"", "hos", "hosts", "ho\x13t", "hos\xf4"} {
		if EqualFold([]byte(b), "host") {
			t.Errorf("%q is taken for host", b)
		}
	}
}

func TestHasPrefixFold(t *testing.T) {
	for _, c := range []struct {
		b    string
		want bool
	}{
		{"proxy-", true}, {"Proxy-Authorization", true}, {"PROXY-", true},
		{"proxy", false}, {"", false}, {"proxy_authorization", false}, {"xproxy-", false}, {"pro\x18y-", false},
	} {
		if got := HasPrefixFold([]byte(c.b), "proxy-"); got != c.want {
			t.Errorf("HasPrefixFold(%q) = %v", c.b, got)
		}
	}
}

func TestScopeLikeSeesEveryFormOfTheName(t *testing.T) {
	like := []string{
		"X-Scope-OrgID", "x-scope-orgid", "X_SCOPE_ORGID", "X-Scope_OrgID", "XScopeOrgID", "xscope", "-X-Scope", "__x--s_c-o_p-e",
		"X-Scope-ClientID", "X-Scope-", "X-Scopes", "_X-Scope-OrgID_",
	}
	unlike := []string{
		"", "-", "_-_", "X", "X-Scop", "X-Scop-", "Scope-OrgID", "X-Org-ID", "X.Scope.OrgID", "Y-Scope-OrgID", "X-5cope-OrgID",
		"X\x0dScope", "X-\x53\x00cope", "Xx-Scope",
	}
	for _, name := range like {
		if !ScopeLike([]byte(name)) {
			t.Errorf("%q is not taken for one of Cortex's", name)
		}
	}
	for _, name := range unlike {
		if ScopeLike([]byte(name)) {
			t.Errorf("%q is taken for one of Cortex's", name)
		}
	}
}

func TestNextElement(t *testing.T) {
	for _, c := range []struct {
		list string
		want []string
	}{
		{"", []string{""}},
		{"close", []string{"close"}},
		{" \tclose\t ", []string{"close"}},
		{"a,b", []string{"a", "b"}},
		{"a , b\t,\tc", []string{"a", "b", "c"}},
		{"a,", []string{"a", ""}},
		{",a", []string{"", "a"}},
		{",", []string{"", ""}},
		{"a,,b", []string{"a", "", "b"}},
		{`"a,b"`, []string{`"a`, `b"`}}, // no header that is split here takes quoted strings
		{"a b, c", []string{"a b", "c"}},
	} {
		var got []string
		for list := []byte(c.list); ; {
			element, rest, ok := NextElement(list)
			if !ok {
				break
			}
			got = append(got, string(element))
			list = rest
		}
		if len(got) != len(c.want) || strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%q splits into %q, want %q", c.list, got, c.want)
		}
	}
	if _, _, ok := NextElement(nil); ok {
		t.Error("a list that is used up has an element")
	}
}

func TestParseLength(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"5", 5, true}, {"0005", 5, true}, {"000000000000000000000000000000000000000000", 0, true},
		{"999999999999999999", 999999999999999999, true},
		{"00999999999999999999", 999999999999999999, true},
		{"1000000000000000000", 0, false}, {"9223372036854775807", 0, false}, {"9223372036854775808", 0, false},
		{"18446744073709551621", 0, false}, // 2^64+5
		{"", 0, false}, {"+5", 0, false}, {"-0", 0, false}, {"-5", 0, false}, {"0x5", 0, false}, {"5,5", 0, false},
		{"5 5", 0, false}, {" 5", 0, false}, {"1_0", 0, false}, {"5.0", 0, false}, {"5e0", 0, false}, {"5;", 0, false},
		{"\xb2", 0, false}, {"٥", 0, false}, {"5\x00", 0, false}, {"5\r", 0, false},
	} {
		if got, ok := parseLength([]byte(c.in)); ok != c.ok || ok && got != c.want {
			t.Errorf("parseLength(%q) = %d, %v; want %d, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestValidHost(t *testing.T) {
	good := []string{
		"gw.test", "gw", "GW.TEST", "gw.test.", "gw_1.test", "10.0.0.1", "gw.test:80", "gw.test:0", "gw.test:65535", "gw.test:00080",
		"[::1]", "[::1]:8080", "[2001:DB8::1]", "[::ffff:10.0.0.1]:1", strings.Repeat("a", 255), strings.Repeat("a", 255) + ":65535",
	}
	bad := []string{
		"", ":", ":80", "gw.test:", "gw.test:65536", "gw.test:000080", "gw.test:8o", "gw.test:-1", "gw.test:80:80", "gw.test: 80", "gw.test:+80",
		"user@gw.test", "user:pass@gw.test", "@gw.test", "gw.test@", "gw test", "gw\ttest", "gw,test", "gw.test/", "gw.test/x", "gw.test?x", "gw.test#x",
		"gw%2etest", "gw%zz", "gw\\test", "gw<test", "gw\x00test", "gẅ.test", "gw.test;", "gw'test", `"gw.test"`, "http://gw.test", "*",
		"[", "[]", "[::1", "::1", "::1]", "[::1]x", "[::1]:", "[::1]80", "[::1]]", "[[::1]]", "[10.0.0.1]", "[gw.test]", "[::1%25eth0]", "[::1%eth0]", "[v1.x]",
		"[::g]", "[:::1]", "[::1]:65536", strings.Repeat("a", 262),
	}
	for _, host := range good {
		if !ValidHost([]byte(host)) {
			t.Errorf("%q is refused", host)
		}
	}
	for _, host := range bad {
		if ValidHost([]byte(host)) {
			t.Errorf("%q is accepted", host)
		}
	}
}
