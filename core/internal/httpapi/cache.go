package httpapi

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/palabre-cms/palabre/core"
)

// cache keeps answers in a bounded number of bytes. There are two ways in: the key of a checked request, and, for
// speed, an alias: the raw request line of one identity, which needs no parsing.
//
// What is kept is decided by S3-FIFO (three queues: small for the new, main for what was asked for again, and ghosts,
// which are the keys of what fell out of small). A walk over many addresses that are asked for once passes through the
// small queue and never reaches the main one, and a hit costs one atomic write.
type cache struct {
	stands  func(*answer) bool
	metrics *metrics
	limit   int64
	seed    maphash.Seed
	aliases [aliasShards]aliasShard

	mu     sync.Mutex
	nodes  map[string]*node
	small  queue
	main   queue
	ghosts ghosts
	flight map[string]*flight
}

const (
	aliasShards    = 32
	aliasesPerNode = 8
	nodeOverhead   = 600 // what a node costs beside its bytes: headers, keys, maps
)

// rawKey is a request line as one identity sends it; who is "" for anonymous callers.
type rawKey struct{ who, uri string }

type aliasShard struct {
	sync.RWMutex
	m map[rawKey]*node
}

// node is one key and its latest answer.
type node struct {
	key     string
	answer  atomic.Pointer[answer]
	asked   atomic.Int32 // hits since it was last looked at by the queues, at most 3
	bytes   int64
	inMain  bool
	gone    bool
	aliases []rawKey
	next    *node
}

// newCache gives nil for a limit of 0: a nil cache keeps nothing.
func newCache(limit int64, stands func(*answer) bool, m *metrics) *cache {
	if limit <= 0 {
		return nil
	}
	c := &cache{stands: stands, metrics: m, limit: limit, seed: maphash.MakeSeed(), nodes: map[string]*node{}, flight: map[string]*flight{}}
	for i := range c.aliases {
		c.aliases[i].m = map[rawKey]*node{}
	}
	c.ghosts.keep = int(limit / (2 << 10))
	return c
}

func (c *cache) shard(k rawKey) *aliasShard {
	return &c.aliases[maphash.String(c.seed, k.uri)%aliasShards]
}

// recall gives the answer to a raw request line, nil when there is none that stands.
func (c *cache) recall(k rawKey) *answer {
	shard := c.shard(k)
	shard.RLock()
	n := shard.m[k]
	shard.RUnlock()
	if n == nil {
		return nil
	}
	return c.take(n)
}

// take gives a node's answer while it stands.
func (c *cache) take(n *node) *answer {
	a := n.answer.Load()
	if a == nil || !c.stands(a) {
		return nil
	}
	if asked := n.asked.Load(); asked < 3 {
		n.asked.Store(asked + 1) // a lost count among racing hits does no harm
	}
	return a
}

// find gives the answer to a checked request.
func (c *cache) find(key string) *answer {
	c.mu.Lock()
	n := c.nodes[key]
	c.mu.Unlock()
	if n == nil {
		return nil
	}
	return c.take(n)
}

// alias lets a raw request line find what a key finds. A node has few aliases: the oldest makes room.
func (c *cache) alias(k rawKey, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[key]
	if n == nil || k.uri == "" || k.uri[0] != '/' || len(k.uri) > 1<<10 {
		return
	}
	shard := c.shard(k)
	shard.Lock()
	known := shard.m[k]
	shard.m[k] = n
	shard.Unlock()
	if known == n {
		return
	}
	if known != nil {
		known.forget(k)
	}
	if len(n.aliases) == aliasesPerNode {
		c.unalias(n.aliases[0], n)
		n.aliases = n.aliases[1:]
	}
	n.aliases = append(n.aliases, k)
}

func (n *node) forget(k rawKey) {
	for i, have := range n.aliases {
		if have == k {
			n.aliases = append(n.aliases[:i], n.aliases[i+1:]...)
			return
		}
	}
}

func (c *cache) unalias(k rawKey, n *node) {
	shard := c.shard(k)
	shard.Lock()
	if shard.m[k] == n {
		delete(shard.m, k)
	}
	shard.Unlock()
}

// keep stores an answer under a key, unless it is so large that it would push out too much else.
func (c *cache) keep(key string, a *answer) {
	bytes := int64(len(a.body) + len(key) + nodeOverhead)
	if bytes > c.limit/16 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[key]
	if n == nil {
		n = &node{key: key, inMain: c.ghosts.take(key)}
		c.nodes[key] = n
		c.queueOf(n).push(n)
	}
	a.grown = func(bytes int) { c.grow(n, a, int64(bytes)) }
	n.answer.Store(a)
	c.weigh(n, bytes)
}

