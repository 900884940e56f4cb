package logtest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/palabre-cms/palabre/core"
)

func mustSet(t testing.TB, l core.Log, kv core.KV) int64 {
	t.Helper()
	version, err := l.Set(t.Context(), kv)
	if err != nil {
		t.Fatalf("Set of %q: %v", kv.Key, err)
	}
	return version
}

func testKeyValue(t *testing.T, l core.Log) {
	_, err := l.Get(t.Context(), "absent")
	wantCode(t, "an absent key", err, core.CodeNotFound)
	for _, key := range []string{"a", "$where", "a.b", "__proto__", "100%_", "été/👩🏽‍🚒", strings.Repeat("k", 1024)} {
		want := core.KV{Key: key, Value: []byte("\x00\xff{$set}" + key)}
		want.Version = mustSet(t, l, want)
		got, err := l.Get(t.Context(), key)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%.20q: %v (-want +got):\n%s", key, err, diff)
		}
	}
	mustSet(t, l, core.KV{Key: "empty"})
	if got, err := l.Get(t.Context(), "empty"); err != nil || len(got.Value) != 0 {
		t.Errorf("an empty value: got %v, %v", got, err)
	}
	if _, err := l.Get(t.Context(), "A"); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("keys tell capitals apart: got %v", err)
	}
	for range 2 {
		if err := l.Delete(t.Context(), "a"); err != nil {
			t.Errorf("Delete: %v", err)
		}
	}
	_, err = l.Get(t.Context(), "a")
	wantCode(t, "a deleted key", err, core.CodeNotFound)
}

func testKeyVersions(t *testing.T, l core.Log) {
	first := mustSet(t, l, core.KV{Key: "a", Value: []byte("1")})
	second := mustSet(t, l, core.KV{Key: "a", Value: []byte("2"), Version: first})
	if first <= 0 || second <= first {
		t.Errorf("got versions %d and %d, want them to rise", first, second)
	}
	for _, tc := range []struct {
		name    string
		key     string
		version int64
	}{
		{"created twice", "a", 0},
		{"an old version", "a", first},
		{"a version to come", "a", second + 1},
		{"an absent key with a version", "b", 1},
	} {
		_, err := l.Set(t.Context(), core.KV{Key: tc.key, Value: []byte("x"), Version: tc.version})
		wantCode(t, tc.name, err, core.CodeConflict)
	}
	if got, err := l.Get(t.Context(), "a"); err != nil || string(got.Value) != "2" || got.Version != second {
		t.Errorf("got %v, %v, want the second value", got, err)
	}
	if err := l.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	_, err := l.Set(t.Context(), core.KV{Key: "a", Version: second})
	wantCode(t, "a deleted key with its version", err, core.CodeConflict)
	if third := mustSet(t, l, core.KV{Key: "a"}); third == first || third == second {
		t.Errorf("version %d was given again after a deletion", third)
	}
}

