package pluginhost

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// retryAfter are the pauses before a follower is told again of a change that it has failed at. After the last one the change
// is put among the dead letters.
var retryAfter = []time.Duration{5 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}

// letter is a change that a follower has yet to be told of, or, dead, one that it never coped with. The change itself stands
// in the log.
type letter struct {
	Event    string        `json:"event"`
	Position core.Position `json:"position"`
	Change   int           `json:"change"`
	Type     core.TypeName `json:"type"`
	Entry    core.EntryID  `json:"entry"`
	Attempts int           `json:"attempts"`
	Due      time.Time     `json:"due"`
	Error    string        `json:"error"`
	version  int64
}

// follower is a plugin's handler on its way along the log, while this node has the lease.
type follower struct {
	*one
	*plugin.Follower
	waiting map[core.EntryID][]*letter // by position; nil until they were read
}

// runFollower follows the log until ctx is done.
// One that nothing is known of yet begins after a position.
func (h *Host) runFollower(ctx context.Context, o *one, f *plugin.Follower, begin core.Position) {
	w := &follower{one: o, Follower: f}
	h.parts.Follow(ctx, core.Consumer{Name: o.consumer(f), Handle: w.handle, Between: w.between, Begin: begin})
}

// consumer is what a follower is called among those of the log.
func (o *one) consumer(f *plugin.Follower) string {
	if i := o.installed(); i != "" {
		return o.id() + "@" + i + "." + f.Name
	}
	return o.id() + "." + f.Name
}

func (w *follower) queue() string { return w.prefix() + "after/" + w.Name + "/queue/" }
func (w *follower) dead() string  { return w.prefix() + "after/" + w.Name + "/dead/" }

