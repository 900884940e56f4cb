//go:build failpoint

package content

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

var passed atomic.Int64

// failpoint ends the process on the spot where PALABRE_FAILPOINT says so: "after-append:exit", or the third time that
// the place is passed, "after-append:exit:3". It is compiled in with the build tag failpoint only, for crash tests.
func failpoint(place string) {
	parts := strings.Split(os.Getenv("PALABRE_FAILPOINT"), ":")
	if len(parts) < 2 || parts[0] != place || parts[1] != "exit" {
		return
	}
	if len(parts) > 2 {
		if n, err := strconv.ParseInt(parts[2], 10, 64); err != nil || passed.Add(1) != n {
			return
		}
	}
	os.Exit(86)
}
