package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
	"github.com/palabre-cms/palabre/core/plugin"
)

// fake is a plugin made of what a test wants it to register.
type fake struct {
	id       string
	register func(r *plugin.Registry) error
}

func (f fake) Manifest() plugin.Manifest         { return plugin.Manifest{ID: f.id, Version: "1.0.0"} }
func (f fake) Register(r *plugin.Registry) error { return f.register(r) }

// cluster is hosts of a plugin on one log, by a clock that the test moves.
type cluster struct {
	log   core.Log
	hosts []*Host
	mu    sync.Mutex
	at    time.Time
}

func (c *cluster) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *cluster) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newCluster(t testing.TB, size int, p plugin.Plugin) *cluster {
	t.Helper()
	c := &cluster{at: time.Date(2030, 1, 1, 0, 0, 30, 0, time.UTC)}
	log, err := sqlitelog.Open(filepath.Join(t.TempDir(), "log.db"), sqlitelog.Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	c.log = log
	for i := range size {
		h := New(&core.Hooks{}, slog.New(slog.DiscardHandler), p)
		h.Wire(Parts{Log: log, Now: c.now, Holder: fmt.Sprint("node", i), Logger: h.logger})
		c.hosts = append(c.hosts, h)
	}
	return c
}

// each has all hosts do something at the same time.
func (c *cluster) each(f func(h *Host)) {
	var all sync.WaitGroup
	for _, h := range c.hosts {
		all.Go(func() { f(h) })
	}
	all.Wait()
}

// tick has every host look at its timetable, until none of them finds anything to do.
func (c *cluster) tick(ctx context.Context) {
	for range 3 {
		c.each(func(h *Host) { h.doJob(ctx, h.plugins[0], &h.plugins[0].Jobs[0]) })
	}
}

// A job is done once for each of its times, on whichever node, and once after a time in which there was none; one that skips
// passes that over.
func TestJobs_onceInACluster(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		skip bool
		late int32
	}{{false, 1}, {true, 0}} {
		var runs atomic.Int32
		c := newCluster(t, 3, fake{"dev.acme.jobs", func(r *plugin.Registry) error {
			return plugin.Every(r, plugin.Job{Name: "count", Spec: "* * * * *", Skip: tc.skip, Run: func(context.Context, plugin.Host) error { runs.Add(1); return nil }})
		}})
		c.tick(t.Context())
		for range 60 {
			c.advance(time.Minute)
			c.tick(t.Context())
		}
		if got := runs.Swap(0); got != 60 {
			t.Errorf("skip %v: %d runs in 60 minutes", tc.skip, got)
		}
		c.advance(10 * time.Minute)
		c.tick(t.Context())
		if got := runs.Swap(0); got != tc.late {
			t.Errorf("skip %v: %d runs after 10 minutes without a node, want %d", tc.skip, got, tc.late)
		}
		c.advance(time.Minute)
		c.tick(t.Context())
		if got := runs.Load(); got != 1 {
			t.Errorf("skip %v: %d runs at the next time", tc.skip, got)
		}
	}
}

// A job that fails is tried again before its next time, on any node.
func TestJobs_again(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	c := newCluster(t, 2, fake{"dev.acme.jobs", func(r *plugin.Registry) error {
		return plugin.Every(r, plugin.Job{Name: "fail", Spec: "@hourly", Run: func(context.Context, plugin.Host) error {
			if runs.Add(1) == 1 {
				return errors.New("not now")
			}
			return nil
		}})
	}})
	c.tick(t.Context())
	c.advance(time.Hour)
	c.tick(t.Context())
	for _, want := range []int32{1, 2, 2} {
		if got := runs.Load(); got != want {
			t.Errorf("%d runs, want %d", got, want)
		}
		c.advance(6 * time.Second)
		c.tick(t.Context())
	}
}

