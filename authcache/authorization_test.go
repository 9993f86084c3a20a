package authcache

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
)

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestParseAuthorization(t *testing.T) {
	longest := "u:" + strings.Repeat("p", MaxBasicSize-2)
	longestToken := strings.Repeat("t", MaxAuthorizationSize-len("Bearer "))
	tests := []struct {
		name, value  string
		scheme       Scheme
		user, secret string
		ok           bool
	}{
		{"basic", "Basic " + encode("user:secret"), Basic, "user", "secret", true},
		{"scheme in any case", "bASIC " + encode("user:secret"), Basic, "user", "secret", true},
		{"several spaces", "Basic    " + encode("user:secret"), Basic, "user", "secret", true},
		{"colons in the password", "Basic " + encode("user:a:b:"), Basic, "user", "a:b:", true},
		{"empty password", "Basic " + encode("user:"), Basic, "user", "", true},
		{"control characters in the password", "Basic " + encode("user:a\x00\r\nb"), Basic, "user", "a\x00\r\nb", true},
		{"UTF-8", "Basic " + encode("müller:schlüssel"), Basic, "müller", "schlüssel", true},
		{"one padding character", "Basic " + encode("u:pp"), Basic, "u", "pp", true},
		{"no padding needed", "Basic " + encode("u:p"), Basic, "u", "p", true},
		{"longest credential", "Basic " + encode(longest), Basic, "u", longest[2:], true},

		{"too long a credential", "Basic " + encode(longest+"p"), 0, "", "", false},
		{"two bytes too long", "Basic " + encode(longest+"pp"), 0, "", "", false},
		{"far too long a credential", "Basic " + encode(longest+longest), 0, "", "", false},
		{"too long a value", "Basic" + strings.Repeat(" ", MaxAuthorizationSize) + encode("user:secret"), 0, "", "", false},
		{"no colon", "Basic " + encode("user"), 0, "", "", false},
		{"no user", "Basic " + encode(":secret"), 0, "", "", false},
		{"tab in the user", "Basic " + encode("a\tb:secret"), 0, "", "", false},
		{"line break in the user", "Basic " + encode("a\nb:secret"), 0, "", "", false},
		{"zero byte in the user", "Basic " + encode("a\x00:secret"), 0, "", "", false},
		{"DEL in the user", "Basic " + encode("a\x7f:secret"), 0, "", "", false},
		{"padding missing", "Basic " + strings.TrimRight(encode("u:pp"), "="), 0, "", "", false},
		{"too much padding", "Basic " + encode("u:p") + "=", 0, "", "", false},
		{"nothing but padding", "Basic ====", 0, "", "", false},
		{"left-over bits", "Basic dTpwcB==", 0, "", "", false},
		{"URL alphabet", "Basic " + base64.URLEncoding.EncodeToString([]byte("u:???>>>")), 0, "", "", false},
		{"line break in the encoding", "Basic dTpw\ncHBw", 0, "", "", false},
		{"blank in the encoding", "Basic dTpw cHBw", 0, "", "", false},
		{"blank at the end", "Basic " + encode("user:secret") + " ", 0, "", "", false},
		{"tab after the scheme", "Basic\t" + encode("user:secret"), 0, "", "", false},
		{"tab after the space", "Basic \t" + encode("user:secret"), 0, "", "", false},
		{"blank before the scheme", " Basic " + encode("user:secret"), 0, "", "", false},
		{"no space", "Basic" + encode("user:secret"), 0, "", "", false},
		{"scheme only", "Basic", 0, "", "", false},
		{"scheme and space only", "Basic ", 0, "", "", false},
		{"empty", "", 0, "", "", false},
		{"other letters that fold", "Baſic " + encode("user:secret"), 0, "", "", false},
		{"another scheme", "Digest username=user", 0, "", "", false},
		{"two credentials", "Basic " + encode("user:secret") + ", Bearer t0ken", 0, "", "", false},

		{"bearer", "Bearer t0k-en._~+/", Bearer, "", "t0k-en._~+/", true},
		{"bearer in any case", "BEARER   t0ken", Bearer, "", "t0ken", true},
		{"bearer with padding", "Bearer t0ken==", Bearer, "", "t0ken==", true},
		{"longest token", "Bearer " + longestToken, Bearer, "", longestToken, true},
		{"too long a token", "Bearer " + longestToken + "t", 0, "", "", false},
		{"bearer: nothing", "Bearer ", 0, "", "", false},
		{"bearer: padding only", "Bearer ==", 0, "", "", false},
		{"bearer: padding inside", "Bearer a=b", 0, "", "", false},
		{"bearer: blank inside", "Bearer a b", 0, "", "", false},
		{"bearer: comma", "Bearer a,b", 0, "", "", false},
		{"bearer: quotes", `Bearer "a"`, 0, "", "", false},
		{"bearer: colon", "Bearer a:b", 0, "", "", false},
		{"bearer: not ASCII", "Bearer ä", 0, "", "", false},
		{"bearer: zero byte", "Bearer a\x00", 0, "", "", false},
	}
	buf := make([]byte, MaxBasicSize)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cred, ok := ParseAuthorization([]byte(test.value), buf)
			if ok != test.ok {
				t.Fatalf("well-formed: got %v, want %v", ok, test.ok)
			}
			if cred.Scheme != test.scheme || string(cred.User) != test.user || string(cred.Secret) != test.secret {
				t.Fatalf("got %s %q %q, want %s %q %q", cred.Scheme, cred.User, cred.Secret, test.scheme, test.user, test.secret)
			}
		})
	}
}

