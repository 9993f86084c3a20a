package sources

// passwordFile is auth.htpasswd_file.
type passwordFile struct {
	file     file
	accepted bool // the next removal is wanted
	last     outcome
}

func (p *passwordFile) read(r *reading) {
	changed := p.file.refresh(r, r.sources.config.ParseHtpasswd)
	a := application{name: HtpasswdFile, files: []*file{&p.file}, accepted: p.accepted}
	p.accepted = false
	p.last.apply(r, &a, changed)
}