// handle tells the plugin of commits. What it fails at is put aside, so that it holds back nothing but the same entry.
func (w *follower) handle(ctx context.Context, commits []core.Commit) error {
	if err := w.read(ctx); err != nil {
		return err
	}
	last := commits[len(commits)-1].Position
	if err := w.host.parts.Catalog.Wait(ctx, last); err != nil { // who is told of a change finds it
		return err
	}
	for i := range commits {
		for k := range commits[i].Changes {
			if err := w.tell(ctx, &commits[i], k); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *follower) tell(ctx context.Context, c *core.Commit, k int) error {
	change := &c.Changes[k]
	if !w.Wants(change) || w.own(c) {
		return nil
	}
	e := plugin.EventOf(w.Types(), c, k)
	l := &letter{Event: e.EventID, Position: c.Position, Change: k, Type: change.Type, Entry: change.Entry}
	if behind := w.waiting[change.Entry]; len(behind) > 0 {
		if slices.ContainsFunc(behind, func(b *letter) bool { return b.Event == l.Event }) {
			return nil // told again of a batch that was begun
		}
		l.Due = behind[len(behind)-1].Due
		return w.put(ctx, l)
	}
	err := w.deliver(ctx, e)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	w.failed(l, err)
	return w.put(ctx, l)
}

// own reports whether the plugin itself is behind a commit, on its own behalf.
func (w *follower) own(c *core.Commit) bool { return c.By == "plugin:"+w.id() }

func (w *follower) deliver(ctx context.Context, e plugin.Committed) error {
	ctx, cancel := context.WithTimeout(ctx, w.Within)
	defer cancel()
	return w.guarded("after "+w.Name, func() error { return w.Handle(ctx, w.one, e) })
}

// failed notes an attempt in vain.
func (w *follower) failed(l *letter, err error) {
	l.Attempts++
	l.Error = clipped(err.Error())
	if l.Attempts <= len(retryAfter) {
		l.Due = w.host.now().Add(retryAfter[l.Attempts-1])
	}
	w.host.logger.Warn("a plugin failed at a change", "plugin", w.id(), "follower", w.Name, "event", l.Event, "attempt", l.Attempts, "error", err)
}

func (w *follower) put(ctx context.Context, l *letter) error {
	if err := w.keep(ctx, w.queue(), l); err != nil {
		return err
	}
	if l.Attempts > len(retryAfter) {
		return w.bury(ctx, l)
	}
	if !slices.Contains(w.waiting[l.Entry], l) {
		w.waiting[l.Entry] = append(w.waiting[l.Entry], l)
	}
	return nil
}

func (w *follower) keep(ctx context.Context, under string, l *letter) error {
	text, err := json.Marshal(l)
	if err != nil {
		return core.Wrap("pluginhost.keep", err)
	}
	l.version, err = w.host.parts.Log.Set(ctx, core.KV{Key: under + l.key(), Value: text, Version: l.version})
	return err
}

// key sorts letters as their changes stand in the log.
func (l *letter) key() string { return fmt.Sprintf("%016d-%06d", l.Position, l.Change) }

// bury puts a letter among the dead.
func (w *follower) bury(ctx context.Context, l *letter) error {
	dead := *l
	dead.version = 0
	if err := w.keep(ctx, w.dead(), &dead); err != nil && core.CodeOf(err) != core.CodeConflict {
		return err
	}
	w.host.logger.Error("a plugin never coped with a change", "plugin", w.id(), "follower", w.Name, "event", l.Event, "error", l.Error)
	return w.done(ctx, l)
}

func (w *follower) done(ctx context.Context, l *letter) error {
	if err := w.host.parts.Log.Delete(ctx, w.queue()+l.key()); err != nil {
		return err
	}
	left := slices.DeleteFunc(w.waiting[l.Entry], func(x *letter) bool { return x == l })
	if w.waiting[l.Entry] = left; len(left) == 0 {
		delete(w.waiting, l.Entry)
	}
	return nil
}

// read gets what was put aside, by whichever node.
func (w *follower) read(ctx context.Context) error {
	if w.waiting != nil {
		return nil
	}
	waiting := map[core.EntryID][]*letter{}
	keys, err := w.host.parts.Log.Keys(ctx, w.queue())
	if err != nil {
		return err
	}
	for _, key := range keys {
		l, err := w.host.letter(ctx, key)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return err
		}
		waiting[l.Entry] = append(waiting[l.Entry], l)
	}
	w.waiting = waiting
	return nil
}

func (h *Host) letter(ctx context.Context, key string) (*letter, error) {
	kv, err := h.parts.Log.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	l := &letter{version: kv.Version}
	return l, core.Wrap("pluginhost.letter", json.Unmarshal(kv.Value, l))
}

// lookAgain is how long a follower waits at most before it looks whether a letter was put back into its queue.
const lookAgain = 5 * time.Second

// lookSoon is the same where letters wait: the store's clock, by which they are due, is not this node's.
const lookSoon = time.Second

// between tells the plugin again of what is due.
func (w *follower) between(ctx context.Context) time.Duration {
	w.waiting = nil // letters may have been put back by another node
	if err := w.read(ctx); err != nil {
		return w.host.pause(lookAgain)
	}
	now, wait := w.host.now(), lookAgain
	if len(w.waiting) > 0 {
		wait = lookSoon
	}
	for _, letters := range w.waiting {
		for len(letters) > 0 && !letters[0].Due.After(now) && ctx.Err() == nil {
			l := letters[0]
			if err := w.again(ctx, l); err != nil {
				w.host.logger.Warn("a plugin's letter waits", "plugin", w.id(), "event", l.Event, "error", err)
				return w.host.pause(lookAgain)
			}
			if letters = w.waiting[l.Entry]; len(letters) > 0 && letters[0] == l {
				break // failed once more
			}
		}
		if len(letters) > 0 {
			wait = min(wait, letters[0].Due.Sub(now))
		}
	}
	return w.host.pause(wait)
}

func (w *follower) again(ctx context.Context, l *letter) error {
	commits, err := w.host.parts.Log.Read(ctx, l.Position, 1)
	if err != nil {
		return err
	}
	if len(commits) == 0 || commits[0].Position != l.Position || l.Change >= len(commits[0].Changes) {
		return w.done(ctx, l)
	}
	err = w.deliver(ctx, plugin.EventOf(w.Types(), &commits[0], l.Change))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		return w.done(ctx, l)
	}
	w.failed(l, err)
	return w.put(ctx, l)
}

// failures are the letters of a plugin, dead and waiting.
func (h *Host) failures(ctx context.Context, o *one) (waiting, dead []*letter, err error) {
	keys, err := h.parts.Log.Keys(ctx, o.prefix()+"after/")
	if err != nil {
		return nil, nil, err
	}
	for _, key := range keys {
		l, err := h.letter(ctx, key)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if strings.Contains(key, "/dead/") {
			dead = append(dead, l)
		} else {
			waiting = append(waiting, l)
		}
	}
	return waiting, dead, nil
}

// replay puts dead letters back into the queue: that of one event, or with "" all.
func (h *Host) replay(ctx context.Context, o *one, event string) (n int, err error) {
	keys, err := h.parts.Log.Keys(ctx, o.prefix()+"after/")
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		if !strings.Contains(key, "/dead/") {
			continue
		}
		l, err := h.letter(ctx, key)
		if err != nil || event != "" && l.Event != event {
			continue
		}
		l.Attempts, l.Due = 0, h.now()
		text, err := json.Marshal(l)
		if err != nil {
			return n, err
		}
		if _, err := h.parts.Log.Set(ctx, core.KV{Key: strings.Replace(key, "/dead/", "/queue/", 1), Value: text}); err != nil && core.CodeOf(err) != core.CodeConflict {
			return n, err
		}
		if err := h.parts.Log.Delete(ctx, key); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
