package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ours are the patterns of what a data directory holds.
var ours = []string{"log.db*", "audit.db*", "catalog", "catalog.stale", "*-key", "types.json*", "lock"}

// keepPrivate leaves the data directory, and what is ours in it, to its owner alone: there are hashes of passwords in it. It
// mends stores that were made when new files could be read by everybody. A place that others share stays open, not so our
// files in it.
func keepPrivate(dir string) error {
	found, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var failures []error
	shared := false
	for _, e := range found {
		switch {
		case isOurs(e.Name()):
			failures = append(failures, closeTree(filepath.Join(dir, e.Name())))
		case e.IsDir() && e.Name() != "lost+found":
			shared = true
		}
	}
	if !shared {
		failures = append(failures, closeTo(dir))
	}
	return errors.Join(failures...)
}

func isOurs(name string) bool {
	return slices.ContainsFunc(ours, func(pattern string) bool {
		ok, _ := filepath.Match(pattern, name) // the patterns are well-formed
		return ok
	})
}

// closeTree goes on after a failure. What a link leads to is not touched.
func closeTree(root string) error {
	var failures []error
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && (e.IsDir() || e.Type().IsRegular()) {
			err = closeTo(path)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err)
		}
		return nil
	})
	return errors.Join(append(failures, err)...)
}

// closeTo takes the rights of group and others away. A directory where everybody may put something is not ours alone.
func closeTo(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 || info.Mode()&fs.ModeSticky != 0 {
		return err
	}
	return os.Chmod(path, info.Mode().Perm()&0o700)
}
