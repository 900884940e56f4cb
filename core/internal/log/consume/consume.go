// Package consume follows the log for what happens after a commit: the mirror, webhooks, plugins.
//
// A consumer sees every commit at least once and in order. How far it has come is kept in the log's key-value side, so
// it goes on after a restart, on whichever node takes its lease first. Two nodes can believe for a moment that they
// hold the lease; then both may handle the same commits, but only one moves the checkpoint, and the other notices.
package consume

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Options of Run. Holder is needed; what else is zero takes its default.
type Options struct {
	Holder  string                           // this process, by a name that no other one has
	Batch   int                              // the most commits in one call of Handle; 100
	TTL     time.Duration                    // how long the lease outlives a node that died; 15 s
	Retry   time.Duration                    // the pause after a first failure, doubled with each one that follows; 200 ms
	Longest time.Duration                    // the longest pause; one minute
	Report  func(consumer string, err error) // is told of every failure; nil tells nobody
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&o.TTL, 15*time.Second)
	set(&o.Retry, 200*time.Millisecond)
	set(&o.Longest, time.Minute)
	if o.Batch <= 0 {
		o.Batch = 100
	}
	if o.Report == nil {
		o.Report = func(string, error) {}
	}
	return o
}

// Run lets a consumer follow the log until ctx is done, and then returns nil: Handle has returned, what it has done is
// noted, and the lease is free. It returns an error only for a consumer or options that cannot work.
func Run(ctx context.Context, log core.Log, c core.Consumer, o Options) error {
	if c.Name == "" || c.Handle == nil || o.Holder == "" {
		return core.Errorf(core.CodeInternal, "a consumer needs a name, a function and a holder")
	}
	r := &runner{log: log, consumer: c, Options: o.withDefaults()}
	for ctx.Err() == nil {
		r.turn(ctx)
	}
	return nil
}

// Position gives how far a consumer has come, 0 for one that has not begun.
func Position(ctx context.Context, log core.Log, consumer string) (core.Position, error) {
	at, err := load(ctx, log, consumer)
	return at.Position, err
}

// Begin has a consumer that nothing is known of yet begin after a position, whenever it comes to run. One that has begun goes on.
func Begin(ctx context.Context, log core.Log, consumer string, after core.Position) error {
	at, err := load(ctx, log, consumer)
	if err != nil || at.version > 0 {
		return err
	}
	at.Position = after
	if err = at.save(ctx, log, consumer); core.CodeOf(err) == core.CodeConflict {
		return nil // another node was first
	}
	return err
}

// Known lists the consumers that have begun whose names begin with a prefix.
func Known(ctx context.Context, log core.Log, prefix string) ([]string, error) {
	keys, err := log.Keys(ctx, keyOf(prefix))
	for i := range keys {
		keys[i] = strings.TrimPrefix(keys[i], keyOf(""))
	}
	return keys, err
}

// Forget drops how far a consumer has come. One that runs begins anew where it would have begun.
func Forget(ctx context.Context, log core.Log, consumer string) error {
	return log.Delete(ctx, keyOf(consumer))
}

type runner struct {
	log      core.Log
	consumer core.Consumer
	Options
}

// errLost ends a turn: another has the lease, or had it.
var errLost = errors.New("the lease was lost")

// turn takes the lease, or waits for its next chance, and follows the log for as long as it is held.
func (r *runner) turn(ctx context.Context) {
	if !r.take(ctx) {
		return
	}
	held, lose := context.WithCancelCause(ctx)
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		r.renew(held, lose)
	}()
	r.follow(held, lose)
	lose(nil)
	<-renewing
	r.release(ctx)
}

// take tries to get the lease. Without it, it pauses before it reports so.
func (r *runner) take(ctx context.Context) bool {
	_, err := r.log.Lease(ctx, r.name(), r.Holder, r.TTL)
	if err == nil {
		return true
	}
	if core.CodeOf(err) != core.CodeConflict && ctx.Err() == nil {
		r.Report(r.consumer.Name, err)
	}
	pause(ctx, jitter(r.TTL/3))
	return false
}

// renew keeps the lease, and gives it up when another has it or when it may have expired.
func (r *runner) renew(ctx context.Context, lose context.CancelCauseFunc) {
	sure := time.Now().Add(r.TTL)
	for pause(ctx, r.TTL/4) {
		asked := time.Now()
		limited, cancel := context.WithDeadline(ctx, sure)
		_, err := r.log.Lease(limited, r.name(), r.Holder, r.TTL)
		cancel()
		switch {
		case err == nil:
			sure = asked.Add(r.TTL)
		case core.CodeOf(err) == core.CodeConflict || !time.Now().Before(sure):
			lose(errLost)
			return
		}
	}
}

