package sources

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/watch"
)

// Names of the sources, as /status and metrics show them: the keys of the configuration. Key sets have their address or
// path.
const (
	TenantsDir   = "auth.tenants_dir"
	HtpasswdFile = "auth.htpasswd_file"
)

// Options of Sources.
type Options struct {
	Cache *authcache.Cache
	Log   *slog.Logger
	Env   func(name string) string // nil: that of the process
	// Changed is told of each change of the credentials, one at a time. nil: nobody is.
	Changed func(source string, change authcache.Change)
	// Limits puts the limits in force that a source gives to its tenants; nil takes them back. With an error nothing
	// changed. nil: nobody wants to know.
	Limits func(source string, limits map[string]config.TenantLimits) error
	// AmendLimits changes what a source says of single tenants, nil for nothing. Of one to whom another source gives other
	// limits it says nothing then, and the errors, by tenant, are of those. nil: nobody wants to know.
	AmendLimits func(source string, changes map[string]*config.TenantLimits) map[string]error
	// Slowly runs what reads files again after a change, and returns when that has ended: where it does not hold up what must
	// not wait. nil: it is called as it is.
	Slowly func(read func())
}

// tell reports a change of the credentials.
func (o *Options) tell(source string, change authcache.Change) {
	if !change.Empty() {
		o.Changed(source, change)
	}
}

// withDefaults puts something that does nothing in the place of what nobody wants to know.
func (o Options) withDefaults() Options {
	if o.Changed == nil {
		o.Changed = func(string, authcache.Change) {}
	}
	if o.Limits == nil {
		o.Limits = func(string, map[string]config.TenantLimits) error { return nil }
	}
	if o.AmendLimits == nil {
		o.AmendLimits = func(string, map[string]*config.TenantLimits) map[string]error { return nil }
	}
	if o.Slowly == nil {
		o.Slowly = func(read func()) { read() }
	}
	return o
}

// Sources are all sources of one configuration beside its own file, which may be replaced by those of another.
type Sources struct {
	options Options
	skipped atomic.Int64 // values of etcd that are not in force

	mu         sync.Mutex // held while sources are read
	config     *config.Config
	folder     *folder       // nil: there is none
	htpasswd   *passwordFile // nil: there is none
	shared     *shared       // nil: there is none
	tokens     tokens
	watcher    *watch.Watcher                                        // nil until Watch
	newWatcher func(changed func(), log *slog.Logger) *watch.Watcher // immutable
	closed     bool
}

// New returns no sources at all. Close them.
func New(o Options) *Sources {
	o = o.withDefaults()
	return &Sources{options: o, newWatcher: watch.New, tokens: tokens{cache: o.Cache, log: o.Log, sets: map[setKey]*keySet{}}}
}

// Expect declares the sources of a configuration, before any is read: until then an unknown credential may stand there.
func (s *Sources) Expect(cfg *config.Config) {
	if cfg.Auth.TenantsDir != "" {
		s.options.Cache.Expect(TenantsDir)
	}
	if cfg.Auth.HtpasswdFile != "" {
		s.options.Cache.Expect(HtpasswdFile)
	}
	if cfg.Etcd.Enabled() {
		s.options.Cache.Expect(Etcd)
	}
}

// Use puts the sources of a configuration in the place of those of another, and reads them all. What is wrong with them
// is theirs: it keeps nothing else from working, and Status tells. A source that is somewhere else now, or not at all any
// more, takes its credentials with it without being held: somebody has asked for that.
func (s *Sources) Use(cfg *config.Config) {
	s.use(cfg)
	s.awaitShared()
}

func (s *Sources) use(cfg *config.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config = cfg
	s.options.Cache.SetBounds(authcache.Bounds{MaxTokens: cfg.Auth.Cache.MaxEntries, TTL: time.Duration(cfg.Auth.Cache.TTL)})
	s.place()
	if s.folder != nil {
		s.folder.forget()
	}
	if s.htpasswd != nil {
		s.htpasswd.file.forget()
	}
	s.tokens.use(cfg)
	s.readAtRest()
	s.acceptNoMore()
	s.useShared(cfg) // last: what is in conflict with a file is so wherever it comes from
}

