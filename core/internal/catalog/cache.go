package catalog

import (
	"sync"

	"github.com/palabre-cms/palabre/core"
)

// cache keeps the documents that were read last, up to a number of bytes. Rows never change, so nothing in it gets stale.
type cache struct {
	shards [16]cacheShard
}

type cacheShard struct {
	mu    sync.Mutex
	known map[int64]*cached
	queue []int64 // in the order of coming, from first on; asked says who may stay when their turn to leave comes
	first int
	size  int
	most  int
}

type cached struct {
	doc   core.Doc
	asked bool
}

const cachedOverhead = 96 // bytes a document costs beside its text

func newCache(bytes int) *cache {
	c := &cache{}
	for i := range c.shards {
		c.shards[i].known = map[int64]*cached{}
		c.shards[i].most = bytes / len(c.shards)
	}
	return c
}

func (c *cache) get(row int64) (core.Doc, bool) {
	s := &c.shards[uint64(row)%uint64(len(c.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.known[row]
	if !ok {
		return nil, false
	}
	d.asked = true
	return d.doc, true
}

func (c *cache) put(row int64, doc core.Doc) {
	s := &c.shards[uint64(row)%uint64(len(c.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.known[row]; ok || len(doc)+cachedOverhead > s.most {
		return
	}
	s.known[row] = &cached{doc: doc}
	s.queue = append(s.queue, row)
	s.size += len(doc) + cachedOverhead
	for s.size > s.most {
		s.evict()
	}
}

// evict takes out the oldest document that was not asked for since its last turn.
func (s *cacheShard) evict() {
	row := s.queue[s.first]
	s.first++
	if s.first > len(s.queue)/2 {
		s.queue = append(s.queue[:0], s.queue[s.first:]...)
		s.first = 0
	}
	d := s.known[row]
	if d.asked {
		d.asked = false
		s.queue = append(s.queue, row)
		return
	}
	delete(s.known, row)
	s.size -= len(d.doc) + cachedOverhead
}
