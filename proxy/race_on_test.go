//go:build race

package proxy

// raceDetector is on: memory as the kernel sees it is several times that of the program.
const raceDetector = true
