package main_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// mongoServer is a MongoDB-protocol server in a process of its own, so that it can be stopped under the nodes.
type mongoServer struct {
	t       testing.TB
	path    string
	dir     string
	address string
	cmd     *exec.Cmd
}

// startMongo builds and starts the test server, or uses the one that PALABRE_TEST_MONGODB_URI names (which cannot be
// stopped).
func startMongo(t testing.TB) *mongoServer {
	t.Helper()
	m := &mongoServer{t: t, dir: t.TempDir(), address: freeAddress(t)}
	if os.Getenv("PALABRE_TEST_MONGODB_URI") != "" {
		return m
	}
	m.path = filepath.Join(m.dir, "ferretserver")
	out, err := exec.Command("go", "build", "-o", m.path, "../../core/internal/log/ferrettest/ferretserver").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	m.Start()
	t.Cleanup(m.Stop)
	return m
}

// Start starts the server, again after Stop.
func (m *mongoServer) Start() {
	m.t.Helper()
	m.cmd = exec.Command(m.path, "-address", m.address, "-data", m.dir)
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
}

// Stop kills the server, if it runs.
func (m *mongoServer) Stop() {
	if m.cmd != nil {
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait()
		m.cmd = nil
	}
}

// environment points a node at the server.
func (m *mongoServer) environment() []string {
	uri := os.Getenv("PALABRE_TEST_MONGODB_URI")
	if uri == "" {
		uri = "mongodb://" + m.address + "/"
	}
	return []string{"PALABRE_MONGODB_URI=" + uri, "PALABRE_MONGODB_DATABASE=palabre_" + strings.ToLower(strings.ReplaceAll(m.t.Name(), "/", "_"))}
}

// Two nodes on one store: writers on both race for the same entry and the same unique value.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	m := startMongo(t)
	a, b := start(t, nodeOptions{Env: m.environment()}), start(t, nodeOptions{Env: m.environment()})

	t.Run("one winner for a unique value", func(t *testing.T) {
		for i := range 10 {
			code := fmt.Sprintf("code-%d", i)
			statuses := race(a, b, func(n *node) int {
				got, err := n.try(context.Background(), "POST", "/api/v1/content/note", map[string]any{"title": "Course " + code, "code": code})
				if err != nil {
					t.Error(err)
					return 0
				}
				return got.Status
			})
			if statuses[http.StatusCreated] != 1 || statuses[http.StatusConflict] != 1 {
				t.Errorf("creating %s twice gave %v, want one 201 and one 409", code, statuses)
			}
		}
	})

	t.Run("one winner for a revision", func(t *testing.T) {
		first := a.want(http.StatusCreated, "POST", "/api/v1/content/note", map[string]any{"title": "Concurrence"})
		id := first.JSON(t)["_id"].(string)
		b.want(http.StatusOK, "GET", "/api/v1/content/note/"+id+"?state=draft", nil, fmt.Sprintf("Wait-For-Position: %d", first.Position()))
		for rev := 1; rev <= 10; rev++ {
			var winners atomic.Int64
			statuses := race(a, b, func(n *node) int {
				got, err := n.try(context.Background(), "PATCH", "/api/v1/content/note/"+id, map[string]any{"body": n.URL + fmt.Sprint(rev)}, fmt.Sprintf(`If-Match: "%d"`, rev))
				if err != nil {
					t.Error(err)
					return 0
				}
				if got.Status == http.StatusOK {
					winners.Store(got.Position())
				}
				return got.Status
			})
			if statuses[http.StatusOK] != 1 || statuses[http.StatusPreconditionFailed] != 1 {
				t.Fatalf("revision %d: %v, want one 200 and one 412", rev, statuses)
			}
			for _, n := range []*node{a, b} {
				n.want(http.StatusOK, "GET", "/api/v1/content/note/"+id+"?state=draft", nil, fmt.Sprintf("Wait-For-Position: %d", winners.Load()))
			}
		}
	})

	t.Run("read your writes on the other node", func(t *testing.T) {
		for i := range 5 {
			w := a.want(http.StatusCreated, "POST", "/api/v1/content/note?publish=true", map[string]any{"title": fmt.Sprintf("Vu ailleurs %d", i)})
			got := b.public("GET", "/api/v1/content/note/"+w.JSON(t)["_id"].(string), fmt.Sprintf("Wait-For-Position: %d", w.Position()))
			if got.Status != http.StatusOK {
				t.Errorf("the other node answered %d", got.Status)
			}
		}
	})

	t.Run("a scheduled publication happens once", func(t *testing.T) {
		id := a.create("note", map[string]any{"title": "À l’heure"}, "")
		at := time.Now().Add(1500 * time.Millisecond).UTC().Format(time.RFC3339Nano)
		a.want(http.StatusOK, "POST", "/api/v1/content/note/"+id+"/transitions/publish", map[string]any{"at": at})
		for _, n := range []*node{a, b} {
			eventually(t, 15*time.Second, func() error {
				if got := n.public("GET", "/api/v1/content/note/"+id); got.Status != http.StatusOK {
					return fmt.Errorf("still %d", got.Status)
				}
				return nil
			})
		}
		eventually(t, 15*time.Second, func() error {
			if n := publications(a, id); n != 1 {
				return fmt.Errorf("published %d times", n)
			}
			return nil
		})
		w := b.want(http.StatusCreated, "POST", "/api/v1/content/note", map[string]any{"title": "Après"}) // both have had their chance by then
		a.want(http.StatusOK, "GET", "/api/v1/content/note/"+id+"?state=draft", nil, fmt.Sprintf("Wait-For-Position: %d", w.Position()))
		if n := publications(a, id); n != 1 {
			t.Errorf("published %d times", n)
		}
	})

	t.Run("the nodes converge", func(t *testing.T) {
		w := a.want(http.StatusCreated, "POST", "/api/v1/content/note", map[string]any{"title": "Dernier"})
		b.want(http.StatusOK, "GET", "/api/v1/content/note", nil, fmt.Sprintf("Wait-For-Position: %d", w.Position()))
		list := "/api/v1/content/note?state=draft&limit=200&sort=_id"
		if x, y := string(a.want(http.StatusOK, "GET", list, nil).Body), string(b.want(http.StatusOK, "GET", list, nil).Body); x != y {
			t.Errorf("the nodes differ:\n%s\n%s", x, y)
		}
	})
}