func TestParseAuthorizationWantsARealBuffer(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("want a panic")
		}
	}()
	ParseAuthorization([]byte("Basic "+encode("u:p")), make([]byte, MaxBasicSize-1))
}

// stricter returns why ParseAuthorization refuses a value that net/http takes. The list is complete.
func stricter(value, user, password string) error {
	encoded := value[len("Basic "):]
	switch {
	case len(value) > MaxAuthorizationSize:
		return errors.New("the value is over 8 KiB")
	case len(user)+1+len(password) > MaxBasicSize:
		return errors.New("the credential is over 1 KiB")
	case user == "":
		return errors.New("the user name is empty")
	case hasControl(user):
		return errors.New("the user name has a control character")
	case strings.ContainsAny(encoded, "\r\n"):
		return errors.New("line break in the encoding, which base64 skips")
	case encode(user+":"+password) != encoded:
		return errors.New("the encoding is not the one of the credential: left-over bits")
	}
	return nil
}

// Whatever net/http and we both take for a basic credential, we take for the same one; what only net/http takes, we
// refuse for a reason on the list; what only we take has more than one space.
func FuzzParseAuthorization(f *testing.F) {
	for _, seed := range []string{
		"Basic " + encode("user:secret"), "basic  " + encode("user:secret"), "Basic dTpwcB==", "Basic dTpw\r\ncHBw",
		"Basic " + encode(":"), "Basic " + encode("u:"+strings.Repeat("p", MaxBasicSize-2)),
		"Basic " + encode("u:"+strings.Repeat("p", MaxBasicSize-1)), "Basic " + encode("u:"+strings.Repeat("p", MaxBasicSize)),
		"Basic " + strings.Repeat("=", 9000), "Basic " + strings.Repeat("A", 1366) + "==", "Basic " + strings.Repeat("A", 1367) + "=",
		"Basic " + strings.Repeat("A", 1368), "Bearer t0ken=", "Bearer =", "Baſic x", "Basic\t" + encode("u:p"), " ", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		before := bytes.Clone(value)
		buf := make([]byte, MaxBasicSize)
		cred, ok := ParseAuthorization(value, buf)
		if !bytes.Equal(value, before) {
			t.Fatal("the header was changed")
		}
		if !ok && (cred.User != nil || cred.Secret != nil) {
			t.Fatal("refused, with a credential")
		}
		if ok && cred.Scheme == Bearer {
			if len(cred.Secret) == 0 || !bytes.HasSuffix(value, cred.Secret) || bytes.ContainsAny(cred.Secret, " \t,:\"") {
				t.Fatalf("accepted the token %q", cred.Secret)
			}
			return
		}

		theirs := func(value string) (string, string, bool) {
			r := http.Request{Header: http.Header{"Authorization": {value}}}
			return r.BasicAuth()
		}
		user, password, stdOK := theirs(string(value))
		switch {
		case ok && !stdOK:
			scheme, rest, _ := strings.Cut(string(value), " ")
			user, password, stdOK = theirs(scheme + " " + strings.TrimLeft(rest, " "))
			if !stdOK || !strings.HasPrefix(rest, " ") {
				t.Fatalf("only we accept %q", value)
			}
		case !ok && stdOK:
			if stricter(string(value), user, password) == nil {
				t.Fatalf("refused %q, which is user %q and password %q, for no reason on the list", value, user, password)
			}
			return
		case !ok:
			return
		}
		if string(cred.User) != user || string(cred.Secret) != password {
			t.Fatalf("%q: got %q and %q; net/http says %q and %q", value, cred.User, cred.Secret, user, password)
		}
		if stdOK && stricter("Basic "+encode(user+":"+password), user, password) != nil {
			t.Fatalf("accepted %q against the list", value)
		}
	})
}
