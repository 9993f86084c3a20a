package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/headgate/headgate/proxy"
)

// ownHostOnly refuses a request whose Host is a name of somebody else's: a page that rebinds its own name to our address
// (DNS rebinding) would otherwise read everything here with the operator's browser.
func ownHostOnly(p Program, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ownHost(r.Host, p.Access().Host) {
			misdirected.answer(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownHost reports whether hostport names this listener: an IP address, localhost or the configured host.
func ownHost(hostport, configured string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return strings.EqualFold(host, "localhost") || configured != "" && strings.EqualFold(host, configured)
}

// sameSiteOnly refuses what another site's page makes a browser send, unless the origin is allowed. GET and HEAD pass:
// they change nothing here.
func sameSiteOnly(p Program, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		changes := r.Method != http.MethodGet && r.Method != http.MethodHead
		origin, site := headerValue(r, "Origin"), headerValue(r, "Sec-Fetch-Site")
		if changes && proxy.FromOtherSite([]byte(r.Host), origin, site, p.Access().AllowedOrigins) {
			crossSite.answer(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// headerValue is the first value of a header, nil without one.
func headerValue(r *http.Request, name string) []byte {
	values := r.Header.Values(name)
	if len(values) == 0 {
		return nil
	}
	return []byte(values[0])
}

// trustedOnly refuses peers outside admin.trusted.
func trustedOnly(p Program, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !trusted(r.RemoteAddr, p.Access().Trusted) {
			notTrusted.answer(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// trusted reports whether the peer is in one of the networks. The peer of a unix socket has no address: the permissions
// of the socket already said who may come in.
func trusted(remote string, networks []netip.Prefix) bool {
	if remote == "" || remote[0] == '@' || remote[0] == '/' {
		return true
	}
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	address := peer.Addr().Unmap().WithZone("")
	for _, network := range networks {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// answerInTime sets the deadline of an answer. Profiles set a longer one of their own.
func answerInTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setDeadlines(w, answerTimeout)
		next.ServeHTTP(w, r)
	})
}

// setDeadlines bounds reading what is left of the request and writing the answer. A writer without deadlines (a test's
// recorder) is left alone.
func setDeadlines(w http.ResponseWriter, limit time.Duration) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(limit))
}
