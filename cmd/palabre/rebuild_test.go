package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// library is a node with public notes that are known by number, readers and writers who do not stop, and what they noticed.
type library struct {
	*node
	t     *testing.T
	ids   []string
	stop  chan struct{}
	once  sync.Once
	work  sync.WaitGroup
	reads atomic.Int64

	mu      sync.Mutex
	written map[string]int // the count that each written entry was last given, by its id
	faults  []string
}

const shelved = 300

func openLibrary(t *testing.T) *library {
	t.Helper()
	l := &library{node: start(t, nodeOptions{}), t: t, stop: make(chan struct{}), written: map[string]int{}}
	t.Cleanup(l.close)
	for len(l.ids) < shelved {
		var ops []map[string]any
		for k := range 100 {
			i := len(l.ids) + k
			ops = append(ops, map[string]any{"op": "create", "type": "note", "publish": true, "data": map[string]any{
				"title": fmt.Sprintf("Band %d", i), "slug": fmt.Sprintf("band-%d", i), "body": "almanach", "count": i, "kind": "a"}})
		}
		res := l.want(http.StatusOK, "POST", "/api/v1/batch", map[string]any{"operations": ops}).JSON(t)
		for _, r := range res["results"].([]any) {
			l.ids = append(l.ids, r.(map[string]any)["id"].(string))
		}
	}
	return l
}

// fault notes what went wrong; the first few tell enough.
func (l *library) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.faults) < 5 {
		l.faults = append(l.faults, fmt.Sprintf(format, args...))
	}
}

func said(a *answer) string {
	if a == nil {
		return "no answer"
	}
	return fmt.Sprintf("%d %s", a.Status, a.Body)
}

// busy repeats f, with its turn, until the library closes.
func (l *library) busy(f func(turn int)) {
	l.work.Go(func() {
		for turn := 0; ; turn++ {
			select {
			case <-l.stop:
				return
			default:
				f(turn)
			}
		}
	})
}

// close ends readers and writers and tells what they noticed.
func (l *library) close() {
	l.t.Helper()
	l.once.Do(func() { close(l.stop) })
	l.work.Wait()
	for _, f := range l.faults {
		l.t.Error(f)
	}
	l.faults = nil
}

type notePage struct {
	Data []struct {
		ID    string `json:"_id"`
		Title string `json:"title"`
		Count int    `json:"count"`
	} `json:"data"`
	Page struct {
		Total int `json:"total"`
	} `json:"page"`
}

// page asks for a list past every cache, and insists on 200.
func (l *library) page(path string, turn int) (p notePage, ok bool) {
	return p, l.get(fmt.Sprintf("%s&filter[count][gte]=%d", path, -1-turn), &p)
}

func (l *library) get(path string, into any) bool {
	l.reads.Add(1)
	a, err := l.send(context.Background(), "GET", path, nil)
	if err != nil || a.Status != http.StatusOK {
		l.fault("GET %s: %v %s", path, err, said(a))
		return false
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		l.fault("GET %s: %v in %s", path, err, a.Body)
		return false
	}
	return true
}

func (l *library) readLists(turn int) {
	from := turn % (shelved - 20)
	path := fmt.Sprintf("/api/v1/content/note?filter[kind]=a&sort=count&limit=20&filter[count][between]=%d,%d", from, from+9)
	p, ok := l.page(path, turn)
	if ok && (p.Page.Total != 10 || len(p.Data) != 10 || p.Data[0].ID != l.ids[from] || p.Data[9].Title != fmt.Sprintf("Band %d", from+9)) {
		l.fault("%s: %+v", path, p)
	}
}

func (l *library) readEntries(turn int) {
	i := turn % shelved
	for _, path := range []string{l.ids[i], fmt.Sprintf("band-%d", i)} {
		var e struct {
			ID    string `json:"_id"`
			Title string `json:"title"`
		}
		if l.get("/api/v1/content/note/"+path+"?locale="+[]string{"fr", "en"}[turn/shelved%2], &e) && (e.ID != l.ids[i] || e.Title != fmt.Sprintf("Band %d", i)) {
			l.fault("%s: %+v", path, e)
		}
	}
}

func (l *library) search(turn int) {
	p, ok := l.page("/api/v1/content/note?q=almanach&limit=5&filter[kind]=a", turn)
	if ok && (p.Page.Total != shelved || len(p.Data) != 5) {
		l.fault("search found %d", p.Page.Total)
	}
}

// writeAs creates entries and changes them, each readable at once to its writer, by its words too.
func (l *library) writeAs(writer int) func(turn int) {
	return func(turn int) {
		word := fmt.Sprintf("w%dx%d", writer, turn)
		a, err := l.try(context.Background(), "POST", "/api/v1/content/note?publish=true", map[string]any{"title": word, "slug": word, "kind": "b", "count": turn})
		if err != nil || a.Status != http.StatusCreated {
			l.fault("create %s: %v %s", word, err, said(a))
			return
		}
		var e struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal(a.Body, &e); err != nil {
			l.fault("create %s: %v", word, err)
			return
		}
		a, err = l.try(context.Background(), "PATCH", "/api/v1/content/note/"+e.ID+"?publish=true", map[string]any{"count": turn + 1000}, `If-Match: "1"`)
		if err != nil || a.Status != http.StatusOK {
			l.fault("change %s: %v %s", word, err, said(a))
			return
		}
		var p notePage
		if l.get("/api/v1/content/note?q="+word, &p) && (p.Page.Total != 1 || p.Data[0].ID != e.ID || p.Data[0].Count != turn+1000) {
			l.fault("%s is not found by its word: %+v", word, p)
		}
		l.mu.Lock()
		l.written[e.ID] = turn + 1000
		l.mu.Unlock()
	}
}

