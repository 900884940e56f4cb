// Package catalog answers everything: entries by id, slug and unique value, queries, facets, search. It is a fold of
// the log that can be thrown away and made again.
//
// # Its parts
//
// On disk a SQLite file keeps the documents, the entries' meta, the revisions and the values that the columns are filled
// from at the next start; it records its position in the same transaction as what it stands for. In memory every
// type has a shelf: columns of keys (numbers that compare as the values do) by slot, one slot for each version of a
// document that readers may see, and bitsets that say which slots are published, latest or in the trash. A
// query tree is evaluated over the columns to a bitset: its population count is the total, counting codes under it gives the
// facets, walking an order gives the page. A full-text index in package text follows behind.
//
// # Who may look when
//
// One goroutine at a time applies commits. It works everything out beside the memory, writes the file, and then changes
// the memory under the write lock, which it holds for a moment only. Readers hold the read lock while they look at memory and
// documents, so each sees one position. What is made when first asked for (orders, ranks of strings, folded text, facets, what
// comparisons hold for) is
// brought up to date by readers, each under a lock of its own: no writer can be at work then.
package catalog

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Options tune a Catalog. The zero value is right for production.
type Options struct {
	CacheBytes int // of documents kept in memory; 0 is 32 MiB
	litter     int // see tidy; 0 is 20,000 values
	fewRows    int // see answer.take; 0 is 1024
	// foldWithin is what the folds of a view have for a batch that writers wait for, foldBeside what one has for a commit when nobody
	// does, patience what all have in a rebuild; 0 is 250 ms, 10 s and 5 minutes.
	foldWithin, foldBeside, patience time.Duration
}

// Catalog is the core.Catalog of a node. Close it.
type Catalog struct {
	dir      string
	name     string // of the file in dir
	types    core.Types
	now      func() time.Time
	options  Options
	remaking sync.Mutex    // the one rebuild or verification
	closing  chan struct{} // closed when Close begins
	applying sync.Mutex    // the one writer

	mu    sync.RWMutex // guards what follows against the writer
	m     *memory
	docs  *documents
	text  *texts
	moved chan struct{} // closed and replaced when position or time moves on

	following map[core.ViewName]*view // of plugins
	followed  chan struct{}           // closed and replaced when there is one more
	lastTypes []*core.Type            // when it was last looked of what views are made
	met       map[core.TypeName]bool  // types of which there was no entry before the batch that is applied next

	approaching bool          // in a catalog that is made beside and not yet near: nobody waits for the folds of its views
	patience    time.Duration // left with them

	position atomic.Uint64
	due      atomic.Int64 // the next moment at which an entry changes by itself, in nanoseconds; 0 for never
	version  atomic.Uint64
	versions sync.Map // core.TypeName → *atomic.Uint64
	stop     context.CancelFunc
	stopped  sync.WaitGroup
}

var (
	_ core.Catalog     = (*Catalog)(nil)
	_ core.Planner     = (*Catalog)(nil)
	_ core.PublicClock = (*Catalog)(nil)
)

// Open opens the catalog in a directory, making it when there is none; one that is damaged or of another format is
// made anew and has Position 0. types are looked up as commits arrive; types that become known later are told by OnType.
// now is the store's clock.
func Open(ctx context.Context, dir string, types core.Types, now func() time.Time, o Options) (*Catalog, error) {
	if o.CacheBytes == 0 {
		o.CacheBytes = 32 << 20
	}
	if o.litter == 0 {
		o.litter = 20_000
	}
	if o.fewRows == 0 {
		o.fewRows = 1024
	}
	o.foldWithin, o.foldBeside, o.patience = cmp.Or(o.foldWithin, 250*time.Millisecond), cmp.Or(o.foldBeside, 10*time.Second), cmp.Or(o.patience, 5*time.Minute)
	c := &Catalog{dir: dir, name: currentFile(dir), types: types, now: now, options: o, moved: make(chan struct{}), closing: make(chan struct{}), followed: make(chan struct{})}
	if err := c.sweep(); err != nil {
		return nil, core.Wrap("catalog.Open", err)
	}
	if err := c.open(ctx, dir); err != nil {
		return nil, core.Wrap("catalog.Open", err)
	}
	removeTexts(dir, c.docs.generation)
	run, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.stopped.Go(func() { c.keepTime(run) })
	return c, nil
}

// open opens the file in the catalog's directory, and the text index in another.
func (c *Catalog) open(ctx context.Context, texts string) error {
	if err := c.openDocuments(ctx); err != nil {
		return err
	}
	var err error
	if c.text, err = openTexts(texts, c.docs.generation); err != nil {
		c.docs.close()
		return err
	}
	c.publish()
	if err := c.openTypes(ctx); err != nil {
		c.text.index.Close()
		c.docs.close()
		return err
	}
	c.text.start(c)
	return nil
}

