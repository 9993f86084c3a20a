package balancer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Kind says how the hosts behind a Target are found.
type Kind uint8

const (
	// Literal is an IP address with a port: never looked up.
	Literal Kind = iota
	// Name stands for the A and AAAA records of a name, all with the same port.
	Name
	// SRV stands for the SRV records of a name, which bring the ports. Only the records with the lowest priority
	// number count, and their weights are ignored: every host gets the same share.
	SRV
)

// Target is one URL of an upstream. It is comparable.
type Target struct {
	Kind Kind
	Host string // the address without brackets, or the name to look up
	Port uint16 // 0 for SRV
}

// String returns the target as it is written in a URL behind the scheme.
func (t Target) String() string {
	if t.Kind == SRV {
		return t.Host
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port)))
}

// Name returns the name that stands for all hosts of the target: what a certificate is verified against and a Host
// header says. Of an SRV name the leading labels with an underscore are left out ("_http._tcp.cortex.example" is
// "cortex.example"), because what the answer names is only as trustworthy as DNS (RFC 6125 section 6.2.1).
func (t Target) Name() string {
	name := t.Host
	for t.Kind == SRV && strings.HasPrefix(name, "_") {
		_, rest, found := strings.Cut(name, ".")
		if !found {
			break
		}
		name = rest
	}
	return strings.TrimSuffix(name, ".")
}

// ParseURL reads the URL of an upstream. The scheme it returns is "http" or "https"; the prefixes dns+ and dnssrv+ end
// up in the target's kind. An error says what is wanted and never shows userinfo.
func ParseURL(raw string) (scheme string, t Target, err error) {
	scheme, t, err = parseURL(raw)
	if err != nil {
		return "", Target{}, fmt.Errorf("%q: %w", withoutUserinfo(raw), err)
	}
	return scheme, t, nil
}

func parseURL(raw string) (scheme string, t Target, err error) {
	prefix, rest, found := strings.Cut(raw, "://")
	if !found {
		return "", t, errors.New(`the scheme is missing; want something like "http://distributor.example:9009"`)
	}
	t.Kind = Name
	switch strings.ToLower(prefix) {
	case "http", "dns+http":
		scheme, t.Port = "http", 80
	case "https", "dns+https":
		scheme, t.Port = "https", 443
	case "dnssrv+http":
		scheme, t.Kind = "http", SRV
	case "dnssrv+https":
		scheme, t.Kind = "https", SRV
	default:
		return "", t, errors.New("the scheme is unknown; want http, https, dns+http, dns+https, dnssrv+http or dnssrv+https")
	}

	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	// An @ behind the first slash is most likely a password with a slash in it, so it is looked for everywhere.
	if strings.Contains(rest, "@") {
		return "", t, errors.New("user name and password are not allowed in the URL of an upstream; remove them")
	}
	switch after := rest[len(authority):]; {
	case strings.Contains(after, "?"):
		return "", t, errors.New("a query is not allowed in the URL of an upstream; remove everything from the ?")
	case strings.Contains(after, "#"):
		return "", t, errors.New("a fragment is not allowed in the URL of an upstream; remove everything from the #")
	case after != "" && after != "/":
		return "", t, errors.New("a path is not allowed in the URL of an upstream; remove it (a route can rewrite paths)")
	}
	err = t.parseAuthority(authority)
	return scheme, t, err
}

// parseAuthority reads host and port. The port that is set already is the default.
func (t *Target) parseAuthority(authority string) error {
	host, port := authority, ""
	bracketed := strings.HasPrefix(authority, "[")
	if bracketed {
		end := strings.IndexByte(authority, ']')
		if end < 0 {
			return errors.New("the ] behind the IPv6 address is missing")
		}
		host, port = authority[1:end], authority[end+1:]
		if port != "" && port[0] != ':' {
			return errors.New("only a port may follow the ] of an IPv6 address, as in [::1]:9009")
		}
	} else if i := strings.IndexByte(authority, ':'); i >= 0 {
		host, port = authority[:i], authority[i:]
		if strings.Contains(port[1:], ":") {
			return errors.New("an IPv6 address needs brackets, as in [::1]:9009")
		}
	}
	if host == "" {
		return errors.New(`the host is missing; want something like "http://distributor.example:9009"`)
	}
	if port != "" {
		if t.Kind == SRV {
			return errors.New("the port of a dnssrv+ URL comes from the SRV records; remove it")
		}
		n, err := strconv.ParseUint(port[1:], 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("port %q is not valid; want 1 to 65535", port[1:])
		}
		t.Port = uint16(n)
	}
	return t.parseHost(host, bracketed)
}

func (t *Target) parseHost(host string, bracketed bool) error {
	// In a URL the % before an IPv6 zone is itself escaped (RFC 6874).
	address, err := netip.ParseAddr(strings.Replace(host, "%25", "%", 1))
	switch {
	case err == nil && t.Kind == SRV:
		return errors.New("an address has no SRV records; want a name such as _http._tcp.distributor.example")
	case err == nil && address.Is4() && bracketed:
		return errors.New("only IPv6 addresses are written in brackets")
	case err == nil:
		t.Kind, t.Host = Literal, address.Unmap().String()
		return nil
	case bracketed:
		return errors.New("what stands in brackets is not an IPv6 address")
	}
	if err := checkName(host); err != nil {
		return err
	}
	t.Host = strings.ToLower(host)
	return nil
}

// checkName refuses what cannot be the name of a host in DNS, so that a slip of the pen is found when the configuration
// is checked and not by a look-up that fails for ever.
func checkName(name string) error {
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return fmt.Errorf("%q is not a host name: a part between dots has 1 to 63 characters", name)
		}
		for _, c := range []byte(label) {
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return fmt.Errorf("%q is not a host name: want letters, digits, - and _ (other scripts as xn--…)", name)
			}
		}
	}
	if len(name) > 253 {
		return fmt.Errorf("%q is not a host name: it is longer than 253 characters", name)
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return fmt.Errorf("%q is neither an IP address nor a host name", name)
	}
	return nil
}

// withoutUserinfo returns raw with everything that may be a user name or a password replaced.
func withoutUserinfo(raw string) string {
	at := strings.LastIndexByte(raw, '@')
	if at < 0 {
		return raw
	}
	scheme, _, found := strings.Cut(raw[:at], "://")
	if !found {
		return "<secret>" + raw[at:]
	}
	return scheme + "://<secret>" + raw[at:]
}