func (r *runner) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := r.log.Release(ctx, r.name(), r.Holder); err != nil {
		r.Report(r.consumer.Name, err)
	}
}

// follow goes from the checkpoint on until ctx is done.
func (r *runner) follow(ctx context.Context, lose context.CancelCauseFunc) {
	var at checkpoint
	r.insist(ctx, func() (err error) {
		at, err = load(ctx, r.log, r.consumer.Name)
		return err
	})
	if at.version == 0 && r.consumer.Begin > 0 && ctx.Err() == nil {
		at.Position = r.consumer.Begin
		r.save(ctx, &at, lose)
	}
	for ctx.Err() == nil {
		var commits []core.Commit
		wait := r.between(ctx)
		r.insist(ctx, func() (err error) {
			commits, err = r.next(ctx, at.Position, wait)
			return err
		})
		if len(commits) > 0 && r.insist(ctx, func() error { return r.handle(ctx, commits) }) {
			at.Position = commits[len(commits)-1].Position
			r.save(ctx, &at, lose)
		}
	}
}

// between lets the consumer do what is due by time. A panic in it ends nothing.
func (r *runner) between(ctx context.Context) (wait time.Duration) {
	if r.consumer.Between == nil {
		return 0
	}
	defer func() {
		if p := recover(); p != nil {
			r.Report(r.consumer.Name, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			wait = r.Longest
		}
	}()
	return r.consumer.Between(ctx)
}

// next reads the commits after a position, and waits for some when there are none, but no longer than it may: then it may give
// none.
func (r *runner) next(ctx context.Context, after core.Position, wait time.Duration) ([]core.Commit, error) {
	commits, err := r.log.Read(ctx, after+1, r.Batch)
	if err != nil || len(commits) > 0 {
		return commits, err
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if wait > 0 {
		limited, cancel = context.WithTimeout(ctx, wait)
	}
	defer cancel()
	if err := r.log.Wait(limited, after); limited.Err() == nil || ctx.Err() != nil {
		return nil, err
	}
	return nil, nil
}

func (r *runner) handle(ctx context.Context, commits []core.Commit) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return r.consumer.Handle(ctx, commits)
}

// save notes what was handled, even when ctx has ended meanwhile: it was. Another version of the checkpoint means that
// another node works on it.
func (r *runner) save(ctx context.Context, at *checkpoint, lose context.CancelCauseFunc) {
	r.insist(ctx, func() error {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err := at.save(limited, r.log, r.consumer.Name)
		if core.CodeOf(err) == core.CodeConflict {
			lose(errLost)
		}
		return err
	})
}

// insist calls f, at least once, until it succeeds or ctx is done, with growing pauses.
func (r *runner) insist(ctx context.Context, f func() error) bool {
	for wait := r.Retry; ; wait = min(2*wait, r.Longest) {
		err := f()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.Report(r.consumer.Name, err)
		if !pause(ctx, jitter(wait)) {
			return false
		}
	}
}

// name is that of the lease and of the checkpoint.
func (r *runner) name() string { return keyOf(r.consumer.Name) }

func keyOf(consumer string) string { return "consumer/" + consumer }

// checkpoint is how far a consumer has come.
type checkpoint struct {
	Position core.Position `json:"position"`
	version  int64
}

func load(ctx context.Context, log core.Log, consumer string) (checkpoint, error) {
	kv, err := log.Get(ctx, keyOf(consumer))
	if core.CodeOf(err) == core.CodeNotFound {
		return checkpoint{}, nil
	}
	at := checkpoint{version: kv.Version}
	if err != nil {
		return at, err
	}
	if err := json.Unmarshal(kv.Value, &at); err != nil {
		return at, core.Errorf(core.CodeInternal, "the checkpoint of the consumer %s cannot be read: %w", consumer, err)
	}
	return at, nil
}

func (c *checkpoint) save(ctx context.Context, log core.Log, consumer string) error {
	value, err := json.Marshal(c)
	if err != nil {
		return err
	}
	version, err := log.Set(ctx, core.KV{Key: keyOf(consumer), Value: value, Version: c.version})
	if err == nil {
		c.version = version
	}
	return err
}

// jitter spreads pauses, so that nodes that failed together do not come back together.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1)
}

// pause waits and reports whether ctx is still going on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
