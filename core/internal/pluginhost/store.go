package pluginhost

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

const (
	defaultQuota = 1 << 20
	maxKey       = 200
)

// store keeps one plugin's own data among the log's keys.
type store struct {
	one    *one
	prefix string
}

// Get implements plugin.Store.
func (s *store) Get(ctx context.Context, key string) ([]byte, int64, error) {
	kv, err := s.one.host.parts.Log.Get(ctx, s.prefix+key)
	return kv.Value, kv.Version, err
}

// Put implements plugin.Store.
func (s *store) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	for {
		old, version, err := s.Get(ctx, key)
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
		_, err = s.swap(ctx, key, value, version, expires, weightOf(key, old, version))
		if core.CodeOf(err) != core.CodeConflict || ctx.Err() != nil {
			return err
		}
	}
}

// Swap implements plugin.Store.
func (s *store) Swap(ctx context.Context, key string, value []byte, version int64, expires time.Time) (int64, error) {
	var was int64
	if version != 0 {
		old, have, err := s.Get(ctx, key)
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return 0, err
		}
		was = weightOf(key, old, have)
	}
	return s.swap(ctx, key, value, version, expires, was)
}

// swap is Swap where it is known what the key weighs now.
func (s *store) swap(ctx context.Context, key string, value []byte, version int64, expires time.Time, was int64) (int64, error) {
	if key == "" || len(key) > maxKey || strings.ContainsAny(key, "\x00\n") {
		return 0, core.Errorf(core.CodeBadRequest, "A key has 1 to %d bytes, on one line.", maxKey)
	}
	more := int64(len(key)+len(value)) - was
	if err := s.reserve(ctx, more); err != nil {
		return 0, err
	}
	version, err := s.one.host.parts.Log.Set(ctx, core.KV{Key: s.prefix + key, Value: value, Version: version, Expires: expires})
	if err != nil {
		s.one.ledger.add(-more)
	}
	return version, err
}

// Delete implements plugin.Store.
func (s *store) Delete(ctx context.Context, key string) error {
	old, version, err := s.Get(ctx, key)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	if err := s.one.host.parts.Log.Delete(ctx, s.prefix+key); err != nil {
		return err
	}
	s.one.ledger.add(-weightOf(key, old, version))
	return nil
}

// weightOf is what a value counts for, 0 for one that is not there.
func weightOf(key string, value []byte, version int64) int64 {
	if version == 0 {
		return 0
	}
	return int64(len(key) + len(value))
}

// Keys implements plugin.Store.
func (s *store) Keys(ctx context.Context, prefix string) ([]string, error) {
	keys, err := s.one.host.parts.Log.Keys(ctx, s.prefix+prefix)
	for i := range keys {
		keys[i] = strings.TrimPrefix(keys[i], s.prefix)
	}
	return keys, err
}

// ledger is what a plugin's data weighs, as this node knows it: as the store has weighed it, and what this node has written since.
// What other nodes have written, and what has expired, counts from the next weighing on: the quota holds roughly at every moment,
// and exactly in the long run, whatever node dies at whatever moment.
type ledger struct {
	mu      sync.Mutex
	prefix  string // of the data that was weighed
	weighed time.Time
	total   int64
}

const (
	weighedFor   = 5 * time.Minute  // how long a weighing is gone by
	refusedAfter = 10 * time.Second // and how long where it would refuse something
)

func (l *ledger) add(more int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total += more
}

// reserve makes room for more bytes within the quota. Less is always possible.
func (s *store) reserve(ctx context.Context, more int64) error {
	quota := s.one.Manifest.Capabilities.StoreBytes
	if quota == 0 {
		quota = defaultQuota
	}
	l := &s.one.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := s.weigh(ctx, l, weighedFor); err != nil {
		return err
	}
	if more > 0 && l.total+more > quota {
		if err := s.weigh(ctx, l, refusedAfter); err != nil {
			return err
		}
	}
	if more > 0 && l.total+more > quota {
		return core.Refuse(core.CodeTooLarge, "quota", "The plugin %s may keep %d bytes, and this would make %d.",
			"L’extension %s peut conserver %d octets, et cela en ferait %d.", s.one.id(), quota, l.total+more)
	}
	l.total += more
	return nil
}

// weigh has the store weigh the data, unless that was done a short while ago.
func (s *store) weigh(ctx context.Context, l *ledger, goodFor time.Duration) error {
	now := s.one.host.now()
	if l.prefix == s.prefix && now.Sub(l.weighed).Abs() < goodFor { // the clock may have gone back
		return nil
	}
	w, err := s.one.host.parts.Log.Weigh(ctx, s.prefix)
	if err != nil {
		return err
	}
	l.prefix, l.weighed, l.total = s.prefix, now, w.Bytes-w.Keys*int64(len(s.prefix))
	return nil
}
