package exposition

import "strings"

// Kind is the type of a metric, in the words of Prometheus's text format.
type Kind string

// The kinds that there are.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
	Summary   Kind = "summary"
)

// Family is all series of one name.
type Family struct {
	Name   string
	Kind   Kind
	Labels []string // in any order; without the le of a histogram and the quantile of a summary
	Help   string   // one sentence, without the period at its end
	When   string   // what has to be for a series to exist; "": always
	Bounds string   // the family that this one is the limit of, 0 being none; of a counter, its rate a second; "": it is no limit
}

// Section is a part of the table, as the documents show it.
type Section struct {
	Title    string
	Families []Family
}

// Table is every metric that the program exports, in the order of the documents. The caller must not change it.
func Table() []Section {
	return []Section{
		{"Requests", requests}, {"Tenants", tenants}, {"Clients' connections", connections}, {"Limits", limits},
		{"Upstreams", upstreams}, {"Authentication", authentication}, {"Configuration and build", configuration},
		{"Go runtime", goRuntime}, {"Process", process},
	}
}

// suffixes are what a series of a family may have behind the family's name.
func (k Kind) suffixes() []string {
	switch k {
	case Histogram:
		return []string{"_bucket", "_sum", "_count"}
	case Summary:
		return []string{"", "_sum", "_count"}
	default:
		return []string{""}
	}
}

// byName finds the family of a series by the series' name.
var byName = func() map[string]*Family {
	found := make(map[string]*Family)
	for _, section := range Table() {
		for i := range section.Families {
			f := &section.Families[i]
			for _, suffix := range f.Kind.suffixes() {
				found[f.Name+suffix] = f
			}
		}
	}
	return found
}()

// escaped is a help text as the format wants it.
func escaped(help string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(help)
}