// grow notes that an answer was packed.
func (c *cache) grow(n *node, a *answer, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !n.gone && n.answer.Load() == a {
		c.weigh(n, n.bytes+bytes)
	}
}

func (c *cache) queueOf(n *node) *queue {
	if n.inMain {
		return &c.main
	}
	return &c.small
}

// weigh sets what a node weighs and makes room.
func (c *cache) weigh(n *node, bytes int64) {
	c.queueOf(n).bytes += bytes - n.bytes
	n.bytes = bytes
	for c.small.bytes+c.main.bytes > c.limit {
		if c.small.bytes > c.limit/10 || c.main.head == nil {
			c.evictSmall()
		} else {
			c.evictMain()
		}
	}
	c.metrics.kept(c.small.bytes+c.main.bytes, len(c.nodes))
}

// evictSmall moves what was asked for again to the main queue, and drops the first that was not.
func (c *cache) evictSmall() {
	n := c.small.pop()
	if n.asked.Load() > 0 {
		n.asked.Store(0)
		n.inMain = true
		c.main.push(n)
		return
	}
	c.ghosts.add(n.key)
	c.drop(n)
}

// evictMain gives what was asked for another round, and drops the first that was not.
func (c *cache) evictMain() {
	n := c.main.pop()
	if asked := n.asked.Load(); asked > 0 {
		n.asked.Store(asked - 1)
		c.main.push(n)
		return
	}
	c.drop(n)
}

func (c *cache) drop(n *node) {
	n.gone = true
	delete(c.nodes, n.key)
	for _, k := range n.aliases {
		c.unalias(k, n)
	}
	c.metrics.evicted.Inc()
}

// queue is first in, first out, and knows its weight.
type queue struct {
	head, tail *node
	bytes      int64
}

func (q *queue) push(n *node) {
	n.next = nil
	if q.tail == nil {
		q.head = n
	} else {
		q.tail.next = n
	}
	q.tail = n
	q.bytes += n.bytes
}

func (q *queue) pop() *node {
	n := q.head
	q.head = n.next
	if q.head == nil {
		q.tail = nil
	}
	n.next = nil
	q.bytes -= n.bytes
	return n
}

// ghosts remembers the keys (their hashes) that last fell out of the small queue.
type ghosts struct {
	keep  int
	order []uint64
	at    int
	set   map[uint64]int // hash → its place in order
}

func (g *ghosts) add(key string) {
	if g.set == nil {
		g.set, g.order = map[uint64]int{}, make([]uint64, max(g.keep, 16))
	}
	if old := g.order[g.at]; g.set[old] == g.at {
		delete(g.set, old)
	}
	hash := xxhash.Sum64String(key)
	g.order[g.at], g.set[hash] = hash, g.at
	g.at = (g.at + 1) % len(g.order)
}

// take reports whether a key is remembered, and forgets it.
func (g *ghosts) take(key string) bool {
	hash := xxhash.Sum64String(key)
	_, known := g.set[hash]
	delete(g.set, hash)
	return known
}

// flight is an answer on its way: whoever asks for the same meanwhile waits for it.
type flight struct {
	since uint64 // the version of everything when it began
	done  chan struct{}
	made  *answer
	err   error
}

// once computes under a key unless that is under way already. A flight that began before the catalog's latest version
// is not joined: who has just written must see it.
func (c *cache) once(ctx context.Context, key string, since uint64, compute func() (*answer, error)) (*answer, error) {
	c.mu.Lock()
	f := c.flight[key]
	if f != nil && f.since >= since {
		c.mu.Unlock()
		return f.wait(ctx)
	}
	f = &flight{since: since, done: make(chan struct{}), err: &core.Error{Code: core.CodeInternal, Op: "httpapi.once"}}
	c.flight[key] = f
	c.mu.Unlock()
	defer c.land(key, f)
	f.made, f.err = compute()
	return f.made, f.err
}

func (f *flight) wait(ctx context.Context) (*answer, error) {
	select {
	case <-f.done:
		return f.made, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *cache) land(key string, f *flight) {
	c.mu.Lock()
	if c.flight[key] == f {
		delete(c.flight, key)
	}
	c.mu.Unlock()
	close(f.done)
}
