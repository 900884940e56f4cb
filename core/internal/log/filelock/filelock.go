// Package filelock keeps two processes from using the same data at once.
package filelock

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// Lock is held until Release, or until the process ends in whatever way.
type Lock struct {
	file *os.File
}

// errHeld says that another holds the lock.
var errHeld = errors.New("held")

// Take takes the lock that stands for what, by a small file at path that is made when absent and stays. A lock that is
// held, by this or another process, gives CodeConflict.
func Take(path, what string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, core.Errorf(core.CodeUnavailable, "the folder of %s cannot be made: %w", what, err)
	}
	file, err := lockFile(path)
	if errors.Is(err, errHeld) {
		return nil, &core.Error{Code: core.CodeConflict, Reason: "in_use",
			Message: fmt.Sprintf("another Palabre%s is using %s: stop it, or give this one a data directory of its own", holder(path), what)}
	}
	if err != nil {
		return nil, core.Errorf(core.CodeUnavailable, "%s cannot be locked: %w", what, err)
	}
	note(file)
	return &Lock{file: file}, nil
}

// Release gives the lock back. The file stays: removing it would let two others hold locks on different files of
// the same name.
func (l *Lock) Release() error { return l.file.Close() }

// note leaves the process number for the message of whoever comes next. It is a courtesy: failing is no harm.
func note(file *os.File) {
	if file.Truncate(0) == nil {
		fmt.Fprintf(file, "%d\n", os.Getpid())
	}
}

func holder(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	line, err := io.ReadAll(io.LimitReader(file, 20))
	pid := strings.TrimSpace(string(line))
	if err != nil || pid == "" || strings.Trim(pid, "0123456789") != "" {
		return ""
	}
	return " (process " + pid + ")"
}
