package sources

// passwordFile is auth.htpasswd_file.
type passwordFile struct {
	file     file
	accepted bool // the next removal is wanted
	last     outcome
}

func (p *passwordFile) read(r *reading) {
	changed := p.file.refresh(r, r.sources.config.ParseHtpasswd)
	if p.file.unread() {
		r.sources.options.Cache.Failed(HtpasswdFile, errBeingWritten)
		return
	}
	a := application{name: HtpasswdFile, files: []*file{&p.file}, accepted: p.accepted}
	if !p.file.good { // what another file held that was in its place stays
		p.last.failed(r, HtpasswdFile, a.missing())
		return
	}
	p.last.apply(r, &a, changed)
}
