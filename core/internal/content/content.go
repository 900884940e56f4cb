// Package content is the write path: the only way in which an entry changes.
//
// A write goes through three hands. It is prepared: the caller's right, the document, the hooks and the rules are looked
// at, and every answer of the catalog that mattered is noted (write.go is the page to read first). It is proposed to
// the writer, one goroutine for each node, which asks the noted questions again, against the catalog and the
// proposals accepted just before. If every answer stands, the proposal becomes a commit, together with its neighbours in
// one append; if one has moved, the write is prepared anew. At last the commit is applied to the catalog, and the
// proposer gets the answer.
//
// So what a write was decided on is exactly what it was committed on, on however many nodes: the position in the log is
// the only lock between them.
//
//	write.go       the stages of every operation
//	document.go    what a caller sends becomes the new document
//	authorise.go   rights, rows and fields
//	events.go      hooks
//	erase.go       personal data that is taken out
//	world.go       what a write depends on, and how it is noted and asked again
//	writer.go      group commit, and unknown outcomes
//	follow.go      other nodes' commits
//	schedule.go    transitions that become due
package content

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Observer is told of commits before the catalog, in order, so that the types which they define are known when
// the catalog looks them up. It must not fail on what is in the log, and must bear being told twice after a fault.
type Observer interface {
	Apply(commits []core.Commit)
}

// Config is what New needs. Observers, Logger and Patience may be left out.
type Config struct {
	Log       core.Log
	Catalog   core.Catalog
	Types     core.Types
	Access    core.Access
	Hooks     *core.Hooks
	Observers []Observer
	Logger    *slog.Logger
	// Uncomputed is told before an entry is written whose computed fields cannot be brought up to date, as a plugin is off.
	Uncomputed func(ctx context.Context, name core.TypeName) error
	// Patience is how long a write waits for a store that does not answer before it gives up with CodeUnavailable;
	// 3 seconds when zero. Waiting behind other writes does not count.
	Patience time.Duration
}

// Content implements core.Content. Its methods may be called at once, between Start and Close.
type Content struct {
	log        core.Log
	catalog    core.Catalog
	types      core.Types
	access     core.Access
	hooks      *core.Hooks
	observers  []Observer
	logger     *slog.Logger
	uncomputed func(ctx context.Context, name core.TypeName) error

	stored    world // the catalog, as what writes depend on
	clock     clock
	health    health
	writer    *writer
	timetable *timetable
	turns     turns

	listeners listeners
	stop      context.CancelFunc
	running   sync.WaitGroup
}

var _ core.Content = (*Content)(nil)

const defaultPatience = 3 * time.Second

// New makes the write path of a node. Nothing runs before Start.
func New(cfg Config) *Content {
	if cfg.Patience == 0 {
		cfg.Patience = defaultPatience
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Content{log: cfg.Log, catalog: cfg.Catalog, types: cfg.Types, access: cfg.Access, hooks: cfg.Hooks,
		observers: cfg.Observers, logger: cfg.Logger, uncomputed: cfg.Uncomputed, timetable: newTimetable()}
	c.stored = catalogWorld{c.catalog, c.types}
	c.writer = newWriter(c, cfg.Patience)
	return c
}

// Start brings the catalog up to the end of the log, as far as the store can be reached, and starts the writer,
// the follower and the scheduler. With the store away it starts on what the catalog has. ctx bounds the catching up
// only; Close ends what Start began.
func (c *Content) Start(ctx context.Context) error {
	if err := c.catchUpBeforeServing(ctx); err != nil {
		return err
	}
	background, stop := context.WithCancel(context.Background())
	c.stop = stop
	for _, run := range []func(context.Context){c.writer.run, c.follow, c.heartbeat, c.runSchedule} {
		c.running.Go(func() { run(background) })
	}
	return nil
}

// Close ends what Start began and waits for it. Writes still waiting give CodeUnavailable.
func (c *Content) Close() error {
	if c.stop != nil {
		c.stop()
	}
	c.running.Wait()
	return nil
}

// Ready implements core.Content.
func (c *Content) Ready() error { return c.health.err() }

// Subscribe has f called after each step of the catalog, in order, until cancel. f must return at once and
// must not write.
func (c *Content) Subscribe(f func(core.Position)) (cancel func()) { return c.listeners.add(f) }

// listeners are the functions that want to know how far the catalog is. The zero listeners are ready.
type listeners struct {
	mu   sync.Mutex
	next int
	list map[int]func(core.Position)
}

func (l *listeners) add(f func(core.Position)) (cancel func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.list == nil {
		l.list = map[int]func(core.Position){}
	}
	id := l.next
	l.next++
	l.list[id] = f
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.list, id)
	}
}

func (l *listeners) tell(p core.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.list {
		f(p)
	}
}
