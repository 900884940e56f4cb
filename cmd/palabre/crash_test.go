package main_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	crashRounds = flag.Int("crash.rounds", 50, "how often TestCrash kills the server")
	crashSeed   = flag.Uint64("crash.seed", 0, "seed of TestCrash; 0 takes a random one and prints it")
)

// acknowledged is what the server said it had done, by entry. Writers tell it after each answer.
type acknowledged struct {
	mu      sync.Mutex
	entries map[string]ackedEntry
	pairs   [][2]string // entries of one batch: both or neither
	unsure  map[string]bool
	writes  int
}

// ackedEntry is the last answer about one entry. Each entry has one writer, so that later is newer.
type ackedEntry struct {
	Rev       float64
	Title     string
	Published bool
	Trashed   bool
}

func (a *acknowledged) tell(id string, e ackedEntry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entries[id] = e
	delete(a.unsure, id)
	a.writes++
}

// doubt remembers that a write to an entry was on its way when the server died: it may or may not have happened.
func (a *acknowledged) doubt(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unsure[id] = true
}

// Nothing that was acknowledged is lost when the process is killed at any moment, nothing is there by half, and the
// catalog is what the log says.
func TestCrash(t *testing.T) {
	t.Parallel()
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	acks := &acknowledged{entries: map[string]ackedEntry{}, unsure: map[string]bool{}}
	for round := range *crashRounds {
		n := start(t, nodeOptions{Dir: dir})
		checkAcknowledged(t, n, acks)
		killUnderLoad(n, acks, time.Duration(20+r.IntN(250))*time.Millisecond, round)
		if round%10 == 9 || round == *crashRounds-1 {
			mustPalabre(t, dir, "log", "verify")
			mustPalabre(t, dir, "catalog", "verify")
		}
	}
	n := start(t, nodeOptions{Dir: dir})
	checkAcknowledged(t, n, acks)
	if acks.writes < *crashRounds {
		t.Errorf("only %d writes were acknowledged in %d rounds: the test did not test", acks.writes, *crashRounds)
	}
	t.Logf("%d acknowledged writes to %d entries survived %d kills", acks.writes, len(acks.entries), *crashRounds)
}

// A view of a plugin stands where the catalog does, whenever the process is killed: what it counts is neither lost nor counted
// twice.
func TestCrash_views(t *testing.T) {
	t.Parallel()
	dir, with := t.TempDir(), []string{"PALABRE_TEST_PLUGIN=count"}
	acks := &acknowledged{entries: map[string]ackedEntry{}, unsure: map[string]bool{}}
	for round := range *crashRounds/10 + 1 {
		killUnderLoad(start(t, nodeOptions{Dir: dir, Env: with}), acks, time.Duration(50+rand.IntN(250))*time.Millisecond, round)
		cmd := exec.Command(binary(t), "catalog", "verify")
		cmd.Env = append(environment(dir), with...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("after %d kills: %v\n%s", round+1, err, out)
		}
	}
	n := start(t, nodeOptions{Dir: dir, Env: with})
	eventually(t, 30*time.Second, func() error {
		got := n.want(http.StatusOK, "GET", "/api/v1/plugins/dev.palabre.test", nil)
		if !strings.Contains(string(got.Body), `"name":"changes","version":0,"standing":"level"`) {
			return fmt.Errorf("the view is not level: %s", got.Body)
		}
		return nil
	})
	if got := n.want(http.StatusOK, "POST", "/api/v1/catalog/verify", nil); !strings.Contains(string(got.Body), `"differences":[]`) || acks.writes == 0 {
		t.Errorf("after %d writes: %s", acks.writes, got.Body)
	}
}

// killUnderLoad lets eight writers write for a time, kills the server and waits for the writers to notice.
func killUnderLoad(n *node, acks *acknowledged, after time.Duration, round int) {
	ctx, cancel := context.WithCancel(context.Background())
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if !writeSomething(n, acks, fmt.Sprintf("r%d-w%d-%d", round, w, i)) {
					return
				}
			}
		})
	}
	timer := time.NewTimer(after)
	<-timer.C
	n.Kill()
	cancel()
	writers.Wait()
}

// writeSomething creates an entry, or two in a batch, and changes, publishes or deletes it. It reports whether the
// server still answers.
func writeSomething(n *node, acks *acknowledged, name string) bool {
	if strings.HasSuffix(name, "3") {
		return writePair(n, acks, name)
	}
	ctx := context.Background()
	a, err := n.try(ctx, "POST", "/api/v1/content/note", map[string]any{"title": name, "body": strings.Repeat("texte ", 100)})
	if err != nil || a.Status != http.StatusCreated {
		return false
	}
	id := a.JSON(n.t)["_id"].(string)
	acks.tell(id, ackedEntry{Rev: 1, Title: name})
	steps := []struct {
		method, path string
		body         any
		then         ackedEntry
	}{
		{"PATCH", "", map[string]any{"title": name + "-changed", "tags": []string{"x"}}, ackedEntry{Rev: 2, Title: name + "-changed"}},
		{"POST", "/transitions/publish", nil, ackedEntry{Rev: 3, Title: name + "-changed", Published: true}},
		{"DELETE", "", nil, ackedEntry{Rev: 4, Title: name + "-changed", Trashed: true}},
	}
	for _, s := range steps[:len(name)%4] {
		acks.doubt(id)
		a, err := n.try(ctx, s.method, "/api/v1/content/note/"+id+s.path, s.body)
		if err != nil || a.Status >= 300 {
			return false
		}
		acks.tell(id, s.then)
	}
	return true
}

