package inbound

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Files are what TLS is made of, by the names of their files.
type Files struct {
	Cert, Key  string // PEM; the certificate with its chain
	ClientCA   string // PEM; "": client certificates are not asked for
	ClientAuth tls.ClientAuthType
	MinVersion uint16
}

// Certificate is what one reading of Files gave: a certificate with its key, and how clients are greeted with it.
type Certificate struct {
	config *tls.Config
	leaf   *x509.Certificate
	print  [sha256.Size]byte // of what was read
}

// Expires is when the certificate ends.
func (c *Certificate) Expires() time.Time { return c.leaf.NotAfter }

// Read reads the files. The error names the one that cannot be used.
func Read(f Files) (*Certificate, error) { return read(f).certificate() }

// TLS holds the certificate that is in use. All methods may be called from any goroutine. The zero value has none, and
// is good for Use.
type TLS struct {
	current atomic.Pointer[Certificate]

	mu   sync.Mutex
	seen [sha256.Size]byte // guarded by mu; the print of what was last read, good or bad
}

// Use makes every handshake from now on use a certificate; connections that are open stay as they are.
func (t *TLS) Use(c *Certificate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = c.print
	t.current.Store(c)
}

// Renew reads the files again and uses what they hold if it is something new, which it reports. When a file cannot be
// used, or the certificate and the key do not belong together because only one of them has been renewed yet, everything
// stays as it was and the error says why; it says so once for the same files.
func (t *TLS) Renew(f Files) (renewed bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := read(f)
	print := r.print()
	if print == t.seen {
		return false, nil
	}
	t.seen = print
	c, err := r.certificate()
	if err != nil {
		return false, err
	}
	t.current.Store(c)
	return true, nil
}

// Current is the certificate in use, nil before the first Use.
func (t *TLS) Current() *Certificate { return t.current.Load() }

// Listener makes connections from ln speak TLS, each with what is in use when it begins. Use must have been called
// before the first connection.
func (t *TLS) Listener(ln net.Listener) net.Listener {
	return tls.NewListener(ln, &tls.Config{
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return t.current.Load().config, nil },
		// Asked for by NewListener, and never used: every handshake gets its configuration from above.
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &t.current.Load().config.Certificates[0], nil
		},
	})
}

// reading is the content of Files.
type reading struct {
	files         Files
	cert, key, ca []byte
	err           error // of the first file that could not be read
}

func read(f Files) reading {
	r := reading{files: f}
	for _, file := range []struct {
		what, name string
		into       *[]byte
	}{{"certificate", f.Cert, &r.cert}, {"key", f.Key, &r.key}, {"client CA", f.ClientCA, &r.ca}} {
		if file.name == "" || r.err != nil {
			continue
		}
		if *file.into, r.err = os.ReadFile(file.name); r.err != nil {
			r.err = fmt.Errorf("%s: %w", file.what, r.err)
		}
	}
	return r
}

// print tells readings apart.
func (r reading) print() [sha256.Size]byte {
	h := sha256.New()
	for _, text := range [][]byte{r.cert, r.key, r.ca, fmt.Append(nil, r.err, r.files)} {
		fmt.Fprintf(h, "%d:", len(text))
		h.Write(text)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func (r reading) certificate() (*Certificate, error) {
	if r.err != nil {
		return nil, r.err
	}
	pair, err := tls.X509KeyPair(r.cert, r.key)
	if err != nil {
		return nil, fmt.Errorf("certificate %q and key %q: %w", r.files.Cert, r.files.Key, err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   r.files.MinVersion,
		NextProtos:   []string{"http/1.1"},
		ClientAuth:   r.files.ClientAuth,
	}
	if r.files.ClientCA != "" {
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(r.ca) {
			return nil, fmt.Errorf("client CA %q: %w", r.files.ClientCA, errNoCertificate)
		}
	}
	return &Certificate{config: config, leaf: pair.Leaf, print: r.print()}, nil
}

var errNoCertificate = errors.New("holds no certificate in PEM form")