// Steps are done in order and once, however many nodes are there to do them.
func TestMigrate_onceInACluster(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var did []string
	c := newCluster(t, 2, fake{"dev.acme.mover", steps(&mu, &did, "one", "two", "three")})
	c.each(func(h *Host) {
		if err := h.plugins[0].migrate(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if got := strings.Join(did, " "); got != "one two three" {
		t.Errorf("did %s", got)
	}
}

// A node that dies at a step leaves it to another, which goes on there when the lease has run out.
func TestMigrate_afterACrash(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var did []string
	c := newCluster(t, 1, fake{"dev.acme.mover", steps(&mu, &did, "one", "two", "three")})
	o := c.hosts[0].plugins[0]
	_, err := c.log.Set(t.Context(), core.KV{Key: o.migrationsKey(), Value: []byte(`["one"]`)})
	if _, held := c.log.Lease(t.Context(), o.migrationsKey(), "dead", migrateLease); err != nil || held != nil {
		t.Fatal(err, held)
	}
	done := make(chan error, 1)
	go func() { done <- o.migrate(t.Context()) }()
	select {
	case err := <-done:
		t.Fatalf("it did not wait for the lease: %v, did %v", err, did)
	case <-time.After(10 * time.Millisecond):
	}
	c.advance(2 * migrateLease)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(did, " "); got != "two three" {
		t.Errorf("did %s", got)
	}
}

func steps(mu *sync.Mutex, did *[]string, names ...string) func(r *plugin.Registry) error {
	return func(r *plugin.Registry) error {
		for _, name := range names {
			if err := plugin.Migrate(r, name, func(context.Context, plugin.Host) error {
				mu.Lock()
				defer mu.Unlock()
				*did = append(*did, name)
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	}
}

// The chains are the same on every node, whatever the order in which a program lists its plugins; so is who is left out.
func TestOrder(t *testing.T) {
	t.Parallel()
	hooked := func(id string, options ...plugin.Option) plugin.Plugin {
		return fake{id, func(r *plugin.Registry) error {
			return plugin.Before(r, plugin.EntryCreate, func(context.Context, *core.EntryEvent) error { return nil }, options...)
		}}
	}
	for name, tc := range map[string]struct {
		plugins [3]plugin.Plugin
		order   string
		left    string
	}{
		"by name":         {plugins: [3]plugin.Plugin{hooked("dev.b"), hooked("dev.a"), hooked("dev.c")}, order: "dev.a dev.b dev.c"},
		"by dependencies": {plugins: [3]plugin.Plugin{hooked("dev.b"), hooked("dev.a", plugin.AfterPlugins("dev.c")), hooked("dev.c", plugin.AfterPlugins("dev.b"))}, order: "dev.b dev.c dev.a"},
		"a circle": {plugins: [3]plugin.Plugin{hooked("dev.b", plugin.AfterPlugins("dev.c")), hooked("dev.a", plugin.AfterPlugins("dev.b")), hooked("dev.c", plugin.AfterPlugins("dev.b"))},
			order: "dev.a", left: "dev.b dev.c"},
		"two circles": {plugins: [3]plugin.Plugin{hooked("dev.b", plugin.AfterPlugins("dev.a")), hooked("dev.a", plugin.AfterPlugins("dev.b", "dev.c")), hooked("dev.c", plugin.AfterPlugins("dev.a"))},
			order: "dev.c", left: "dev.a dev.b"},
	} {
		for _, i := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			h := New(&core.Hooks{}, slog.New(slog.DiscardHandler), tc.plugins[i[0]], tc.plugins[i[1]], tc.plugins[i[2]])
			order := ordered(h)
			var left []string
			for _, l := range h.LeftOut() {
				left = append(left, l.ID)
			}
			slices.Sort(left)
			if got := strings.Join(left, " "); order != tc.order || got != tc.left {
				t.Errorf("%s, in the order %v: %s, without %q", name, i, order, got)
			}
		}
	}
}

// ordered are the plugins with handlers at a creation, in their order.
func ordered(h *Host) string {
	var ids []string
	for _, p := range h.Order()["entry.create"] {
		ids = append(ids, strings.TrimSuffix(p.Handler, "/entry.create"))
	}
	return strings.Join(ids, " ")
}

// A job that is broken off as the node ends is due still.
func TestJobs_brokenOff(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	var done atomic.Int32
	c := newCluster(t, 1, fake{"dev.acme.jobs", func(r *plugin.Registry) error {
		return plugin.Every(r, plugin.Job{Name: "daily", Spec: "@daily", Run: func(run context.Context, _ plugin.Host) error {
			end()
			if run.Err() != nil {
				return run.Err()
			}
			done.Add(1)
			return nil
		}})
	}})
	c.tick(ctx)
	c.advance(24 * time.Hour)
	c.tick(ctx)
	c.advance(time.Minute)
	ctx = t.Context()
	end = func() {}
	c.tick(ctx)
	if done.Load() != 1 {
		t.Errorf("done %d times, want once", done.Load())
	}
}

// A job that does not end with its plugin's being on does not run beside itself when that is on again.
func TestJobs_notTwiceAtOnce(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	hang, begun := make(chan struct{}), make(chan struct{}, 10)
	c := newCluster(t, 1, fake{"dev.acme.jobs", func(r *plugin.Registry) error {
		return plugin.Every(r, plugin.Job{Name: "often", Spec: "* * * * *", Run: func(context.Context, plugin.Host) error {
			begun <- struct{}{}
			if runs.Add(1) == 1 {
				<-hang
			}
			return nil
		}})
	}})
	h, o := c.hosts[0], c.hosts[0].plugins[0]
	h.parts.Hasty = true
	c.tick(t.Context())
	c.advance(time.Minute)
	on, off := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { h.doJobs(on, o) })
	<-begun
	off()
	on, off = context.WithTimeout(t.Context(), 100*time.Millisecond) // long enough for a job that is due to begin
	defer off()
	h.doJobs(on, o)
	if got := runs.Load(); got != 1 {
		t.Errorf("%d at once", got)
	}
	close(hang)
	ended.Wait()
	on, off = context.WithCancel(t.Context())
	ended.Go(func() { h.doJobs(on, o) })
	<-begun // it was broken off, and is due still
	off()
	ended.Wait()
}

// begins is a plugin with a start.
type begins struct {
	fake
	start func(ctx context.Context) error
}

func (b begins) Start(ctx context.Context, _ plugin.Host) error { return b.start(ctx) }

// The context of a start ends with the time for it, and with the plugin's being on: what comes too late goes on nowhere.
func TestStart_context(t *testing.T) {
	t.Parallel()
	begun := make(chan context.Context, 1)
	c := newCluster(t, 1, begins{fake{"dev.acme.x", func(*plugin.Registry) error { return nil }}, func(ctx context.Context) error {
		begun <- ctx
		<-ctx.Done()
		return ctx.Err()
	}})
	o := c.hosts[0].plugins[0]
	now := newStint(context.Background())
	failed := make(chan error, 1)
	go func() { failed <- o.start(t.Context(), now, o.Plugin.(plugin.Starter)) }()
	ctx := <-begun
	if at, ok := ctx.Deadline(); !ok || time.Until(at) > startWithin {
		t.Errorf("it has until %v, %v", at, ok)
	}
	now.end()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
