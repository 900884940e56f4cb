//go:build !failpoint

package content

// failpoint marks a place where crash tests end the process; see the build tag failpoint.
func failpoint(string) {}
