package catalog

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// A catalog's file of documents has one of two names, and a rebuild takes the other one: a file in use need never be renamed,
// and until the note of the name is replaced, which happens at once or not at all, the old one counts.
const (
	firstFile  = "catalog.db"
	secondFile = "catalog-2.db"
	noteFile   = "current" // holds the name of the file that counts; without it that is firstFile
)

func otherFile(name string) string {
	if name == firstFile {
		return secondFile
	}
	return firstFile
}

// currentFile gives the name of the file that counts in a catalog's directory.
func currentFile(dir string) string {
	note, err := os.ReadFile(filepath.Join(dir, noteFile))
	if err == nil && strings.TrimSpace(string(note)) == secondFile {
		return secondFile
	}
	return firstFile
}

func (c *Catalog) file() string { return filepath.Join(c.dir, c.name) }

// makeCurrent notes that this catalog's file is the one that counts.
func (c *Catalog) makeCurrent() error {
	note := filepath.Join(c.dir, noteFile)
	err := writeWhole(note+".new", c.name+"\n")
	if err == nil {
		err = os.Rename(note+".new", note)
	}
	if err != nil {
		return core.Errorf(core.CodeUnavailable, "The rebuilt catalog cannot be put in its place: check the rights on the data directory, and start again. %w", err)
	}
	return nil
}

func writeWhole(path, text string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// remove takes away the files of a closed catalog. What cannot be removed only takes room on the disk, until the next Open.
func (c *Catalog) remove() {
	os.RemoveAll(c.text.dir)
	_ = removeFile(c.file())
}

// sweep takes away what an interrupted rebuild or verification has left.
func (c *Catalog) sweep() error {
	if err := removeFile(filepath.Join(c.dir, otherFile(c.name))); err != nil {
		return core.Errorf(core.CodeUnavailable, "What an interrupted rebuild left cannot be removed: check the rights on the data directory. %w", err)
	}
	left, _ := filepath.Glob(filepath.Join(c.dir, verifyPrefix+"*"))
	for _, dir := range left {
		os.RemoveAll(dir)
	}
	return nil
}
