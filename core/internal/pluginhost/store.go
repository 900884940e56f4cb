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
		_, version, err := s.Get(ctx, key)
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
		_, err = s.Swap(ctx, key, value, version, expires)
		if core.CodeOf(err) != core.CodeConflict || ctx.Err() != nil {
			return err
		}
	}
}

// Swap implements plugin.Store.
func (s *store) Swap(ctx context.Context, key string, value []byte, version int64, expires time.Time) (int64, error) {
	if key == "" || len(key) > maxKey || strings.ContainsAny(key, "\x00\n") {
		return 0, core.Errorf(core.CodeBadRequest, "A key has 1 to %d bytes, on one line.", maxKey)
	}
	if err := s.account(ctx, key, len(value)); err != nil {
		return 0, err
	}
	return s.one.host.parts.Log.Set(ctx, core.KV{Key: s.prefix + key, Value: value, Version: version, Expires: expires})
}

// Delete implements plugin.Store.
func (s *store) Delete(ctx context.Context, key string) error {
	if err := s.account(ctx, key, 0); err != nil {
		return err
	}
	return s.one.host.parts.Log.Delete(ctx, s.prefix+key)
}

// Keys implements plugin.Store.
func (s *store) Keys(ctx context.Context, prefix string) ([]string, error) {
	keys, err := s.one.host.parts.Log.Keys(ctx, s.prefix+prefix)
	for i := range keys {
		keys[i] = strings.TrimPrefix(keys[i], s.prefix)
	}
	return keys, err
}

// ledger is what each key of a plugin weighs, as this node knows it: another node's writes count from the next reading on, so
// that the quota holds roughly at every moment and exactly in the long run.
type ledger struct {
	mu    sync.Mutex
	read  time.Time
	sizes map[string]int
	total int64
}

// ledgerFor is how long a reading is gone by.
const ledgerFor = 5 * time.Minute

// account sees to it that the data stays within the quota.
func (s *store) account(ctx context.Context, key string, size int) error {
	quota := s.one.Manifest.Capabilities.StoreBytes
	if quota == 0 {
		quota = defaultQuota
	}
	l := &s.one.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := s.readLedger(ctx, l); err != nil {
		return err
	}
	weighs := 0
	if size > 0 {
		weighs = size + len(key)
	}
	total := l.total + int64(weighs-l.sizes[key])
	if weighs > l.sizes[key] && total > quota {
		return core.Refuse(core.CodeTooLarge, "quota", "The plugin %s may keep %d bytes, and this would make %d.",
			"L’extension %s peut conserver %d octets, et cela en ferait %d.", s.one.id(), quota, total)
	}
	l.sizes[key], l.total = weighs, total
	return nil
}

func (s *store) readLedger(ctx context.Context, l *ledger) error {
	now := s.one.host.now()
	if l.sizes != nil && now.Sub(l.read) < ledgerFor {
		return nil
	}
	keys, err := s.Keys(ctx, "")
	if err != nil {
		return err
	}
	sizes, total := make(map[string]int, len(keys)), int64(0)
	for _, key := range keys {
		value, _, err := s.Get(ctx, key)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return err
		}
		sizes[key] = len(value) + len(key)
		total += int64(sizes[key])
	}
	l.sizes, l.total, l.read = sizes, total, now
	return nil
}
