package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/doctor"
)

// TestTheLogSaysWhatIsWrongWithTheMachine: what will be in the way is in the log of each start, and nothing else is.
func TestTheLogSaysWhatIsWrongWithTheMachine(t *testing.T) {
	r := start(t, gate(everything("http://127.0.0.1:1")))
	before := r.log.String()
	r.logMachine(doctor.Machine{Proc: t.TempDir(), OpenFiles: 1 << 20})
	if said := strings.TrimPrefix(r.log.String(), before); strings.Contains(said, "this machine") {
		t.Errorf("a good machine is complained of: %s", said)
	}
	r.logMachine(doctor.Machine{Proc: t.TempDir(), OpenFiles: 512})
	if said := r.log.String(); !strings.Contains(said, `"level":"WARN","msg":"this machine","what":"open files","finding":"the limit of 512 is low; set LimitNOFILE`) {
		t.Errorf("the log does not say what is wrong: %s", said)
	}
}

// TestDoctorKnowsWhatAConfigurationAsks of the machine, and whom it names.
func TestDoctorKnowsWhatAConfigurationAsks(t *testing.T) {
	r := start(t, `[server]
listen = ["127.0.0.1:0", "unix:`+t.TempDir()+`/s"]
max_connections = 700
drain_delay = "0s"
[admin]
listen = "127.0.0.1:0"
[cortex]
http_path_prefix = "/cortex"
[upstreams.distributor]
url = "http://127.0.0.1:1"
max_connections = 900
idle_timeout = "50ms"
[upstreams.ruler]
url = "http://127.0.0.1:1"
idle_timeout = "50ms"
[upstreams.ruler.health]
path = "/probe"
`)
	cfg := r.current.Load().config
	load := loadOf(cfg)
	if load.Clients != 700 || !load.FixedClients || load.HostsMost != 900 || len(load.Ports) != 0 {
		t.Errorf("the load is %+v", load)
	}
	other := *cfg
	other.Server.Listen = config.Addresses{":8080"}
	if load = loadOf(&other); !slices.Equal(load.Ports, []int{8080}) {
		t.Errorf("it listens on %v", load.Ports)
	}
	around, err := surroundings(cfg, r.started)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, u := range around.Upstreams {
		paths = append(paths, u.Name+" "+u.Path)
	}
	if got := strings.Join(paths, ", "); got != "distributor /cortex/ready, ruler /probe" {
		t.Errorf("asked for: %s", got)
	}
}