// testKeyRace counts up with several hands: compare-and-set loses nothing.
func testKeyRace(t *testing.T, l core.Log) {
	mustSet(t, l, core.KV{Key: "n", Value: []byte("0")})
	const hands, each = 4, 5
	var all sync.WaitGroup
	for range hands {
		all.Go(func() {
			for done := 0; done < each; {
				kv, err := l.Get(t.Context(), "n")
				if err != nil {
					t.Error(err)
					return
				}
				n := 0
				fmt.Sscan(string(kv.Value), &n)
				kv.Value = fmt.Append(nil, n+1)
				_, err = l.Set(t.Context(), kv)
				if err == nil {
					done++
				} else if core.CodeOf(err) != core.CodeConflict {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if kv, err := l.Get(t.Context(), "n"); err != nil || string(kv.Value) != "20" {
		t.Errorf("got %s, %v, want 20", kv.Value, err)
	}
}

func testKeyExpiry(t *testing.T, l core.Log) {
	now, err := l.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	later := now.Add(time.Hour)
	mustSet(t, l, core.KV{Key: "stays", Expires: later})
	if got, err := l.Get(t.Context(), "stays"); err != nil || !got.Expires.Equal(later) {
		t.Errorf("got %v, %v, want it to expire at %s", got, err, later)
	}
	old := mustSet(t, l, core.KV{Key: "gone", Expires: now.Add(-time.Second)})
	_, err = l.Get(t.Context(), "gone")
	wantCode(t, "an expired key", err, core.CodeNotFound)
	if keys, err := l.Keys(t.Context(), ""); err != nil || !cmp.Equal(keys, []string{"stays"}) {
		t.Errorf("Keys: got %q, %v, want the one that has not expired", keys, err)
	}
	if got, err := l.Weigh(t.Context(), ""); err != nil || got.Keys != 1 {
		t.Errorf("Weigh: got %v, %v, want the one that has not expired", got, err)
	}
	_, err = l.Set(t.Context(), core.KV{Key: "gone", Version: old})
	wantCode(t, "an expired key with its version", err, core.CodeConflict)
	if again := mustSet(t, l, core.KV{Key: "gone", Value: []byte("new")}); again == old {
		t.Errorf("version %d was given again after the expiry", old)
	}
	if got, err := l.Get(t.Context(), "gone"); err != nil || string(got.Value) != "new" || !got.Expires.IsZero() {
		t.Errorf("made again for ever: got %v, %v", got, err)
	}
	mustSet(t, l, core.KV{Key: "soon", Expires: now.Add(50 * time.Millisecond)})
	eventually(t, "a key expires by itself", func() bool {
		_, err := l.Get(t.Context(), "soon")
		return core.CodeOf(err) == core.CodeNotFound
	})
}

func testKeys(t *testing.T, l core.Log) {
	for _, key := range []string{"a%", "a%b", "aXb", "a_b", "a", "b", "é1", "é2", "A%"} {
		mustSet(t, l, core.KV{Key: key, Value: []byte("\x00é")})
	}
	for _, tc := range []struct {
		prefix string
		want   []string
	}{
		{"a%", []string{"a%", "a%b"}},
		{"a_", []string{"a_b"}},
		{"a", []string{"a", "a%", "a%b", "aXb", "a_b"}},
		{"é", []string{"é1", "é2"}},
		{"", []string{"A%", "a", "a%", "a%b", "aXb", "a_b", "b", "é1", "é2"}},
		{"c", nil},
		{"\U0010FFFF", nil},
	} {
		got, err := l.Keys(t.Context(), tc.prefix)
		if err != nil || !cmp.Equal(tc.want, got) {
			t.Errorf("Keys(%q): got %q, %v, want %q", tc.prefix, got, err, tc.want)
		}
		weight := core.Weight{Keys: int64(len(tc.want)), Bytes: int64(len(strings.Join(tc.want, "")) + 3*len(tc.want))}
		if got, err := l.Weigh(t.Context(), tc.prefix); err != nil || got != weight {
			t.Errorf("Weigh(%q): got %v, %v, want %v", tc.prefix, got, err, weight)
		}
	}
}

func testKeyRefusals(t *testing.T, l core.Log) {
	for _, tc := range []struct {
		name string
		kv   core.KV
		want core.Code
	}{
		{"no key", core.KV{}, core.CodeInternal},
		{"a long key", core.KV{Key: strings.Repeat("k", 1025)}, core.CodeInternal},
		{"a key that is not UTF-8", core.KV{Key: "\xff"}, core.CodeInternal},
		{"a key with NUL", core.KV{Key: "a\x00"}, core.CodeInternal},
		{"a large value", core.KV{Key: "a", Value: make([]byte, 8<<20+1)}, core.CodeTooLarge},
	} {
		_, err := l.Set(t.Context(), tc.kv)
		wantCode(t, tc.name, err, tc.want)
	}
	_, err := l.Lease(t.Context(), "", "node-1", time.Minute)
	wantCode(t, "a lease without a name", err, core.CodeInternal)
	_, err = l.Lease(t.Context(), "jobs", "", time.Minute)
	wantCode(t, "a lease without a holder", err, core.CodeInternal)
	_, err = l.Lease(t.Context(), "jobs", "node-1", 0)
	wantCode(t, "a lease of no time", err, core.CodeInternal)
}

func mustLease(t testing.TB, l core.Log, name, holder string) int64 {
	t.Helper()
	token, err := l.Lease(t.Context(), name, holder, time.Minute)
	if err != nil {
		t.Fatalf("Lease of %s by %s: %v", name, holder, err)
	}
	return token
}

func testLease(t *testing.T, l core.Log) {
	first := mustLease(t, l, "jobs", "node-1")
	if renewed := mustLease(t, l, "jobs", "node-1"); renewed != first || first <= 0 {
		t.Errorf("renewed: got token %d, want %d as before", renewed, first)
	}
	_, err := l.Lease(t.Context(), "jobs", "node-2", time.Minute)
	wantCode(t, "held by another", err, core.CodeConflict)
	mustLease(t, l, "other.$jobs", "node-2")
	for name, holder := range map[string]string{"jobs": "node-2", "absent": "node-1"} {
		if err := l.Release(t.Context(), name, holder); err != nil {
			t.Errorf("Release of what is not held: %v", err)
		}
	}
	_, err = l.Lease(t.Context(), "jobs", "node-2", time.Minute)
	wantCode(t, "released by one who does not hold it", err, core.CodeConflict)
	if err := l.Release(t.Context(), "jobs", "node-1"); err != nil {
		t.Fatal(err)
	}
	second := mustLease(t, l, "jobs", "node-2")
	if second <= first {
		t.Errorf("another holder: got token %d, want more than %d", second, first)
	}
	if err := l.Release(t.Context(), "jobs", "node-2"); err != nil {
		t.Fatal(err)
	}
	if third := mustLease(t, l, "jobs", "node-1"); third <= second {
		t.Errorf("the first holder again: got token %d, want more than %d", third, second)
	}
	if keys, err := l.Keys(t.Context(), ""); err != nil || len(keys) != 0 {
		t.Errorf("leases are not keys: got %q, %v", keys, err)
	}
}

func testLeaseExpiry(t *testing.T, l core.Log) {
	first, err := l.Lease(t.Context(), "jobs", "node-1", 30*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	var second int64
	eventually(t, "another takes the lease over once it has expired", func() bool {
		second, err = l.Lease(t.Context(), "jobs", "node-2", time.Minute)
		return err == nil
	})
	if second <= first {
		t.Errorf("got token %d, want more than %d", second, first)
	}
	_, err = l.Lease(t.Context(), "jobs", "node-1", time.Minute)
	wantCode(t, "the one whose lease expired", err, core.CodeConflict)
}

// testLeaseRace lets several ask for one free lease: one gets it.
func testLeaseRace(t *testing.T, l core.Log) {
	var got atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			_, err := l.Lease(t.Context(), "jobs", fmt.Sprint("node-", i), time.Minute)
			switch core.CodeOf(err) {
			case "":
				got.Add(1)
			case core.CodeConflict:
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got.Load() != 1 {
		t.Errorf("%d got the lease, want 1", got.Load())
	}
}