func writePair(n *node, acks *acknowledged, name string) bool {
	one, two := name+"-one", name+"-two"
	a, err := n.try(context.Background(), "POST", "/api/v1/batch", map[string]any{"operations": []any{
		map[string]any{"op": "create", "type": "note", "data": map[string]any{"title": one}},
		map[string]any{"op": "create", "type": "note", "data": map[string]any{"title": two}},
	}})
	acks.mu.Lock()
	acks.pairs = append(acks.pairs, [2]string{one, two})
	acks.mu.Unlock()
	if err != nil || a.Status >= 300 {
		return false
	}
	var got struct{ Results []map[string]any }
	if json.Unmarshal(a.Body, &got) != nil || len(got.Results) != 2 {
		n.t.Errorf("batch answered %s", a.Body)
		return false
	}
	for i, title := range []string{one, two} {
		id, _ := got.Results[i]["id"].(string)
		if id == "" {
			id, _ = got.Results[i]["_id"].(string)
		}
		acks.tell(id, ackedEntry{Rev: 1, Title: title})
	}
	return true
}

func checkAcknowledged(t *testing.T, n *node, acks *acknowledged) {
	t.Helper()
	acks.mu.Lock()
	defer acks.mu.Unlock()
	stored := everything(t, n)
	for id, want := range acks.entries {
		got, ok := stored[id]
		switch {
		case !ok:
			t.Fatalf("acknowledged entry %s (%+v) is gone", id, want)
		case got.Rev < want.Rev || got.Rev == want.Rev && got != want:
			t.Fatalf("entry %s is %+v, acknowledged was %+v", id, got, want)
		case got.Rev > want.Rev && !acks.unsure[id]:
			t.Fatalf("entry %s is %+v although nothing was asked after %+v", id, got, want)
		}
	}
	titles := map[string]bool{}
	for _, e := range stored {
		titles[e.Title] = true
	}
	for _, p := range acks.pairs {
		if titles[p[0]] != titles[p[1]] {
			t.Fatalf("of the batch %v only one half is there", p)
		}
	}
}

// everything reads all notes, trash included, through the API.
func everything(t *testing.T, n *node) map[string]ackedEntry {
	t.Helper()
	stored := map[string]ackedEntry{}
	for _, state := range []string{"draft", "trash", "published"} {
		for after := ""; ; {
			page := n.want(http.StatusOK, "GET", "/api/v1/content/note?limit=200&sort=_id&total=false&state="+state+after, nil).JSON(t)
			for _, item := range page["data"].([]any) {
				e := item.(map[string]any)
				id, got := e["_id"].(string), ackedEntry{Rev: e["_rev"].(float64), Title: e["title"].(string), Trashed: state == "trash"}
				if state == "published" {
					got = stored[id]
					got.Published = true
				}
				stored[id] = got
			}
			next, _ := page["page"].(map[string]any)["next"].(string)
			if next == "" {
				break
			}
			after = "&after=" + next
		}
	}
	return stored
}

// The process stops between the commit and the catalog, or before the commit: after a restart the write is there
// whole, or not at all.
func TestCrash_failpoints(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		failpoint string
		survives  bool
	}{
		{"before-append:exit", false},
		{"after-append:exit", true},
	} {
		t.Run(path.Base(tc.failpoint), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			n := start(t, nodeOptions{Dir: dir})
			n.create("note", map[string]any{"title": "before"}, "")
			n.Stop()

			n = start(t, nodeOptions{Dir: dir, Env: []string{"PALABRE_FAILPOINT=" + tc.failpoint}})
			if a, err := n.try(t.Context(), "POST", "/api/v1/content/note", map[string]any{"title": "during"}); err == nil {
				t.Fatalf("the server answered %d: the failpoint did not stop it", a.Status)
			}
			<-n.done

			n = start(t, nodeOptions{Dir: dir})
			found := len(n.want(http.StatusOK, "GET", "/api/v1/content/note?state=draft&filter[slug]=during", nil).JSON(t)["data"].([]any)) == 1
			if found != tc.survives {
				t.Errorf("the write is there: %v, want %v", found, tc.survives)
			}
			n.create("note", map[string]any{"title": "afterwards"}, "")
			n.Stop()
			mustPalabre(t, dir, "log", "verify")
			mustPalabre(t, dir, "catalog", "verify")
		})
	}
}
