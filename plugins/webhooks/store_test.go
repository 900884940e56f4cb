package webhooks_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/webhooks"
)

// memory is a store that several nodes share.
type memory struct {
	mu       sync.Mutex
	values   map[string][]byte
	versions map[string]int64
	away     bool
}

func newMemory() *memory { return &memory{values: map[string][]byte{}, versions: map[string]int64{}} }

var errAway = core.Errorf(core.CodeUnavailable, "the store is away")

func (m *memory) Get(_ context.Context, key string) ([]byte, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return nil, 0, errAway
	}
	if m.versions[key] == 0 {
		return nil, 0, core.Errorf(core.CodeNotFound, "absent")
	}
	return m.values[key], m.versions[key], nil
}

func (m *memory) Swap(_ context.Context, key string, value []byte, version int64, _ time.Time) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return 0, errAway
	}
	if m.versions[key] != version {
		return 0, core.Errorf(core.CodeConflict, "changed")
	}
	m.values[key], m.versions[key] = value, version+1
	return version + 1, nil
}

func (m *memory) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	_, err := m.Swap(ctx, key, value, m.versions[key], expires)
	return err
}

func (m *memory) Delete(_ context.Context, key string) error {
	delete(m.values, key)
	delete(m.versions, key)
	return nil
}

func (m *memory) Keys(_ context.Context, prefix string) (keys []string, _ error) {
	for key := range m.values {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// Of several nodes one delivers, and another one when that one is gone.
func TestLease(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	store, ctx := newMemory(), t.Context()
	a, b := webhooks.NewLease(store, "a", clock), webhooks.NewLease(store, "b", clock)
	step := func(what string, after time.Duration, wantA, wantB bool) {
		t.Helper()
		now = now.Add(after)
		if gotA, gotB := a.Hold(ctx), b.Hold(ctx); gotA != wantA || gotB != wantB {
			t.Errorf("%s: a %v, b %v", what, gotA, gotB)
		}
	}
	step("the first", 0, true, false)
	step("renewed", 25*time.Second, true, false)
	step("renewed again", 25*time.Second, true, false)
	a.Release(ctx)
	if !b.Hold(ctx) {
		t.Error("released, it is not to be had")
	}
	step("taken over", time.Second, false, true)
	now = now.Add(31 * time.Second) // b is paused
	step("at its end", 0, true, false)
	store.away = true
	step("the store is away", 5*time.Second, true, false)
	step("for long", 30*time.Second, false, false)
	store.away = false
	step("and is back", 0, true, false)
}

// However many nodes want it at once, one gets it.
func TestLease_race(t *testing.T) {
	t.Parallel()
	store, now := newMemory(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	var wg sync.WaitGroup
	won := make(chan string, 20)
	for i := range 20 {
		wg.Go(func() {
			name := string(rune('a' + i))
			if webhooks.NewLease(store, name, func() time.Time { return now }).Hold(t.Context()) {
				won <- name
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d nodes deliver", len(won))
	}
}

// keeper is a host that has a store.
type keeper struct {
	plugin.Host
	store *memory
}

func (k keeper) Store() plugin.Store { return k.store }

// Of each endpoint the last thousand of what was delivered stay.
func TestTidy(t *testing.T) {
	t.Parallel()
	store, ctx := newMemory(), t.Context()
	for n := range 1005 {
		for _, key := range []string{"done/a/%04d", "done/b/%04d", "q/a/%04d", "dead/a/%04d"} {
			if err := store.Put(ctx, fmt.Sprintf(key, n), nil, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := webhooks.Tidy(ctx, keeper{store: store}); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]string{"done/a/": "done/a/0005", "done/b/": "done/b/0005", "q/a/": "q/a/0000", "dead/a/": "dead/a/0000"} {
		if keys, _ := store.Keys(ctx, prefix); keys[0] != want || keys[len(keys)-1] != prefix+"1004" {
			t.Errorf("the first that stays is %s, want %s", keys[0], want)
		}
	}
}