// place makes the sources that are files those of the configuration. The caller holds mu.
func (s *Sources) place() {
	paths := s.config.Auth.Paths()
	if s.folder != nil && s.folder.path != paths.TenantsDir {
		if paths.TenantsDir == "" {
			s.drop(TenantsDir)
		}
		s.folder.dropLimits(s.options.Limits)
		s.folder = nil
	}
	if s.folder == nil && paths.TenantsDir != "" {
		s.folder = &folder{path: paths.TenantsDir, files: map[string]*file{}, limits: map[string]map[string]config.TenantLimits{}, accepted: true}
	}
	if s.htpasswd != nil && s.htpasswd.file.path != paths.Htpasswd {
		if paths.Htpasswd == "" {
			s.drop(HtpasswdFile)
		}
		s.htpasswd = nil
	}
	if s.htpasswd == nil && paths.Htpasswd != "" {
		s.htpasswd = &passwordFile{file: file{path: paths.Htpasswd}, accepted: true}
	}
}

// settling is how long to wait for a file that is being written.
const settling = watch.Quiet / 4

// Reconsider looks at all sources once more, at what was in conflict with others above all.
func (s *Sources) Reconsider() { s.changed() }

// AcceptRemovals puts in force what is held, as the sources are now.
func (s *Sources) AcceptRemovals() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, accepted := range s.accepting() {
		*accepted = true
	}
	s.read()
	if s.shared != nil {
		s.shared.accept()
	}
	s.acceptNoMore()
}

// acceptNoMore ends what somebody has asked for: what could not be read now may be half of itself when it can.
func (s *Sources) acceptNoMore() {
	for _, accepted := range s.accepting() {
		*accepted = false
	}
}

// accepting are where sources keep that the next removal is wanted.
func (s *Sources) accepting() []*bool {
	var all []*bool
	if s.folder != nil {
		all = append(all, &s.folder.accepted)
	}
	if s.htpasswd != nil {
		all = append(all, &s.htpasswd.accepted)
	}
	return all
}

// Watch reads the sources again whenever they change, from now on.
func (s *Sources) Watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watcher == nil && !s.closed {
		s.watcher = s.newWatcher(s.changed, s.options.Log)
		s.watch()
	}
}

// Close ends the watching and the fetching of keys. The credentials stay.
func (s *Sources) Close() {
	s.mu.Lock()
	watcher, fleet := s.watcher, s.shared
	s.watcher, s.shared, s.closed = nil, nil, true
	if fleet != nil {
		fleet.close()
	}
	s.mu.Unlock()
	if watcher != nil {
		watcher.Close()
	}
	if fleet != nil {
		<-fleet.ended
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens.close()
}

// changed is told by the watcher.
func (s *Sources) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.options.Slowly(func() { s.read() })
	}
}

// read looks at every source, and reads what is not as it was. It reports whether it need not look again in a moment. The
// caller holds mu.
func (s *Sources) read() bool {
	r := &reading{sources: s, now: time.Now()}
	if s.folder != nil {
		s.folder.read(r)
	}
	if s.htpasswd != nil {
		s.htpasswd.read(r)
		if s.folder != nil && s.folder.last.text != "" {
			s.folder.read(r) // what was in conflict with the one may not be with the other
		}
	}
	s.tokens.read(r)
	if s.shared != nil {
		s.shared.retry()
	}
	s.watch()
	if s.watcher != nil && r.failing {
		s.watcher.Later()
	}
	if s.watcher != nil && r.unfinished {
		s.watcher.Doubt()
	}
	return !r.unfinished
}

// readAtRest is read for somebody who writes a file and asks for it at once: it waits until all have come to rest. The caller
// holds mu.
func (s *Sources) readAtRest() {
	for waited := time.Duration(0); !s.read() && waited < watch.Patience; waited += settling {
		time.Sleep(settling)
	}
}

// retryFiles has the files look again at what was in conflict with etcd. The caller holds mu.
func (s *Sources) retryFiles() {
	if s.folder != nil && s.folder.last.text != "" || s.htpasswd != nil && s.htpasswd.last.text != "" {
		s.read()
	}
}

// watch makes the watcher look after all paths. The caller holds mu.
func (s *Sources) watch() {
	if s.watcher == nil {
		return
	}
	var paths []string
	if s.folder != nil {
		paths = s.folder.paths(paths)
	}
	if s.htpasswd != nil {
		paths = append(paths, s.htpasswd.file.path)
	}
	s.watcher.Set(s.tokens.paths(paths))
}

// drop takes a source out of the cache.
func (s *Sources) drop(name string) {
	s.options.tell(name, s.options.Cache.Drop(name))
}

// reading is one look at all sources.
type reading struct {
	sources    *Sources
	now        time.Time
	unfinished bool // something is being written, and has to be looked at in a moment
	failing    bool // something could not be read, and has to be tried again without a change
}

// parsing is how files beside the configuration file are read.
func (r *reading) parsing() config.Options {
	return config.Options{Env: r.sources.options.Env, Now: func() time.Time { return r.now }}
}