// publications counts the revisions of an entry that published it.
func publications(n *node, id string) int {
	count := 0
	for _, r := range n.want(http.StatusOK, "GET", "/api/v1/content/note/"+id+"/revisions", nil).JSON(n.t)["data"].([]any) {
		if r.(map[string]any)["action"] == "publish" {
			count++
		}
	}
	return count
}

// race does the same on two nodes at once and counts the statuses.
func race(a, b *node, do func(*node) int) map[int]int {
	statuses := map[int]int{}
	var mu sync.Mutex
	var both sync.WaitGroup
	for _, n := range []*node{a, b} {
		both.Go(func() {
			status := do(n)
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	both.Wait()
	return statuses
}

// With the store away the website stays up, expiry included; writes are refused with Retry-After; all recovers by itself.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	if os.Getenv("PALABRE_TEST_MONGODB_URI") != "" {
		t.Skip("the server of PALABRE_TEST_MONGODB_URI is not ours to stop")
	}
	m := startMongo(t)
	dir := t.TempDir()
	n := start(t, nodeOptions{Dir: dir, Env: m.environment()})
	stays := n.create("note", map[string]any{"title": "Reste"}, "?publish=true")
	expires := n.create("note", map[string]any{"title": "Expire"}, "?publish=true")
	moment := time.Now().Add(4 * time.Second)
	n.want(http.StatusOK, "POST", "/api/v1/content/note/"+expires+"/transitions/unpublish", map[string]any{"at": moment.UTC().Format(time.RFC3339Nano)})
	m.Stop()

	status := func(id string) int { return n.public("GET", "/api/v1/content/note/"+id).Status }
	if status(stays) != http.StatusOK || status(expires) != http.StatusOK {
		t.Errorf("reads stopped with the store: %d, %d", status(stays), status(expires))
	}
	if len(n.public("GET", "/api/v1/content/note?q=reste").JSON(t)["data"].([]any)) != 1 {
		t.Error("search stopped with the store")
	}
	a, err := n.try(t.Context(), "POST", "/api/v1/content/note", map[string]any{"title": "Refusé"})
	if err != nil || a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("a write gave %+v (%v), want 503 with Retry-After", a, err)
	}
	eventually(t, 15*time.Second, func() error {
		if s := status(expires); s != http.StatusNotFound {
			return fmt.Errorf("the expired note still answers %d", s)
		}
		return nil
	})
	n.Kill() // a restart while the store is away serves what the catalog has
	n = start(t, nodeOptions{Dir: dir, Env: m.environment()})
	if status(stays) != http.StatusOK || status(expires) != http.StatusNotFound {
		t.Errorf("after a restart without the store: %d, %d", status(stays), status(expires))
	}

	m.Start()
	eventually(t, 30*time.Second, func() error {
		a, err := n.try(t.Context(), "POST", "/api/v1/content/note", map[string]any{"title": "De retour"})
		if err != nil || a.Status != http.StatusCreated {
			return fmt.Errorf("writes still give %v %v", a, err)
		}
		return nil
	})
	eventually(t, 15*time.Second, func() error {
		e := n.want(http.StatusOK, "GET", "/api/v1/content/note/"+expires+"?state=draft", nil).JSON(t)
		if e["_rev"].(float64) < 3 { // created and published, scheduled, expired
			return errNotYet // the expiry is not committed yet
		}
		return nil
	})
}