// moreWritten waits until the writers have come further.
func (l *library) moreWritten() {
	l.t.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.written)
	}
	before := count()
	eventually(l.t, 20*time.Second, func() error {
		if count() < before+5 {
			return errNotYet
		}
		return nil
	})
}

const plateType = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Plate", "type": "object", "required": ["title"], "unevaluatedProperties": false,
	"x-type": {"name": "plate%d", "plural": "plates%d", "label": {"fr": "Planche", "en": "Plate"}, "titleField": "title", "public": true},
	"properties": {"title": {"type": "string", "minLength": 1, "x-search": 4}}}`

// applyType makes a content type known, and an entry of it.
func (l *library) applyType(n int) {
	text := fmt.Sprintf(plateType, n, n)
	for _, step := range []struct {
		method, path string
		body         any
	}{
		{"PUT", fmt.Sprintf("/api/v1/types/plate%d", n), map[string]any{"schema": json.RawMessage(text)}},
		{"POST", fmt.Sprintf("/api/v1/content/plate%d?publish=true", n), map[string]any{"title": "Kupferstich"}},
	} {
		a, err := l.try(context.Background(), step.method, step.path, step.body)
		if err != nil || a.Status != http.StatusCreated {
			l.fault("%s %s: %v %s", step.method, step.path, err, said(a))
			return
		}
	}
}

// Readers and writers notice nothing of a catalog that is made anew under them, twice, and nothing is lost by it.
func TestRebuild_whileServing(t *testing.T) {
	t.Parallel()
	l := openLibrary(t)
	l.busy(l.readLists)
	l.busy(l.readEntries)
	l.busy(l.search)
	l.busy(l.writeAs(1))
	l.busy(l.writeAs(2))
	for n := range 2 {
		l.moreWritten()
		var types sync.WaitGroup
		types.Go(func() { l.applyType(n) })
		made := l.want(http.StatusOK, "POST", "/api/v1/catalog/rebuild", nil).JSON(t)
		if made["position"].(float64) < 3 || made["entries"].(float64) < shelved || made["tookMs"].(float64) <= 0 {
			t.Errorf("rebuilt: %v", made)
		}
		types.Wait()
		l.verified()
	}
	l.moreWritten()
	l.close()
	if l.reads.Load() < 100 {
		t.Errorf("only %d reads", l.reads.Load())
	}
	l.keptAll()
	l.verified()
	if code := l.Stop(); code != 0 {
		t.Errorf("ended with %d\n%s", code, l.log)
	}
	l.node = start(t, nodeOptions{Dir: l.Dir})
	l.keptAll()
	l.verified()
}

func (l *library) verified() {
	l.t.Helper()
	found := l.want(http.StatusOK, "POST", "/api/v1/catalog/verify", nil).JSON(l.t)
	if differences := found["differences"].([]any); len(differences) > 0 {
		l.t.Errorf("differs: %v", differences)
	}
}

// keptAll insists that every write is there, and every type.
func (l *library) keptAll() {
	l.t.Helper()
	for id, count := range l.written {
		if e := l.want(http.StatusOK, "GET", "/api/v1/content/note/"+id, nil).JSON(l.t); e["count"] != float64(count) {
			l.t.Errorf("%s: %v, want the count %d", id, e, count)
		}
	}
	for n := range 2 {
		var p notePage
		if l.get(fmt.Sprintf("/api/v1/content/plate%d?q=kupferstich", n), &p) && p.Page.Total != 1 {
			l.fault("plate%d: %+v", n, p)
		}
	}
}

// The command line asks the running server, and only an administrator may.
func TestRebuild_commands(t *testing.T) {
	t.Parallel()
	n := start(t, nodeOptions{})
	n.create("note", map[string]any{"title": "A"}, "")
	public := strings.TrimSpace(n.token("public"))
	for _, tc := range []struct {
		args []string
		says string
		ok   bool
	}{
		{[]string{"rebuild", "--url", n.URL, "--token", adminToken}, "the catalog stands at position ", true},
		{[]string{"verify", "--url", n.URL, "--token", adminToken}, "the catalog is as the log has it, at position ", true},
		{[]string{"rebuild", "--url", n.URL, "--token", public}, "Your role does not allow this.", false},
		{[]string{"verify", "--url", n.URL}, "Sign in", false},
		{[]string{"rebuild"}, "--url", false},
	} {
		out, err := palabre(t, n.Dir, append([]string{"catalog"}, tc.args...)...)
		if (err == nil) != tc.ok || !strings.Contains(out, tc.says) {
			t.Errorf("catalog %s: %v, said %q, want %q", strings.Join(tc.args, " "), err, out, tc.says)
		}
	}
}

// token makes an API token of a role.
func (n *node) token(role string) string {
	n.t.Helper()
	out := mustPalabre(n.t, n.Dir, "tokens", "add", "--name", role, "--role", role, "--url", n.URL, "--token", adminToken)
	for word := range strings.FieldsSeq(out) {
		if strings.HasPrefix(word, "pal_") {
			return word
		}
	}
	n.t.Fatalf("no token in %q", out)
	return ""
}
