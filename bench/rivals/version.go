package rivals

import (
	"os/exec"
	"strings"
)

// Version returns the version of a proxy's program in one line, as it says itself or as Debian's package database has it;
// "unknown" if neither does.
func Version(proxy, program string) string {
	arguments := map[string]string{Headgate: "version", HAProxy: "-v", Nginx: "-v", VMAuth: "-version"}
	// Some print it as an error, some with a status other than 0.
	output, _ := exec.Command(program, arguments[proxy]).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	if line != "" {
		return line
	}
	packages := map[string]string{VMAuth: "victoria-metrics", HAProxy: "haproxy", Nginx: "nginx"}
	output, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", packages[proxy]).Output()
	if err != nil || len(output) == 0 {
		return "unknown"
	}
	return packages[proxy] + " " + string(output)
}
