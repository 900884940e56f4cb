package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
)

// exposed lists what others of the machine may look at in a directory, itself included.
func exposed(t *testing.T, dir string) (found []string) {
	t.Helper()
	each(t, dir, func(path string, info fs.FileInfo) {
		if info.Mode().Perm()&0o077 != 0 {
			found = append(found, path+" "+info.Mode().String())
		}
	})
	return found
}

func each(t *testing.T, dir string, f func(path string, info fs.FileInfo)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil {
			f(path, info)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// loosen gives everybody the rights that files had with an ordinary umask.
func loosen(t *testing.T, dir string) {
	t.Helper()
	each(t, dir, func(path string, info fs.FileInfo) {
		mode := fs.FileMode(0o644)
		if info.IsDir() {
			mode = 0o755
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	})
}

// Nobody else on the machine may look into the data directory: neither while a node runs nor afterwards, nor in a store that
// was made when its files could be read by everybody.
func TestDataDirectoryIsPrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes on Windows")
	}
	c := settings(t)
	if err := os.Mkdir(c.Data, 0o755); err != nil { // as an operator makes it
		t.Fatal(err)
	}
	for range 2 {
		once(t, c, func(*app.App) {
			if found := exposed(t, c.Data); found != nil {
				t.Errorf("while it runs: %q", found)
			}
		})
		if found := exposed(t, c.Data); found != nil {
			t.Errorf("afterwards: %q", found)
		}
		loosen(t, c.Data)
	}
	store := open(t, c) // as a backup does
	defer store.Close()
	if found := exposed(t, c.Data); found != nil {
		t.Errorf("after a command: %q", found)
	}
}

// A place that holds the folders of others stays open to them; what is ours in it does not.
func TestDataDirectoryIsPrivate_shared(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes on Windows")
	}
	c := settings(t)
	theirs := filepath.Join(c.Data, "theirs", "letter")
	if err := os.MkdirAll(filepath.Dir(theirs), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(theirs, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	once(t, c, func(*app.App) {})
	for _, path := range []string{c.Data, filepath.Dir(theirs), theirs} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o044 != 0o044 {
			t.Errorf("%s: got %v, %v", path, info.Mode(), err)
		}
	}
	if info, err := os.Stat(filepath.Join(c.Data, "log.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("log.db: got %v, %v", info.Mode(), err)
	}
}

// once starts a node, lets f look at it, and ends it.
func once(t *testing.T, c *config.Config, f func(a *app.App)) {
	t.Helper()
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Error(err)
	}
	f(a)
	closed(t, a)
}
