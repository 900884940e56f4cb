package basemap

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// tileCache keeps tiles in files, and removes those that nobody has asked for the longest when they take too much room.
// Files are written beside and renamed, so that none is ever seen half; their names are hashes of the addresses, so that a
// name says nothing and leads nowhere.
type tileCache struct {
	dir   string
	most  int64
	now   func() time.Time
	mu    sync.Mutex
	held  int64
	order *list.List // of *cachedFile, the last used in front
	index map[string]*list.Element
}

type cachedFile struct {
	name    string
	size    int64
	touched time.Time // the file's time, which orders them after a restart
}

const (
	cacheEnding = ".tile"
	partEnding  = ".part"
	touchEvery  = time.Hour
)

func openTileCache(dir string, most int64, now func() time.Time) (*tileCache, error) {
	c := &tileCache{dir: dir, most: most, now: now, order: list.New(), index: map[string]*list.Element{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := c.scan()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b cachedFile) int { return a.touched.Compare(b.touched) })
	for _, f := range files {
		c.enter(f)
	}
	return c, nil
}

// scan finds the files of an earlier run, and removes those that it did not finish.
func (c *tileCache) scan() ([]cachedFile, error) {
	var files []cachedFile
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.Type().IsRegular():
			return nil
		case strings.HasSuffix(path, partEnding):
			return os.Remove(path)
		}
		name, ours := strings.CutSuffix(d.Name(), cacheEnding)
		if info, err := d.Info(); ours && err == nil && path == c.path(name) {
			files = append(files, cachedFile{name, info.Size(), info.ModTime()})
		}
		return nil
	})
	return files, err
}

func nameOf(address string) string {
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:])
}

func (c *tileCache) path(name string) string {
	if len(name) != 2*sha256.Size {
		return ""
	}
	return filepath.Join(c.dir, name[:2], name+cacheEnding)
}

// get reads a tile. A file that is not whole counts as none.
func (c *tileCache) get(address string) (keptTile, bool) {
	name := nameOf(address)
	if !c.use(name) {
		return keptTile{}, false
	}
	b, err := os.ReadFile(c.path(name))
	if err == nil {
		if kept, ok := parseKept(b); ok {
			return kept, true
		}
	}
	c.remove(name)
	return keptTile{}, false
}

// use moves a file to the front; false when there is none.
func (c *tileCache) use(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.index[name]
	if !ok {
		return false
	}
	c.order.MoveToFront(e)
	if f, now := e.Value.(*cachedFile), c.now(); now.Sub(f.touched) > touchEvery {
		f.touched = now
		_ = os.Chtimes(c.path(name), now, now) // without it the order after a restart is a little worse
	}
	return true
}

// put keeps a tile in place of an older one.
func (c *tileCache) put(address string, k keptTile) error {
	name := nameOf(address)
	line, err := json.Marshal(k.meta)
	if err != nil {
		return err
	}
	content := slices.Concat(line, []byte("\n"), k.body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.write(c.path(name), content); err != nil {
		return err
	}
	c.forget(name)
	c.enter(cachedFile{name, int64(len(content)), c.now()})
	return nil
}

func (c *tileCache) write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "*"+partEnding)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close(), os.Chtimes(f.Name(), c.now(), c.now())); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// enter counts a file, and removes others until all fit.
func (c *tileCache) enter(f cachedFile) {
	c.index[f.name] = c.order.PushFront(&f)
	for c.held += f.size; c.held > c.most; {
		c.evict(c.order.Back().Value.(*cachedFile).name)
	}
}

func (c *tileCache) forget(name string) {
	if e, ok := c.index[name]; ok {
		c.held -= c.order.Remove(e).(*cachedFile).size
		delete(c.index, name)
	}
}

func (c *tileCache) evict(name string) {
	c.forget(name)
	_ = os.Remove(c.path(name)) // what stays is counted again at the next start
}

func (c *tileCache) remove(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evict(name)
}

func (c *tileCache) drop(address string) { c.remove(nameOf(address)) }
