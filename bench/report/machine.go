package report

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Machine is what a run ran on.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory string `json:"memory"`
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
}

// ThisMachine describes the machine that it runs on; what cannot be found out is "unknown".
func ThisMachine() Machine {
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		kernel = []byte("unknown")
	}
	return Machine{
		CPU: field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Memory: field("/proc/meminfo", "MemTotal"),
		Kernel: strings.TrimSpace(string(kernel)), Arch: runtime.GOARCH,
	}
}

// field returns the value of the first "name : value" line of a file.
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// Commit returns the commit of the repository that dir is in, with "-dirty" when files outside of ignored folders and of
// the results have changed; "unknown" without git.
func Commit(dir string) string {
	commit, err := exec.Command("git", "-C", dir, "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	id := strings.TrimSpace(string(commit))
	changed, err := exec.Command("git", "-C", dir, "status", "--porcelain", "--", ":/", ":(top,exclude)bench/results").Output()
	if err != nil || len(changed) > 0 {
		id += "-dirty"
	}
	return id
}