func (c *Catalog) openTypes(ctx context.Context) error {
	for _, t := range c.types.Types() {
		if err := c.bind(ctx, t); err != nil {
			return err
		}
	}
	return c.text.catchUp(ctx, c)
}

// openDocuments fills the memory from the file. When what is in the file cannot be read it is made anew: the log has it all.
func (c *Catalog) openDocuments(ctx context.Context) (err error) {
	for range 2 {
		if c.docs, err = openDocuments(c.file(), c.options.CacheBytes); err != nil {
			return err
		}
		if c.m, err = load(ctx, c.docs, c.types, c.now()); err == nil {
			return nil
		}
		c.docs.close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := removeFile(c.file()); err != nil {
			return core.Errorf(core.CodeUnavailable, "The catalog's damaged file cannot be replaced: check the rights on the data directory. %w", err)
		}
	}
	return err
}

// Close stops what runs beside, a rebuild and a verification too, and closes the files. Nothing may be called afterwards.
func (c *Catalog) Close() error {
	close(c.closing)
	c.remaking.Lock()
	defer c.remaking.Unlock()
	c.stop()
	c.stopped.Wait()
	c.applying.Lock()
	defer c.applying.Unlock()
	terr := c.text.close()
	if err := c.docs.close(); err != nil {
		return core.Wrap("catalog.Close", err)
	}
	return core.Wrap("catalog.Close", terr)
}

// Position is how far the catalog has folded the log.
func (c *Catalog) Position() core.Position { return core.Position(c.position.Load()) }

// Sum is the sum of the commit at Position.
func (c *Catalog) Sum() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.m.sum
}

// Wait returns when Position has reached p.
func (c *Catalog) Wait(ctx context.Context, p core.Position) error {
	for c.Position() < p {
		c.mu.RLock()
		moved := c.moved
		c.mu.RUnlock()
		if c.Position() >= p {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Version rises whenever an answer about the type may have changed.
func (c *Catalog) Version(name core.TypeName) uint64 {
	c.freshen()
	if name == "" {
		return c.version.Load()
	}
	if v, ok := c.versions.Load(name); ok {
		return v.(*atomic.Uint64).Load()
	}
	return 0
}

// NextDue gives the next moment at which an entry of the types changes by itself.
func (c *Catalog) NextDue(types ...core.TypeName) time.Time {
	if c.due.Load() == 0 {
		return time.Time{}
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.m.next(core.StateDraft, types...)
}

// NextPublicDue gives the next moment at which what is published of the types changes by itself.
func (c *Catalog) NextPublicDue(types ...core.TypeName) time.Time {
	if c.due.Load() == 0 {
		return time.Time{}
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.m.next(core.StatePublished, types...)
}

// publish makes known that the memory changed. The caller holds the write lock, or nobody else has the catalog yet.
func (c *Catalog) publish(changed ...*shelf) {
	for _, s := range changed {
		v, _ := c.versions.LoadOrStore(s.name, new(atomic.Uint64))
		v.(*atomic.Uint64).Add(1)
	}
	for _, s := range c.m.shelves {
		s.due, s.publicDue = s.plans.next(), s.plans.nextPublic(c.m.asOf)
	}
	c.version.Add(1)
	var due int64
	if next := c.m.next(core.StateDraft); !next.IsZero() {
		due = next.UnixNano()
	}
	c.due.Store(due)
	c.position.Store(uint64(c.m.position))
	close(c.moved)
	c.moved = make(chan struct{})
}

// freshen carries out what has become due, so that an expiry holds from its moment on for every reader.
func (c *Catalog) freshen() {
	if due := c.due.Load(); due == 0 || c.now().UnixNano() < due {
		return
	}
	c.carryOut()
}

func (c *Catalog) carryOut() {
	c.applying.Lock()
	defer c.applying.Unlock()
	c.carryOutAt(c.now())
}

// carryOutAt makes everything stand as it does at a time. The caller holds applying.
func (c *Catalog) carryOutAt(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	numbers, shelves := c.m.carryOut(now)
	if len(numbers) == 0 {
		return
	}
	c.text.enqueue(numbers)
	c.publish(shelves...)
}

// keepTime carries out what becomes due, so that versions rise without a reader.
func (c *Catalog) keepTime(ctx context.Context) {
	for {
		c.freshen()
		c.mu.RLock()
		moved := c.moved
		c.mu.RUnlock()
		timer := time.NewTimer(c.untilDue())
		select {
		case <-ctx.Done():
		case <-moved:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// untilDue is never very long, since the clock is not ours.
func (c *Catalog) untilDue() time.Duration {
	const longest = 10 * time.Second
	due := c.due.Load()
	if due == 0 {
		return longest
	}
	return min(longest, max(time.Millisecond, time.Unix(0, due).Sub(c.now())))
}
