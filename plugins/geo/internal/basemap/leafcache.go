package basemap

import (
	"container/list"
	"sync"
)

// maxCached is how many entries of leaf directories are held: some 12 MB, the neighbourhood of everything that people look
// at.
const maxCached = 1 << 19

// leafCache holds the leaf directories used last.
type leafCache struct {
	mu    sync.Mutex
	held  int
	order *list.List // of *leaf, the last used in front
	index map[uint64]*list.Element
}

type leaf struct {
	offset  uint64
	entries []entry
}

func newLeafCache() *leafCache {
	return &leafCache{order: list.New(), index: map[uint64]*list.Element{}}
}

func (c *leafCache) get(offset uint64) ([]entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.index[offset]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*leaf).entries, true
}

func (c *leafCache) put(offset uint64, entries []entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.index[offset]; ok || len(entries) > maxCached/4 {
		return
	}
	c.index[offset] = c.order.PushFront(&leaf{offset, entries})
	for c.held += len(entries); c.held > maxCached; {
		c.drop(c.order.Back())
	}
}

func (c *leafCache) drop(e *list.Element) {
	l := c.order.Remove(e).(*leaf)
	delete(c.index, l.offset)
	c.held -= len(l.entries)
}
