//go:build !linux

package slowlane

// yieldToOthers does nothing: threads have no priorities of their own elsewhere, or none that Go knows.
func yieldToOthers() {}
